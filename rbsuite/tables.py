"""What an experiment came to as rows: typed objects, and data frames where pandas is installed."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from rbsuite.errors import UsageError
from rbsuite.experience import MemoryItem
from rbsuite.judges.truth import is_success
from rbsuite.memories.folded import folded_items
from rbsuite.record import ALL, RunInfo, TaskRecord
from rbsuite.report.text import table
from rbsuite.statistics.about import About, about
from rbsuite.statistics.comparisons import Comparison
from rbsuite.statistics.conditions import ConditionSummary
from rbsuite.statistics.intervals import Estimate
from rbsuite.statistics.items import ItemsHelped, ItemUse, items_helped
from rbsuite.statistics.summary import Summary
from rbsuite.store import ExperimentStore
from rbsuite.trajectory import Trajectory, Usage

if TYPE_CHECKING:
    import pandas

_R = TypeVar("_R", bound="Row")
_NO_COLUMN = {"column": False}
SHOWN_ROWS = 20
"""Rows that a table shows of itself where it is printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the rows of all tables have.

    Attributes:
        condition: the label of the condition.
        memory, scaling: what it runs.
        simulated: whether a model is a simulation, so that the figures say nothing about a real one.
    """

    condition: str
    memory: str
    scaling: str
    simulated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(Row):
    """What a condition came to.

    Attributes:
        agent, model, judge, embedder: the rest of the condition.
        success: mean score of the tasks; ``low`` and ``high`` are its 95 % interval.
        tasks, orders: tasks in the denominator, and runs.
        committed: tasks committed over all runs.
        recalled: share of tasks for which something was recalled.
        judge_accuracy: share of verdicts that agree with the environment's score; ``None`` without verdicts.
        steps: agent turns a rollout.
        tokens, calls: of a task, all purposes together.
        cost: US dollars of all runs; ``None``: a price is unknown.
        memory_seconds: wall time a task that memory spent in a service or a library of its own.
        failed: rollouts that broke.
        summary: all there is; no column.
    """

    agent: str
    model: str
    judge: str
    embedder: str
    success: float
    low: float
    high: float
    tasks: int
    orders: int
    committed: int
    recalled: float
    judge_accuracy: float | None
    steps: float
    tokens: float
    calls: float
    cost: float | None
    memory_seconds: float
    failed: int
    summary: ConditionSummary = field(metadata=_NO_COLUMN, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference(Row):
    """A condition against the baseline on the same tasks, in the same streams.

    Attributes:
        baseline: the label of the baseline.
        difference: of the mean scores, condition minus baseline; ``low`` and ``high`` are its 95 % interval.
        p, p_holm: its p value, as it is and adjusted for the number of comparisons; ``None`` where unknown.
        tasks, orders: what it rests on.
        comparison: all there is; no column.
    """

    baseline: str
    difference: float
    low: float
    high: float
    p: float | None
    p_holm: float | None
    tasks: int
    orders: int
    comparison: Comparison = field(metadata=_NO_COLUMN, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult(Row):
    """A committed task.

    Attributes:
        run: id of the run.
        order: index of the order.
        position: the task's place in the stream, from 0.
        task_id, group, domain: the task.
        score: of the answer that counts; ``solved``: whether that is a success.
        rollouts: how many it took.
        recalled: items recalled before the first rollout; ``reason``: why none were.
        learnt: memory operations.
        tokens, calls: what it cost, all purposes together; ``cost`` in US dollars, ``None``: a price is unknown.
        memory_seconds: wall time that memory spent in a service or a library of its own.
    """

    run: str
    order: int
    position: int
    task_id: str
    group: str
    domain: str
    score: float
    solved: bool
    rollouts: int
    recalled: int
    reason: str
    learnt: int
    tokens: int
    calls: int
    cost: float | None
    memory_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutResult(Row):
    """A rollout.

    Attributes:
        run, order, position, task_id: see :class:`TaskResult`.
        rollout: its index within the task.
        selected: whether it counts as the answer.
        score: the environment's; ``None`` where it broke. ``solved``: whether it is a success.
        end: why it ended; ``error``: in words, where it broke.
        steps: turns of the agent.
        verdict, rationale: the judge's; empty where there is none.
        tokens, calls, cost: see :class:`TaskResult`.
        seconds: wall time.
        trajectory: its steps; no column.
    """

    run: str
    order: int
    position: int
    task_id: str
    rollout: int
    selected: bool
    score: float | None
    solved: bool
    end: str
    error: str
    steps: int
    verdict: str
    rationale: str
    tokens: int
    calls: int
    cost: float | None
    seconds: float
    trajectory: Trajectory = field(metadata=_NO_COLUMN, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemResult(Row):
    """A memory item, as it stands in a run's bank.

    Attributes:
        run, order: see :class:`TaskResult`.
        id, kind, title, description, content, domain, revision: see :class:`rbsuite.experience.MemoryItem`.
        task_id, position, verdict: where it was learnt, and under which verdict.
        item: all there is; no column.
    """

    run: str
    order: int
    id: str
    kind: str
    title: str
    description: str
    content: str
    domain: str
    revision: int
    task_id: str
    position: int
    verdict: str
    item: MemoryItem = field(metadata=_NO_COLUMN, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallResult(Row):
    """An item that was recalled for a task.

    Attributes:
        run, order, position, task_id: see :class:`TaskResult`.
        rollout: the rollout that it was recalled for; -1: for all of the task.
        phase, step: when: ``task``, ``retry`` or ``step``, and the agent's turn.
        version: the version of the bank that was read.
        rank, similarity: its place from 0, and the score that put it there.
        item_id, revision, title: the item.
        task_score: what the task scored.
    """

    run: str
    order: int
    position: int
    task_id: str
    rollout: int
    phase: str
    step: int
    version: int
    rank: int
    similarity: float
    item_id: str
    revision: int
    title: str
    task_score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpedResult(Row):
    """A memory item that was recalled, and how tasks went with it and without it; not causal.

    Attributes:
        baseline: the label of the baseline.
        run, order: see :class:`TaskResult`.
        item_id, title: the item; ``cluster``: the title of its cluster's first, which items that say the same share.
        recalled: tasks for which it was recalled; ``passed``: those for which it was not though the bank held it.
        score, baseline_score: mean scores on the tasks for which it was recalled.
        with_it, without_it: difference to the baseline of those tasks, and of the others; not a number where there are none.
        contrast: the first minus the second; ``low`` and ``high`` are its 95 % interval.
        use: all there is; no column.
    """

    baseline: str
    run: str
    order: int
    item_id: str
    title: str
    cluster: str
    recalled: int
    passed: int
    score: float
    baseline_score: float
    with_it: float
    without_it: float
    contrast: float
    low: float
    high: float
    use: ItemUse = field(metadata=_NO_COLUMN, repr=False)


class Table(Sequence[_R], Generic[_R]):
    """Rows of one kind. Shown as a table where it is printed, or is the last thing of a notebook's cell.

    Args:
        kind: the class of the rows.
        rows: the rows.
    """

    def __init__(self, kind: type[_R], rows: Iterable[_R]) -> None:
        self._kind = kind
        self._rows = tuple(rows)

    @property
    def columns(self) -> Sequence[str]:
        """The names of the columns."""
        return [one.name for one in fields(self._kind) if one.metadata.get("column", True)]

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a data frame, one column for each of :attr:`columns`.

        Raises:
            UsageError: pandas is not installed.
        """
        try:
            library: Any = import_module("pandas")
        except ImportError:
            raise UsageError("data frames need pandas, which is not installed.", "Run: pip install pandas") from None
        cells = [[getattr(row, name) for name in self.columns] for row in self._rows]
        return library.DataFrame(cells, columns=list(self.columns))

    @overload
    def __getitem__(self, index: int) -> _R: ...
    @overload
    def __getitem__(self, index: slice) -> Table[_R]: ...
    def __getitem__(self, index: int | slice) -> _R | Table[_R]:
        return Table(self._kind, self._rows[index]) if isinstance(index, slice) else self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[_R]:
        return iter(self._rows)

    def __repr__(self) -> str:
        shown = [list(self.columns), *self._shown()]
        return table(shown) + self._rest()

    def _repr_html_(self) -> str:
        def line(cells: Iterable[str], kind: str) -> str:
            return "<tr>" + "".join(f"<{kind}>{html.escape(cell)}</{kind}>" for cell in cells) + "</tr>"

        body = "".join(line(cells, "td") for cells in self._shown())
        return f"<table>{line(self.columns, 'th')}{body}</table>{html.escape(self._rest())}"

    def _shown(self) -> Iterator[list[str]]:
        for row in self._rows[:SHOWN_ROWS]:
            yield [_cell(getattr(row, name)) for name in self.columns]

    def _rest(self) -> str:
        more = len(self._rows) - SHOWN_ROWS
        return f"\n... and {more} more rows" if more > 0 else ""


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    text = "" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def results(store: ExperimentStore, summary: Summary) -> Table[Result]:
    """One row for each condition, the baseline first."""
    simulated = bool(store.manifest.facts["simulated"])
    return Table(Result, (_result(one, simulated) for one in summary.conditions))


