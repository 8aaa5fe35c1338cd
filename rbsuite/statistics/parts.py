"""Figures by domain, and domains that stand apart.

Some domains of an environment do not mean what the others mean (:class:`rbsuite.specs.Apart`): their tasks are in the stream, and memory
learns from them, but they are left out of the experiment's figures and shown by themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rbsuite.record import RunInfo, TaskRecord
from rbsuite.statistics.intervals import Estimate, over_tasks
from rbsuite.store import ExperimentStore

Keep = Callable[[str], bool]
"""Whether a task, by its id, counts."""


@dataclass(frozen=True, slots=True)
class Part:
    """A domain that stands apart, and the ids of its tasks."""

    domain: str
    tasks: frozenset[str]


@dataclass(frozen=True, slots=True)
class DomainResult:
    """What one condition came to on a domain. Intervals are over tasks, given the orders that were run.

    Attributes:
        name: the domain.
        size: its tasks in the experiment.
        tasks: those that are committed in at least one run.
        success: the mean over tasks of the score of the rollout that counts; 0 for a broken one.
        measures: the same of each figure that the environment keeps beside success.
        failed: rollouts that broke, over all runs.
    """

    name: str
    size: int
    tasks: int
    success: Estimate
    measures: Mapping[str, Estimate]
    failed: int


@dataclass(frozen=True, slots=True)
class _Cell:
    """A task in one run: score and measures of the rollout that counts, and how many rollouts broke."""

    task: str
    values: tuple[float, ...]
    failed: int


def parts_apart(store: ExperimentStore) -> tuple[Part, ...]:
    """The domains of an experiment that stand apart."""
    facts = store.manifest.facts
    return tuple(Part(name, frozenset(facts["domains"][name])) for name in facts.get("apart", ()))


def main_tasks(store: ExperimentStore, parts: Sequence[Part]) -> Keep | None:
    """The tasks that no part has; ``None`` where that leaves none."""
    aside = frozenset().union(*(part.tasks for part in parts))
    if all(task in aside for info in store.manifest.runs for task in info.tasks):
        return None
    return lambda task: task not in aside


def measures_of(store: ExperimentStore) -> Sequence[str]:
    """The figures that an experiment's environment keeps beside success, by name."""
    return tuple(store.manifest.facts.get("measures", ()))


def domain_results(runs: Sequence[tuple[ExperimentStore, RunInfo]]) -> Sequence[DomainResult]:
    """The figures of one condition's runs by domain, in native order; empty where the environment keeps none by domain.

    Args:
        runs: the runs, each with the store it is in.

    Raises:
        StoreError: a store cannot be read.
    """
    domains: Mapping[str, Sequence[str]] = runs[0][0].manifest.facts.get("domains", {})
    if not domains:
        return ()
    measures = measures_of(runs[0][0])
    cells: defaultdict[str, list[_Cell]] = defaultdict(list)
    for store, info in runs:
        for record in store.records(info.id, trajectories=False, stop=len(info.tasks) - info.probes):
            cells[record.task_id].append(_cell(record, measures))
    return [
        _result(name, tasks, [cell for task in tasks for cell in cells[task]], measures)
        for name, tasks in domains.items()
    ]


def _cell(record: TaskRecord, measures: Sequence[str]) -> _Cell:
    trajectory = record.rollouts[record.selected].trajectory
    failed = sum(rollout.trajectory.broken for rollout in record.rollouts)
    if trajectory.broken:
        return _Cell(record.task_id, (0.0,) * (len(measures) + 1), failed)
    graded = {} if trajectory.grade is None else trajectory.grade.measures
    values = (trajectory.score or 0.0, *(float(graded.get(name, 0.0)) for name in measures))
    return _Cell(record.task_id, values, failed)


def _result(name: str, tasks: Sequence[str], cells: Sequence[_Cell], measures: Sequence[str]) -> DomainResult:
    columns = [over_tasks([(cell.task, cell.values[place]) for cell in cells]) for place in range(len(measures) + 1)]
    return DomainResult(
        name=name,
        size=len(tasks),
        tasks=len({cell.task for cell in cells}),
        success=columns[0],
        measures=dict(zip(measures, columns[1:], strict=True)),
        failed=sum(cell.failed for cell in cells),
    )
