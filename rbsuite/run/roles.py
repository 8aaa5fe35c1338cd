"""The roles that models play on one task: agent, user, judge, memory, selector, grader. Each is handed its own services: prompts, a
metered model, and for memories the bank as of one version.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from rbsuite.environments.base import is_task_aware
from rbsuite.environments.solution import reference_of
from rbsuite.environments.users import User, UserStart
from rbsuite.errors import PLUGIN_REMEDY, ModelError, PluginError, RbsuiteError, blamed_on, is_mistake
from rbsuite.events import ModelCalled, Place
from rbsuite.models.base import ChatModel, Completion, ModelRequest, Purpose
from rbsuite.models.client import Ledger, TaskCalls
from rbsuite.models.prices import context
from rbsuite.run.checks import check_spent, tell
from rbsuite.run.parts import RunParts
from rbsuite.run.reads import Reads, ReadsBank
from rbsuite.seeds import derive_seed, rng
from rbsuite.task import Task
from rbsuite.trajectory import Message, ToolSpec, Usage


def first_failure(error: BaseException) -> BaseException:
    """The first failure in an exception group; any other error as it is."""
    return first_failure(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


class Blaming:
    """A context that blames a plugin for what is raised in it. See :meth:`Roles.blaming`."""

    __slots__ = ("_kind", "_name", "_task_id")

    def __init__(self, kind: str, name: str, task_id: str) -> None:
        self._kind = kind
        self._name = name
        self._task_id = task_id

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is None or not (isinstance(error, RbsuiteError) or is_mistake(error)):
            return
        where = f"{self._kind} {self._name!r} on task {self._task_id!r}"
        failure = first_failure(error)  # of several rollouts side by side
        if isinstance(failure, PluginError) and not failure.owner:
            raise PluginError(failure.message or type(failure).__name__, failure.remedy, owner=where) from failure
        if not is_mistake(failure):
            raise failure from failure.__cause__
        raise PluginError.of(where, error, PLUGIN_REMEDY) from error


class Roles:
    """Hands out services on one task.

    Args:
        parts: what the run's tasks share.
        task: the task.
        models: the models bound to the task; see :func:`bind_models`.
        position: the task's place in the stream.
    """

    def __init__(self, parts: RunParts, task: Task, models: Mapping[Purpose, ChatModel], position: int) -> None:
        self.parts = parts
        self._task = task
        self.place = Place(parts.info.id, position, task.id)
        self.group = derive_seed(parts.info.seed, task.id, "group")
        self.calls = TaskCalls(parts.gate, position, parts.meter)
        self.failures: dict[str, str] = {}
        """The error message of the first failed call for each purpose."""
        self.models = models

    def user(self, seed: int, ledger: Ledger) -> User | None:
        """A fresh simulated user, if one takes part."""
        if self.parts.user is None:
            return None
        owner = f"environment {self.parts.spec.name!r} on task {self._task.id!r}"
        solution = reference_of(self.parts.environment, self._task, owner)
        user: User = self.parts.user.make()
        with self.blaming("user", self.parts.user.reference):
            script = () if solution is None else solution.user
            tell("start", user.start, UserStart(Services(self, "user", seed, ledger), script, seed))
        return user

    def blaming(self, kind: str, name: str) -> Blaming:
        """Adds to a plugin's error whose it is and on which task it came up, unless it already says so."""
        return Blaming(kind, name, self._task.id)

    def spend(self, purpose: Purpose, model: str, usage: Usage, seconds: float) -> None:
        """Count and report what was spent other than on the experiment's models."""
        self.parts.meter.elsewhere(usage)
        if self.parts.sink.watched:
            self.parts.sink.emit(ModelCalled(self.place, purpose, model, usage, seconds))

    def window(self, purpose: Purpose) -> int:
        """How many prompt tokens a model takes, leaving room for a reply; 0: not known."""
        whole = context(self.models[purpose].name)
        return whole - min(self.parts.reply_tokens[purpose], whole // 4)


async def bind_models(parts: RunParts, task: Task) -> Mapping[Purpose, ChatModel]:
    """The models of a run as they act on one task; simulated ones are bound to its reference solution, which nothing else here touches."""
    bound: dict[int, ChatModel] = {}
    for model in parts.models.values():
        if id(model) not in bound:
            bound[id(model)] = model
            if is_task_aware(model):
                with blamed_on(f"model {bound[id(model)].name!r} on task {task.id!r}"):
                    bound[id(model)] = await model.for_task(task, parts.environment, parts.opener)
    return {purpose: bound[id(model)] for purpose, model in parts.models.items()}


class Services:
    """Prompts and one metered model. It provides what agents, users and judges may use.

    Args:
        roles: the roles of the task.
        purpose: what the model is asked for.
        seed: what the seeds of calls and :attr:`rng` are derived from.
        ledger: where the cost is counted.
        counts: where events are counted for the report; ``None``: nowhere.
    """

    def __init__(
        self, roles: Roles, purpose: Purpose, seed: int, ledger: Ledger, counts: Counter[str] | None = None
    ) -> None:
        self._roles = roles
        self._purpose: Purpose = purpose
        self._seed = seed
        self._ledger = ledger
        self._counts = counts
        self._session = 0
        self._calls = 0

    @cached_property
    def rng(self) -> random.Random:
        """A seeded generator."""
        return rng(self._seed, "services")

    @cached_property
    def window(self) -> int:
        """See :class:`rbsuite.models.services.FittingServices`."""
        return self._roles.window(self._purpose)

    def render(self, template: str, **variables: Any) -> str:
        """Render a prompt template."""
        return self._roles.parts.prompts.render(template, **variables)

    def count(self, event: str) -> None:
        """Count an event."""
        if self._counts is not None:
            self._counts[event] += 1

    async def complete(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec] = (),
        *,
        temperature: float | None = None,
        schema: Mapping[str, Any] | None = None,
    ) -> Completion:
        """Ask the model. See :meth:`rbsuite.agents.base.AgentServices.complete`."""
        roles, purpose = self._roles, self._purpose
        if temperature is None and purpose == "agent":
            temperature = roles.parts.temperature
        if not self._calls:
            self._session = derive_seed(self._seed, purpose)
        request = ModelRequest(
            tuple(messages),
            purpose,
            tuple(tools),
            temperature,
            seed=derive_seed(self._session, self._calls),
            session=self._session,
            group=roles.group,
            max_tokens=roles.parts.reply_tokens[purpose],
            schema=schema,
            seconds=roles.parts.call_seconds[purpose],
        )
        self._calls += 1
        model, sink = roles.models[purpose], roles.parts.sink
        started = time.perf_counter()
        try:
            completion = await roles.calls.complete(model, request, self._ledger)
        except ModelError as error:
            # The caller may go on without an answer, and then nothing else would show it.
            roles.failures.setdefault(purpose, str(error))
            self.count(f"{purpose}_calls_failed")
            raise
        if sink.watched:
            seconds = time.perf_counter() - started
            sink.emit(ModelCalled(roles.place, purpose, model.name, completion.usage, seconds))
        return completion


class View(ReadsBank, Services):
    """The bank as a memory sees it. See :class:`rbsuite.memories.base.BankView`.

    Args:
        reads: the bank as of one version; logs what is read.
        version: the version of the stream's position, which the memory is told.
    """

    def __init__(
        self, roles: Roles, seed: int, ledger: Ledger, counts: Counter[str], reads: Reads, version: int
    ) -> None:
        super().__init__(roles, "memory", seed, ledger, counts)
        self._reads = reads
        self._version = version

    @property
    def version(self) -> int:
        """The number of tasks committed before."""
        return self._version

    def spend(self, model: str, usage: Usage, seconds: float) -> None:
        """Count what was spent elsewhere."""
        self._ledger.add("memory", check_spent(usage, seconds))
        self._ledger.elsewhere += seconds
        self._roles.spend("memory", model, usage, seconds)

    def render(self, template: str, **variables: Any) -> str:
        """Render a prompt template. It is told whether a user hears the agent, since the user must not hear what is recalled."""
        return super().render(template, **{"heard": self._roles.parts.user is not None, **variables})
