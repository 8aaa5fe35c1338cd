"""Reads the stored outputs of an experiment again, with another reader. No model is asked and nothing is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rbsuite.answers import Reader, Reading
from rbsuite.record import Condition, RunInfo
from rbsuite.statistics.about import about
from rbsuite.statistics.intervals import Estimate, average, mean_estimate
from rbsuite.statistics.pairing import stream_tasks
from rbsuite.statistics.parts import Keep, main_tasks, parts_apart
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
        domain: the domain that these figures are of, where it is reported separately; empty for those of all others.
        rollouts: rollouts with an answer.
        old, new: success of the answers that count, mean over tasks of their means over orders.
        old_unparsed, new_unparsed: rollouts from which nothing could be read.
        changes: the rollouts that are read otherwise.
    """

    condition: Condition
    domain: str
    rollouts: int
    old: Estimate
    new: Estimate
    old_unparsed: int
    new_unparsed: int
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class _Cell:
    """A rollout read again; ``reading`` is ``None`` where there was no answer to read."""

    run: str
    task: str
    selected: bool
    trajectory: Trajectory
    reading: Reading | None
    score: float


def rescore(store: ExperimentStore, reader: Reader) -> Sequence[Rescored]:
    """All conditions of an experiment, their answers read by another reader; then those of each domain that is reported separately.

    Where all domains are, there are no others.

    Args:
        store: the experiment.
        reader: what to read with.

    Raises:
        UsageError: the reader does not read answers of this kind.
        StoreError: the store cannot be read.
    """
    cells: defaultdict[Condition, list[_Cell]] = defaultdict(list)
    for info in store.manifest.runs:
        cells[info.condition] += _again(info, store, reader)
    known = about(store)
    parts = parts_apart(known)
    main = main_tasks({task for info in store.manifest.runs for task in info.tasks}, parts)
    kept: list[tuple[str, Keep]] = [] if main is None else [("", main)]
    kept += [(part.domain, part.tasks.__contains__) for part in parts]
    return [
        _summed(condition, domain, [cell for cell in found if keep(cell.task)])
        for domain, keep in kept
        for condition, found in cells.items()
    ]


def output_of(trajectory: Trajectory) -> str | None:
    """The text that was read as a rollout's answer; ``None`` where it gave none."""
    if "reading" not in trajectory.truth or not trajectory.steps:
        return None
    return trajectory.steps[-1].action.text


def options_of(trajectory: Trajectory) -> Sequence[str]:
    """The texts of the choices as they were shown; none for an integer."""
    shown = trajectory.steps[0].observation.data.get("options", ())
    return tuple(str(option) for option in shown)


def _again(info: RunInfo, store: ExperimentStore, reader: Reader) -> Iterator[_Cell]:
    for record in store.records(info.id, stop=len(stream_tasks(info))):
        for place, rollout in enumerate(record.rollouts):
            trajectory, reading = rollout.trajectory, _read(rollout.trajectory, reader)
            score = trajectory.score or 0.0
            if reading is not None:
                score = float(reader.is_right(reading, str(trajectory.truth["gold"]), trajectory.truth["kind"]))
            yield _Cell(info.id, record.task_id, place == record.selected, trajectory, reading, score)


def _read(trajectory: Trajectory, reader: Reader) -> Reading | None:
    output = output_of(trajectory)
    if output is None:
        return None
    if trajectory.truth["kind"] == "integer":
        return reader.read_integer(output)
    return reader.read_choice(output, int(trajectory.truth["n_choices"]), options_of(trajectory))


def _summed(condition: Condition, domain: str, cells: Sequence[_Cell]) -> Rescored:
    before: defaultdict[str, list[float]] = defaultdict(list)
    after: defaultdict[str, list[float]] = defaultdict(list)
    for cell in cells:
        if cell.selected:
            before[cell.task].append(cell.trajectory.score or 0.0)
            after[cell.task].append(cell.score)
    read = [cell for cell in cells if cell.reading is not None]
    return Rescored(
        condition=condition,
        domain=domain,
        rollouts=len(read),
        old=_mean(before),
        new=_mean(after),
        old_unparsed=sum(cell.trajectory.truth["reading"] is None for cell in read),
        new_unparsed=sum(cell.reading is not None and cell.reading.value is None for cell in read),
        changes=[change for cell in read if (change := _change(cell)) is not None],
    )


def _change(cell: _Cell) -> Change | None:
    trajectory, new = cell.trajectory, None if cell.reading is None else cell.reading.value
    old, old_score = trajectory.truth["reading"], trajectory.score or 0.0
    if (old, old_score) == (new, cell.score):
        return None
    gold = str(trajectory.truth["gold"])
    return Change(cell.run, cell.task, trajectory.rollout, cell.selected, old, new, gold, old_score, cell.score)


def _mean(scores: Mapping[str, Sequence[float]]) -> Estimate:
    return mean_estimate([average(found) for found in scores.values()]) if scores else Estimate(float("nan"), None)