def comparisons(store: ExperimentStore, summary: Summary) -> Table[Difference]:
    """One row for each condition that is compared with the baseline."""
    simulated = bool(store.manifest.facts["simulated"])
    return Table(Difference, (_difference(one, simulated) for one in summary.comparisons))


def tasks(store: ExperimentStore) -> Table[TaskResult]:
    """One row for each committed task of each run."""
    said = about(store)
    return Table(TaskResult, (_task(run, one, said, store) for run, one in _records(store, trajectories=False)))


def rollouts(store: ExperimentStore, *, trajectories: bool) -> Table[RolloutResult]:
    """One row for each rollout of each committed task."""
    rows: list[RolloutResult] = []
    for run in store.manifest.runs:
        # A record without its steps does not say how many there were.
        steps = (
            {}
            if trajectories
            else {(row.position, row.rollout): row.steps for row in store.results(run.id, details=())}
        )
        for record in store.records(run.id, trajectories=trajectories):
            rows += _rollouts(run, record, store, steps)
    return Table(RolloutResult, rows)


def items(store: ExperimentStore) -> Table[ItemResult]:
    """One row for each item in the bank of each run, as it stands now."""
    rows = (_item(run, item, store) for run in store.manifest.runs for item in folded_items(store, run.id).live)
    return Table(ItemResult, rows)


