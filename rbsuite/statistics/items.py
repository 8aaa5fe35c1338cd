"""Which memory items helped: how tasks for which an item was recalled went, compared with those for which it was not.

Every score is taken relative to memory-off on the same task, so that easy tasks do not make an item look good. This is still an
observation: what is recalled depends on the task, items come in groups, and those learned early are recalled more. The effect of an item is
found by leaving it out (:mod:`rbsuite.run.attribution`).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np

from rbsuite.experience import MemoryItem
from rbsuite.memories.folded import folded_items
from rbsuite.record import Condition, RunInfo
from rbsuite.statistics.clusters import clusters_of
from rbsuite.statistics.comparisons import Comparison
from rbsuite.statistics.differences import of_pairs
from rbsuite.statistics.intervals import UNKNOWN, Estimate, average, t_estimate
from rbsuite.statistics.pairing import Cell
from rbsuite.statistics.summary import Summary
from rbsuite.store import ExperimentStore

NOT_CAUSAL = (
    "This is not causal: what is recalled depends on the task, and items are recalled together. The intervals are not adjusted for the "
    "number of items. rbsuite attribute leaves items out and runs their tasks again."
)

Cells = Mapping[str, Sequence[float]]
"""Differences from memory-off by task, one for each run."""


@dataclass(frozen=True, slots=True)
class Use:
    """How tasks went for which something was recalled, and those for which it was not although the bank contained it.

    Attributes:
        recalled: number of tasks for which it was recalled, over all runs; ``passed``: of those for which it was not.
        score: mean score of the tasks for which it was recalled, each task's mean over the runs first.
        baseline: mean score of the baseline on these tasks.
        with_it: their paired difference from the baseline; ``without_it``: that of the other tasks.
        contrast: the first minus the second.
    """

    recalled: int
    passed: int
    score: float
    baseline: float
    with_it: Estimate
    without_it: Estimate
    contrast: Estimate


@dataclass(frozen=True, slots=True)
class ItemUse:
    """An item of a run's bank, and how it was used.

    Attributes:
        run: the run.
        item: the item in its latest version.
        cluster: the title of its cluster.
        use: how tasks went.
        tasks: the tasks for which it was recalled, in stream order.
    """

    run: RunInfo
    item: MemoryItem
    cluster: str
    use: Use
    tasks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClusterUse:
    """Items that say the same thing, from all runs of a condition.

    Attributes:
        title: the title of the item that is recalled most.
        items: how many items there are; ``runs``: in how many banks.
        use: how tasks went for which one of them was recalled, and those for which none was although the bank contained one.
    """

    title: str
    items: int
    runs: int
    use: Use


@dataclass(frozen=True, slots=True)
class ItemsHelped:
    """How the items of a condition were used.

    Attributes:
        condition: the condition; ``baseline``: what it is compared with.
        items, clusters: those that were recalled, the greatest contrast first and those without a contrast last.
    """

    condition: Condition
    baseline: Condition
    items: Sequence[ItemUse]
    clusters: Sequence[ClusterUse]


def items_helped(store: ExperimentStore, summary: Summary) -> Sequence[ItemsHelped]:
    """For each condition with items, how tasks went for which each of them was recalled.

    Args:
        store: the experiment.
        summary: its figures; each condition is examined in its comparison with the baseline. Probes, and domains that are reported
            separately, are left out.

    Raises:
        StoreError: the store cannot be read.
    """
    return [found for one in summary.comparisons if (found := _helped(store, one)) is not None]


@dataclass(frozen=True, slots=True)
class _Cell:
    """A task in a run, with the bank version that it read and what was recalled for it."""

    cell: Cell
    version: int
    recalled: frozenset[str]


def _helped(store: ExperimentStore, comparison: Comparison) -> ItemsHelped | None:
    if comparison.paired.exchangeable[0]:
        return None  # nothing was recalled
    paired = comparison.paired
    runs = [one.info for one in (paired.a if paired.exchangeable[1] else [pair[0] for pair in paired.streams])]
    cells = {run.id: list(_cells(store, run, along)) for run, along in zip(runs, paired.along(), strict=True)}
    ever = {run.id: folded_items(store, run.id).ever for run in runs}
    held = {run.id: Held(store, run.id) for run in runs}
    counts = Counter(
        (run.id, name) for run in runs for cell in cells[run.id] for name in cell.recalled & ever[run.id].keys()
    )
    used = sorted(counts, key=lambda key: (-counts[key], key))
    if not used:
        return None
    said = ever
    if store.can_reveal:
        said = {run.id: folded_items(store.revealed(), run.id).ever for run in runs}
    labels = clusters_of([said[run][name] for run, name in used])
    by_id = {run.id: run for run in runs}
    items, members = [], defaultdict[int, list[tuple[str, str]]](list)
    for (run, name), label in zip(used, labels, strict=True):
        members[label].append((run, name))
        first_run, first = members[label][0]
        mine = [one for one in cells[run] if name in one.recalled]
        others = [one for one in cells[run] if _passed(one, {name}, held[run])]
        tasks = tuple(one.cell.task for one in mine)
        items.append(ItemUse(by_id[run], ever[run][name], ever[first_run][first].title, _use([mine], [others]), tasks))
    clusters = [_cluster(found, ever, cells, held) for found in members.values()]
    return ItemsHelped(
        comparison.a,
        comparison.b,
        sorted(items, key=lambda one: (*_order(one.use), one.run.id, one.item.id)),
        sorted(clusters, key=lambda one: (*_order(one.use), one.title)),
    )


def _passed(one: _Cell, names: Set[str], held: Held) -> bool:
    """Whether none of the items was recalled for a task although the bank contained one."""
    return not one.recalled & names and any(held.has(name, one.version, one.cell.task) for name in names)


def _order(use: Use) -> tuple[bool, float, int]:
    return math.isnan(use.contrast.mean), -use.contrast.mean, -use.recalled


def _cluster(
    found: Sequence[tuple[str, str]],
    ever: Mapping[str, Mapping[str, MemoryItem]],
    cells: Mapping[str, Sequence[_Cell]],
    held: Mapping[str, Held],
) -> ClusterUse:
    names: dict[str, set[str]] = {}
    for run, name in found:
        names.setdefault(run, set()).add(name)
    mine = [[one for one in cells[run] if one.recalled & chosen] for run, chosen in names.items()]
    others = [[one for one in cells[run] if _passed(one, chosen, held[run])] for run, chosen in names.items()]
    first_run, first = found[0]
    return ClusterUse(ever[first_run][first].title, len(found), len(names), _use(mine, others))


def _cells(store: ExperimentStore, run: RunInfo, along: Sequence[Cell]) -> Iterator[_Cell]:
    by_position = {cell.position: cell for cell in along}
    for record in store.records(run.id, trajectories=False):
        if record.position in by_position:
            recalled = frozenset(found.item_id for event in record.recalls for found in event.recall.items)
            cell = by_position[record.position]
            yield _Cell(cell, record.read_version, recalled)


class Held:
    """When a bank contained its items, so that they could be recalled.

    Args:
        store: the experiment.
        run: id of the run.
    """

    def __init__(self, store: ExperimentStore, run: str) -> None:
        self._since: dict[str, list[int]] = {}
        """For each item, the version that added it, the one that deleted it, and so on."""
        self._source: dict[str, str] = {}
        for version, op in [*((0, op) for op in store.seed_ops(run)), *store.ops(run)]:
            turns = self._since.setdefault(op.item.id if op.item is not None else op.item_id, [])
            if op.op == ("delete" if len(turns) % 2 else "add"):
                turns.append(version)
            if op.item is not None:
                self._source[op.item.id] = op.item.provenance.task_id

    def has(self, name: str, version: int, task: str) -> bool:
        """Whether the bank contained an item as of a version; one that was learned on the task itself does not count."""
        return self._source.get(name) != task and bisect_right(self._since.get(name, ()), version) % 2 == 1


def _use(mine: Sequence[Sequence[_Cell]], others: Sequence[Sequence[_Cell]]) -> Use:
    """The figures of cells by run."""
    by_task: defaultdict[str, list[Cell]] = defaultdict(list)
    for one in (one for run in mine for one in run):
        by_task[one.cell.task].append(one.cell)
    with_it, without_it = _difference(mine), _difference(others)
    return Use(
        recalled=sum(map(len, mine)),
        passed=sum(map(len, others)),
        score=average([average([cell.a for cell in cells]) for cells in by_task.values()]),
        baseline=average([average([cell.b for cell in cells]) for cells in by_task.values()]),
        with_it=with_it,
        without_it=without_it,
        contrast=contrast(with_it, without_it),
    )


def _difference(runs: Sequence[Sequence[_Cell]]) -> Estimate:
    return mean_of_tasks([{one.cell.task: one.cell.a - one.cell.b for one in run} for run in runs])


def mean_of_tasks(runs: Sequence[Mapping[str, float]]) -> Estimate:
    """The mean over tasks of score differences, averaged over each task's runs first; the interval is over tasks, given these runs.

    Args:
        runs: the differences of each run by task; a run need not have every task.
    """
    tasks = sorted({task for run in runs for task in run})
    if not tasks:
        return UNKNOWN
    return of_pairs(
        np.array([[run.get(task, math.nan) for run in runs if run] for task in tasks]), ordered=False, gaps=False
    )


def contrast(a: Estimate, b: Estimate) -> Estimate:
    """The difference of two means over different tasks, with Welch's interval if both errors are known."""
    mean = a.mean - b.mean
    if math.isnan(mean) or not (a.error and b.error and a.degrees and b.degrees):
        return Estimate(mean, None)
    variances = a.error**2, b.error**2
    degrees = sum(variances) ** 2 / (variances[0] ** 2 / a.degrees + variances[1] ** 2 / b.degrees)
    found = t_estimate(mean, math.sqrt(sum(variances)), degrees)
    assert found.interval is not None
    return replace(found, interval=(max(-2.0, found.interval[0]), min(2.0, found.interval[1])))
