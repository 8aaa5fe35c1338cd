"""Shares (means of scores between 0 and 1) with intervals that never have zero width and never extend beyond 0 to 1.

Wilson's interval (1927) with the number of independent 0/1 values that would have the same standard error: ``p (1 - p) / SE^2``. Scores of
one task are alike, so this number lies between the number of tasks and the number of scores. Below 8, Clopper and Pearson's interval is
used, since Wilson's covers too little there (``docs/statistics.md``).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np

from rbsuite.statistics.gaps import hull, one_interval
from rbsuite.statistics.intervals import LEVEL, ORDERS_NEEDED, UNKNOWN, Estimate
from rbsuite.statistics.spread import Side, spread
from rbsuite.statistics.two_parts import Floats, quantile

FEW = 8
"""With fewer values, Clopper and Pearson's interval is used."""
_PRIOR = 3.0
"""How many tasks' worth of the largest variance is mixed into the variance between tasks: few tasks often agree by chance."""


def share(cells: Floats, *, ordered: bool = False, gaps: bool = True) -> Estimate:
    """The mean score with its interval.

    Args:
        cells: scores between 0 and 1, tasks by runs, NaN where there is none.
        ordered: whether the order of runs may matter; with three or more runs the interval is over orders too.
        gaps: whether missing cells are scores that are not known yet.
    """
    side = Side.of(cells)

    def bounds(one: Side, _: Side | None) -> tuple[Floats, Floats]:
        return _bounds(one, ordered)

    found = spread(side, ordered=ordered, prior=_PRIOR)
    mean = float(found.mean)
    if math.isnan(mean):
        return Estimate(mean, None)
    if not -1e-9 <= np.nanmin(cells) <= np.nanmax(cells) <= 1 + 1e-9:
        half = float(quantile(found.degrees) * found.error)
        return Estimate(mean, (mean - half, mean + half) if half > 0 else None)
    interval = hull(side, None, (0.0, 1.0), bounds, mean) if gaps else one_interval(bounds(side, None))
    return Estimate(mean, interval)


def proportion(count: int, of: int) -> Estimate:
    """A share of independent 0/1 values; unknown if there are no values."""
    if not of:
        return Estimate(math.nan, None)
    low, high = interval_of(np.array(count / of), np.array(float(of)))
    return Estimate(count / of, (float(low), float(high)))


class ByTask:
    """Values by task; a task may have several.

    Args:
        tasks: the task of each value.
    """

    __slots__ = ("_column", "_row", "_shape")

    def __init__(self, tasks: Sequence[Hashable]) -> None:
        rows: dict[Hashable, int] = {}
        self._row = np.fromiter((rows.setdefault(task, len(rows)) for task in tasks), np.intp, len(tasks))
        together, seen = np.argsort(self._row, kind="stable"), np.bincount(self._row)
        self._column = np.empty_like(self._row)
        self._column[together] = np.arange(len(tasks)) - np.repeat(np.cumsum(seen) - seen, seen)
        self._shape = len(rows), int(seen.max(initial=0))

    def mean(self, values: Sequence[float]) -> Estimate:
        """The mean over tasks of each task's mean, with its interval over tasks; unknown without tasks.

        Args:
            values: one for each of the given tasks, in the same order.
        """
        if not len(values):
            return UNKNOWN
        cells = np.full(self._shape, math.nan)
        cells[self._row, self._column] = values
        return share(cells, gaps=False)


def over_tasks(values: Sequence[tuple[Hashable, float]]) -> Estimate:
    """:meth:`ByTask.mean` of pairs of a task and one of its values."""
    return ByTask([task for task, _ in values]).mean([value for _, value in values])


def interval_of(mean: Floats, number: Floats) -> tuple[Floats, Floats]:
    """The interval of a proportion of this number of (effectively) independent 0/1 values; the number need not be an integer."""
    z = float(quantile(math.inf))
    centre = (mean + z * z / 2 / number) / (1 + z * z / number)
    half = z / (1 + z * z / number) * np.sqrt(mean * (1 - mean) / number + z * z / 4 / number**2)
    low, high = np.maximum(0.0, centre - half), np.minimum(1.0, centre + half)
    few = number < FEW
    if few.any():
        exact = _exact(mean, number)
        low, high = np.where(few, exact[0], low), np.where(few, exact[1], high)
    return np.minimum(low, mean), np.maximum(high, mean)


def _exact(mean: Floats, number: Floats) -> tuple[Floats, Floats]:
    from scipy.special import betaincinv

    solved, failed, tail = mean * number, (1 - mean) * number, (1 - LEVEL) / 2
    low = np.where(solved > 0, betaincinv(np.maximum(solved, 1e-12), failed + 1, tail), 0.0)
    high = np.where(failed > 0, betaincinv(solved + 1, np.maximum(failed, 1e-12), 1 - tail), 1.0)
    return low, high


def _bounds(side: Side, ordered: bool) -> tuple[Floats, Floats]:
    found = spread(side, ordered=ordered, prior=_PRIOR)
    mean = np.clip(found.mean, 0.0, 1.0)
    tasks, cells = side.seen.any(-1).sum(-1).astype(float), side.seen.sum((-1, -2)).astype(float)
    over_orders = ordered and side.values.shape[-1] >= ORDERS_NEEDED
    binary = (((side.values == 0) | (side.values == 1)) | ~side.seen).all((-1, -2))
    with np.errstate(divide="ignore", invalid="ignore"):
        number = mean * (1 - mean) / found.error**2
        number = np.where(np.isfinite(number) & (number > 0), number, tasks)
    number = np.where(binary, np.minimum(number, cells), number)
    if over_orders:
        # Few orders estimate the error badly: use the quantile of t instead of the normal one.
        number = number * (quantile(math.inf) / quantile(np.where(np.isfinite(found.degrees), found.degrees, 1e6))) ** 2
    else:
        number = np.maximum(number, tasks)
    return interval_of(mean, np.maximum(number, 0.1))
