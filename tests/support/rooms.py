"""A small environment of named actions for tests of the core: things are carried between rooms, and rooms vary by episode."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

from rbsuite.environments.base import Environment, StepResult
from rbsuite.environments.solution import Pitfall, Skill, Solution
from rbsuite.hookspecs import hookimpl
from rbsuite.specs import Apart, EnvironmentSpec, Measure, Split
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, Message, Observation

DOMAINS = ("plain", "long", "coloured")
SKILL = Skill(
    id="rooms/look",
    title="Look before you take",
    lesson="Go to the room of a thing before you take it.",
    symptom="I take the thing from where I am.",
)
ROOMS = ("attic", "cellar", "hall", "kitchen", "loft", "study")
LIMIT = 8


class Rooms(Environment):
    """The lamp has to be carried from one room to another; half of the progress is to hold it."""

    default_split: ClassVar[str] = "all"

    @classmethod
    def load(cls, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        tasks = []
        for name in DOMAINS:
            for number in range(4):
                rooms = ROOMS[: 3 + number % 3]
                start, goal = rooms[number % len(rooms)], rooms[(number + 1) % len(rooms)]
                payload = {"rooms": list(rooms), "start": start, "goal": goal}
                query = f"Carry the {name} lamp to the {goal}."
                tasks.append(Task(f"{name}/{number}", f"house {number}", name, query, payload))
        chosen = tuple(task for task in tasks if domain in ("", task.domain))
        return TaskSet("rooms[toy]", split, chosen, {"pack": "made here"})

    def names(self, task: Task) -> tuple[str, ...]:
        return ("take the lamp", "drop the lamp", *(f"go to the {room}" for room in task.payload["rooms"]))

    def begin(self, task: Task) -> Observation:
        self._at, self._lamp, self._count = "nowhere", str(task.payload["start"]), 0
        self._progress = 0.0
        rules = (Message("system", "You carry things between rooms."),)
        return Observation(task.query, messages=rules, choices=self.names(task))

    def act(self, action: Action) -> StepResult:
        names = self.names(self.task)
        if action.kind == "text" and not action.text:
            return StepResult(Observation("You stopped."), 0.0, True, self._truth())
        self._count += 1
        known = action.kind == "choice" and action.index is not None and 0 <= action.index < len(names)
        valid = known and self._do(names[action.index or 0])
        done = self._lamp == self.task.payload["goal"]
        self._progress = 1.0 if done else 0.5 if self._lamp == "hand" else self._progress
        observation = Observation("Done." if valid else "That does not work here.", data={"valid": valid})
        return StepResult(observation, 0.0, done, self._truth(), truncated=not done and self._count >= LIMIT)

    def _do(self, name: str) -> bool:
        if name.startswith("go"):
            self._at = name.removeprefix("go to the ")
            return True
        if name.startswith("take") and self._lamp == self._at:
            self._lamp = "hand"
            return True
        if name.startswith("drop") and self._lamp == "hand":
            self._lamp = self._at
            return True
        return False

    def _truth(self) -> dict[str, Any]:
        return {"domain": self.task.domain, "progress": self._progress}

    @property
    def score(self) -> float:
        return float(self._lamp == self.task.payload["goal"])

    def closes(self, action: Action) -> bool:
        return action.kind == "text" and not action.text

    def solution(self, task: Task) -> Solution:
        names = self.names(task)
        steps = [f"go to the {task.payload['start']}", names[0], f"go to the {task.payload['goal']}", names[1]]
        actions = tuple(Action("choice", index=names.index(step), text=step) for step in steps)
        return Solution(actions, (Pitfall(SKILL.id, {0: ()}),))

    def skills(self) -> Sequence[Skill]:
        return (SKILL,)

    def fork(self) -> Self:
        return copy.copy(self)


SPEC = EnvironmentSpec(
    "rooms[toy]",
    "carries things",
    f"{__name__}:Rooms",
    aliases=("rooms",),
    splits=(Split("all", "all of them", bundled=True),),
    domains=DOMAINS,
    action_mode="choice",
    agent="planner",
    max_steps=20,
    measures=(Measure("progress", "half for the lamp in hand"),),
    apart=(Apart("coloured", "No text says which lamp is meant."),),
)


class RoomsPlugin:
    """Declares :class:`Rooms`, and another backend of it."""

    @hookimpl
    def rbsuite_environments(self) -> Sequence[EnvironmentSpec]:
        return [SPEC, replace(SPEC, name="rooms[other]", aliases=("rooms-other",))]
