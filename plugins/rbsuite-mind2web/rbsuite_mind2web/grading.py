"""Grades of a task's steps, as computed by published evaluations of Mind2Web."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rbsuite.environments.rescorer import Rescorer
from rbsuite.trajectory import Grade, Trajectory
from rbsuite_mind2web.samples import Said, Step, token_f1

STEPS = "steps"
"""The key for the steps' figures in the truth of a grade."""


def step_figures(step: Step, said: Said | None, *, reached: bool) -> Mapping[str, Any]:
    """The figures of one step.

    Args:
        step: the recorded step.
        said: what was answered; ``None``: nothing readable, or nothing was asked.
        reached: whether a correct element was among those offered; if not, all figures are 0.
    """
    recorded = step.recorded
    if said is None or recorded is None or not reached:
        return {"first": 0.0, "any": 0.0, "f1": 0.0, "success": 0.0, "reached": reached}
    return {
        "first": float(said.node == recorded.node),
        "any": float(said.node in step.positives),
        "f1": token_f1(said.operated, recorded.operated),
        "success": float(said == recorded),
        "reached": True,
    }


def graded(figures: Sequence[Mapping[str, Any]], truth: Mapping[str, Any]) -> Grade:
    """The grade of a task: the score is the share of its steps that were right."""
    success = _mean(figures, "success")
    measures = {
        "element_accuracy": _mean(figures, "first"),
        "element_accuracy_any": _mean(figures, "any"),
        "operation_f1": _mean(figures, "f1"),
        "task_success": float(success == 1),
    }
    return Grade(success, measures, {**truth, STEPS: [dict(one) for one in figures]})


def _mean(figures: Sequence[Mapping[str, Any]], name: str) -> float:
    return sum(float(one[name]) for one in figures) / len(figures)


def _any_positive(trajectory: Trajectory) -> Grade | None:
    """A step is right if any positive element was named with an F1 of 1."""
    grade = trajectory.grade
    if grade is None:
        return None
    figures = [{**one, "success": float(one["any"] and one["f1"] == 1)} for one in grade.truth[STEPS]]
    return graded(figures, {key: value for key, value in grade.truth.items() if key != STEPS})


def _whole_task(trajectory: Trajectory) -> Grade | None:
    """The score is 1 if every step is right, else 0."""
    grade = trajectory.grade
    return None if grade is None else Grade(grade.measures["task_success"], grade.measures, grade.truth)


RESCORERS: Mapping[str, Rescorer] = {
    "any-positive": Rescorer("mind2web-any-positive@1", _any_positive, (STEPS,)),
    "task-success": Rescorer("mind2web-task-success@1", _whole_task),
}
"""Other conventions for the score of stored rollouts."""
