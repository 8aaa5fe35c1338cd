"""A help desk that keeps every rule for environments, and for each rule one that breaks it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping
from copy import copy, deepcopy
from dataclasses import replace
from typing import Any, ClassVar, Self

from rbsuite.environments.base import EpisodeServices, SyncEnvironment, SyncEpisode
from rbsuite.environments.solution import Solution
from rbsuite.environments.users import STOP
from rbsuite.options import Option
from rbsuite.seeds import rng
from rbsuite.specs import EnvironmentSpec, Measure, Split
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, EndReason, Grade, Message, Observation, ToolSpec

DOMAINS = ("north", "south")
SHELVES = ("amber", "bronze", "cobalt")
FIND = ToolSpec("find", "Finds a parcel.", {"type": "object", "properties": {"parcel": {"type": "string"}}})


class DeskEpisode(SyncEpisode):
    """A customer asks for a parcel; the agent may look it up, and says on which shelf it lies."""

    tools: ClassVar[tuple[ToolSpec, ...]] = (FIND,)

    def __init__(self, desk: Desk, task: Task, seed: int) -> None:
        self.desk, self.task, self.shelf = desk, task, str(task.payload["shelf"])
        self.state: dict[str, Any] = {"turn": 0, "right": False}
        self.row = rng(seed, "row").randrange(100)
        brief = Message("system", str(task.payload["wish"]))
        self.observation = Observation("What can I do for you?", turn="user", messages=(brief,))

    def act(self, action: Action) -> Observation:
        self.state["turn"] += 1
        if self.observation.turn == "user":
            if STOP in action.text:
                return Observation("", turn="over")
            return self.first(action.text)
        if action.calls:
            return self.called(action)
        return self.answered(action)

    def first(self, said: str) -> Observation:
        rules = Message("system", "Say where parcels are.")
        return Observation(said, messages=(rules,), tools=self.tools)

    def called(self, action: Action) -> Observation:
        if not action.calls[0].name.startswith("find"):
            return self.failed(action)
        return Observation(f"It is in row {self.row}.", role="tool")

    def failed(self, action: Action) -> Observation:
        return Observation("There is no such tool.", role="tool")

    def answered(self, action: Action) -> Observation:
        self.state["right"] = self.shelf in action.text
        return Observation(f"Thank you, that was turn {self.state['turn']}.", turn="over")

    def grade(self, end: EndReason) -> Grade:
        return Grade(float(self.state["right"]), {"speed": 1 / (1 + self.state["turn"])}, {"shelf": self.shelf})

    def closes(self, action: Action) -> bool:
        return action.speaks

    def fork(self) -> Self:
        twin = copy(self)
        twin.state = deepcopy(self.state)
        return twin


class Desk(SyncEnvironment):
    """Six parcels in two depots."""

    episode: ClassVar[type[DeskEpisode]] = DeskEpisode

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        made = [self.task(number) for number in range(6)]
        return TaskSet("desk", split, tuple(task for task in made if domain in ("", task.domain)))

    def task(self, number: int) -> Task:
        domain = DOMAINS[number % 2]
        payload = {"wish": f"You want parcel P{number}.", "shelf": SHELVES[number % 3], "spare": [1]}
        return Task(f"{domain}/{number}", f"group-{number % 2}", domain, f"Where is parcel P{number}?", payload)

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> SyncEpisode:
        return self.episode(self, task, seed)

    def solution(self, task: Task) -> Solution:
        find, answer = Action.call("find", {"parcel": task.id}), Action(f"On the {task.payload['shelf']} shelf.")
        return Solution((find, answer), (Action(task.query), Action(STOP)))


GOOD = EnvironmentSpec(
    "desk",
    "parcels on shelves",
    f"{__name__}:Desk",
    version="1",
    splits=(Split("all", "six parcels", bundled=True),),
    domains=DOMAINS,
    action_mode="tools",
    max_steps=5,
    agent="tools",
    users=("scripted",),
    measures=(Measure("speed", "how few turns it took"),),
)


class NoEnvironment:
    pass


class WithOption(Desk):
    def __init__(self, n: int) -> None:
        assert n == 0


class TwoOfOneId(Desk):
    def task(self, number: int) -> Task:
        return replace(super().task(number), id="the same")


class NoGroup(Desk):
    def task(self, number: int) -> Task:
        return replace(super().task(number), group="")


class AllDomains(Desk):
    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        return super().tasks(split)


class _More(Desk):
    """Tasks with something else in their payload."""

    def more(self) -> Mapping[str, Any]:
        raise NotImplementedError

    def task(self, number: int) -> Task:
        task = super().task(number)
        return replace(task, payload={**task.payload, **self.more()})


class SetInPayload(_More):
    def more(self) -> Mapping[str, Any]:
        return {"set": {"a", "b"}}


class HashInPayload(_More):
    def more(self) -> Mapping[str, Any]:
        return {"hash": hash("a text")}


class _OverAtOnce(DeskEpisode):
    def __init__(self, desk: Desk, task: Task, seed: int) -> None:
        super().__init__(desk, task, seed)
        self.observation = Observation("Closed.", turn="over")


class OverAtOnce(Desk):
    episode = _OverAtOnce


class SlowToOpen(Desk):
    opened: ClassVar[int] = 0

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> SyncEpisode:
        SlowToOpen.opened += 1
        if SlowToOpen.opened < 10:
            time.sleep(0.11)
        return super().begin(task, seed=seed, services=services)


class _Silent(DeskEpisode):
    def first(self, said: str) -> Observation:
        return replace(super().first(said), text="")


class NothingToSearchWith(Desk):
    episode = _Silent

    def task(self, number: int) -> Task:
        return replace(super().task(number), query="")


class _NoTools(DeskEpisode):
    tools = ()


class NoTools(Desk):
    episode = _NoTools


class _OddTool(DeskEpisode):
    tools = (replace(FIND, name="find parcel"),)


class OddTool(Desk):
    episode = _OddTool


class _AnswersByText(DeskEpisode):
    def called(self, action: Action) -> Observation:
        return "It is in row 3."  # type: ignore[return-value]


class AnswersByText(Desk):
    episode = _AnswersByText


class _Random(DeskEpisode):
    def called(self, action: Action) -> Observation:
        return Observation(f"It is in row {random.Random().random()}.", role="tool")


class RandomObservations(Desk):
    episode = _Random


class _GlobalChance(DeskEpisode):
    def called(self, action: Action) -> Observation:
        random.random()
        return super().called(action)


class GlobalChance(Desk):
    episode = _GlobalChance


class _Raises(DeskEpisode):
    def failed(self, action: Action) -> Observation:
        raise KeyError(action.calls[0].name)


class RaisesOnJunk(Desk):
    episode = _Raises


class _Counted(DeskEpisode):
    def __init__(self, desk: Desk, task: Task, seed: int) -> None:
        super().__init__(desk, task, seed)
        assert isinstance(desk, SharedCounter)
        desk.open_now += 1
        self.shared = desk

    def called(self, action: Action) -> Observation:
        return Observation(f"{self.shared.open_now} customers are here.", role="tool")

    def close(self) -> None:
        self.shared.open_now -= 1


class SharedCounter(Desk):
    episode = _Counted
    open_now = 0


class _SharedFork(DeskEpisode):
    def fork(self) -> Self:
        return copy(self)


class SharedFork(Desk):
    episode = _SharedFork


class _Writes(DeskEpisode):
    def called(self, action: Action) -> Observation:
        self.task.payload["spare"].append(1)
        return super().called(action)


class WritesToTasks(Desk):
    episode = _Writes


class _Odd(DeskEpisode):
    def called(self, action: Action) -> Observation:
        return replace(super().called(action), data={"rows": {1, 2}})


class SetInData(Desk):
    episode = _Odd


class _Thread(DeskEpisode):
    def __init__(self, desk: Desk, task: Task, seed: int) -> None:
        super().__init__(desk, task, seed)
        threading.Thread(target=time.sleep, args=(3.0,), daemon=True).start()


class LeavesThreads(Desk):
    episode = _Thread


class _Generous(DeskEpisode):
    def grade(self, end: EndReason) -> Grade:
        return replace(super().grade(end), score=2.0)


class ScoresTwo(Desk):
    episode = _Generous


class _NoTimeouts(DeskEpisode):
    def grade(self, end: EndReason) -> Grade:
        if end == "timeout":
            raise ValueError(end)
        return super().grade(end)


class NoTimeouts(Desk):
    episode = _NoTimeouts


class WrongSolution(Desk):
    def solution(self, task: Task) -> Solution:
        right = super().solution(task)
        return replace(right, actions=(right.actions[0], Action("On no shelf.")))


class _Open(DeskEpisode):
    def answered(self, action: Action) -> Observation:
        return replace(super().answered(action), turn="agent")


class NeverOver(Desk):
    episode = _Open


class _RightAtOnce(DeskEpisode):
    def __init__(self, desk: Desk, task: Task, seed: int) -> None:
        super().__init__(desk, task, seed)
        self.state["right"] = True

    def answered(self, action: Action) -> Observation:
        seen = super().answered(action)
        self.state["right"] = self.state["right"] or not action.text
        return seen


class NothingToDo(Desk):
    episode = _RightAtOnce


class _NothingCloses(DeskEpisode):
    closes = SyncEpisode.closes


class NothingCloses(Desk):
    episode = _NothingCloses


class _Tells(DeskEpisode):
    def called(self, action: Action) -> Observation:
        return Observation(f"It is on the {self.shelf} shelf.", role="tool")


class TellsTheAnswer(Desk):
    episode = _Tells


class _TellsWhenWrong(DeskEpisode):
    def failed(self, action: Action) -> Observation:
        return Observation(f"No such tool. You should say {self.shelf}.", role="tool")


class TellsWhenWrong(Desk):
    episode = _TellsWhenWrong


class _TruthInData(DeskEpisode):
    def first(self, said: str) -> Observation:
        return replace(super().first(said), data={"place": self.shelf})


class TruthInData(Desk):
    episode = _TruthInData


class _Verdict(DeskEpisode):
    def answered(self, action: Action) -> Observation:
        seen = super().answered(action)
        return replace(seen, text="Well done!" if self.state["right"] else "I see.")


class TellsTheVerdict(Desk):
    episode = _Verdict


class _VerdictInData(DeskEpisode):
    def answered(self, action: Action) -> Observation:
        return replace(super().answered(action), data={"mood": "good" if self.state["right"] else "bad"})


class VerdictInData(Desk):
    episode = _VerdictInData


class _LooksUp(DeskEpisode):
    """The shelf is looked up, so one that does not exist cannot be put in its place."""

    def __init__(self, desk: Desk, task: Task, seed: int) -> None:
        super().__init__(desk, task, seed)
        self.place = SHELVES.index(self.shelf)


class LooksUp(Desk):
    episode = _LooksUp


class _LooksUpAndTells(_LooksUp):
    def called(self, action: Action) -> Observation:
        return Observation(f"It is on the {SHELVES[self.place]} shelf.", role="tool")


class LooksUpAndTells(Desk):
    episode = _LooksUpAndTells


class _OddReward(DeskEpisode):
    def act(self, action: Action) -> Observation:
        self.reward = "much"  # type: ignore[assignment]
        return super().act(action)


class OddReward(Desk):
    episode = _OddReward


def _of(environment: type[Any], **changed: Any) -> EnvironmentSpec:
    return replace(GOOD, name="broken", factory=f"{__name__}:{environment.__name__}", **changed)


BROKEN: Mapping[str, EnvironmentSpec] = {
    "name": replace(GOOD, name="the desk"),
    "summary": replace(GOOD, name="broken", summary="two\nlines"),
    "factory": _of(NoEnvironment),
    "options": _of(WithOption, options=(Option("n", "int", 0, "how many", minimum=1),)),
    "import": replace(GOOD, name="broken", factory="broken.work:Environment"),
    "complete": replace(GOOD, name="broken", version=""),
    "tasks": _of(TwoOfOneId),
    "task-fields": _of(NoGroup),
    "domains": _of(AllDomains),
    "task-data": _of(SetInPayload),
    "task-hash": _of(HashInPayload),
    "opens": _of(OverAtOnce),
    "cheap-open": _of(SlowToOpen),
    "query": _of(NothingToSearchWith),
    "offers": _of(NoTools),
    "tool-schemas": _of(OddTool),
    "observations": _of(AnswersByText),
    "same-seed": _of(RandomObservations),
    "own-chance": _of(GlobalChance),
    "junk-actions": _of(RaisesOnJunk),
    "isolated": _of(SharedCounter),
    "fork": _of(SharedFork),
    "task-untouched": _of(WritesToTasks),
    "plain-records": _of(SetInData),
    "gives-back": _of(LeavesThreads),
    "score": _of(ScoresTwo),
    "graded-anywhere": _of(NoTimeouts),
    "solution": _of(WrongSolution),
    "ends": _of(NeverOver),
    "floor": _of(NothingToDo),
    "closes": _of(NothingCloses),
    "truth-hidden": _of(TellsTheAnswer),
    "truth-after-failure": _of(TellsWhenWrong),
    "truth-in-data": _of(TruthInData),
    "gymnasium": _of(OddReward),
}
"""A spec for each rule."""