def helped(store: ExperimentStore, summary: Summary) -> Table[HelpedResult]:
    """One row for each item that was recalled in a condition that is compared with the baseline, the greatest contrast first."""
    found = items_helped(store, summary)
    return Table(HelpedResult, (_helped(one, by, store) for by in found for one in by.items))


def recalls(store: ExperimentStore) -> Table[RecallResult]:
    """One row for each item that was recalled, run by run in stream order."""
    return Table(RecallResult, (row for run in store.manifest.runs for row in _recalls(run, store)))


def _records(store: ExperimentStore, *, trajectories: bool) -> Iterator[tuple[RunInfo, TaskRecord]]:
    for run in store.manifest.runs:
        for record in store.records(run.id, trajectories=trajectories):
            yield run, record


def _common(run: RunInfo, store: ExperimentStore) -> Mapping[str, Any]:
    condition = run.condition
    return {
        "condition": condition.label,
        "memory": condition.memory,
        "scaling": condition.scaling,
        "simulated": bool(store.manifest.facts["simulated"]),
        "run": run.id,
        "order": run.order,
    }


def _bounds(estimate: Estimate) -> Mapping[str, float]:
    low, high = estimate.interval or (math.nan, math.nan)
    return {"low": low, "high": high}


def _result(one: ConditionSummary, simulated: bool) -> Result:
    condition, committed = one.condition, max(1, one.committed)
    return Result(
        condition=condition.label,
        memory=condition.memory,
        scaling=condition.scaling,
        simulated=simulated,
        agent=condition.agent,
        model=condition.model,
        judge=condition.judge,
        embedder=condition.embedder,
        success=one.success.mean,
        **_bounds(one.success),
        tasks=one.n_tasks,
        orders=one.orders,
        committed=one.committed,
        recalled=one.recalled,
        judge_accuracy=one.judge_accuracy,
        steps=one.steps,
        tokens=one.total.tokens / committed,
        calls=one.total.calls / committed,
        cost=one.total.cost,
        memory_seconds=one.memory_seconds / committed,
        failed=one.failures,
        summary=one,
    )


