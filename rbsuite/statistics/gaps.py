"""Missing cells do not make a result look surer: an interval takes in what it would have been with the cells there.

The estimate is made from the cells there are. Its interval is the hull of its own and of those with missing cells filled in by extreme
values, each drawn in by :data:`KEPT` for every cell that is filled but the first. Without one more cell an interval holds, drawn in once
more, all that it held with it, so taking out a cell that had an extreme value never narrows it by more than 5 %, the first one not at
all. Where there are too many ways
to fill the cells in, those are looked for step by step that widen the interval most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

from rbsuite.statistics.spread import Flags, Side
from rbsuite.statistics.two_parts import Floats

Bounds = Callable[[Side, Side | None], tuple[Floats, Floats]]
"""The bounds of the intervals of a stack of experiments."""

KEPT = 0.95
"""What of an interval's width is kept at least where one more cell is missing."""
_CELLS = 80_000
"""All ways to fill cells in are tried where that makes experiments of no more cells in all."""
_TOGETHER = 24
"""Cells that are filled in together at most where there are too many ways."""
_PATIENCE = 5
"""Cells that may be filled in without a gain before no more are."""
_LOOKED_AT = 40
"""Missing cells that are looked at, evenly spaced; where there are more, one of them matters little."""


def hull(
    a: Side, b: Side | None, extremes: Sequence[float], bounds: Bounds, middle: float = 0.0
) -> tuple[float, float] | None:
    """The interval of one experiment.

    Args:
        a: the condition's side, tasks by orders, see :func:`rbsuite.statistics.spread.spread`.
        b: the baseline's; ``None`` for a condition alone.
        extremes: the values that a missing cell is filled with.
        bounds: gives the intervals of a stack.
        middle: towards where intervals are drawn in.

    Returns:
        ``None`` where the experiment itself has no interval.
    """
    alone = one_interval(bounds(a, b))
    if alone is None:
        return None
    low, high = alone
    sides = [a] if b is None else [a, b]
    places = [np.argwhere(~side.seen) for side in sides]
    missing, cells = sum(map(len, places)), sum(side.seen.size for side in sides)
    if not missing:
        return low, high

    def widen(fillings: Floats) -> tuple[Floats, float]:
        """Take in the intervals of some fillings; the one that makes the widest, and how wide."""
        nonlocal low, high
        lows, highs = bounds(*_filled(sides, places, fillings))
        drawn = KEPT ** np.maximum(0, (~np.isnan(fillings)).sum(-1) - 1)
        lows, highs = middle + drawn * (lows - middle), middle + drawn * (highs - middle)
        low, high = min(low, float(np.nanmin(lows))), max(high, float(np.nanmax(highs)))
        widest = int(np.nanargmax(highs - lows))
        return fillings[widest], float(highs[widest] - lows[widest])

    if (len(extremes) + 1) ** missing * cells <= _CELLS:
        widen(np.array(list(product((np.nan, *extremes), repeat=missing)), dtype=float))
        return low, high
    kept, widest, idle = np.full(missing, np.nan), high - low, 0
    while idle < _PATIENCE and (free := np.flatnonzero(np.isnan(kept))).size > max(0, missing - _TOGETHER):
        free = free[:: max(1, len(free) // _LOOKED_AT)]
        fillings = np.repeat(kept[None], len(free) * len(extremes), axis=0)
        fillings[np.arange(len(fillings)), np.repeat(free, len(extremes))] = np.tile(extremes, len(free))
        kept, width = widen(fillings)
        widest, idle = max(widest, width), 0 if width > widest else idle + 1
    return low, high


def one_interval(bounds: tuple[Floats, Floats]) -> tuple[float, float] | None:
    """The interval of a stack of one; ``None`` where it is not defined."""
    low, high = (float(bound) for bound in bounds)
    return (low, high) if low <= high else None


def _filled(
    sides: Sequence[Side], places: Sequence[npt.NDArray[np.intp]], fillings: Floats
) -> tuple[Side, Side | None]:
    """The sides with the missing cells filled in, one a row of ``fillings``; not a number leaves a cell missing."""
    stacks, first = [], 0
    for side, where in zip(sides, places, strict=True):
        values: Floats = np.repeat(side.values[None], len(fillings), axis=0)
        seen: Flags = np.repeat(side.seen[None], len(fillings), axis=0)
        own = fillings[:, first : first + len(where)]
        values[:, where[:, 0], where[:, 1]] = np.nan_to_num(own)
        seen[:, where[:, 0], where[:, 1]] = ~np.isnan(own)
        stacks.append(Side(values, seen))
        first += len(where)
    return stacks[0], stacks[1] if len(stacks) > 1 else None
