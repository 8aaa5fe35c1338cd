"""Reads the stored outputs of an experiment again, with another reader. No model is asked and nothing is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rbsuite_questions.readers import Reader, Reading
from rbsuite.record import Condition, RolloutRecord
from rbsuite.statistics.intervals import Estimate, average, mean_estimate
from rbsuite.store import ExperimentStore
from rbsuite.trajectory import Trajectory


@dataclass(frozen=True, slots=True)
class Change:
    """A rollout whose answer is read otherwise.

    Attributes:
        run, task, rollout: which.
        selected: whether it counts as the task's answer.
        old, new: what was read, and what is read now; ``None`` for nothing.
        gold: the right answer.
        old_score, new_score: the scores.
    """

    run: str
    task: str
    rollout: int
    selected: bool
    old: str | None
    new: str | None
    gold: str
    old_score: float
    new_score: float


@dataclass(frozen=True, slots=True)
class Rescored:
    """A condition, read again.

    Attributes:
        condition: which.
        rollouts: rollouts with an answer.
        old, new: success of the answers that count, mean over tasks of their means over orders.
        old_unparsed, new_unparsed: rollouts from which nothing could be read.
        changes: the rollouts that are read otherwise.
    """

    condition: Condition
    rollouts: int
    old: Estimate
    new: Estimate
    old_unparsed: int
    new_unparsed: int
    changes: Sequence[Change]


def rescore(store: ExperimentStore, reader: Reader) -> Sequence[Rescored]:
    """All conditions of an experiment, their answers read by another reader.

    Args:
        store: the experiment.
        reader: what to read with.

    Raises:
        UsageError: the reader does not read answers of this kind.
        StoreError: the store cannot be read.
    """
    runs: defaultdict[Condition, list[str]] = defaultdict(list)
    for info in store.manifest.runs:
        runs[info.condition].append(info.id)
    return [_condition(condition, found, store, reader) for condition, found in runs.items()]


def output_of(trajectory: Trajectory) -> str | None:
    """The text that was read as a rollout's answer; ``None`` where it gave none."""
    if "reading" not in trajectory.truth or not trajectory.steps:
        return None
    return trajectory.steps[-1].action.text


def options_of(trajectory: Trajectory) -> Sequence[str]:
    """The texts of the choices as they were shown; none for an integer."""
    shown = trajectory.steps[0].observation.data.get("options", ())
    return tuple(str(option) for option in shown)


def _condition(condition: Condition, runs: Sequence[str], store: ExperimentStore, reader: Reader) -> Rescored:
    before: defaultdict[str, list[float]] = defaultdict(list)
    after: defaultdict[str, list[float]] = defaultdict(list)
    changes: list[Change] = []
    rollouts = old_unparsed = new_unparsed = 0
    for run, task, selected, record in _rollouts(runs, store):
        old_score = record.trajectory.score or 0.0
        found = _again(record.trajectory, reader)
        new_score = old_score if found is None else float(found[1])
        if found is not None:
            rollouts += 1
            old_unparsed += record.trajectory.truth["reading"] is None
            new_unparsed += found[0].value is None
            change = _change(run, task, selected, record.trajectory, found[0], new_score)
            changes += [change] if change is not None else []
        if selected:
            before[task].append(old_score)
            after[task].append(new_score)
    return Rescored(condition, rollouts, _mean(before), _mean(after), old_unparsed, new_unparsed, changes)


def _rollouts(runs: Sequence[str], store: ExperimentStore) -> Iterator[tuple[str, str, bool, RolloutRecord]]:
    for run in runs:
        info = store.run(run)
        for record in store.records(run, stop=len(info.tasks) - info.probes):
            for place, rollout in enumerate(record.rollouts):
                yield run, record.task_id, place == record.selected, rollout


def _again(trajectory: Trajectory, reader: Reader) -> tuple[Reading, bool] | None:
    """What the reader takes from a rollout and whether it is right; ``None`` where there is no answer to read."""
    output = output_of(trajectory)
    if output is None:
        return None
    truth = trajectory.truth
    if truth["kind"] == "integer":
        reading = reader.read_integer(output)
    else:
        reading = reader.read_choice(output, int(truth["n_choices"]), options_of(trajectory))
    return reading, reader.is_right(reading, str(truth["gold"]), truth["kind"])


def _change(
    run: str, task: str, selected: bool, trajectory: Trajectory, reading: Reading, score: float
) -> Change | None:
    old, old_score = trajectory.truth["reading"], trajectory.score or 0.0
    if (old, old_score) == (reading.value, score):
        return None
    gold = str(trajectory.truth["gold"])
    return Change(run, task, trajectory.rollout, selected, old, reading.value, gold, old_score, score)


def _mean(scores: Mapping[str, Sequence[float]]) -> Estimate:
    return mean_estimate([average(found) for found in scores.values()]) if scores else Estimate(float("nan"), None)
