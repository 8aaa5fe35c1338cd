"""How a paired difference is distributed: along the stream, over the orders, over groups of tasks."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from rbsuite.statistics.intervals import ORDERS_NEEDED, Estimate, average, t_estimate
from rbsuite.statistics.pairing import Paired, StreamScores, difference_of, spread_of
from rbsuite.statistics.shares import share
from rbsuite.statistics.spread import Side, additive, spread
from rbsuite.statistics.two_parts import Floats

WINDOWS = 5


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the compared cells. Intervals are over tasks, given the orders that were run: a part has too few cells for anything more.

    Attributes:
        name: which part it is, e.g. ``"1-11"`` (positions in the stream, from 1) or a group.
        n: number of compared cells (a task in an order) in it.
        a, b: mean score of the condition and of the baseline, each with its interval.
        change: the difference with its interval.
    """

    name: str
    n: int
    a: Estimate
    b: Estimate
    change: Estimate

    @property
    def difference(self) -> float:
        """The mean difference."""
        return self.change.mean


@dataclass(frozen=True, slots=True)
class OrderSpread:
    """How the difference varies from order to order.

    Attributes:
        differences: the mean difference over tasks, for each order.
        deviation: their standard deviation, which includes the rollouts' chance variation; ``None`` for one order.
        order_deviation: standard deviation of the orders' own effect, with chance subtracted (0 if chance explains it all).
        p_value: from the F test of the hypothesis that orders do not differ.
    """

    differences: Sequence[float]
    deviation: float | None
    order_deviation: float | None
    p_value: float | None


def learning_curve(paired: Paired, windows: int = WINDOWS) -> list[Slice]:
    """The scores along the stream, in windows of about equal length.

    Args:
        paired: the scores.
        windows: how many; fewer if the stream is shorter.
    """
    return _parts(paired, list(pairwise(_bounds(paired, windows))))


def cumulative_curve(paired: Paired, windows: int = WINDOWS) -> list[Slice]:
    """The scores of all tasks up to the end of each window of :func:`learning_curve`: the cumulative accuracy of the literature on streams.

    Args:
        paired: the scores.
        windows: how many windows; fewer if the stream is shorter.
    """
    return _parts(paired, [(0, stop) for stop in _bounds(paired, windows)[1:]])


