"""Grades the stored rollouts of an experiment again, by another convention. No model is called and nothing is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rbsuite.environments.rescorer import Rescorer
from rbsuite.record import ALL, Condition, RolloutRecord
from rbsuite.statistics.about import about
from rbsuite.statistics.intervals import Estimate, average
from rbsuite.statistics.pairing import stream_tasks
from rbsuite.statistics.parts import parts_apart
from rbsuite.statistics.shares import over_tasks
from rbsuite.store import ExperimentStore
from rbsuite.store.redaction import hidden
from rbsuite.trajectory import Grade


@dataclass(frozen=True, slots=True)
class Change:
    """A rollout that is graded differently.

    Attributes:
        run, task, rollout: which rollout it is.
        selected: whether it counts as the task's answer.
        old, new: the grades.
    """

    run: str
    task: str
    rollout: int
    selected: bool
    old: Grade
    new: Grade


@dataclass(frozen=True, slots=True)
class Rescored:
    """A condition, graded again.

    Attributes:
        condition: which condition.
        domain: the domain that these figures are for, if it is reported separately; empty: all others.
        rollouts: number of rollouts with a grade.
        old, new: success of the rollouts that count, mean over tasks of their means over orders.
        old_measures, new_measures: means of the other figures over the rollouts, by name.
        changes: the rollouts that are graded differently.
    """

    condition: Condition
    domain: str
    rollouts: int
    old: Estimate
    new: Estimate
    old_measures: Mapping[str, float]
    new_measures: Mapping[str, float]
    changes: Sequence[Change]


def rescore(store: ExperimentStore, rescorer: Rescorer) -> Sequence[Rescored]:
    """All conditions of an experiment, graded by another convention; then those of each domain that is reported separately.

    If all domains are reported separately, only those are returned.

    Args:
        store: the experiment.
        rescorer: the convention.

    Raises:
        UsageError: the convention is not available.
        StoreError: the store cannot be read, or its texts are sealed and the key is not on this machine.
    """
    clear = store.revealed()
    shown = clear is store
    apart = {task: part.domain for part in parts_apart(about(store)) for task in part.tasks}
    found: defaultdict[tuple[str, Condition], _Regraded] = defaultdict(_Regraded)
    for info in store.manifest.runs:
        for record in clear.records(info.id, stop=len(stream_tasks(info))):
            tally = found[apart.get(record.task_id, ""), info.condition]
            for place, rollout in enumerate(record.rollouts):
                tally.add(info.id, record.task_id, record.selected in (place, ALL), rollout, rescorer, shown=shown)
    places = ["", *dict.fromkeys(apart.values())]
    ordered = sorted(found, key=lambda key: places.index(key[0]))
    return [found[domain, condition].result(condition, domain) for domain, condition in ordered]


@dataclass(slots=True)
class _Regraded:
    grades: list[tuple[Grade, Grade]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    before: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    after: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(
        self, run: str, task: str, selected: bool, record: RolloutRecord, rescorer: Rescorer, *, shown: bool
    ) -> None:
        """Count a rollout; one without a grade keeps its score. A change that would not show is left out of the changes."""
        trajectory = record.trajectory
        old, new = trajectory.grade, rescorer.grade(trajectory)
        if old is not None and new is not None:
            self.grades.append((old, new))
            if _seen(old, rescorer.details) != _seen(new, rescorer.details):
                grades = (old, new) if shown else (hidden(old), hidden(new))
                self.changes.append(Change(run, task, trajectory.rollout, selected, *grades))
        if selected:
            score = trajectory.score or 0.0
            self.before[task].append(score)
            self.after[task].append(score if new is None else new.score)

    def result(self, condition: Condition, domain: str) -> Rescored:
        olds, news = [old for old, _ in self.grades], [new for _, new in self.grades]
        figures = (_mean(self.before), _mean(self.after), _measures(olds), _measures(news))
        return Rescored(condition, domain, len(self.grades), *figures, self.changes)


def _seen(grade: Grade, details: Sequence[str]) -> object:
    return grade.score, dict(grade.measures), [grade.truth.get(name) for name in details]


def _measures(grades: Sequence[Grade]) -> Mapping[str, float]:
    names = dict.fromkeys(name for grade in grades for name in grade.measures)
    return {name: average([grade.measures.get(name, 0.0) for grade in grades]) for name in names}


def _mean(scores: Mapping[str, Sequence[float]]) -> Estimate:
    return over_tasks([(task, value) for task, found in scores.items() for value in found])
