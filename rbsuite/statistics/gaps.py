"""Missing cells do not make a result look more certain: an interval covers what it would have been with the cells present.

The estimate is made from the cells that exist. Its interval is the hull of its own interval and of those with missing cells filled in with
extreme values, each shrunk by :data:`KEPT` for every filled cell after the first. If one more cell is removed, the interval still contains
all that it contained before, shrunk once more. So removing a cell that had an extreme value narrows it by at most 5 %, and the first one
not at all. That is exact if all ways to fill in the cells are tried. If there are too many, a search looks for those with the widest
intervals: among the ways to fill in a few cells and those that set orders apart, and from the best of both by changing one cell or pair at
a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, permutations, product
from math import comb

import numpy as np
import numpy.typing as npt

from rbsuite.statistics.spread import Flags, Side
from rbsuite.statistics.two_parts import Floats

Bounds = Callable[[Side, Side | None], tuple[Floats, Floats]]
"""The bounds of the intervals of a stack of experiments."""

KEPT = 0.95
"""The least share of an interval's width that remains when one more cell is missing."""
_WORK = 200_000
"""Limit on the cells of all experiments together: of those in which few cells are filled in, and of each round of the search."""
_LOOKED_AT = 80
"""Most missing cells that are considered, evenly spaced; if there are more, a single one matters little."""
_TOGETHER = 24
"""Most cells that are filled in together to set orders apart; with more, less than a third of the width would remain."""
_ROUNDS = 16
"""Most rounds of the search."""
_STARTS = 6
"""Most ways of setting orders apart from which the search starts."""
_KEPT_WAYS = 8
"""Most ways that a round continues from."""


def hull(
    a: Side, b: Side | None, extremes: Sequence[float], bounds: Bounds, middle: float = 0.0
) -> tuple[float, float] | None:
    """The interval of one experiment.

    Args:
        a: the condition's side, tasks by orders, see :func:`rbsuite.statistics.spread.spread`.
        b: the baseline's; ``None`` for a condition alone.
        extremes: the values that a missing cell is filled with, in ascending order.
        bounds: gives the intervals of a stack.
        middle: the point towards which intervals are shrunk.

    Returns:
        ``None`` if the experiment itself has no interval.
    """
    alone = one_interval(bounds(a, b))
    if alone is None or (a.seen.all() and (b is None or b.seen.all())):
        return alone
    search = _Search([a] if b is None else [a, b], extremes, bounds, middle, alone)
    few = search.few()
    if few is not None:
        for ways in (few, *search.apart()):
            search.climb(ways)
    return search.low, search.high