def _difference(one: Comparison, simulated: bool) -> Difference:
    return Difference(
        condition=one.a.label,
        memory=one.a.memory,
        scaling=one.a.scaling,
        simulated=simulated,
        baseline=one.b.label,
        difference=one.difference.mean,
        **_bounds(one.difference),
        p=one.p_value,
        p_holm=one.p_holm,
        tasks=one.n_tasks,
        orders=one.orders,
        comparison=one,
    )


def _spent(usages: Iterable[Mapping[str, Usage]]) -> Mapping[str, Any]:
    total = sum((one for usage in usages for one in usage.values()), Usage())
    return {"tokens": total.tokens, "calls": total.calls, "cost": total.cost}


def _task(run: RunInfo, record: TaskRecord, said: About, store: ExperimentStore) -> TaskResult:
    first = next((event.recall for event in record.recalls if event.phase == "task"), None)
    return TaskResult(
        **_common(run, store),
        position=record.position,
        task_id=record.task_id,
        group=said.group.get(record.task_id, ""),
        domain=said.domain.get(record.task_id, ""),
        score=record.score,
        solved=is_success(record.score),
        rollouts=len(record.rollouts),
        recalled=len(first.items) if first is not None else 0,
        reason=first.reason if first is not None else "",
        learnt=len(record.ops),
        **_spent([record.usage, *(rollout.usage for rollout in record.rollouts)]),
        memory_seconds=record.memory_seconds,
    )


def _rollouts(
    run: RunInfo, record: TaskRecord, store: ExperimentStore, steps: Mapping[tuple[int, int], int]
) -> Iterator[RolloutResult]:
    for index, rollout in enumerate(record.rollouts):
        trajectory, verdict = rollout.trajectory, rollout.verdict
        yield RolloutResult(
            **_common(run, store),
            position=record.position,
            task_id=record.task_id,
            rollout=index,
            selected=record.selected in (index, ALL),
            score=trajectory.score,
            solved=is_success(trajectory.score),
            end=trajectory.end,
            error=trajectory.error,
            steps=steps.get((record.position, index), trajectory.agent_steps),
            verdict="" if verdict is None else verdict.label,
            rationale="" if verdict is None else verdict.rationale,
            **_spent([rollout.usage]),
            seconds=rollout.seconds,
            trajectory=trajectory,
        )


def _helped(one: ItemUse, by: ItemsHelped, store: ExperimentStore) -> HelpedResult:
    use = one.use
    low, high = use.contrast.interval or (math.nan, math.nan)
    return HelpedResult(
        **_common(one.run, store),
        baseline=by.baseline.label,
        item_id=one.item.id,
        title=one.item.title,
        cluster=one.cluster,
        recalled=use.recalled,
        passed=use.passed,
        score=use.score,
        baseline_score=use.baseline,
        with_it=use.with_it.mean,
        without_it=use.without_it.mean,
        contrast=use.contrast.mean,
        low=low,
        high=high,
        use=one,
    )


def _recalls(run: RunInfo, store: ExperimentStore) -> Iterator[RecallResult]:
    ever = folded_items(store, run.id).ever
    for record in store.records(run.id, trajectories=False):
        for event in record.recalls:
            for found in event.recall.items:
                yield RecallResult(
                    **_common(run, store),
                    position=record.position,
                    task_id=record.task_id,
                    rollout=event.rollout,
                    phase=event.phase,
                    step=event.step,
                    version=event.version,
                    rank=found.rank,
                    similarity=found.score,
                    item_id=found.item_id,
                    revision=found.revision,
                    title=ever[found.item_id].title if found.item_id in ever else "",
                    task_score=record.score,
                )


def _item(run: RunInfo, item: MemoryItem, store: ExperimentStore) -> ItemResult:
    return ItemResult(
        **_common(run, store),
        id=item.id,
        kind=item.kind,
        title=item.title,
        description=item.description,
        content=item.content,
        domain=item.domain,
        revision=item.revision,
        task_id=item.provenance.task_id,
        position=item.provenance.position,
        verdict=item.provenance.label,
        item=item,
    )
