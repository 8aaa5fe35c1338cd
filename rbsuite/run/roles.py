"""The roles that models play on one task: agent, user, judge, memory, selector, grader. Each is handed services of its own: prompts, a
metered model, and for memories the bank as of one version.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from rbsuite.environments.base import is_task_aware
from rbsuite.environments.solution import reference_of
from rbsuite.environments.users import User, UserStart
from rbsuite.errors import PLUGIN_REMEDY, LimitReached, ModelError, PluginError, RbsuiteError
from rbsuite.events import ModelCalled, Place
from rbsuite.models.base import ChatModel, Completion, ModelRequest, Purpose
from rbsuite.models.client import Ledger, ModelHandle
from rbsuite.models.meter import Metered
from rbsuite.models.prices import context
from rbsuite.models.replies import Remembering, Replies
from rbsuite.models.services import Asking
from rbsuite.prompts import Prompts
from rbsuite.run.parts import RunParts
from rbsuite.run.reads import Reads, ReadsBank
from rbsuite.seeds import derive_seed, rng
from rbsuite.task import Task
from rbsuite.trajectory import Usage


def first_failure(error: BaseException) -> BaseException:
    """The first failure of a group of them; any other error itself."""
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
        if not isinstance(error, Exception):
            return
        where = f"{self._kind} {self._name!r} on task {self._task_id!r}"
        failure = first_failure(error)  # of several rollouts side by side
        if isinstance(failure, PluginError) and not failure.owner:
            raise PluginError(failure.message, failure.remedy, owner=where) from failure
        if isinstance(failure, RbsuiteError):
            raise failure from failure.__cause__
        raise PluginError.of(where, error, PLUGIN_REMEDY) from error


class Roles:
    """Hands out services on one task.

    ``failures`` holds, by purpose, what the first failed call of the task said.

    Args:
        parts: what the run's tasks share.
        task: the task.
        models: the models as bound to the task; see :func:`bind_models`.
        position: the task's place in the stream.
    """

    def __init__(self, parts: RunParts, task: Task, models: Mapping[Purpose, ChatModel], position: int) -> None:
        self._parts = parts
        self._task = task
        self._place = Place(parts.info.id, position, task.id)
        self._group = derive_seed(parts.info.seed, task.id, "group")
        self._entrance = parts.gate.at(position)
        self._replies = Replies()
        self.failures: dict[str, str] = {}
        """What the first failed call of each purpose said."""
        self.refused: LimitReached | None = None
        """Why a call was not made: the experiment has reached a limit, and the task must not be committed without what was asked."""
        distinct = {id(model): self._metered(model) for model in models.values()}
        self._models = {purpose: distinct[id(model)] for purpose, model in models.items()}

    def _metered(self, model: ChatModel) -> ChatModel:
        """A model that gives again what it has given, and whose other calls are counted."""
        return Remembering(Metered(model, self._parts.meter, self._refuse), self._replies)

    def _refuse(self, stop: LimitReached) -> None:
        self.refused = stop

    @property
    def place(self) -> Place:
        """Where in the experiment this is, for events."""
        return self._place

    @property
    def saved(self) -> Usage:
        """What calls would have cost that were answered from those of a try that was thrown away."""
        return self._replies.saved

    def services(self, purpose: Purpose, seed: int, ledger: Ledger) -> Services:
        """Prompts and a model. The agent's temperature is the condition's, the others' their own."""
        return Services(self, purpose, seed, ledger)

    def counting(self, purpose: Purpose, seed: int, ledger: Ledger, counts: Counter[str]) -> CountingServices:
        """Services that also count events."""
        return CountingServices(self, purpose, seed, ledger, counts)

    def view(self, reads: Reads, version: int, seed: int, ledger: Ledger, counts: Counter[str]) -> View:
        """What a memory is handed."""
        return View(self, seed, ledger, counts, reads, version)

    def user(self, seed: int, ledger: Ledger) -> User | None:
        """A fresh simulated user, where one takes part."""
        if self._parts.user is None:
            return None
        owner = f"environment {self._parts.spec.name!r} on task {self._task.id!r}"
        solution = reference_of(self._parts.environment, self._task, owner)
        user: User = self._parts.user.make()
        with self.blaming("user", self._parts.user.reference):
            script = () if solution is None else solution.user
            user.start(UserStart(self.services("user", seed, ledger), script, seed))
        return user

    def blaming(self, kind: str, name: str) -> Blaming:
        """Says of a plugin's error whose it is and on which task it came up, unless that has been said."""
        return Blaming(kind, name, self._task.id)

    @property
    def prompts(self) -> Prompts:
        """The condition's templates."""
        return self._parts.prompts

    @property
    def heard(self) -> bool:
        """Whether a user hears what the agent says."""
        return self._parts.user is not None

    def spend(self, purpose: Purpose, model: str, usage: Usage, seconds: float) -> None:
        """Count and tell of what was spent elsewhere than on the experiment's models."""
        self._parts.meter.elsewhere(usage)
        if self._parts.sink.watched:
            self._parts.sink.emit(ModelCalled(self._place, purpose, model, usage, seconds))

    def window(self, purpose: Purpose) -> int:
        """Tokens of a prompt that a model takes, with room for a reply; 0: not known."""
        whole = context(self._models[purpose].name)
        return whole - min(self._parts.reply_tokens[purpose], whole // 4)

    def handle(self, purpose: Purpose, seed: int, ledger: Ledger) -> ModelHandle:
        """A metered model for one purpose."""
        parts, model = self._parts, self._models[purpose]

        def tell(usage: Usage, seconds: float) -> None:
            parts.sink.emit(ModelCalled(self._place, purpose, model.name, usage, seconds))

        terms = ModelRequest(
            (),
            purpose,
            temperature=parts.temperature if purpose == "agent" else None,
            group=self._group,
            max_tokens=parts.reply_tokens[purpose],
            seconds=parts.call_seconds[purpose],
        )
        return ModelHandle(model, terms, seed, self._entrance, ledger, tell if parts.sink.watched else None)


async def bind_models(parts: RunParts, task: Task) -> Mapping[Purpose, ChatModel]:
    """The models of a run as they act on one task; simulated ones are bound to its reference solution, which nothing else here touches."""
    aware = {id(model): model for model in parts.models.values() if is_task_aware(model)}
    bound = {key: await model.for_task(task, parts.environment, parts.opener) for key, model in aware.items()}
    return {purpose: bound.get(id(model), model) for purpose, model in parts.models.items()}


class Services(Asking):
    """Prompts and one metered model. It fits what agents, users and judges may use. What is not used is not made.

    Args:
        roles: whose task it is.
        purpose: what the model is asked for.
        seed: what calls and :attr:`rng` are derived from.
        ledger: where the cost is counted.
    """

    def __init__(self, roles: Roles, purpose: Purpose, seed: int, ledger: Ledger) -> None:
        super().__init__(purpose)
        self._roles = roles
        self._seed = seed
        self._ledger = ledger

    @cached_property
    def rng(self) -> random.Random:
        """A seeded generator."""
        return rng(self._seed, "services")

    @cached_property
    def _model(self) -> ModelHandle:
        return self._roles.handle(self._purpose, self._seed, self._ledger)

    @cached_property
    def window(self) -> int:
        """See :class:`rbsuite.models.services.ModelServices`."""
        return self._roles.window(self._purpose)

    def render(self, template: str, **variables: Any) -> str:
        """Render a prompt template."""
        return self._roles.prompts.render(template, **variables)

    async def ask(self, request: ModelRequest) -> Completion:
        """Ask the model."""
        try:
            return await self._model.complete(request)
        except ModelError as error:
            self._failed(error)
            raise

    def _failed(self, error: ModelError) -> None:
        """Keep why a call failed. Who asks may go on without an answer, and then nothing else tells."""
        self._roles.failures.setdefault(self._purpose, str(error))


class CountingServices(Services):
    """Services that also count events for the report."""

    def __init__(self, roles: Roles, purpose: Purpose, seed: int, ledger: Ledger, counts: Counter[str]) -> None:
        super().__init__(roles, purpose, seed, ledger)
        self._counts = counts

    def count(self, event: str) -> None:
        """Count an event."""
        self._counts[event] += 1

    def _failed(self, error: ModelError) -> None:
        super()._failed(error)
        self.count(f"{self._purpose}_calls_failed")


class View(ReadsBank, CountingServices):
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
        self._ledger.add("memory", usage)
        self._ledger.elsewhere += seconds
        self._roles.spend("memory", model, usage, seconds)

    def render(self, template: str, **variables: Any) -> str:
        """Render a prompt template. It is told whether a user hears the agent, for what is recalled must not be heard."""
        return super().render(template, **{"heard": self._roles.heard, **variables})