class _Search:
    """Looks for the ways to fill in missing cells that make the widest interval.

    A way is a row with a value for each missing cell, NaN if the cell stays missing.
    """

    def __init__(
        self,
        sides: Sequence[Side],
        extremes: Sequence[float],
        bounds: Bounds,
        middle: float,
        alone: tuple[float, float],
    ) -> None:
        self.low, self.high = alone
        self._sides = _grouped(sides)
        self._extremes = extremes
        self._bounds = bounds
        self._middle = middle
        self._places = [np.argwhere(~side.seen) for side in self._sides]
        self._cells = sum(side.seen.size for side in self._sides)
        self._missing = sum(map(len, self._places))
        looked_at = min(_LOOKED_AT, max(8, 2 * _WORK // self._cells))
        self._open = np.arange(self._missing)[:: -(-self._missing // looked_at)]

    def few(self) -> Floats | None:
        """Fill in up to as many cells together as the work allows; returns the widest ways, or ``None`` if all ways were tried."""
        best, widths = np.full((1, self._missing), np.nan), np.array([self.high - self.low])
        done = 0
        for together in range(1, len(self._open) + 1):
            done += comb(len(self._open), together) * len(self._extremes) ** together
            if together > 1 and done * self._cells > _WORK:
                return best
            cells = np.array(list(combinations(self._open, together)))
            values = np.array(list(product(self._extremes, repeat=together)))
            ways = np.full((len(cells), len(values), self._missing), np.nan)
            np.put_along_axis(ways, np.repeat(cells[:, None], len(values), axis=1), values[None], axis=2)
            best, widths = _widest(
                [best, ways.reshape(-1, self._missing)], [widths, self._try(ways.reshape(-1, self._missing))]
            )
        return None if len(self._open) == self._missing else best

    def apart(self) -> Sequence[Floats]:
        """Set one or two orders apart from the others, with the cells that contribute most; returns the widest ways, one per array."""
        orders = range(self._sides[0].seen.shape[-1])
        tried: list[tuple[npt.NDArray[np.intp], Floats]] = []
        for up, down in [*permutations(orders, 2), *((one, -1) for one in orders), *((-1, one) for one in orders)]:
            way, first = np.full(self._missing, np.nan), 0
            for side, places in enumerate(self._places):
                values = self._extremes if side == 0 else self._extremes[::-1]
                own = way[first : first + len(places)]
                own[places[:, 1] == up], own[places[:, 1] == down] = values[-1], values[0]
                first += len(places)
            cells = self._open[~np.isnan(way[self._open])]
            if len(cells) > 1:
                tried.append((cells, way))
        found: list[tuple[float, Floats]] = []
        for cells, way in tried:
            without = np.repeat(
                np.where(np.isin(np.arange(self._missing), cells), way, np.nan)[None], len(cells), axis=0
            )
            without[np.arange(len(cells)), cells] = np.nan
            needed = cells[np.argsort(self._try(without))][:_TOGETHER]
            growing = np.full((len(needed), self._missing), np.nan)
            for size in range(len(needed)):
                growing[size:, needed[size]] = way[needed[size]]
            widths = self._try(growing)
            found.append((float(widths.max()), growing[widths.argmax()]))
        return [way[None] for _, way in sorted(found, key=lambda one: -one[0])[:_STARTS]]

    def climb(self, ways: Floats) -> None:
        """Change one cell or pair at a time, in several of the widest ways at once, until no change widens the interval."""
        changes, widths = list(self._changes()), self._try(ways)
        kept = max(1, min(_KEPT_WAYS, _WORK // (self._cells * len(changes))))
        for _ in range(_ROUNDS):
            before = widths.max()
            tried = np.repeat(ways[:kept], len(changes), axis=0)
            for place, (cells, values) in enumerate(changes):
                tried[place :: len(changes), cells] = values
            ways, widths = _widest([ways, tried], [widths, self._try(tried)])
            if widths[0] <= before:
                return

    def _changes(self) -> Iterator[tuple[list[int], list[float]]]:
        """Every other value of a cell, and none; values for both cells of a pair, and none."""
        low, high = self._extremes[0], self._extremes[-1]
        for cell in self._open:
            yield from (([cell], [value]) for value in (np.nan, *self._extremes))
        if len(self._places) == 2:
            first = {(int(task), int(order)): number for number, (task, order) in enumerate(self._places[0])}
            for number, (task, order) in enumerate(self._places[1], start=len(first)):
                if (partner := first.get((int(task), int(order)))) is not None and partner in self._open:
                    yield from (([partner, number], values) for values in ([low, high], [high, low], [np.nan, np.nan]))

    def _try(self, ways: Floats) -> Floats:
        """Include the intervals of these ways in the hull; returns their widths."""
        lows, highs = self._bounds(*_filled(self._sides, self._places, ways))
        drawn = KEPT ** np.maximum(0, (~np.isnan(ways)).sum(-1) - 1)
        lows, highs = self._middle + drawn * (lows - self._middle), self._middle + drawn * (highs - self._middle)
        self.low, self.high = min(self.low, float(np.nanmin(lows))), max(self.high, float(np.nanmax(highs)))
        widths: Floats = np.nan_to_num(highs - lows)
        return widths


def _widest(ways: Sequence[Floats], widths: Sequence[Floats]) -> tuple[Floats, Floats]:
    """The distinct ways with the widest intervals, and their widths."""
    all_ways, all_widths = np.concatenate(ways), np.concatenate(widths)
    first = np.argsort(-all_widths, kind="stable")[: 8 * _KEPT_WAYS]
    _, distinct = np.unique(np.nan_to_num(all_ways[first], nan=-9.0), axis=0, return_index=True)
    first = first[np.sort(distinct)][:_KEPT_WAYS]
    return all_ways[first], all_widths[first]


def one_interval(bounds: tuple[Floats, Floats]) -> tuple[float, float] | None:
    """The interval of a stack of one; ``None`` if it is not defined."""
    low, high = (float(bound) for bound in bounds)
    return (low, high) if low <= high else None


def _grouped(sides: Sequence[Side]) -> Sequence[Side]:
    """The sides with identical complete tasks merged into one row; with 0/1 scores few rows remain."""
    whole = np.logical_and.reduce([side.seen.all(-1) for side in sides])
    kinds, times = np.unique(np.hstack([side.values[whole] for side in sides]), axis=0, return_counts=True)
    weights = np.concatenate([times.astype(float), np.ones((~whole).sum())])
    made, first = [], 0
    for side in sides:
        orders = side.seen.shape[-1]
        values = np.concatenate([kinds[:, first : first + orders], side.values[~whole]])
        seen = np.concatenate([np.ones((len(kinds), orders), dtype=bool), side.seen[~whole]])
        made.append(Side(values, seen, weights))
        first += orders
    return made


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
        stacks.append(Side(values, seen, side.times))
        first += len(where)
    return stacks[0], stacks[1] if len(stacks) > 1 else None
