"""Ranks as wide as their uncertainty: every two rows are compared task by task, and Holm's correction is over all pairs.

Rows that ran the same streams are compared pair by pair, those that recalled nothing by their means over all runs
(:mod:`rbsuite.statistics.pairing`). Two rows that both learn and ran *different* orders share only tasks: the variance between tasks is
that of the tasks' differences, and each side contributes its own variance between orders (:func:`_orders`).

If tasks come in groups (a user, a subject, a scene), and there are enough groups to know how they differ, a pair is settled only if it is
settled for new groups too: the part between tasks is computed by group if that makes the interval wider (:class:`_Groups`).

A row's rank ranges from one more than the number of rows that are surely better to the number of rows minus those that are surely worse.
Since the correction is over all pairs of the board, all ranges hold simultaneously in 95 % of boards (Mogstad, Romano, Shaikh & Wilhelm
2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rbsuite.statistics.intervals import GROUPS_NEEDED, LEVEL, ORDERS_NEEDED
from rbsuite.statistics.pairing import StreamKey
from rbsuite.statistics.spread import Side, Spread, beyond_chance, least, spread
from rbsuite.statistics.two_parts import Floats, TwoParts, quantile


@dataclass(frozen=True, slots=True)
class ScoredRow:
    """What a row of a board scored.

    Attributes:
        cells: values of the headline, tasks by runs; all entries have the same tasks in the same order.
        keys: the stream of each run.
        exchangeable: whether nothing was recalled, so that order could not matter.
    """

    cells: Floats
    keys: tuple[StreamKey, ...]
    exchangeable: bool


@dataclass(frozen=True, slots=True)
class Pairs:
    """Every two rows of a board, as square arrays, row minus column.

    Attributes:
        difference: the difference of the headlines.
        reach: the half width of its 95 % interval, not adjusted.
        p_holm: the p values adjusted for all pairs; 1 on the diagonal.
        same_streams: whether the two ran the same streams or order does not matter, so that they are fully paired.
        by_group: whether the part between tasks is computed by group.
    """

    difference: Floats
    reach: Floats
    p_holm: Floats
    same_streams: npt.NDArray[np.bool_]
    by_group: npt.NDArray[np.bool_]


def compare_all(entries: Sequence[ScoredRow], groups: Sequence[str] = ()) -> Pairs:
    """Compare every two rows.

    Args:
        entries: the rows, with at least two tasks and without missing cells.
        groups: the group of each task; empty, or with empty names, if groups are unknown.
    """
    count = len(entries)
    rows = _Rows.of(entries)
    between = rows.between()
    orders, degrees, same = _orders(rows, between)
    mean = rows.means[:, None] - rows.means[None, :]
    grouped = _Groups.of(groups)
    clustered = np.zeros_like(between) if grouped is None else grouped.between(rows.by_task)
    for first, second in rows.overlapping():
        found = _paired(entries[first], entries[second])
        if found is None:
            continue
        spread_, by_task = found
        mean[first, second], between[first, second] = float(spread_.mean), float(spread_.parts.tasks)
        orders[first, second] = float(spread_.parts.orders)
        degrees[first, second], same[first, second] = float(spread_.parts.orders_degrees), True
        if grouped is not None:
            clustered[first, second] = grouped.between(np.stack([by_task, np.zeros_like(by_task)]))[0, 1]
    tasks_degrees, by_group = np.full_like(between, rows.tasks - 1.0), np.zeros_like(same)
    if grouped is not None:
        by_group = quantile(grouped.count - 1.0) ** 2 * clustered > quantile(rows.tasks - 1.0) ** 2 * between
        between = np.where(by_group, clustered, between)
        tasks_degrees = np.where(by_group, grouped.count - 1.0, tasks_degrees)
    upper = np.triu_indices(count, 1)
    parts = TwoParts(between[upper], orders[upper], tasks_degrees[upper], degrees[upper])
    reach, p = np.zeros((count, count)), np.ones((count, count))
    reach[upper], p[upper] = parts.reach(), _holm(parts.p_values(mean[upper]))
    lower = (upper[1], upper[0])
    mean[lower], reach[lower], p[lower] = -mean[upper], reach[upper], p[upper]
    same[lower], by_group[lower] = same[upper], by_group[upper]
    return Pairs(mean, reach, p, same, by_group)


def rank_ranges(pairs: Pairs, *, lower_is_better: bool = False) -> list[tuple[int, int]]:
    """The best and the worst rank of each row."""
    sign = -1.0 if lower_is_better else 1.0
    settled = pairs.p_holm <= 1 - LEVEL + 1e-12
    better = (settled & (sign * pairs.difference < 0)).sum(1)
    worse = (settled & (sign * pairs.difference > 0)).sum(1)
    return [(1 + int(above), len(better) - int(below)) for above, below in zip(better, worse, strict=True)]


def groups_count(groups: Sequence[str]) -> int:
    """The number of groups of tasks if ranks must allow for groups; else 0: groups are unknown, each is one task, or they are too few."""
    count = len(set(groups))
    return count if all(groups) and GROUPS_NEEDED <= count < len(groups) else 0


@dataclass(frozen=True, slots=True)
class _Groups:
    """The groups of tasks.

    Attributes:
        member: which task is in which group, tasks by groups, 0 and 1.
        count: how many groups there are.
    """

    member: Floats
    count: int

    @classmethod
    def of(cls, groups: Sequence[str]) -> _Groups | None:
        """``None`` if groups need not be allowed for."""
        count = groups_count(groups)
        if not count:
            return None
        _, number = np.unique(np.array(groups), return_inverse=True)
        return cls(np.eye(count)[number.ravel()], count)

    def between(self, by_task: Floats) -> Floats:
        """Miller's clustered variance of the mean difference of every two rows, times C / (C - 1).

        Args:
            by_task: rows by tasks.
        """
        sums = (by_task - by_task.mean(-1, keepdims=True)) @ self.member
        products = sums @ sums.T
        own = np.diag(products)
        squares = np.maximum(0.0, own[:, None] + own[None, :] - 2 * products)
        return np.asarray(squares * self.count / (self.count - 1) / by_task.shape[-1] ** 2)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The sums from which the parts of every error are computed, so that 80,000 pairs take seconds.

    No cells are missing, so the analysis of variance of :mod:`rbsuite.statistics.spread` reduces to sums of products: of task means, of the
    columns' deviations from the grand mean, and of the residuals without both. Columns are sorted by the keys of their streams; rows on the
    same streams form a group in which columns are paired.

    Attributes:
        by_task: the task means of each row.
        means: the mean of each row.
        covariance: the covariance of the rows' task means.
        columns: for each row, its columns' deviations from the grand mean.
        left: the residuals of each row's cells.
        runs: the number of runs of each row.
        exchangeable: whether each row's runs are exchangeable.
        keys: the streams of each row, sorted.
        tasks: the number of tasks.
    """

    by_task: Floats
    means: Floats
    covariance: Floats
    columns: Sequence[Floats]
    left: Sequence[Floats]
    runs: npt.NDArray[np.intp]
    exchangeable: npt.NDArray[np.bool_]
    keys: Sequence[tuple[StreamKey, ...]]
    tasks: int

    @classmethod
    def of(cls, entries: Sequence[ScoredRow]) -> _Rows:
        by_task = np.stack([one.cells.mean(-1) for one in entries])
        columns, left, keys = [], [], []
        for one, means in zip(entries, by_task, strict=True):
            order = sorted(range(len(one.keys)), key=lambda place, one=one: one.keys[place])  # type: ignore[misc]
            cells = one.cells[:, order] - means[:, None]
            columns.append(cells.mean(0))
            left.append((cells - columns[-1]).ravel())
            keys.append(tuple(one.keys[place] for place in order))
        return cls(
            by_task=by_task,
            means=by_task.mean(-1),
            covariance=np.atleast_2d(np.cov(by_task)),
            columns=columns,
            left=left,
            runs=np.array([one.cells.shape[-1] for one in entries]),
            exchangeable=np.array([one.exchangeable for one in entries]),
            keys=keys,
            tasks=by_task.shape[-1],
        )

    def between(self) -> Floats:
        """The variance between tasks of every difference, divided by the number of tasks."""
        own = np.diag(self.covariance)
        variance = (own[:, None] + own[None, :] - 2 * self.covariance) / self.tasks
        return np.asarray(np.maximum(variance, least(self.tasks, np.minimum(self.runs[:, None], self.runs[None, :]))))

    def groups(self) -> list[npt.NDArray[np.intp]]:
        """The rows on the same streams."""
        found: dict[tuple[StreamKey, ...], list[int]] = {}
        for number, keys in enumerate(self.keys):
            found.setdefault(keys, []).append(number)
        return [np.array(members) for members in found.values()]

    def overlapping(self) -> list[tuple[int, int]]:
        """Pairs of rows that share some streams but not all, at least one of which learned; they are compared one by one."""
        of_stream: dict[StreamKey, set[tuple[StreamKey, ...]]] = {}
        for keys in dict.fromkeys(self.keys):
            for key in keys:
                of_stream.setdefault(key, set()).add(keys)
        near = {keys: set().union(*(of_stream[key] for key in keys)) - {keys} for keys in dict.fromkeys(self.keys)}
        return [
            (first, second)
            for first, keys in enumerate(self.keys)
            if near[keys]
            for second in range(first + 1, len(self.keys))
            if self.keys[second] in near[keys] and not (self.exchangeable[first] and self.exchangeable[second])
        ]


