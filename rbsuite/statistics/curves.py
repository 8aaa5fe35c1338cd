"""How a paired difference is spread: along the stream, over the orders, over groups of tasks."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rbsuite.statistics.crossed import mean_squares
from rbsuite.statistics.intervals import Estimate, average, mean_estimate
from rbsuite.statistics.pairing import Paired, StreamScores

WINDOWS = 5


@dataclass(frozen=True, slots=True)
class Slice:
    """Means over a part of the paired cells.

    Attributes:
        name: what part it is, e.g. ``"1-11"`` (places in the stream, from 1) or a group.
        n: paired cells (a task in an order) in it.
        a, b: mean score of the condition and of the baseline.
    """

    name: str
    n: int
    a: float
    b: float

    @property
    def difference(self) -> float:
        """``a`` minus ``b``."""
        return self.a - self.b


@dataclass(frozen=True, slots=True)
class OrderSpread:
    """How the difference varies from order to order.

    Attributes:
        differences: of each order, mean over its tasks.
        deviation: their standard deviation; holds the chance of rollouts too. ``None`` for one order.
        order_deviation: standard deviation of the orders' own effect, chance taken off (0 where chance explains all).
        p_value: of the F test that orders do not differ.
    """

    differences: Sequence[float]
    deviation: float | None
    order_deviation: float | None
    p_value: float | None


def learning_curve(paired: Paired, windows: int = WINDOWS) -> list[Slice]:
    """The scores along the stream, in windows of about equal length.

    Args:
        paired: the scores.
        windows: how many; fewer where the stream is shorter.
    """
    return _parts(paired, list(pairwise(_bounds(paired, windows))))


def cumulative_curve(paired: Paired, windows: int = WINDOWS) -> list[Slice]:
    """The scores of all tasks up to the end of each window of :func:`learning_curve`: the cumulative accuracy of the literature on streams.

    Args:
        paired: the scores.
        windows: how many ends; fewer where the stream is shorter.
    """
    return _parts(paired, [(0, stop) for stop in _bounds(paired, windows)[1:]])


def _bounds(paired: Paired, windows: int) -> list[int]:
    length = max((len(a.tasks) for a, _ in paired.streams), default=0)
    count = min(windows, length)
    return [length * number // count for number in range(count + 1)] if count else []


def _parts(paired: Paired, ranges: Sequence[tuple[int, int]]) -> list[Slice]:
    """The slice of each range of positions in which there are paired cells."""
    cells = [cell for stream in paired.streams for cell in _along(stream)]
    slices = []
    for start, stop in ranges:
        found = [(a, b) for position, _, a, b in cells if start <= position < stop]
        if found:
            slices.append(_slice(f"{start + 1}-{stop}", found))
    return slices


def half_gain(paired: Paired) -> Estimate | None:
    """The difference in the second half of the stream minus that in the first, mean over orders with its t interval over orders.

    Memory off takes out what the tasks of a half are worth by themselves. ``None`` where no order has paired tasks in both halves. With
    one order there is no interval.
    """
    gains = []
    for stream in paired.streams:
        middle = len(stream[0].tasks) / 2
        halves: tuple[list[float], list[float]] = ([], [])
        for position, _, a, b in _along(stream):
            halves[position >= middle].append(a - b)
        if halves[0] and halves[1]:
            gains.append(average(halves[1]) - average(halves[0]))
    return mean_estimate(gains) if gains else None


def final_bank_gain(paired: Paired) -> Estimate | None:
    """What the final bank changes on early tasks: the difference when they are run again at the end, less that of the first time.

    Below 0 something was forgotten. Mean over orders with its t interval over orders; ``None`` where no order has probes.
    """
    gains = []
    for a, b in paired.streams:
        probed = [task for task in a.probes if task in b.probes and task in a.scores and task in b.scores]
        if probed:
            gains.append(average([(a.probes[t] - b.probes[t]) - (a.scores[t] - b.scores[t]) for t in probed]))
    return mean_estimate(gains) if gains else None


def order_spread(paired: Paired) -> OrderSpread:
    """The difference of each order, and whether orders differ by more than chance."""
    differences = [average([a - b for _, _, a, b in _along(stream)]) for stream in paired.streams]
    if len(differences) < 2 or len(paired.tasks) < 2 or not paired.complete:
        return OrderSpread(differences, statistics.stdev(differences) if len(differences) > 1 else None, None, None)
    squares = mean_squares(paired.matrix())
    return OrderSpread(differences, statistics.stdev(differences), squares.order_variance**0.5, squares.orders_p_value)


def breakdown(paired: Paired, groups: Mapping[str, str]) -> list[Slice]:
    """The scores by group of tasks, in the order of the groups' names.

    Args:
        paired: the scores.
        groups: the group of each task, by task id; tasks without one are left out.
    """
    found: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for task in paired.tasks:
        if task in groups:
            found[groups[task]] += paired.cells(task)
    return [_slice(group, found[group]) for group in sorted(found)]


def _along(streams: tuple[StreamScores, StreamScores]) -> Iterator[tuple[int, str, float, float]]:
    """Position, task and the two scores of each task that both have done, in stream order."""
    a, b = streams
    for position, task in enumerate(a.tasks):
        if task in a.scores and task in b.scores:
            yield position, task, a.scores[task], b.scores[task]


def _slice(name: str, cells: Sequence[tuple[float, float]]) -> Slice:
    return Slice(name, len(cells), average([a for a, _ in cells]), average([b for _, b in cells]))