def _bounds(paired: Paired, windows: int) -> list[int]:
    length = max((len(stream.tasks) for stream in (*paired.a, *paired.b)), default=0)
    count = min(windows, length)
    return [length * number // count for number in range(count + 1)] if count else []


def _parts(paired: Paired, ranges: Sequence[tuple[int, int]]) -> list[Slice]:
    """The slice of each range of positions that has compared cells; runs to which order does not matter stay whole."""
    a, b, _ = paired.arrays()
    at_a, at_b = paired.places()
    mine, theirs = paired.exchangeable
    found = []
    for start, stop in ranges:
        sides = (
            a if mine and not theirs else np.where((at_a >= start) & (at_a < stop), a, np.nan),
            b if theirs else np.where((at_b >= start) & (at_b < stop), b, np.nan),
        )
        if mine or theirs:
            cut = [side[:, ~np.isnan(side).all(axis=0)] for side in sides]
        else:
            begun = ~np.isnan(sides[0] - sides[1]).all(axis=0)
            cut = [side[:, begun] for side in sides]
        found.append(_slice(f"{start + 1}-{stop}", cut[0], cut[1], paired.exchangeable, gaps=False))
    return [part for part in found if part is not None]


def breakdown(paired: Paired, groups: Mapping[str, str]) -> list[Slice]:
    """The scores by group of tasks, in the order of the groups' names.

    Args:
        paired: the scores.
        groups: the group of each task, by task id; tasks without one are left out.
    """
    a, b, _ = paired.arrays()
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for row, task in enumerate(paired.planned):
        if task in groups:
            rows[groups[task]].append(row)
    found = [_slice(name, a[rows[name]], b[rows[name]], paired.exchangeable, gaps=True) for name in sorted(rows)]
    return [part for part in found if part is not None]


def _slice(name: str, a: Floats, b: Floats, exchangeable: tuple[bool, bool], *, gaps: bool) -> Slice | None:
    """A slice of scores, tasks by runs; ``None`` if nothing is compared."""
    kept = ~(np.isnan(a).all(axis=1) | np.isnan(b).all(axis=1))
    compared = a - b if not any(exchangeable) else (a if exchangeable[1] else b)[kept]
    if not (count := int((~np.isnan(compared)).sum())):
        return None
    scores, control = (share(side[kept], gaps=False) for side in (a, b))
    change = difference_of(a, b, [-1] * a.shape[1], exchangeable, ordered=False, gaps=gaps)
    return Slice(name, count, scores, control, change)


def half_gain(paired: Paired) -> Estimate | None:
    """The difference in the second half of the stream minus that in the first, by regression.

    Every task is in the first half in some orders and in the second in others, so task effects remove what makes tasks differ, and order
    effects what makes orders differ. For a control that recalls nothing the halves do not matter, so the memory's scores are enough;
    otherwise paired differences are regressed. With one order there are no task effects: the differences in the two halves are compared.

    Returns:
        ``None`` if no task is in both halves, or if a half is empty.
    """
    cells = paired.along()
    if not paired.tasks or not cells:
        return None
    rows = {task: row for row, task in enumerate(paired.tasks)}
    y, half = np.full((len(rows), len(cells)), np.nan), np.zeros((len(rows), len(cells)))
    several = len(cells) > 1
    runs = [
        other if paired.exchangeable[0] and not paired.exchangeable[1] else one for one, other in _run_pairs(paired)
    ]
    for column, (run, length) in enumerate(zip(cells, (len(stream.tasks) for stream in runs), strict=True)):
        for cell in run:
            memory = (
                cell.a - cell.b
                if not several or not any(paired.exchangeable)
                else cell.a
                if paired.exchangeable[1]
                else -cell.b
            )
            y[rows[cell.task], column] = memory
            half[rows[cell.task], column] = float(cell.position >= length / 2)
    seen = ~np.isnan(y)
    y = np.where(seen, y, 0.0)
    if several:
        left, x = additive(y, seen)[1], additive(half, seen)[1]
        degrees = int(seen.sum()) - int(seen.any(axis=1).sum()) - len(cells)
    else:
        left, x = ((side - side[seen].mean()) * seen for side in (y, half))
        degrees = int(seen.sum()) - 2
    squares = float((x**2).sum())
    if squares < 1e-9:
        return None
    gain = float((x * left).sum()) / squares
    if degrees < 1:
        return Estimate(gain, None)
    error = math.sqrt(max(float(((left - gain * x) ** 2).sum()) / degrees, 1 / seen.sum()) / squares)
    return t_estimate(gain, error, degrees)


def _run_pairs(paired: Paired) -> Sequence[tuple[StreamScores, StreamScores]]:
    """The pair of each run of :meth:`Paired.along`; the run itself is on both sides if runs are not paired by stream."""
    if not any(paired.exchangeable):
        return paired.streams
    return [(run, run) for run in (paired.a if paired.exchangeable[1] else paired.b)]


def final_bank_gain(paired: Paired) -> Estimate | None:
    """What the final bank changes on early tasks: the difference when they are run again at the end, minus the difference the first time.

    Below 0, something was forgotten. The interval is over tasks, and over orders if there are three; ``None`` if no order has probes.
    """
    gains = [
        {
            task: (a.probes[task] - b.probes[task]) - (a.scores[task] - b.scores[task])
            for task in a.probes
            if task in b.probes and task in a.scores and task in b.scores
        }
        for a, b in paired.streams
    ]
    tasks = sorted({task for gain in gains for task in gain})
    if not tasks:
        return None
    by_order = [average(list(gain.values())) for gain in gains if gain]
    cells = np.array([[gain.get(task, math.nan) for gain in gains if gain] for task in tasks])
    found = spread(Side.of(cells))
    mean, degrees = average(by_order), float(found.degrees)
    if not degrees >= 1:
        return Estimate(mean, None)
    return t_estimate(mean, float(found.error), degrees)


def order_spread(paired: Paired) -> OrderSpread:
    """The difference of each order, and whether orders differ by more than chance."""
    differences = [average([cell.a - cell.b for cell in run]) for run in paired.along() if run]
    deviation = statistics.stdev(differences) if len(differences) > 1 else None
    if len(paired.tasks) < 2 or not paired.ordered or paired.orders < ORDERS_NEEDED:
        return OrderSpread(differences, deviation, None, None)
    found = spread_of(paired)
    from scipy.special import fdtrc

    ratio = float(found.ratio)
    p = 1.0 if math.isnan(ratio) else float(fdtrc(paired.orders - 1, float(found.residual_degrees), ratio))
    return OrderSpread(differences, deviation, math.sqrt(float(found.orders)), p)
