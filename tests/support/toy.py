"""A small environment for tests of the core: three families of questions, each with a trap that a lesson prevents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rbsuite.environments.base import EpisodeServices, SyncEnvironment, SyncEpisode
from rbsuite.environments.solution import Lesson, Mistake, Solution
from rbsuite.errors import UnknownNameError
from rbsuite.hookspecs import hookimpl
from rbsuite.specs import EnvironmentSpec, Split
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, EndReason, Grade, Message, Observation

FAMILIES = ("apples", "bridges", "clouds")
PER_FAMILY = 8
SKILLS = {
    family: Lesson(
        title=f"Count {family} twice",
        lesson=f"Always count the {family} a second time before you answer.",
        symptom=f"I counted the {family} once and that will do.",
    )
    for family in FAMILIES
}


class Toy(SyncEnvironment):
    """Asks how many there are; the right number is in the payload."""

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        if split != "all":
            raise UnknownNameError("split of toy", split, ["all"])
        tasks = [
            Task(
                id=f"{family}/{number}",
                group=family,
                domain=family,
                query=f"How many {family} are there in picture {number} of the {family} album?",
                payload={"answer": f"There are {number * 7 + 1}.", "family": family},
            )
            for number in range(PER_FAMILY)
            for family in FAMILIES
            if domain in ("", family)
        ]
        return TaskSet("toy", split, tuple(tasks), {"pack": "made here"})

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> ToyEpisode:
        return ToyEpisode(task)

    def solution(self, task: Task) -> Solution | None:
        return Solution((Action(str(task.payload["answer"])),))

    def mistakes(self, task: Task) -> Sequence[Mistake]:
        return (Mistake(f"toy/{task.domain}", {0: (Action("There are none."),)}),)

    def lessons(self) -> Mapping[str, Lesson]:
        return {f"toy/{family}": lesson for family, lesson in SKILLS.items()}


class PrivateToy(Toy):
    """Its tasks may not leave this machine."""

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        return replace(super().tasks(split, domain=domain, data=data), private=True)


class ToyEpisode(SyncEpisode):
    """Takes one answer."""

    def __init__(self, task: Task) -> None:
        self._answer = str(task.payload["answer"])
        self._right = False
        self.observation = Observation(task.query, messages=(Message("system", "Answer the question."),))

    def act(self, action: Action) -> Observation:
        self._right = self._answer in action.text
        return Observation("Thank you.", turn="over")

    def grade(self, end: EndReason) -> Grade:
        return Grade(float(self._right), truth={"answer": self._answer})

    def closes(self, action: Action) -> bool:
        return True


TOY = EnvironmentSpec(
    "toy",
    "counts things",
    f"{__name__}:Toy",
    splits=(Split("all", "all of them", bundled=True),),
    domains=FAMILIES,
    agent="text",
    max_steps=3,
)


PRIVATE_TOY = replace(TOY, factory=f"{__name__}:PrivateToy")


class ToyPlugin:
    """Declares :class:`Toy`, and whatever else a test puts into ``extra``, by the name of its hook without ``rbsuite_``."""

    def __init__(self, **extra: Sequence[Any]) -> None:
        self._extra = extra

    @hookimpl
    def rbsuite_environments(self) -> Sequence[EnvironmentSpec]:
        return [TOY, *self._extra.get("environments", ())]

    @hookimpl
    def rbsuite_memories(self) -> Sequence[Any]:
        return self._extra.get("memories", ())

    @hookimpl
    def rbsuite_judges(self) -> Sequence[Any]:
        return self._extra.get("judges", ())

    @hookimpl
    def rbsuite_agents(self) -> Sequence[Any]:
        return self._extra.get("agents", ())

    @hookimpl
    def rbsuite_scalings(self) -> Sequence[Any]:
        return self._extra.get("scalings", ())

    @hookimpl
    def rbsuite_models(self) -> Sequence[Any]:
        return self._extra.get("models", ())

    @hookimpl
    def rbsuite_prompt_dirs(self) -> Sequence[Any]:
        return self._extra.get("prompt_dirs", ())
