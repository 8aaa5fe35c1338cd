"""The tables of an experiment, built from its store."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rbsuite.experience import MemoryItem
from rbsuite.judges.truth import is_success
from rbsuite.memories.folded import folded_items
from rbsuite.record import ALL, RunInfo, TaskRecord
from rbsuite.statistics.about import About, about
from rbsuite.statistics.comparisons import Comparison
from rbsuite.statistics.conditions import ConditionSummary
from rbsuite.statistics.intervals import Estimate
from rbsuite.statistics.items import ItemsHelped, ItemUse, items_helped
from rbsuite.statistics.summary import Summary
from rbsuite.store import ExperimentStore
from rbsuite.trajectory import Usage

if TYPE_CHECKING:
    pass

from rbsuite.tables.rows import Difference, HelpedResult, ItemResult, RecallResult, Result, RolloutResult, TaskResult
from rbsuite.tables.table import Table


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
