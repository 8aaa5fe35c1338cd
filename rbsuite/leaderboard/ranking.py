"""Ranks that are as wide as is known: every two rows are compared task by task, and Holm's correction is over all pairs.

Rows that ran the same streams are compared pair by pair, those that recalled nothing by their means over all runs
(:mod:`rbsuite.statistics.pairing`). Rows that both learn and ran *different* orders share tasks alone: the variance between tasks is
that of the tasks' differences, and each side brings its own variance between orders (:class:`_OverTasks`).

A row's rank goes from one more than the number of rows that are surely better to the number of rows less those that are surely worse. Since
the correction is over all pairs of the board, all ranges hold together in 95 % of boards (Mogstad, Romano, Shaikh & Wilhelm 2024).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rbsuite.statistics.intervals import LEVEL, ORDERS_NEEDED
from rbsuite.statistics.pairing import StreamKey
from rbsuite.statistics.spread import Side, least, spread
from rbsuite.statistics.two_parts import Floats, TwoParts


@dataclass(frozen=True, slots=True)
class Entry:
    """What a row of a board scored.

    Attributes:
        cells: the headline, tasks by runs; all entries have the same tasks in the same order.
        keys: the stream of each run.
        exchangeable: whether nothing was recalled, so that no order could matter.
    """

    cells: Floats
    keys: tuple[StreamKey, ...]
    exchangeable: bool


@dataclass(frozen=True, slots=True)
class Pairs:
    """Every two rows of a board; square, row less column.

    Attributes:
        difference: of the headlines.
        reach: half width of its 95 % interval, not adjusted.
        p_holm: adjusted for all pairs; 1 on the diagonal.
        same_streams: whether the two ran the same streams or no order matters, so that they are paired in full.
    """

    difference: Floats
    reach: Floats
    p_holm: Floats
    same_streams: npt.NDArray[np.bool_]


def compare_all(entries: Sequence[Entry]) -> Pairs:
    """Compare every two rows.

    Args:
        entries: the rows, of two tasks or more and without missing cells.
    """
    count = len(entries)
    mean, reach, p = np.zeros((count, count)), np.zeros((count, count)), np.ones((count, count))
    same = np.eye(count, dtype=bool)
    over_tasks = _OverTasks.of(entries)
    for first, one in enumerate(entries):
        for (mode, columns, _), others in _grouped(entries, first).items():
            if mode in ("tasks", "apart"):
                parts, difference = over_tasks.parts(first, others, apart=mode == "apart")
            else:
                parts, difference = _paired(mode, columns, one, np.stack([entries[other].cells for other in others]))
            mean[first, others], reach[first, others] = difference, parts.reach()
            p[first, others] = parts.p_values(difference)
            same[first, others] = mode != "apart"
    upper = np.triu_indices(count, 1)
    p[upper] = _holm(p[upper])
    lower = (upper[1], upper[0])
    mean[lower], reach[lower], p[lower], same[lower] = -mean[upper], reach[upper], p[upper], same[upper]
    return Pairs(mean, reach, p, same)


def rank_ranges(pairs: Pairs, *, lower_is_better: bool = False) -> list[tuple[int, int]]:
    """The best and the worst rank of each row."""
    sign = -1.0 if lower_is_better else 1.0
    settled = pairs.p_holm <= 1 - LEVEL + 1e-12
    better = (settled & (sign * pairs.difference < 0)).sum(1)
    worse = (settled & (sign * pairs.difference > 0)).sum(1)
    return [(1 + int(above), len(better) - int(below)) for above, below in zip(better, worse, strict=True)]


def _grouped(entries: Sequence[Entry], first: int) -> Mapping[tuple[str, tuple[tuple[int, int], ...], int], list[int]]:
    """The rows after one, by how they are compared with it, which of their columns pair, and how many they have."""
    one, groups = entries[first], defaultdict(list)
    places = {key: place for place, key in enumerate(one.keys)}
    for number in range(first + 1, len(entries)):
        other = entries[number]
        shared = tuple((places[key], place) for place, key in enumerate(other.keys) if key in places)
        if one.exchangeable and other.exchangeable:
            mode, shared = "tasks", ()
        elif other.exchangeable:
            mode = "control after"
        elif one.exchangeable:
            mode = "control first"
        elif shared and (len(shared) >= ORDERS_NEEDED or len(shared) == max(len(one.keys), len(other.keys))):
            mode = "pairs"
        else:
            mode, shared = "apart", ()
        groups[mode, shared, len(other.keys)].append(number)
    return groups


def _paired(mode: str, columns: tuple[tuple[int, int], ...], one: Entry, stack: Floats) -> tuple[TwoParts, Floats]:
    """The parts of the error of a row less each of a stack of others, and the differences."""
    cells = np.broadcast_to(one.cells, (len(stack), *one.cells.shape)).copy()
    if mode == "pairs":
        mine, theirs = [place for place, _ in columns], [place for _, place in columns]
        found = spread(_full(cells[..., mine] - stack[..., theirs]))
    elif mode == "control first":
        partners = [next((mine for mine, place in columns if place == column), -1) for column in range(stack.shape[-1])]
        found = spread(_full(stack), _full(cells), partners)
        return found.parts, -found.mean
    else:
        partners = [next((place for mine, place in columns if mine == column), -1) for column in range(cells.shape[-1])]
        found = spread(_full(cells), _full(stack), partners)
    return found.parts, found.mean


def _full(values: Floats) -> Side:
    return Side(values, np.ones(values.shape, dtype=bool))


@dataclass(frozen=True, slots=True)
class _OverTasks:
    """What is needed of every row to compare two whose runs do not pair.

    Attributes:
        means: of each row.
        covariance: of the rows' task means, over tasks.
        runs: of each row.
        tasks: their number.
        orders: the part of each row's error that is between its own orders; 0 where none matters or too few tell.
    """

    means: Floats
    covariance: Floats
    runs: npt.NDArray[np.intp]
    tasks: int
    orders: Floats

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> _OverTasks:
        by_task = np.stack([one.cells.mean(-1) for one in entries])
        covariance = np.atleast_2d(np.cov(by_task))
        orders = [spread(_full(one.cells), ordered=not one.exchangeable).parts.orders for one in entries]
        runs = np.array([one.cells.shape[-1] for one in entries])
        return cls(by_task.mean(-1), covariance, runs, by_task.shape[-1], np.array(orders, dtype=float))

    def parts(self, first: int, others: Sequence[int], *, apart: bool) -> tuple[TwoParts, Floats]:
        """As :func:`_paired`; ``apart`` where orders matter: each side brings its own part (Satterthwaite's degrees)."""
        own, of_others, n = self.orders[first], self.orders[others], self.tasks
        variance = self.covariance[first, first] + np.diag(self.covariance)[others] - 2 * self.covariance[first, others]
        tasks = np.maximum(
            variance / n, [float(least(n, int(min(self.runs[first], runs)))) for runs in self.runs[others]]
        )
        orders = own + of_others if apart else np.zeros(len(others))
        mine, theirs = np.maximum(1, self.runs[first] - 1), np.maximum(1, self.runs[others] - 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            pooled = orders**2 / (own**2 / mine + of_others**2 / theirs)
        degrees = np.where(orders > 0, pooled, 1.0)
        parts = TwoParts(tasks, orders, np.full(len(others), n - 1.0), degrees)
        return parts, self.means[first] - self.means[others]


def _holm(p_values: Floats) -> Floats:
    """Holm's adjusted p values (:func:`rbsuite.statistics.exact.holm` for many)."""
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty_like(p_values)
    steps = np.arange(len(p_values), 0, -1)
    adjusted[order] = np.maximum.accumulate(np.minimum(1.0, steps * p_values[order]))
    return adjusted
