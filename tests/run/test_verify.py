"""``rbsuite verify``'s replay of reference solutions."""

from __future__ import annotations

from dataclasses import replace

from rbsuite.environments.base import Environment, StepResult
from rbsuite.environments.solution import Solution
from rbsuite.run.verify import DomainReport, verify
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, Observation

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


class Sums(Environment):
    """Takes one answer, or any number of ``more``."""

    @classmethod
    def load(cls, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        return TASKS

    def begin(self, task: Task) -> Observation:
        return Observation("2 + 2?")

    def act(self, action: Action) -> StepResult:
        if action.text == "boom":
            raise ValueError("it\nbroke")
        return StepResult(Observation(""), float(action.text == self.task.payload["answer"]), action.text != "more")

    def solution(self, task: Task) -> Solution | None:
        texts = task.payload.get("reference")
        return Solution(tuple(Action(text=text) for text in texts)) if texts else None


def test_every_kind_of_outcome_is_told_apart() -> None:
    report = verify(Sums, TASKS, max_steps=2)
    assert (report.tasks, report.solved, report.floor_solved) == (6, 2, 1)
    assert report.without == ("none",)
    assert report.unsolved == {
        "wrong": "the reference scored 0",
        "crash": "the environment raised ValueError: it broke",
        "long": "the reference takes 3 turns, and 2 are allowed",
    }
    assert report.domains == {"a": DomainReport(2, 1, 0), "b": DomainReport(3, 1, 1)}


def test_the_limit_on_turns_is_the_environments() -> None:
    only = replace(TASKS, tasks=TASKS.tasks[3:4])
    assert verify(Sums, only, max_steps=3).solved == 1
