"""``rbsuite verify``'s replay of reference solutions."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from rbsuite.environments.base import EpisodeServices, SyncEnvironment, SyncEpisode
from rbsuite.environments.solution import Ceiling, Solution
from rbsuite.run.verify import DomainReport, verify
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, EndReason, Grade, Observation

TASKS = TaskSet(
    "sums",
    "all",
    (
        Task("good", "g", "a", payload={"answer": "4", "reference": ("4",)}),
        Task("wrong", "g", "a", payload={"answer": "4", "reference": ("5",)}),
        Task("crash", "g", "b", payload={"answer": "4", "reference": ("boom",)}),
        Task("long", "g", "b", payload={"answer": "4", "reference": ("more", "more", "4")}),
        Task("none", "g", "b", payload={"answer": "4"}),
        Task("idle", "g", "b", payload={"answer": "", "reference": ("",)}),
    ),
)


class Sums(SyncEnvironment):
    """Takes one answer, or any number of ``more``."""

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        return TASKS

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> SyncEpisode:
        return Sum(str(task.payload["answer"]))

    def solution(self, task: Task) -> Solution | None:
        texts = task.payload.get("reference")
        return Solution(tuple(Action(text) for text in texts)) if texts else None


class Sum(SyncEpisode):
    def __init__(self, answer: str) -> None:
        self._answer, self._said = answer, "?"
        self.observation = Observation("2 + 2?")

    def act(self, action: Action) -> Observation:
        if action.text == "boom":
            raise ValueError("it\nbroke")
        self._said = action.text
        return Observation("", turn="agent" if action.text == "more" else "over")

    def grade(self, end: EndReason) -> Grade:
        return Grade(float(self._said == self._answer))


def test_every_kind_of_outcome_is_told_apart() -> None:
    report = asyncio.run(verify(Sums(), TASKS, max_steps=2))
    assert (report.tasks, report.solved, report.floor_solved) == (6, 2, 1)
    assert report.without == ("none",)
    assert report.unsolved == {
        "wrong": "the reference scored 0",
        "crash": "the environment raised ValueError: it broke",
        "long": "the reference takes 3 turns, but only 2 are allowed",
    }
    assert report.domains == {"a": DomainReport(2, 1, 0), "b": DomainReport(3, 1, 1)}


class Bounded(Sums):
    """A benchmark that says which of its answers are wrong by its own grading; of one it says so without need."""

    def ceiling(self, tasks: TaskSet) -> Ceiling:
        return Ceiling({"sums right": 0.75}, {"wrong": "misprinted", "good": "misprinted", "crash": "misprinted"})


def test_a_reference_that_cannot_be_right_is_no_fault() -> None:
    report = asyncio.run(verify(Bounded(), TASKS, max_steps=2))
    assert report.beyond == {"wrong": "misprinted"}
    assert report.unsolved.keys() == {"crash", "long"}
    assert (report.solved, report.ceiling) == (2, {"sums right": 0.75})


def test_the_limit_on_turns_is_the_environments() -> None:
    only = replace(TASKS, tasks=TASKS.tasks[3:4])
    assert asyncio.run(verify(Sums(), only, max_steps=3)).solved == 1
