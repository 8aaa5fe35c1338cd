"""Two conditions on the same tasks in the same streams: what is paired with what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rbsuite.record import RunInfo
from rbsuite.statistics.crossed import Matrix, crossed_estimate
from rbsuite.statistics.intervals import Estimate, average, mean_estimate, wilson_estimate

StreamKey = tuple[int, tuple[str, ...]]
"""Seed and tasks in order: what two runs must share to have met the same chances."""


def stream_tasks(info: RunInfo) -> tuple[str, ...]:
    """The tasks of a run's stream in order, without the probes after it."""
    return info.tasks[: len(info.tasks) - info.probes]


@dataclass(frozen=True, slots=True)
class StreamScores:
    """What one run scored.

    Attributes:
        info: the run.
        scores: the score of each committed task's answer, by task id; a broken rollout scores 0.
        rollouts: the scores of all its rollouts, by task id.
        probes: the scores of tasks that were run again at the end, by task id.
    """

    info: RunInfo
    scores: Mapping[str, float]
    rollouts: Mapping[str, tuple[float, ...]]
    probes: Mapping[str, float] = field(default_factory=dict)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks of the stream in order, without the probes after it."""
        return stream_tasks(self.info)

    @property
    def key(self) -> StreamKey:
        """Which stream was run."""
        return self.info.seed, self.tasks

    @property
    def complete(self) -> bool:
        """Whether every task is committed."""
        return len(self.scores) == len(self.tasks)


@dataclass(frozen=True, slots=True)
class Paired:
    """The streams that two conditions have both met.

    Attributes:
        streams: the condition's and the baseline's run of each shared stream that both have begun.
        tasks: the tasks that both have done in the same stream at least once, sorted.
        left_out: runs of the two that have no partner.
        unfinished: shared streams that one of the two has not run to its end.
    """

    streams: tuple[tuple[StreamScores, StreamScores], ...]
    tasks: tuple[str, ...]
    left_out: int
    unfinished: int

    @property
    def complete(self) -> bool:
        """Whether both have done the same tasks in every stream that both have begun, so that no cell is missing."""
        return bool(self.tasks) and all(
            task in a.scores and task in b.scores for a, b in self.streams for task in self.tasks
        )

    def cells(self, task: str) -> list[tuple[float, float]]:
        """The two scores of a task in each stream where both have done it."""
        return [(a.scores[task], b.scores[task]) for a, b in self.streams if task in a.scores and task in b.scores]

    def matrix(self) -> Matrix:
        """The differences: a row a task, a column an order (rows differ in length unless complete)."""
        return [[a - b for a, b in self.cells(task)] for task in self.tasks]

    def task_means(self) -> list[float]:
        """Each task's difference, mean over the orders."""
        return [average(row) for row in self.matrix()]


def pair(a: Sequence[StreamScores], b: Sequence[StreamScores]) -> Paired:
    """Pair the runs of a condition with those of a baseline by their streams."""
    others = {stream.key: stream for stream in b}
    shared = [(stream, others[stream.key]) for stream in a if stream.key in others]
    begun = tuple((one, other) for one, other in shared if one.scores.keys() & other.scores.keys())
    tasks = sorted({task for one, other in begun for task in one.scores.keys() & other.scores.keys()})
    unfinished = sum(not (one.complete and other.complete) for one, other in shared)
    return Paired(begun, tuple(tasks), len(a) + len(b) - 2 * len(shared), unfinished)


def difference(paired: Paired) -> Estimate | None:
    """The mean paired difference with its reported interval; ``None`` where nothing is paired.

    An unfinished experiment, whose matrix has gaps, gets the t interval over the tasks it has.
    """
    if not paired.tasks:
        return None
    return crossed_estimate(paired.matrix()) if paired.complete else mean_estimate(paired.task_means())


def success(streams: Sequence[StreamScores]) -> Estimate | None:
    """The mean score of a condition with its interval; ``None`` before the first task.

    One order of 0/1 scores is a single proportion: Wilson's interval. Several orders: as the difference.
    """
    begun = [stream for stream in streams if stream.scores]
    if not begun:
        return None
    tasks = sorted({task for stream in begun for task in stream.scores})
    matrix = [[stream.scores[task] for stream in begun if task in stream.scores] for task in tasks]
    if any(len(row) != len(begun) for row in matrix):
        return mean_estimate([average(row) for row in matrix])
    if len(begun) == 1 and len(tasks) > 1 and all(row[0] in (0, 1) for row in matrix):
        return wilson_estimate(int(sum(row[0] for row in matrix)), len(tasks))
    return crossed_estimate(matrix)