def _orders(rows: _Rows, between: Floats) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """The part between orders of every pair and its degrees of freedom, and whether the pair is fully paired."""
    n, count = rows.tasks, len(rows.means)
    learnt = ~rows.exchangeable & (rows.runs >= ORDERS_NEEDED)
    squares = np.array([(one**2).sum() for one in rows.columns])
    noise = np.array([(one**2).sum() for one in rows.left])
    own_between = np.maximum(np.diag(rows.covariance) / n, least(n, rows.runs.astype(float)))
    alone = np.where(learnt, _beyond(squares, noise, own_between, n, rows.runs), 0.0)
    steps = np.maximum(1.0, rows.runs - 1.0)
    # Both learned on different orders: each contributes its own part.
    orders = alone[:, None] + alone[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = orders**2 / (alone[:, None] ** 2 / steps[:, None] + alone[None, :] ** 2 / steps[None, :])
    degrees = np.where(orders > 0, pooled, 1.0)
    # One of them recalled nothing: only the other's part counts, with the chance in its cells taken for that of the difference.
    mixed = rows.exchangeable[:, None] != rows.exchangeable[None, :]
    first = _beyond(squares[:, None], noise[:, None], between, n, rows.runs[:, None]) * learnt[:, None]
    second = _beyond(squares[None, :], noise[None, :], between, n, rows.runs[None, :]) * learnt[None, :]
    orders = np.where(mixed, np.where(rows.exchangeable[:, None], second, first), orders)
    degrees = np.where(mixed, np.where(rows.exchangeable[:, None], steps[None, :], steps[:, None]), degrees)
    neither = rows.exchangeable[:, None] & rows.exchangeable[None, :]
    orders = np.where(neither, 0.0, orders)
    same = mixed | neither | np.eye(count, dtype=bool)
    for members in rows.groups():
        block = np.ix_(members, members)
        orders[block] = _of_group(rows, members, between[block])
        degrees[block] = max(1, int(rows.runs[members[0]]) - 1)
        same[block] = True
    return orders, degrees, same


def _of_group(rows: _Rows, members: npt.NDArray[np.intp], between: Floats) -> Floats:
    """The part between orders of every two rows on the same streams."""
    n, runs = rows.tasks, int(rows.runs[members[0]])
    if runs < ORDERS_NEEDED:
        return np.zeros_like(between)
    columns = np.stack([rows.columns[one] for one in members])
    left = np.stack([rows.left[one] for one in members])
    shared, products = columns @ columns.T, left @ left.T
    own, noise = np.diag(shared), np.diag(products)
    # What the first row shares with the second by chance: all of it if pairs are differences, else by regression.
    exchangeable = rows.exchangeable[members]
    with np.errstate(divide="ignore", invalid="ignore"):
        after = np.where(noise[None, :] > 0, products / noise[None, :], 0.0)
        before = np.where(noise[:, None] > 0, products / noise[:, None], 0.0)
    first = _less(own[:, None], own[None, :], shared, after), _less(noise[:, None], noise[None, :], products, after)
    second = _less(own[None, :], own[:, None], shared, before), _less(noise[None, :], noise[:, None], products, before)
    both = _less(own[:, None], own[None, :], shared, 1.0), _less(noise[:, None], noise[None, :], products, 1.0)
    control, controlled = exchangeable[None, :], exchangeable[:, None]
    squares, rest = (
        np.where(controlled, one, np.where(control, other, pairs))
        for one, other, pairs in zip(second, first, both, strict=True)
    )
    return np.where(control & controlled, 0.0, _beyond(squares, rest, between, n, runs))


def _less(own: Floats, other: Floats, shared: Floats, slope: Floats | float) -> Floats:
    """The sum of squares of a row minus ``slope`` times another."""
    return np.asarray(np.maximum(0.0, own - 2 * slope * shared + slope**2 * other), dtype=float)


def _beyond(squares: Floats, noise: Floats, between: Floats, n: int, runs: npt.NDArray[np.intp] | int) -> Floats:
    """The part between orders if no cells are missing: see :func:`rbsuite.statistics.spread.beyond_chance`."""
    high = squares / np.maximum(1, np.asarray(runs) - 1) / runs
    low = noise / np.maximum(1.0, (n - 1.0) * (np.asarray(runs) - 1)) / n / runs
    return beyond_chance(high, low, between, n, np.asarray(runs, dtype=float))


def _paired(one: ScoredRow, other: ScoredRow) -> tuple[Spread, Floats] | None:
    """The spread of two rows, and their difference by task; ``None`` if too few streams are shared, so that only tasks are."""
    places = {key: place for place, key in enumerate(other.keys)}
    partners = [places.get(key, -1) for key in one.keys]
    if other.exchangeable:
        return spread(_full(one.cells), _full(other.cells), partners), one.cells.mean(-1) - other.cells.mean(-1)
    if one.exchangeable:
        turned = _paired(other, one)
        return None if turned is None else (replace(turned[0], mean=-turned[0].mean), -turned[1])
    shared = [(mine, theirs) for mine, theirs in enumerate(partners) if theirs >= 0]
    if len(shared) < ORDERS_NEEDED:
        return None
    mine, theirs = [place for place, _ in shared], [place for _, place in shared]
    pairs = one.cells[:, mine] - other.cells[:, theirs]
    return spread(_full(pairs)), pairs.mean(-1)


def _full(values: Floats) -> Side:
    return Side(values, np.ones(values.shape, dtype=bool))


def _holm(p_values: Floats) -> Floats:
    """Holm's adjusted p values (:func:`rbsuite.statistics.exact.holm` for many values)."""
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty_like(p_values)
    steps = np.arange(len(p_values), 0, -1)
    adjusted[order] = np.maximum.accumulate(np.minimum(1.0, steps * p_values[order]))
    return adjusted
