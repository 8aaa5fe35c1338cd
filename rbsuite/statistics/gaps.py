"""Missing cells do not make a result look surer: an interval takes in what it would have been with the cell there.

The estimate is made from the cells there are. Its interval is the hull of its own and of those with missing cells filled in by
extreme values: every way to fill in one or two, so that taking a 0/1 score out of a complete experiment cannot narrow an interval.
Where more are missing each one is filled in by itself, and then, with the filling that widened the interval most kept, one more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product

import numpy as np

from rbsuite.statistics.spread import Flags, Floats, Side

Bounds = Callable[[Side, Side | None], tuple[Floats, Floats]]
"""The bounds of the intervals of a stack of experiments."""

Place = tuple[int, int, int]
"""Which side, which row, which column."""

Filling = Sequence[tuple[Place, float]]
"""Values for missing cells."""

_ALL_WAYS = 16
"""Ways to fill cells in that are all tried."""
_TOGETHER = 2
"""Cells that are filled in together where there are too many ways."""
_LOOKED_AT = 40
"""Missing cells that are looked at, evenly spaced; where there are more, one of them matters little."""


def hull(a: Side, b: Side | None, extremes: Sequence[float], bounds: Bounds) -> tuple[float, float] | None:
    """The interval of one experiment.

    Args:
        a: the condition's side, tasks by orders, see :func:`rbsuite.statistics.spread.spread`.
        b: the baseline's; ``None`` for a condition alone.
        extremes: the values that a missing cell is filled with.
        bounds: gives the intervals of a stack.

    Returns:
        ``None`` where the experiment itself has no interval.
    """
    alone = one_interval(bounds(a, b))
    if alone is None:
        return None
    low, high = alone
    sides = [a] if b is None else [a, b]
    places: list[Place] = [
        (number, int(row), int(column)) for number, side in enumerate(sides) for row, column in np.argwhere(~side.seen)
    ]
    if not places:
        return low, high
    if (len(extremes) + 1) ** len(places) <= _ALL_WAYS:
        lows, highs = _bounds(sides, list(_all_ways(places, extremes)), bounds)
        return min(low, float(np.nanmin(lows))), max(high, float(np.nanmax(highs)))
    kept: list[tuple[Place, float]] = []
    for _ in range(_TOGETHER):
        filled = [place for place, _ in kept]
        fillings = [
            [*kept, (place, value)]
            for place in places[:: max(1, len(places) // _LOOKED_AT)]
            for value in extremes
            if place not in filled
        ]
        lows, highs = _bounds(sides, fillings, bounds)
        low, high = min(low, float(np.nanmin(lows))), max(high, float(np.nanmax(highs)))
        kept = fillings[int(np.nanargmax(highs - lows))]
    return low, high


def one_interval(bounds: tuple[Floats, Floats]) -> tuple[float, float] | None:
    """The interval of a stack of one; ``None`` where it is not defined."""
    low, high = (float(bound) for bound in bounds)
    return (low, high) if low <= high else None


def _all_ways(places: Sequence[Place], extremes: Sequence[float]) -> Iterator[Filling]:
    """Each cell left out or filled in by each value."""
    for values in product((None, *extremes), repeat=len(places)):
        yield [(place, value) for place, value in zip(places, values, strict=True) if value is not None]


def _bounds(sides: Sequence[Side], fillings: Sequence[Filling], bounds: Bounds) -> tuple[Floats, Floats]:
    stacks = []
    for number, side in enumerate(sides):
        values: Floats = np.repeat(side.values[None], len(fillings), axis=0)
        seen: Flags = np.repeat(side.seen[None], len(fillings), axis=0)
        for copy, filling in enumerate(fillings):
            for (of, row, column), value in filling:
                if of == number:
                    values[copy, row, column], seen[copy, row, column] = value, True
        stacks.append(Side(values, seen))
    return bounds(stacks[0], stacks[1] if len(stacks) > 1 else None)
