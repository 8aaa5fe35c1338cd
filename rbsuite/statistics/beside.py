"""The intervals and tests that are shown beside the reported interval: each answers another question, or the same one otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rbsuite.statistics.exact import discordant, mcnemar
from rbsuite.statistics.intervals import average, clustered_estimate, mean_estimate
from rbsuite.statistics.pairing import Paired
from rbsuite.statistics.resampling import bca_interval, orders_interval


@dataclass(frozen=True, slots=True)
class Beside:
    """An interval of the same difference.

    Attributes:
        name: how it is made.
        about: what it is an interval for.
        interval: its bounds; ``None`` where it is not defined.
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
        p_value: two-sided.
    """

    only_a: int
    only_b: int
    p_value: float


def intervals_beside(paired: Paired, groups: Mapping[str, str]) -> list[Beside]:
    """The other intervals of a difference, those that are defined for it.

    Args:
        paired: the scores; an unfinished experiment gets those over tasks alone.
        groups: the group of each task; empty where groups are unknown.
    """
    if not paired.tasks:
        return []
    means = paired.task_means()
    found = [
        Beside("t over tasks", "these orders", mean_estimate(means).interval),
        Beside("BCa over tasks", "these orders", bca_interval(means)),
    ]
    if all(task in groups for task in paired.tasks):
        named = [groups[task] for task in paired.tasks]
        count = len(set(named))
        if 1 < count < len(named):
            clustered = clustered_estimate(means, named).interval
            found.append(Beside(f"t over {count} groups", "new groups, these orders", clustered))
    if paired.complete and len(paired.streams) > 1:
        matrix = paired.matrix()
        columns = [average(column) for column in zip(*matrix, strict=True)]
        found.append(Beside("t over orders", "these very tasks, new orders", mean_estimate(columns).interval))
        found.append(Beside("bootstrap, orders then tasks", "new tasks, new orders", orders_interval(matrix)))
    return [one for one in found if one.interval is not None]


def mcnemar_of(paired: Paired) -> McNemar | None:
    """McNemar's test; ``None`` for several orders (cells of a task are not independent) or scores other than 0 and 1."""
    if len(paired.streams) != 1:
        return None
    counts = discordant([paired.cells(task)[0] for task in paired.tasks])
    return None if counts is None else McNemar(*counts, mcnemar(*counts))
