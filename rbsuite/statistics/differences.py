"""The reported interval of a mean paired difference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from rbsuite.statistics.gaps import hull, one_interval
from rbsuite.statistics.intervals import Estimate
from rbsuite.statistics.spread import Side, Spread, spread
from rbsuite.statistics.two_parts import Floats, TwoParts


def against_control(
    a: Floats, b: Floats, partners: Sequence[int], *, ordered: bool = True, gaps: bool = True
) -> Estimate:
    """The mean difference between a condition and a control whose runs are exchangeable because it recalls nothing.

    Args:
        a: scores of the condition, tasks by orders, NaN where there is none.
        b: scores of the control on the same tasks; any number of runs. A task is compared with its mean over these runs.
        partners: for each column of ``a``, the column of ``b`` on the same stream; -1 for none.
        ordered: whether the condition may depend on the order; ``False`` if it recalls nothing either.
        gaps: whether missing cells are scores that are not known yet; otherwise they are left out by design.
    """
    side, other = Side.of(a), Side.of(b)

    def bounds(one: Side, control: Side | None) -> tuple[Floats, Floats]:
        return _reach(spread(one, control, partners, ordered=ordered))

    found = spread(side, other, partners, ordered=ordered)
    return _estimate(found, hull(side, other, (0.0, 1.0), bounds) if gaps else one_interval(bounds(side, other)))


def of_pairs(cells: Floats, *, ordered: bool = True, gaps: bool = True) -> Estimate:
    """The mean of paired differences of two conditions that both depend on the order.

    Args:
        cells: differences, tasks by orders, NaN where there is none.
        ordered: whether orders count; otherwise the interval is over tasks alone.
        gaps: as in :func:`against_control`.
    """
    side = Side.of(cells)

    def bounds(one: Side, _: Side | None) -> tuple[Floats, Floats]:
        return _reach(spread(one, ordered=ordered))

    found = spread(side, ordered=ordered)
    return _estimate(found, hull(side, None, (-1.0, 0.0, 1.0), bounds) if gaps else one_interval(bounds(side, None)))


def negated(estimate: Estimate) -> Estimate:
    """The estimate of the reversed difference."""
    bounds = None if estimate.interval is None else (-estimate.interval[1], -estimate.interval[0])
    return replace(estimate, mean=-estimate.mean, interval=bounds)


def _reach(found: Spread) -> tuple[Floats, Floats]:
    """The interval of the estimate's own error: the interval of the mean, minus the mean."""
    half = found.parts.reach()
    return -half, half


def _estimate(found: Spread, reach: tuple[float, float] | None) -> Estimate:
    """The estimate whose interval extends this far to either side of the mean, cut to what is possible."""
    mean, half = float(found.mean), 0.0 if reach is None else reach[1]
    if math.isnan(mean) or not half:
        return Estimate(mean, None)
    wider, own = half / float(found.parts.reach()), found.parts
    parts = TwoParts(*map(float, (own.tasks, own.orders, own.tasks_degrees, own.orders_degrees))).times(wider)
    interval = possible(mean - half, mean + half)
    return Estimate(mean, interval, float(parts.error), float(parts.degrees), parts if parts.orders else None)


def possible(low: float, high: float) -> tuple[float, float]:
    """An interval of a difference of scores, cut to -1 and 1."""
    return max(-1.0, low), min(1.0, high)
