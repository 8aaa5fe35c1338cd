"""How many tasks, orders and rollouts a comparison needs, and the smallest difference it can find.

The variance of the mean paired difference over n tasks, R orders and K rollouts per task (:mod:`rbsuite.statistics.spread`), if the control
was run on the same R streams:

    tasks / n + orders / R + (interaction + rollouts / K) / (n R)

A control that recalls nothing can be run more or less often, since its runs are exchangeable; the last term then splits into one for each
condition.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rbsuite.statistics.intervals import ORDERS_NEEDED, Estimate, t_quantile
from rbsuite.statistics.spread import additive, beyond_chance
from rbsuite.statistics.two_parts import Floats, TwoParts

POWER = 0.8
_SCALES = 400
_FEW_SCALES = 8
MAX_TASKS = 100_000
"""More tasks than this are reported as out of reach."""
LIKELY, SURE = 0.82, 0.92
"""Probabilities that a variance is within its bound."""


@dataclass(frozen=True, slots=True)
class Components:
    """Variances of a paired difference, by source.

    Attributes:
        tasks: how the gain differs from task to task.
        orders: how it differs from order to order; more tasks do not reduce this.
        interaction: how it differs from cell to cell for reasons other than the rollouts' chance.
        rollouts: chance in one rollout (of both conditions); it is divided by the number of rollouts whose scores are averaged.
        control: the control's part of ``rollouts``.
        shared: covariance of the two conditions' rollouts on the same stream.
    """

    tasks: float
    orders: float
    interaction: float
    rollouts: float
    control: float = 0.0
    shared: float = 0.0


@dataclass(frozen=True, slots=True)
class Design:
    """How much is run: tasks, orders, rollouts per task.

    Attributes:
        tasks, orders, rollouts: how many for the memory.
        control: runs of the control; 0: as many as there are orders.
    """

    tasks: int
    orders: int
    rollouts: int = 1
    control: int = 0

    @property
    def cost(self) -> int:
        """Number of rollouts of both conditions."""
        return self.tasks * (self.orders + (self.control or self.orders)) * self.rollouts


@dataclass(frozen=True, slots=True)
class Pilot:
    """What a pilot says about the variances.

    Attributes:
        parts: the estimates. A design based on them falls short for about half of all pilots.
        likely: bounds; a design based on them suffices for at least four of five pilots.
        upper: bounds; a design based on them suffices for at least nine of ten.
    """

    parts: Components
    likely: Components
    upper: Components


def components(a: Floats, b: Floats | None = None, within: float | None = None, rollouts: int = 1) -> Pilot:
    """Variances from a pilot.

    Args:
        a: scores of the memory, at least two tasks by at least two orders, each a mean over ``rollouts``; without ``b``, the paired
            differences.
        b: scores of a control that recalls nothing, on the same streams; ``None``: the baseline depends on the order too.
        within: variance of one rollout's difference within cells, known if a pilot has several rollouts; ``None``: unknown, and the whole
            residual is attributed to the rollouts, which is the most favourable assumption for further rollouts.
        rollouts: rollouts per cell of the pilot.

    Raises:
        ValueError: fewer than two tasks or orders, or missing cells.
    """
    n, orders = a.shape
    if n < 2 or orders < 2 or np.isnan(a).any() or (b is not None and (b.shape != a.shape or np.isnan(b).any())):
        raise ValueError(f"a pilot needs at least two tasks and two orders, without gaps: {n} x {orders}")
    cells = a if b is None else a - b
    seen = np.ones_like(cells, dtype=bool)
    left, (effects, _) = (n - 1) * (orders - 1), additive(cells, seen)
    residual = float((additive(cells, seen)[1] ** 2).sum()) / left
    tasks = float(cells.mean(axis=1).var(ddof=1))
    among, noise, control, shared = n * float((effects**2).sum()) / (orders - 1), residual, 0.0, 0.0
    if b is not None:
        mine, theirs = additive(a, seen)[1], additive(b, seen)[1]
        control, shared = float((theirs**2).sum()) / left, float((mine * theirs).sum()) / left
        slope = shared / control if control else 0.0
        cleaned, rest = additive(a - slope * b, seen)
        among, noise = n * float((cleaned**2).sum()) / (orders - 1), float((rest**2).sum()) / left
    chance = residual * rollouts if within is None else within
    interaction = max(0.0, residual - chance / rollouts)

    def within_bounds(tasks_above: float = 1.0, orders_above: float = 1.0) -> Components:
        return Components(
            max(0.0, tasks * tasks_above - residual / orders),
            max(0.0, among * orders_above - noise) / n,
            interaction,
            chance,
            control * rollouts,
            shared * rollouts,
        )

    bounds = [within_bounds(_above(n - 1, share), _above(orders - 1, share)) for share in (LIKELY, SURE)]
    return Pilot(within_bounds(), *bounds)


def _above(degrees: int, share: float) -> float:
    """The factor by which the true variance exceeds an estimated one at most, in this share of cases."""
    from scipy.special import gammaincinv

    return float(degrees / (2 * gammaincinv(degrees / 2, 1 - share)))


@dataclass(frozen=True, slots=True)
class Outlook:
    """What to expect of an experiment with a given design.

    Attributes:
        error: the true standard error of its mean difference.
        reaches: equally likely half widths of its interval; independent of the mean.
    """

    error: float
    reaches: Floats

    def power(self, effect: float) -> float:
        """Probability that its two-sided test at the 5 % level finds an effect."""
        from scipy.special import ndtr

        if self.error == 0:
            return float(effect != 0)
        effect = abs(effect)
        return float((ndtr((effect - self.reaches) / self.error) + ndtr((-effect - self.reaches) / self.error)).mean())

    def detectable(self, wanted: float = POWER) -> float:
        """The smallest true difference that is found with the desired power."""
        if self.error == 0:
            return 0.0
        low, high = 0.0, float(self.reaches.mean()) + self.error
        while self.power(high) < wanted:
            high *= 2
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (low, middle) if self.power(middle) >= wanted else (middle, high)
        return high


def outlook(parts: Components, design: Design) -> Outlook:
    """What to expect of an experiment with these variances.

    With fewer than three orders, differences between orders cannot be seen and are left out: the error is conditional on the orders.
    """
    n, orders = design.tasks, design.orders
    runs = design.control or orders
    chance, control, shared = (part / design.rollouts for part in (parts.rollouts, parts.control, parts.shared))
    pairs = parts.interaction + chance
    mine = max(0.0, pairs - control + 2 * shared)
    noise = mine / orders + control / runs - 2 * shared * min(orders, runs) / (orders * runs)
    between = (parts.tasks + max(0.0, noise)) / n
    if orders < ORDERS_NEEDED:
        return by_degrees(math.sqrt(between), n - 1)
    low = (mine - shared**2 / control if control else pairs) / (n * orders)
    tasks = between * _scales(n - 1, _FEW_SCALES)[:, None]
    among = (low + parts.orders / orders) * _scales(orders - 1, _SCALES // _FEW_SCALES)
    beyond = beyond_chance(among, low, tasks, n, orders) if between else among
    return Outlook(math.sqrt(between + parts.orders / orders), TwoParts(tasks, beyond, n - 1, orders - 1).reach())


def by_degrees(error: float, degrees: float) -> Outlook:
    """The outlook of a Student's t test with this standard error."""
    return Outlook(error, t_quantile(degrees) * error * np.sqrt(_scales(degrees, _SCALES)))


