"""The intervals and tests shown beside the reported interval: each answers a different question, or the same one in a different way."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rbsuite.statistics.differences import possible
from rbsuite.statistics.exact import discordant, mcnemar
from rbsuite.statistics.intervals import GROUPS_NEEDED, ORDERS_NEEDED, average, clustered_estimate, t_quantile
from rbsuite.statistics.pairing import Paired, difference, spread_of
from rbsuite.statistics.resampling import bca_interval, crossed_interval


@dataclass(frozen=True, slots=True)
class Beside:
    """Another interval of the same difference.

    Attributes:
        name: how it is computed.
        about: what it is an interval for.
        interval: its bounds; ``None`` if it is not defined.
    """

    name: str
    about: str
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class McNemar:
    """McNemar's exact test of one order of 0/1 scores.

    Attributes:
        only_a: tasks that only the condition solved.
        only_b: tasks that only the baseline solved.
        p_value: the two-sided p value.
    """

    only_a: int
    only_b: int
    p_value: float


def intervals_beside(paired: Paired, groups: Mapping[str, str]) -> list[Beside]:
    """The other intervals that are defined for a difference.

    Args:
        paired: the scores; an unfinished experiment gets only the intervals over tasks.
        groups: the group of each task; empty if groups are unknown.
    """
    if len(paired.tasks) < 2:
        return []
    cells = paired.cells()
    means = [average([a - b for a, b in cells[task]]) for task in paired.tasks]
    found = []
    if paired.ordered:
        over_tasks = difference(paired, ordered=False)
        found.append(Beside("t over tasks", "these orders", None if over_tasks is None else over_tasks.interval))
    found.append(Beside("BCa over tasks", "these orders" if paired.ordered else "the same", bca_interval(means)))
    named = [groups.get(task, "") for task in paired.tasks]
    if all(named) and 1 < len(set(named)) < len(named):
        found += _by_group(paired, means, named)
    if paired.ordered and paired.complete and paired.orders >= ORDERS_NEEDED:
        matrix = [[a - b for a, b in cells[task]] for task in paired.tasks]
        found.append(Beside("t over orders", "these very tasks, new orders", _over_orders(matrix)))
        found.append(Beside("bootstrap, tasks and orders", "new tasks, new orders", crossed_interval(matrix)))
    return [one for one in found if one.interval is not None]


def _by_group(paired: Paired, means: Sequence[float], groups: Sequence[str]) -> list[Beside]:
    """Stratified by group, for the same mix of groups, and clustered by group, for new groups; orders count as in the reported interval."""
    parts = spread_of(paired)
    if math.isnan(float(parts.error)):
        return []
    orders, least = float(parts.parts.orders), 2 / ((len(means) + 2) * paired.orders) ** 2
    scope = "" if paired.ordered and paired.orders >= ORDERS_NEEDED else ", these orders" if paired.ordered else ""
    mean, n, count = average(means), len(means), len(set(groups))
    strata: defaultdict[str, list[float]] = defaultdict(list)
    for value, group in zip(means, groups, strict=True):
        strata[group].append(value)
    alone = [value for values in strata.values() if len(values) == 1 for value in values]
    several = [values for values in strata.values() if len(values) > 1] + ([alone] if len(alone) > 1 else [])
    squares = math.fsum(math.fsum((v - average(values)) ** 2 for v in values) for values in several)
    pooled = squares / max(1, sum(len(values) - 1 for values in several))
    within = math.fsum(
        len(values) * (float(np.var(values, ddof=1)) if len(values) > 2 else pooled) for values in several
    ) + pooled * (n - sum(map(len, several)))
    same = max(least, within / n**2) + orders
    found = [Beside("stratified by group", f"the same mix of groups{scope}", _t(mean, same, float(parts.degrees)))]
    clustered = clustered_estimate(means, groups)
    if clustered.error is not None:
        new = max(least, clustered.error**2) + orders
        about = f"new groups{scope}" if count >= GROUPS_NEEDED else f"new groups{scope}; too few to trust"
        found.append(Beside(f"t over {count} groups", about, _t(mean, new, min(count - 1, float(parts.degrees)))))
    return found


def _t(mean: float, variance: float, degrees: float) -> tuple[float, float]:
    half = t_quantile(degrees) * math.sqrt(variance)
    return possible(mean - half, mean + half)


def _over_orders(matrix: Sequence[Sequence[float]]) -> tuple[float, float]:
    columns = [average(column) for column in zip(*matrix, strict=True)]
    n, orders = len(matrix), len(columns)
    variance = max(float(np.var(columns, ddof=1)) / orders, 2 / ((n + 2) * orders) ** 2)
    return _t(average(columns), variance, orders - 1)


def mcnemar_of(paired: Paired) -> McNemar | None:
    """McNemar's test; ``None`` for several runs (the cells of a task are not independent) or scores other than 0 and 1."""
    if len(paired.a) != 1 or len(paired.b) != 1:
        return None
    counts = discordant([cell for cells in paired.cells().values() for cell in cells])
    return None if counts is None else McNemar(*counts, mcnemar(*counts))
