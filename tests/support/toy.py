"""A small environment for tests of the core: three families of questions, each with a trap that a lesson prevents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rbsuite.environments.base import Environment, StepResult
from rbsuite.environments.solution import Pitfall, Skill, Solution
from rbsuite.errors import UnknownNameError
from rbsuite.hookspecs import hookimpl
from rbsuite.specs import EnvironmentSpec, Split
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, Message, Observation

FAMILIES = ("apples", "bridges", "clouds")
PER_FAMILY = 8
SKILLS = {
    family: Skill(
        id=f"toy/{family}",
        title=f"Count {family} twice",
        lesson=f"Always count the {family} a second time before you answer.",
        symptom=f"I counted the {family} once and that will do.",
    )
    for family in FAMILIES
}


class Toy(Environment):
    """Asks how many there are; the right number is in the payload."""

    default_split: ClassVar[str] = "all"

    @classmethod
    def load(cls, split: str, *, domain: str = "", data: str = "") -> TaskSet:
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

    def begin(self, task: Task) -> Observation:
        return Observation(task.query, messages=(Message("system", "Answer the question."),))

    def act(self, action: Action) -> StepResult:
        right = str(self.task.payload["answer"]) in action.text
        return StepResult(Observation("Thank you."), float(right), True, {"answer": self.task.payload["answer"]})

    def closes(self, action: Action) -> bool:
        return True

    def solution(self, task: Task) -> Solution | None:
        answer = Action(text=str(task.payload["answer"]))
        return Solution((answer,), (Pitfall(f"toy/{task.domain}", {0: (Action(text="There are none."),)}),))

    def skills(self) -> Sequence[Skill]:
        return tuple(SKILLS.values())


TOY = EnvironmentSpec(
    "toy",
    "counts things",
    f"{__name__}:Toy",
    splits=(Split("all", "all of them", bundled=True),),
    domains=FAMILIES,
    agent="text",
    max_steps=3,
)


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
