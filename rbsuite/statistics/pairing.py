"""Two conditions on the same tasks in the same streams: what is paired with what."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np

from rbsuite.record import RunInfo
from rbsuite.statistics.differences import against_control, negated, of_pairs
from rbsuite.statistics.intervals import Estimate, average
from rbsuite.statistics.shares import share
from rbsuite.statistics.spread import Side, Spread, spread
from rbsuite.statistics.two_parts import Floats

StreamKey = tuple[int, tuple[str, ...]]
"""Seed and tasks in order: what two runs must share to have had the same random draws."""


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
        probes: the scores of the tasks that were run again at the end, by task id.
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
    """The runs of two conditions on the same tasks.

    If the runs of one condition are exchangeable (it recalled nothing, so order could not matter to it), a task's scores in the other
    condition's runs are compared with its mean over the exchangeable runs, however many there are and whatever their orders. Otherwise runs
    are paired by stream.

    Attributes:
        a, b: the runs of the condition and of the baseline that have started and are compared.
        streams: the runs of both on each stream that both have started.
        tasks: the tasks that are compared, sorted.
        planned: all tasks of the runs, sorted; those that are not done count as missing.
        exchangeable: whether the runs of the condition are exchangeable, and whether those of the baseline are.
        left_out: runs of either that have no partner and cannot be compared without one.
        unfinished: the compared runs that are not finished.
    """

    a: tuple[StreamScores, ...]
    b: tuple[StreamScores, ...]
    streams: tuple[tuple[StreamScores, StreamScores], ...]
    tasks: tuple[str, ...]
    planned: tuple[str, ...]
    exchangeable: tuple[bool, bool]
    left_out: int
    unfinished: int

    @property
    def complete(self) -> bool:
        """Whether no cell is missing in the runs that have started."""
        return bool(self.tasks) and all(stream.scores.keys() >= set(self.planned) for stream in (*self.a, *self.b))

    @property
    def ordered(self) -> bool:
        """Whether order may matter to either of the two."""
        return not all(self.exchangeable)

    @property
    def orders(self) -> int:
        """The number of orders behind a task's mean; if order does not matter, the smaller number of runs of the two."""
        if self.ordered and any(self.exchangeable):
            return len(self.b if self.exchangeable[0] else self.a)
        return len(self.streams) if self.ordered else min(len(self.a), len(self.b))

    def along(self) -> list[list[Cell]]:
        """The compared cells of each run to which order matters (of the condition's runs if it matters to neither), in stream order."""
        kept = frozenset(self.tasks)
        if not any(self.exchangeable):
            return [
                [Cell(p, t, one.scores[t], other.scores[t]) for p, t in _done(one) if t in kept and t in other.scores]
                for one, other in self.streams
            ]
        if self.exchangeable[1]:
            means = _means(self.b, kept)
            return [[Cell(p, t, run.scores[t], means[t]) for p, t in _done(run) if t in kept] for run in self.a]
        means = _means(self.a, kept)
        return [[Cell(p, t, means[t], run.scores[t]) for p, t in _done(run) if t in kept] for run in self.b]

    def cells(self) -> Mapping[str, list[tuple[float, float]]]:
        """The two scores of each task in each run of :meth:`along`."""
        if not any(self.exchangeable):
            sides = [(one.scores, other.scores) for one, other in self.streams]
        elif self.exchangeable[1]:
            means = _means(self.b, self.tasks)
            sides = [(run.scores, means) for run in self.a]
        else:
            means = _means(self.a, self.tasks)
            sides = [(means, run.scores) for run in self.b]
        return {task: [(a[task], b[task]) for a, b in sides if task in a and task in b] for task in self.tasks}

    def places(self) -> tuple[Floats, Floats]:
        """The positions of the cells of :meth:`arrays` in their streams, from 0; NaN where a stream does not have the task."""

        def of(streams: Sequence[StreamScores]) -> Floats:
            return _columns([{task: place for place, task in enumerate(one.tasks)} for one in streams], self.planned)

        return of(self.a), of(self.b)

    def arrays(self) -> tuple[Floats, Floats, list[int]]:
        """Scores of both sides, tasks (:attr:`planned`) by runs, NaN where there is none; and for each run of the condition, its partner's
        position among those of the baseline, -1 for none.
        """
        keys = [stream.key for stream in self.b]
        partners = [keys.index(stream.key) if stream.key in keys else -1 for stream in self.a]
        return _array(self.a, self.planned), _array(self.b, self.planned), partners


@dataclass(frozen=True, slots=True)
class Cell:
    """A task in a run: its position in the stream from 0, its id, and the two scores."""

    position: int
    task: str
    a: float
    b: float


