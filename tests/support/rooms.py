"""A small environment of named actions for tests of the core: things are carried between rooms, and rooms vary by episode."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Self

from rbsuite.environments.base import EpisodeServices, SyncEnvironment, SyncEpisode
from rbsuite.environments.solution import Solution
from rbsuite.hookspecs import hookimpl
from rbsuite.specs import Apart, EnvironmentSpec, Measure, Split
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, EndReason, Grade, Message, Observation

DOMAINS = ("plain", "long", "coloured")
ROOMS = ("attic", "cellar", "hall", "kitchen", "loft", "study")
LIMIT = 8


class Rooms(SyncEnvironment):
    """The lamp has to be carried from one room to another; half of the progress is to hold it."""

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
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

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> House:
        return House(task)

    def solution(self, task: Task) -> Solution:
        names = names_of(task)
        steps = [f"go to the {task.payload['start']}", names[0], f"go to the {task.payload['goal']}", names[1]]
        return Solution(tuple(Action.choose(names.index(step), step) for step in steps))


def names_of(task: Task) -> tuple[str, ...]:
    """The actions of a task."""
    return ("take the lamp", "drop the lamp", *(f"go to the {room}" for room in task.payload["rooms"]))


class House(SyncEpisode):
    """One house with its lamp."""

    def __init__(self, task: Task) -> None:
        self._names = names_of(task)
        self._goal = str(task.payload["goal"])
        self._at, self._lamp, self._count = "nowhere", str(task.payload["start"]), 0
        self._progress = 0.0
        rules = (Message("system", "You carry things between rooms."),)
        self.observation = Observation(task.query, messages=rules, choices=self._names)

    def act(self, action: Action) -> Observation:
        if action.index is None and not action.text:
            return Observation("You stopped.", turn="over")
        self._count += 1
        index = -1 if action.index is None else action.index
        valid = 0 <= index < len(self._names) and self._do(self._names[index])
        done = self._lamp == self._goal
        self._progress = 1.0 if done else 0.5 if self._lamp == "hand" else self._progress
        self.truncated = not done and self._count >= LIMIT
        over = done or self.truncated
        text = "Done." if valid else "That does not work here."
        return Observation(text, turn="over" if over else "agent", data={"valid": valid})

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

    def grade(self, end: EndReason) -> Grade:
        return Grade(float(self._lamp == self._goal), {"progress": self._progress})

    def closes(self, action: Action) -> bool:
        return action.index is None and not action.text

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
