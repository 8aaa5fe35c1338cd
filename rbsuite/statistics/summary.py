"""An experiment in figures: one summary a condition, one comparison with the baseline.

Values are means over tasks of each task's mean over orders. A rollout that broke (environment or model error) scores 0 in them, is counted,
and is shown; nothing leaves the denominator.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rbsuite.judges.truth import is_success
from rbsuite.record import Condition, RunInfo
from rbsuite.statistics.intervals import Estimate, mean_estimate, paired_p_value
from rbsuite.store import ExperimentStore, ResultRow
from rbsuite.trajectory import BROKEN_ENDS, Usage


@dataclass(frozen=True, slots=True)
class ConditionSummary:
    """What one condition came to.

    Attributes:
        condition: what was run.
        n_tasks: tasks in the denominator.
        orders: runs of the condition.
        committed: tasks committed over all runs; below ``n_tasks * orders`` the experiment is not finished.
        success: share of tasks solved, by the environment's own score.
        scores: mean score of each task over the orders, by task id.
        cells: score of each task in each order, by order and task id.
        steps: agent turns a rollout, mean.
        usage: cost over all runs by purpose.
        ends: rollouts by why they ended.
        judged: verdicts against the truth: ``(label, solved)`` to count.
        recalled: share of tasks for which something was recalled.
        notes: counts the memory reported.
    """

    condition: Condition
    n_tasks: int
    orders: int
    committed: int
    success: Estimate
    scores: Mapping[str, float]
    cells: Mapping[tuple[int, str], float]
    steps: float
    usage: Mapping[str, Usage]
    ends: Mapping[str, int]
    judged: Mapping[tuple[str, bool], int]
    recalled: float
    notes: Mapping[str, int]

    @property
    def failures(self) -> int:
        """Rollouts that broke."""
        return sum(count for end, count in self.ends.items() if end in BROKEN_ENDS)

    @property
    def total(self) -> Usage:
        """Cost over all runs and purposes."""
        return sum(self.usage.values(), Usage())

    @property
    def judge_accuracy(self) -> float | None:
        """Share of verdicts that agree with the truth, of those that say success or failure."""
        decided = {key: count for key, count in self.judged.items() if key[0] in ("success", "failure")}
        right = sum(count for (label, solved), count in decided.items() if (label == "success") == solved)
        return right / sum(decided.values()) if decided else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A condition against the baseline on the same tasks in the same orders, paired by task.

    Attributes:
        a: the condition.
        b: the baseline.
        difference: mean over tasks of the difference of the task's means, a minus b.
        p_value: of the paired t test; ``None`` with fewer than two tasks.
        n_tasks: tasks compared.
        orders: orders that both have tasks of; with one, the interval is conditional on that order.
    """

    a: Condition
    b: Condition
    difference: Estimate
    p_value: float | None
    n_tasks: int
    orders: int


@dataclass(frozen=True, slots=True)
class Summary:
    """An experiment in figures: the conditions in the order they were asked for, each but the first compared with the first."""

    conditions: Sequence[ConditionSummary]
    comparisons: Sequence[Comparison]


@dataclass
class _Tally:
    cells: dict[tuple[int, str], float] = field(default_factory=dict)
    steps: int = 0
    rollouts: int = 0
    recalled: int = 0
    committed: int = 0
    usage: dict[str, Usage] = field(default_factory=dict)
    ends: Counter[str] = field(default_factory=Counter)
    judged: Counter[tuple[str, bool]] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)

    def add(self, order: int, row: ResultRow) -> None:
        self.rollouts += 1
        self.steps += row.steps
        self.ends[row.end] += 1
        if row.label:
            self.judged[row.label, is_success(row.score)] += 1
        for purpose, usage in [*row.usage.items(), *row.task_usage.items()]:
            self.usage[purpose] = self.usage.get(purpose, Usage()) + usage
        if row.selected:
            self.committed += 1
            self.recalled += row.n_recalled > 0
            self.notes.update(row.task_notes)
            self.cells[order, row.task_id] = row.score or 0.0


def summarise(store: ExperimentStore) -> Summary:
    """The figures of an experiment, from its store.

    Raises:
        StoreError: the store cannot be read.
    """
    runs: dict[Condition, list[RunInfo]] = defaultdict(list)
    for run in store.manifest.runs:
        runs[run.condition].append(run)
    conditions = [
        _condition(condition, infos, ((info.order, row) for info in infos for row in store.results(info.id)))
        for condition, infos in runs.items()
    ]
    baseline = conditions[0]
    return Summary(conditions, [compare(other, baseline) for other in conditions[1:]])


def compare(a: ConditionSummary, b: ConditionSummary) -> Comparison:
    """The paired difference of two conditions over the tasks, order by order, that both have committed."""
    shared = {cell: score - b.cells[cell] for cell, score in a.cells.items() if cell in b.cells}
    differences = list(_task_means(shared).values())
    estimate = mean_estimate(differences) if differences else Estimate(math.nan, None)
    orders = len({order for order, _ in shared})
    return Comparison(a.condition, b.condition, estimate, paired_p_value(differences), len(differences), orders)


def _task_means(cells: Mapping[tuple[int, str], float]) -> Mapping[str, float]:
    """The mean over orders of every task, by task id."""
    values: defaultdict[str, list[float]] = defaultdict(list)
    for (_, task), value in cells.items():
        values[task].append(value)
    return {task: math.fsum(found) / len(found) for task, found in values.items()}


def _condition(
    condition: Condition, infos: Sequence[RunInfo], rows: Iterable[tuple[int, ResultRow]]
) -> ConditionSummary:
    tally = _Tally()
    for order, row in rows:
        tally.add(order, row)
    scores = _task_means(tally.cells)
    return ConditionSummary(
        condition=condition,
        n_tasks=len(infos[0].tasks),
        orders=len(infos),
        committed=tally.committed,
        success=mean_estimate(list(scores.values())) if scores else Estimate(math.nan, None),
        scores=scores,
        cells=tally.cells,
        steps=tally.steps / tally.rollouts if tally.rollouts else math.nan,
        usage=dict(sorted(tally.usage.items())),
        ends=dict(sorted(tally.ends.items())),
        judged=dict(sorted(tally.judged.items())),
        recalled=tally.recalled / tally.committed if tally.committed else math.nan,
        notes=dict(sorted(tally.notes.items())),
    )
