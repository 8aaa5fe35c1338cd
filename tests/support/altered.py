"""Memories, models, judges and environments that are altered in one respect, so that a test can say what that respect does."""

from __future__ import annotations

import asyncio
import string
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from rbsuite.environments.base import Environment, EpisodeServices, Opener
from rbsuite.environments.solution import Solution
from rbsuite.errors import ModelError
from rbsuite.experience import Experience, MemoryItem, MemoryOp, Provenance, Recall, RecallRequest
from rbsuite.judges.base import JudgeRequest, JudgeServices
from rbsuite.learner.builtin import LEARNER_OPTIONS, rbsuite_models
from rbsuite.learner.simulated import SimulatedLearner
from rbsuite.memories.base import BankView
from rbsuite.memories.reasoningbank import ReasoningBank
from rbsuite.models.base import ChatModel, Completion, ModelRequest
from rbsuite.options import Option
from rbsuite.scaling.base import Group, TaskRollouts
from rbsuite.specs import EnvironmentSpec, JudgeSpec, MemorySpec, ModelSpec, ScalingSpec, Split
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, Message, Observation
from rbsuite.verdict import Verdict
from toy import Toy, ToyEpisode

PAPER: Mapping[str, Any] = {"k": 1, "items": 3, "temperature": 1.0, "failures": True}


class Renamed(ReasoningBank):
    """ReasoningBank under another name."""

    def __init__(self) -> None:
        super().__init__(**PAPER)


class Muted(Renamed):
    """Stores and retrieves as ReasoningBank does, but nothing reaches the agent."""

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        return replace(await super().recall(request, view), text="")


class Unrelated(Renamed):
    """Injects as many items of the same lengths, about nothing at all."""

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        recall = await super().recall(request, view)
        items = [item for found in recall.items if (item := view.get(found.item_id)) is not None]
        if not items:
            return recall
        return replace(recall, text=view.render("memory/inject.j2", items=[_unrelated(item) for item in items]))


class Unlearning(Renamed):
    """Asks for lessons as ReasoningBank does, and stores none."""

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        await super().absorb(experience, view)
        return ()


class Watching(Renamed):
    """Keeps what it is handed."""

    seen: ClassVar[list[Any]] = []

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        recall = await super().recall(request, view)
        self.seen.append((request, view.version, recall))
        return recall

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        self.seen.append(experience)
        return await super().absorb(experience, view)


class BrokenMemory(Renamed):
    """Has a bug that shows at the third task."""

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        if experience.position == 2:
            raise ZeroDivisionError("a bug in the plugin")
        return await super().absorb(experience, view)


class PoisonousMemory(Renamed):
    """Returns an operation that has no form in the store."""

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        provenance = Provenance(experience.task_id, experience.position)
        return [MemoryOp("put_document", provenance, document="notes", text=b"bytes")]  # type: ignore[arg-type]


def _unrelated(item: MemoryItem) -> MemoryItem:
    return replace(
        item, title=_filler(item.title), description=_filler(item.description), content=_filler(item.content)
    )


def _filler(text: str) -> str:
    """Text of the same length that says nothing."""
    return (string.ascii_lowercase.replace("e", " ") * len(text))[: len(text) - 1] + "."


class Recording(SimulatedLearner):
    """The simulated learner, keeping every request it gets with the reply."""

    requests: ClassVar[list[tuple[ModelRequest, str]]] = []

    async def for_task(self, task: Task, environment: Environment, opener: Opener) -> ChatModel:
        return _Recorded(await super().for_task(task, environment, opener), self.requests)


class _Recorded:
    def __init__(self, inner: ChatModel, requests: list[tuple[ModelRequest, str]]) -> None:
        self.name = inner.name
        self._inner = inner
        self._requests = requests

    async def complete(self, request: ModelRequest) -> Completion:
        completion = await self._inner.complete(request)
        self._requests.append((request, completion.text))
        return completion

    async def aclose(self) -> None:
        await self._inner.aclose()


class Dawdling(SimulatedLearner):
    """The simulated learner, which gives way to others before it answers, for a time that depends on the request."""

    async def for_task(self, task: Task, environment: Environment, opener: Opener) -> ChatModel:
        return _Dawdling(await super().for_task(task, environment, opener))


