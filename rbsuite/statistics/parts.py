"""Parts of an experiment whose figures stand apart, and figures by domain.

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
    """A domain that stands apart.

    Attributes:
        domain: the domain.
        warning: why, in one sentence.
        tasks: ids of its tasks.
    """

    domain: str
    warning: str
    tasks: frozenset[str]


@dataclass(frozen=True, slots=True)
class DomainFigures:
    """What one condition came to on a domain. Intervals are over tasks, given the orders that were run.

    Attributes:
        name: the domain.
        tasks: its tasks.
        success: the mean over tasks of the score of the rollout that counts; 0 for a broken one.
        measures: the same of each figure that the environment keeps beside success.
    """

    name: str
    tasks: int
    success: Estimate
    measures: Mapping[str, Estimate]


def parts_apart(store: ExperimentStore) -> tuple[Part, ...]:
    """The domains of an experiment that stand apart."""
    return tuple(
        Part(str(part["domain"]), str(part["warning"]), frozenset(part["tasks"]))
        for part in store.manifest.facts.get("apart", ())
    )


def main_part(store: ExperimentStore, parts: Sequence[Part]) -> Keep:
    """The tasks that no part has; all tasks where that leaves none."""
    aside = frozenset().union(*(part.tasks for part in parts))
    if all(task in aside for info in store.manifest.runs for task in info.tasks):
        return lambda task: True
    return lambda task: task not in aside


def measures_of(store: ExperimentStore) -> Mapping[str, str]:
    """The figures that an experiment's environment keeps beside success: name and summary."""
    return {str(one["name"]): str(one["summary"]) for one in store.manifest.facts.get("measures", ())}


def domain_figures(runs: Sequence[tuple[ExperimentStore, RunInfo]]) -> Sequence[DomainFigures]:
    """The figures of one condition's runs by domain, by name; empty where the environment keeps none.

    Args:
        runs: the runs, each with the store it is in.

    Raises:
        StoreError: a store cannot be read.
    """
    names = tuple(measures_of(runs[0][0]))
    if not names:
        return ()
    found: defaultdict[str, list[tuple[str, tuple[float, ...]]]] = defaultdict(list)
    domains: dict[str, str] = {}
    for store, info in runs:
        for record in store.records(info.id, trajectories=False, stop=len(info.tasks) - info.probes):
            domain, values = _cell(record, names)
            domains[record.task_id] = domain or domains.get(record.task_id, "")
            found[record.task_id].append((record.task_id, values))
    by_domain: defaultdict[str, list[tuple[str, tuple[float, ...]]]] = defaultdict(list)
    for task, cells in found.items():
        by_domain[domains[task]] += cells
    return [_domain(name, by_domain[name], names) for name in sorted(by_domain)]


def _cell(record: TaskRecord, names: Sequence[str]) -> tuple[str, tuple[float, ...]]:
    """A task's domain, where it is known, and its score and measures."""
    trajectory = record.rollouts[record.selected].trajectory
    truth = trajectory.truth
    known = next(
        (str(one.trajectory.truth["domain"]) for one in record.rollouts if "domain" in one.trajectory.truth), ""
    )
    if trajectory.broken:
        return known, (0.0,) * (len(names) + 1)
    return known, (trajectory.score or 0.0, *(float(truth.get(name, 0.0)) for name in names))


def _domain(name: str, cells: Sequence[tuple[str, tuple[float, ...]]], names: Sequence[str]) -> DomainFigures:
    columns = [over_tasks([(task, values[place]) for task, values in cells]) for place in range(len(names) + 1)]
    measures = dict(zip(names, columns[1:], strict=True))
    return DomainFigures(name, len({task for task, _ in cells}), columns[0], measures)