def pair(
    a: Sequence[StreamScores], b: Sequence[StreamScores], exchangeable: tuple[bool, bool] = (False, False)
) -> Paired:
    """Pair the runs of a condition with those of a baseline.

    Args:
        a: the condition's runs.
        b: the baseline's.
        exchangeable: whether the runs of each are exchangeable because nothing was recalled in them.
    """
    others = {stream.key: stream for stream in b}
    shared = [(stream, others[stream.key]) for stream in a if stream.key in others]
    begun = tuple((one, other) for one, other in shared if one.scores.keys() & other.scores.keys())
    if any(exchangeable):
        mine, theirs = (tuple(stream for stream in side if stream.scores) for side in (a, b))
        left_out, unfinished = 0, sum(not stream.complete for stream in (*a, *b))
        done = [{task for stream in side for task in stream.scores} for side in (mine, theirs)]
        tasks = done[0] & done[1]
    else:
        mine, theirs = tuple(one for one, _ in begun), tuple(other for _, other in begun)
        left_out = len(a) + len(b) - 2 * len(shared)
        unfinished = sum(not (one.complete and other.complete) for one, other in shared)
        tasks = {task for one, other in begun for task in one.scores.keys() & other.scores.keys()}
    planned = {task for stream in (*mine, *theirs) for task in stream.tasks} if tasks else set()
    return Paired(mine, theirs, begun, tuple(sorted(tasks)), tuple(sorted(planned)), exchangeable, left_out, unfinished)


def difference(paired: Paired, *, ordered: bool = True, gaps: bool = True) -> Estimate | None:
    """The mean paired difference with its reported interval; ``None`` if nothing is paired.

    Args:
        paired: the scores.
        ordered: whether orders count if they matter; otherwise the interval is over tasks, given these orders.
        gaps: whether missing cells are scores that are not known yet; otherwise they are left out by design.
    """
    if not paired.tasks:
        return None
    a, b, partners = paired.arrays()
    return difference_of(a, b, partners, paired.exchangeable, ordered=ordered and paired.ordered, gaps=gaps)


def difference_of(
    a: Floats, b: Floats, partners: Sequence[int], exchangeable: tuple[bool, bool], *, ordered: bool, gaps: bool
) -> Estimate:
    """:func:`difference` of scores in the form returned by :meth:`Paired.arrays`.

    Args:
        a: scores of the condition, tasks by runs.
        b: scores of the baseline; runs that are paired by stream have the same column.
        partners: for each column of the condition, its partner's column among those of the baseline, -1 for none; needed if orders count.
        exchangeable: whether the runs of each side are exchangeable.
        ordered: whether orders count.
        gaps: whether missing cells are scores that are not known yet.
    """
    if exchangeable[1]:
        return against_control(a, b, partners, ordered=ordered, gaps=gaps)
    if exchangeable[0]:
        return negated(against_control(b, a, _turned(partners, b.shape[1]), ordered=ordered, gaps=gaps))
    return of_pairs(a - b, ordered=ordered, gaps=gaps)


def spread_of(paired: Paired) -> Spread:
    """The parts of the error of the difference (its mean has the wrong sign if only the condition is exchangeable)."""
    a, b, partners = paired.arrays()
    if paired.exchangeable[1]:
        return spread(Side.of(a), Side.of(b), partners, ordered=paired.ordered)
    if paired.exchangeable[0]:
        return spread(Side.of(b), Side.of(a), _turned(partners, b.shape[1]))
    return spread(Side.of(a - b))


def _turned(partners: Sequence[int], count: int) -> list[int]:
    """The partners seen from the other side, which has ``count`` columns."""
    return [partners.index(place) if place in partners else -1 for place in range(count)]


def success(streams: Sequence[StreamScores], *, ordered: bool = True) -> Estimate | None:
    """The mean score of a condition with its interval; ``None`` before the first task.

    Args:
        streams: its runs.
        ordered: whether order may matter; it does not if nothing was recalled.
    """
    begun = [stream for stream in streams if stream.scores]
    if not begun:
        return None
    return share(_array(begun, sorted({task for stream in begun for task in stream.tasks})), ordered=ordered)


def _done(stream: StreamScores) -> Iterator[tuple[int, str]]:
    return ((position, task) for position, task in enumerate(stream.tasks) if task in stream.scores)


def _means(streams: Sequence[StreamScores], tasks: Collection[str]) -> Mapping[str, float]:
    """The mean score of each of the tasks, all of which are done in at least one of the streams."""
    return {task: average([run.scores[task] for run in streams if task in run.scores]) for task in tasks}


def _array(streams: Sequence[StreamScores], tasks: Sequence[str]) -> Floats:
    return _columns([stream.scores for stream in streams], tasks)


def _columns(values: Sequence[Mapping[str, float]], tasks: Sequence[str]) -> Floats:
    columns = [np.fromiter(map(one.get, tasks, repeat(math.nan)), float, len(tasks)) for one in values]
    return np.stack(columns, axis=1) if columns else np.empty((len(tasks), 0))