class _Dawdling:
    def __init__(self, inner: ChatModel) -> None:
        self.name = inner.name
        self._inner = inner

    async def complete(self, request: ModelRequest) -> Completion:
        for _ in range(request.seed % 17):
            await asyncio.sleep(0)
        return await self._inner.complete(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


class Failing(SimulatedLearner):
    """The simulated learner, failing for good in one role.

    Args:
        purpose: the role.
        family: only on tasks of this family; empty: on all.
    """

    def __init__(self, purpose: str, family: str) -> None:
        super().__init__()
        self._purpose = purpose
        self._family = family

    async def for_task(self, task: Task, environment: Environment, opener: Opener) -> ChatModel:
        bound = await super().for_task(task, environment, opener)
        return _Failing(bound, self._purpose) if task.id.startswith(self._family) else bound


class _Failing:
    def __init__(self, inner: ChatModel, purpose: str) -> None:
        self.name = inner.name
        self._inner = inner
        self._purpose = purpose

    async def complete(self, request: ModelRequest) -> Completion:
        if request.purpose == self._purpose:
            raise ModelError("the provider is down.")
        return await self._inner.complete(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


class Outages(SimulatedLearner):
    """The simulated learner, whose agent is answered no more once :attr:`left` calls have been."""

    left: ClassVar[float] = float("inf")

    async def for_task(self, task: Task, environment: Environment, opener: Opener) -> ChatModel:
        return _Outages(await super().for_task(task, environment, opener))


class _Outages:
    def __init__(self, inner: ChatModel) -> None:
        self.name = inner.name
        self._inner = inner

    async def complete(self, request: ModelRequest) -> Completion:
        if request.purpose == "agent":
            if Outages.left <= 0:
                raise ModelError("the provider is down.")
            Outages.left -= 1
        return await self._inner.complete(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


class WatchingJudge:
    """Keeps what it is handed, and finds that everything succeeded."""

    seen: ClassVar[list[JudgeRequest]] = []

    async def judge(self, request: JudgeRequest, services: JudgeServices) -> Verdict:
        self.seen.append(request)
        return Verdict("success", None, "", "watching")


class BrokenJudge:
    """Its model is down."""

    async def judge(self, request: JudgeRequest, services: JudgeServices) -> Verdict:
        raise ModelError("the judge's provider is down.")


class Three:
    """Three rollouts; the second counts."""

    async def run(self, task: TaskRollouts) -> Group:
        return Group(tuple([await task.rollout(index) for index in range(3)]), 1)


class Crumbling(Toy):
    """The toy, whose clouds cannot be opened and whose bridges give way under the agent's first action."""

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> ToyEpisode:
        if task.domain == "clouds":
            raise OSError("the sky is closed")
        return _Rotten(task) if task.domain == "bridges" else ToyEpisode(task)


class _Rotten(ToyEpisode):
    def act(self, action: Action) -> Observation:
        raise RuntimeError("the bridge gave way")


class Shaky(Toy):
    """The toy, whose world breaks in some rollouts, by their seed; and in all of them while :attr:`down` is set."""

    down: ClassVar[bool] = False

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> ToyEpisode:
        return _Rotten(task) if self.down or seed % 3 == 0 else ToyEpisode(task)


class Endless(Toy):
    """The toy, which never ends an episode."""

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> ToyEpisode:
        return _Endless(task)


class _Endless(ToyEpisode):
    def act(self, action: Action) -> Observation:
        return replace(super().act(action), turn="agent")


class Unsolved(Toy):
    """The toy without reference solutions."""

    def solution(self, task: Task) -> Solution | None:
        return None


class Edited(Toy):
    """The toy with another answer to one task."""

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        tasks = super().tasks(split, domain=domain, data=data)
        first = replace(tasks.tasks[0], payload={**tasks.tasks[0].payload, "note": "edited"})
        return replace(tasks, tasks=(first, *tasks.tasks[1:]))


class Talking(Toy):
    """The toy, in which a simulated user opens with the question; the task itself states none."""

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        tasks = super().tasks(split, domain=domain, data=data)
        return replace(tasks, tasks=tuple(replace(task, query="") for task in tasks))

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> ToyEpisode:
        return _Talk(task)

    def solution(self, task: Task) -> Solution | None:
        solution = super().solution(task)
        assert solution is not None
        return replace(solution, user=(Action(f"How many {task.domain} are there in album {task.id}?"),))


class _Talk(ToyEpisode):
    def __init__(self, task: Task) -> None:
        super().__init__(task)
        brief = Message("system", f"BRIEF: your secret is {task.payload['answer']}")
        self.observation = Observation("Good day.", turn="user", messages=(brief,))

    def act(self, action: Action) -> Observation:
        if self.observation.turn == "user":
            return Observation(action.text)
        return super().act(action)


def memory(name: str, kind: type, *, summary: str = "altered") -> MemorySpec:
    """The declaration of one of the memories above."""
    return MemorySpec(name, summary, f"{__name__}:{kind.__name__}")


def environment(name: str, kind: type, **fields: Any) -> EnvironmentSpec:
    """The declaration of one of the environments above."""
    return EnvironmentSpec(
        name,
        "altered",
        f"{__name__}:{kind.__name__}",
        splits=(Split("all", "all of them", bundled=True),),
        domains=("apples", "bridges", "clouds"),
        agent="text",
        **{"max_steps": 3, **fields},
    )


def judge(name: str, kind: type, *, ground_truth: bool = False) -> JudgeSpec:
    """The declaration of one of the judges above."""
    return JudgeSpec(name, "altered", f"{__name__}:{kind.__name__}", ground_truth=ground_truth)


def recording() -> ModelSpec:
    """``sim/recording``: the learner with its options, keeping what it is asked."""
    learner = next(spec for spec in rbsuite_models() if spec.name == "sim/learner")
    return replace(learner, name="sim/recording", factory=f"{__name__}:Recording", options=LEARNER_OPTIONS)


def dawdling() -> ModelSpec:
    """``sim/dawdling``."""
    return replace(recording(), name="sim/dawdling", factory=f"{__name__}:Dawdling")


def failing() -> ModelSpec:
    """``sim/failing:PURPOSE,family=F``."""
    options = (Option("purpose", "str", "", "the role"), Option("family", "str", "", "the tasks"))
    return ModelSpec("sim/failing", "altered", f"{__name__}:Failing", options, simulated=True)


THREE = ScalingSpec("three", "three rollouts", f"{__name__}:Three")
