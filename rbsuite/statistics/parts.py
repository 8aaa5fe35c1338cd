"""Figures by domain, and domains that are reported separately.

Some domains of an environment do not measure what the others do (:class:`rbsuite.specs.Apart`): their tasks are in the stream, and memory
learns from them, but they are left out of the experiment's figures and shown separately.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rbsuite.statistics.about import About
from rbsuite.statistics.intervals import Estimate
from rbsuite.statistics.reading import Keep, Rollouts, RunRows, counted
from rbsuite.statistics.shares import ByTask
from rbsuite.store import ResultRow
from rbsuite.trajectory import BROKEN_ENDS


@dataclass(frozen=True, slots=True)
class DomainTasks:
    """A domain that is reported separately, and the ids of its tasks."""

    domain: str
    tasks: frozenset[str]


@dataclass(frozen=True, slots=True)
class DomainResult:
    """The results of one condition on a domain, by the rollout that counts. Intervals are over tasks, given the orders that were run.

    Attributes:
        name: the domain.
        size: the number of its tasks in the experiment.
        tasks: how many of them are committed in at least one run.
        success: the mean over tasks of the score of the rollout that counts; a broken rollout counts as 0.
        measures: the same for each figure that the environment keeps besides success.
        failed: number of rollouts that broke, over all runs, whether they count or not.
    """

    name: str
    size: int
    tasks: int
    success: Estimate
    measures: Mapping[str, Estimate]
    failed: int


def parts_apart(about: About) -> tuple[DomainTasks, ...]:
    """The domains of an experiment that are reported separately."""
    return tuple(DomainTasks(name, frozenset(about.domains[name])) for name in about.apart)


def main_tasks(tasks: Collection[str], parts: Sequence[DomainTasks]) -> Keep | None:
    """The tasks that are in none of the parts; ``None`` if that leaves none."""
    aside = frozenset().union(*(part.tasks for part in parts))
    return None if aside.issuperset(tasks) else lambda task: task not in aside


def domain_results(runs: Sequence[RunRows], about: About) -> Sequence[DomainResult]:
    """The figures of one condition's runs by domain, in native order, without probes; empty if there is nothing to show by domain."""
    if not about.keeps_domains():
        return ()
    cells: defaultdict[str, list[Rollouts]] = defaultdict(list)
    for run in runs:
        for rollouts in run.tasks:
            cells[about.domain[rollouts[0].task_id]].append(rollouts)
    return [_result(name, len(tasks), cells[name], about) for name, tasks in about.domains.items()]


def measures_of(rows: Sequence[ResultRow], by_task: ByTask, names: Iterable[str]) -> Mapping[str, Estimate]:
    """The mean over tasks of each figure that an environment keeps besides success; a rollout that broke counts as 0.

    Args:
        rows: the rollouts that count.
        by_task: built from their tasks.
        names: the names of the figures.
    """
    return {
        name: by_task.mean([0.0 if row.end in BROKEN_ENDS else row.measures.get(name, 0.0) for row in rows])
        for name in names
    }


def _result(name: str, size: int, cells: Sequence[Rollouts], about: About) -> DomainResult:
    rows = [counted(rollouts) for rollouts in cells]
    tasks = [row.task_id for row in rows]
    by_task = ByTask(tasks)
    return DomainResult(
        name=name,
        size=size,
        tasks=len(set(tasks)),
        success=by_task.mean([row.score or 0.0 for row in rows]),
        measures=measures_of(rows, by_task, about.measures),
        failed=sum(row.end in BROKEN_ENDS for rollouts in cells for row in rollouts),
    )