@lru_cache(maxsize=512)
def _scales(degrees: float, count: int) -> Floats:
    """Equally likely ratios of an estimated variance to the true one."""
    from scipy.special import gammaincinv

    return np.asarray(2 * gammaincinv(degrees / 2, (np.arange(count) + 0.5) / count) / degrees, dtype=float)


def detectable_by(estimate: Estimate, wanted: float = POWER) -> float | None:
    """The smallest true difference found with the desired power at an estimate's error; ``None`` if its error is unknown."""
    if estimate.error is None or estimate.degrees is None:
        return None
    return by_degrees(estimate.error, estimate.degrees).detectable(wanted)


def tasks_needed(
    parts: Components, effect: float, orders: int, rollouts: int = 1, wanted: float = POWER, control: int = 0
) -> int | None:
    """The smallest number of tasks (at least 2) with which an effect is found with the desired power.

    Args:
        parts: the variances.
        effect: the true difference, not 0.
        orders: the orders each task is run in.
        rollouts: the rollouts of a task in each order.
        wanted: the desired power.
        control: runs of the control; 0: as many as there are orders.

    Returns:
        ``None`` if :data:`MAX_TASKS` do not suffice: then the orders differ too much, and more orders are needed.
    """

    def enough(tasks: int) -> bool:
        return outlook(parts, Design(tasks, orders, rollouts, control)).power(effect) >= wanted

    if not enough(MAX_TASKS):
        return None
    low, high = 1, MAX_TASKS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def designs(tasks: int, rollouts: Sequence[int] = (1, 2, 4), most: int = 20, *, free: bool = True) -> Iterator[Design]:
    """The designs that are considered for a number of tasks.

    Args:
        tasks: how many tasks.
        rollouts: the numbers of rollouts per task.
        most: the maximum number of orders, and of runs of the control.
        free: whether the control may have more or fewer runs than the memory.
    """
    for each in rollouts:
        for orders in range(ORDERS_NEEDED, most + 1):
            for control in range(1, most + 1) if free else (orders,):
                yield Design(tasks, orders, each, control)


def cheapest(parts: Components, effect: float, found: Sequence[Design], wanted: float = POWER) -> Design | None:
    """The design with the fewest rollouts that finds an effect with the desired power; ``None`` if there is none."""
    for design in sorted(found, key=lambda one: (one.cost, one.rollouts, one.orders)):
        if outlook(parts, design).power(effect) >= wanted:
            return design
    return None


def sharpest(
    parts: Components, found: Sequence[Design], budget: int, wanted: float = POWER
) -> tuple[Design, float] | None:
    """The design within a budget of rollouts that finds the smallest difference, with that difference; ``None`` if none is within it."""
    within = [
        (_about(outlook(parts, one), wanted), one.cost, index) for index, one in enumerate(found) if one.cost <= budget
    ]
    if not within:
        return None
    best = found[min(within)[2]]
    return best, outlook(parts, best).detectable(wanted)


def _about(foreseen: Outlook, wanted: float) -> float:
    """Approximately the smallest difference that is found: :meth:`Outlook.detectable` without the spread of the reach, and much faster."""
    from scipy.special import ndtri

    return float(foreseen.reaches.mean() + ndtri(wanted) * foreseen.error)


def within_variance(cells: Sequence[Sequence[float]]) -> float | None:
    """Mean variance of one rollout's score within its cell; ``None`` if no cell has two rollouts."""
    several = [scores for scores in cells if len(scores) > 1]
    if not several:
        return None
    return math.fsum(_variance(scores) for scores in several) / len(several)


def _variance(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
