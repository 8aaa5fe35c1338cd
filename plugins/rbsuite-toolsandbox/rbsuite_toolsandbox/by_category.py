"""Figures by category, as upstream aggregates them: a scenario counts in each of its categories."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rbsuite.errors import UsageError
from rbsuite.report.figures import bounded
from rbsuite.report.text import table
from rbsuite.statistics.intervals import Estimate
from rbsuite.statistics.shares import ByTask
from rbsuite_toolsandbox.resources import NAME
from rbsuite_toolsandbox.scenario import AUGMENTATIONS

if TYPE_CHECKING:
    from rbsuite.api import Experiment
    from rbsuite.record import Condition, TaskRecord
    from rbsuite.trajectory import Trajectory

ALL = "ALL_CATEGORIES"
_THREE = "THREE_DISTRACTION_TOOLS"
_MESSAGES = 30


@dataclass(frozen=True, slots=True)
class CategoryResult:
    """The results of one condition in one category.

    Attributes:
        category: the category; :data:`ALL` for all scenarios.
        condition: the condition.
        tasks: scenarios of the category that were run.
        similarity: the mean similarity, 0 for a broken rollout, with a 95 % interval over scenarios.
        turns: the mean turn count; 30 for a rollout that broke or crashed, as in upstream.
        fixture: share of the rollouts in which a tool answered from fixtures.
    """

    category: str
    condition: Condition
    tasks: int
    similarity: Estimate
    turns: float
    fixture: float


@dataclass(frozen=True, slots=True)
class _Row:
    task: str
    score: float
    turns: float
    fixture: bool


def categories(experiment: Experiment) -> Sequence[CategoryResult]:
    """The figures of an experiment on ToolSandbox by category and condition, in the order of the scenarios' tags.

    Args:
        experiment: an open experiment; if nothing has been committed yet, there are no figures.

    Raises:
        UsageError: it was run on a different environment.
    """
    environment = experiment.manifest.facts["environment"]["name"]
    if environment != NAME:
        raise UsageError(f"this is an experiment on {environment}, not on {NAME}.", "Name another experiment.")
    found: dict[str, dict[Condition, list[_Row]]] = defaultdict(lambda: defaultdict(list))
    for run in experiment.runs:
        for record in experiment.records(run.id, trajectories=False):
            for category, row in _rows(record):
                found[category][run.condition].append(row)
    last = (name == ALL for name in found)
    ordered = [name for _, name in sorted(zip(last, found, strict=True), key=lambda pair: pair[0])]
    return [_result(name, condition, rows) for name in ordered for condition, rows in found[name].items()]


def categories_text(results: Sequence[CategoryResult]) -> str:
    """The figures as a table."""
    rows = [("category", "condition", "scenarios", "similarity % [95 %]", "turns", "fixture %")]
    for one in results:
        condition = f"{one.condition.memory} x {one.condition.scaling}"
        cells = (f"{one.tasks}", bounded(one.similarity), f"{one.turns:.1f}", f"{100 * one.fixture:.0f}")
        rows.append((one.category, condition, *cells))
    return table(rows, right_from=2)


def _rows(record: TaskRecord) -> Iterator[tuple[str, _Row]]:
    """The rollout that counts, once for each of its scenario's categories."""
    trajectory: Trajectory = record.rollouts[max(record.selected, 0)].trajectory
    graded = next((one.trajectory.grade for one in record.rollouts if one.trajectory.grade is not None), None)
    if graded is None:
        return
    grade = trajectory.grade
    turns = _MESSAGES if grade is None else float(grade.truth["turn_count"])
    fixture = grade is not None and "fixture" in grade.truth["tags"]
    row = _Row(record.task_id, record.score, turns, fixture)
    tags = graded.truth["categories"]
    for tag in tags:
        # Scenarios with scrambled tools have three distraction tools too, and upstream leaves them out of that category.
        if tag != _THREE or not set(tags) & set(AUGMENTATIONS):
            yield tag, row
    yield ALL, row


def _result(category: str, condition: Condition, rows: Sequence[_Row]) -> CategoryResult:
    tasks = [row.task for row in rows]
    return CategoryResult(
        category,
        condition,
        len(set(tasks)),
        ByTask(tasks).mean([row.score for row in rows]),
        sum(row.turns for row in rows) / len(rows),
        sum(row.fixture for row in rows) / len(rows),
    )
