"""The roles that models play on one task: agent, user, judge, memory, selector, each with a metered handle of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rbsuite.environments.base import Environment
from rbsuite.environments.users import User, make_user
from rbsuite.errors import PluginError, RbsuiteError, UsageError
from rbsuite.judges.base import Judge
from rbsuite.memories.bank import Bank
from rbsuite.memories.base import Memory
from rbsuite.models.base import ChatModel, Purpose, TaskAwareModel
from rbsuite.models.client import Gate, Ledger, ModelHandle
from rbsuite.record import RunInfo
from rbsuite.run.checks import REMEDY
from rbsuite.run.reads import Reads
from rbsuite.run.replies import Remembering, Replies
from rbsuite.run.services import CountingServices, Services, View
from rbsuite.run.setup import Setup
from rbsuite.scaling.base import Scaling, Selector
from rbsuite.specs import JudgeSpec, MemorySpec, SelectorSpec
from rbsuite.task import Task
from rbsuite.trajectory import Usage


@dataclass(frozen=True, slots=True)
class RunParts:
    """What the tasks of one run share: the condition's plugins, and the bank.

    ``origin`` is that of every :class:`rbsuite.experience.Experience` of the run.
    """

    setup: Setup
    info: RunInfo
    memory: Memory
    memory_spec: MemorySpec
    scaling: Scaling
    selector: Selector
    selector_spec: SelectorSpec
    judge: Judge
    judge_spec: JudgeSpec
    bank: Bank
    origin: str
    gate: Gate


class Roles:
    """Hands out services on one task.

    Args:
        parts: what the run's tasks share.
        task: the task; simulated models are bound to its reference solution, which nothing else here touches.
    """

    def __init__(self, parts: RunParts, task: Task) -> None:
        self._parts = parts
        self._setup = parts.setup
        self._task = task
        self._replies = Replies()
        self._models: dict[Purpose, ChatModel] = {
            purpose: Remembering(model, self._replies) for purpose, model in self._bind_models().items()
        }

    @property
    def saved(self) -> Usage:
        """What calls would have cost that were answered from those of an attempt that was thrown away."""
        return self._replies.saved

    def services(self, purpose: Purpose, seed: int, ledger: Ledger) -> Services:
        """Prompts and a model. The agent's temperature is the experiment's, the others' their own."""
        return Services(self._setup.prompts, self._handle(purpose, seed, ledger), seed)

    def counting(self, purpose: Purpose, seed: int, ledger: Ledger, counts: Counter[str]) -> CountingServices:
        """Services that also count events."""
        return CountingServices(self._setup.prompts, self._handle(purpose, seed, ledger), seed, counts)

    def view(self, reads: Reads, version: int, seed: int, ledger: Ledger, counts: Counter[str]) -> View:
        """What a memory is handed."""
        return View(reads, version, self._setup.prompts, self._handle("memory", seed, ledger), seed, counts)

    def user(self, environment: Environment, seed: int, ledger: Ledger) -> User | None:
        """A fresh simulated user, where one takes part."""
        strategy = self._setup.config.user
        if not strategy:
            return None
        script = environment.script(self._task) if strategy == "scripted" else ()
        return make_user(strategy, self.services("user", seed, ledger), script)

    @contextmanager
    def blaming(self, kind: str, name: str) -> Iterator[None]:
        """Says of a plugin's error whose it is and on which task it came up, unless that has been said."""
        where = f"{kind} {name!r} on task {self._task.id!r}"
        try:
            yield
        except PluginError as error:
            if error.owner:
                raise
            raise PluginError(error.message, error.remedy, owner=where) from error
        except RbsuiteError:
            raise
        except Exception as error:
            raise PluginError.of(where, error, REMEDY) from error

    def _handle(self, purpose: Purpose, seed: int, ledger: Ledger) -> ModelHandle:
        temperature = self._setup.config.temperature if purpose == "agent" else None
        return ModelHandle(self._models[purpose], purpose, seed, self._parts.gate, ledger, temperature)

    def _bind_models(self) -> dict[Purpose, ChatModel]:
        models = dict(self._setup.models)
        distinct = {id(model): model for model in models.values()}
        aware = [model for model in distinct.values() if isinstance(model, TaskAwareModel)]
        if not aware:
            return models
        with self.blaming("environment", self._setup.environment.name):
            environment = self._setup.make_environment()
            solution, skills = environment.solution(self._task), environment.skills()
            environment.close()
        if solution is None:
            raise UsageError(
                f"task {self._task.id!r} has no reference solution, so a simulated model cannot act on it.",
                "Choose a real model with --model.",
            )
        bound = {id(model): model.for_task(self._task.id, solution, skills) for model in aware}
        return {purpose: bound.get(id(model), model) for purpose, model in models.items()}
