"""How many tasks, orders and rollouts a comparison needs, and the smallest difference one can find.

The variance of the mean paired difference over n tasks, R orders and K rollouts a task (:mod:`rbsuite.statistics.spread`), where the
control has been run on the same R streams:

    tasks / n + orders / R + (interaction + rollouts / K) / (n R)

A control that recalls nothing can be run more or less often, since its runs are exchangeable; then the last part falls into the two
conditions' own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rbsuite.statistics.intervals import ORDERS_NEEDED, Estimate, t_quantile
from rbsuite.statistics.spread import EXCESS, Floats, additive

POWER = 0.8
_QUANTILES = 400
MAX_TASKS = 100_000
"""More tasks than this are reported as out of reach."""
SURE = 0.8
"""Share of pilots in which a plan by the upper end of its range is to suffice."""


@dataclass(frozen=True, slots=True)
class Components:
    """Variances of a paired difference, by where they come from.

    Attributes:
        tasks: the gain differs from task to task.
        orders: it differs from order to order; more tasks do not help against it.
        interaction: it differs from cell to cell for other reasons than the rollouts' chance.
        rollouts: chance of one rollout (of both conditions); divided by the rollouts whose scores are averaged.
        control: the part of a control's rollout in ``rollouts``.
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
    """How much is run: tasks, orders, rollouts a task.

    Attributes:
        tasks, orders, rollouts: of the memory.
        control: runs of the control; 0: as many as orders.
    """

    tasks: int
    orders: int
    rollouts: int = 1
    control: int = 0

    @property
    def cost(self) -> int:
        """Rollouts of both conditions."""
        return self.tasks * (self.orders + (self.control or self.orders)) * self.rollouts


@dataclass(frozen=True, slots=True)
class Pilot:
    """What a pilot says of the variances.

    Attributes:
        parts: as they are estimated.
        upper: bounds that hold the true ones in four of five pilots; what few orders cannot exclude is in them.
    """

    parts: Components
    upper: Components


def components(a: Floats, b: Floats | None = None, within: float | None = None, rollouts: int = 1) -> Pilot:
    """Variances from a pilot.

    Args:
        a: scores of the memory, tasks by orders, each a mean over ``rollouts``; without ``b`` the paired differences. Two of each at least.
        b: scores of a control that recalls nothing, on the same streams; ``None``: the baseline depends on the order as well.
        within: variance of one rollout's difference within cells, known where a pilot has several rollouts; ``None``: unknown, and all of
            the residual is put down to the rollouts, which makes further rollouts look as good as they can be.
        rollouts: rollouts a cell of the pilot.

    Raises:
        ValueError: fewer than two tasks or orders, or missing cells.
    """
    n, orders = a.shape
    if n < 2 or orders < 2 or np.isnan(a).any() or (b is not None and (b.shape != a.shape or np.isnan(b).any())):
        raise ValueError(f"no pilot of two tasks and two orders at least, without gaps: {n} x {orders}")
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

    def made(tasks: float, among: float) -> Components:
        between_orders = max(0.0, among - noise) / n
        return Components(
            max(0.0, tasks - residual / orders),
            between_orders,
            interaction,
            chance,
            control * rollouts,
            shared * rollouts,
        )

    return Pilot(made(tasks, among), made(tasks * _above(n - 1), among * _above(orders - 1)))


def _above(degrees: int) -> float:
    """How many times an estimated variance the true one is at most, in four of five cases."""
    from scipy.stats import chi2

    return float(degrees / chi2.ppf(1 - SURE, degrees))


def expected(parts: Components, design: Design) -> tuple[float, float]:
    """The expected standard error of the mean difference, and its degrees of freedom.

    With fewer than three orders what orders differ by cannot be seen and is left out: the error is conditional on them.
    """
    n, orders = design.tasks, design.orders
    runs = design.control or orders
    chance, control, shared = (part / design.rollouts for part in (parts.rollouts, parts.control, parts.shared))
    pairs = parts.interaction + chance
    mine = max(0.0, pairs - control + 2 * shared)
    noise = mine / orders + control / runs - 2 * shared * min(orders, runs) / (orders * runs)
    between = (parts.tasks + max(0.0, noise)) / n
    if orders < ORDERS_NEEDED:
        return math.sqrt(between), n - 1
    own = mine - shared**2 / control if control else pairs
    low, left = own / (n * orders), (n - 1) * (orders - 1)
    high = low + parts.orders / orders
    variance = between + high - low
    spread_of = between**2 / (n - 1) + high**2 / (orders - 1) + low**2 / left
    least, most = sorted((orders - 1, n - 1))
    degrees = min(max(variance**2 / spread_of, least), most) if spread_of else float(n - 1)
    root = t_quantile(n - 1) ** 2 * between + max(0.0, t_quantile(orders - 1) ** 2 * (high - EXCESS * low))
    return max(math.sqrt(variance), math.sqrt(root) / t_quantile(degrees)), degrees


def power(effect: float, error: float, degrees: float) -> float:
    """Probability that a two-sided t test at the 5 % level finds an effect.

    The noncentral t distribution's tails, as a mean of normal tails over the standard error's own distribution (scipy's ``nct`` gives NaN
    for large effects with few degrees of freedom).
    """
    if error == 0:
        return float(effect != 0)
    from scipy.special import ndtr

    critical, shift = t_quantile(degrees), abs(effect) / error
    tails = [ndtr(shift - critical * scale) + ndtr(-shift - critical * scale) for scale in _scales(degrees)]
    return math.fsum(tails) / len(tails)


@lru_cache(maxsize=512)
def _scales(degrees: float) -> tuple[float, ...]:
    """Equally likely values of an estimated standard error over the true one."""
    from scipy.stats import chi2

    middles = [(index + 0.5) / _QUANTILES for index in range(_QUANTILES)]
    return tuple(float(value) for value in (chi2.ppf(middles, degrees) / degrees) ** 0.5)


def detectable(error: float, degrees: float, wanted: float = POWER) -> float:
    """The smallest true difference that a test with this standard error finds with the wanted power."""
    if error == 0:
        return 0.0
    low, high = 0.0, 2 * t_quantile(degrees)
    while power(high, 1.0, degrees) < wanted:
        high *= 2
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle, 1.0, degrees) >= wanted else (middle, high)
    return high * error


def detectable_by(estimate: Estimate, wanted: float = POWER) -> float | None:
    """:func:`detectable` for an estimate; ``None`` where its error is unknown."""
    if estimate.error is None or estimate.degrees is None:
        return None
    return detectable(estimate.error, estimate.degrees, wanted)


def tasks_needed(
    parts: Components, effect: float, orders: int, rollouts: int = 1, wanted: float = POWER, control: int = 0
) -> int | None:
    """The fewest tasks (at least 2) with which an effect is found with the wanted power.

    Args:
        parts: the variances.
        effect: true difference, not 0.
        orders: the orders each task is run in.
        rollouts: the rollouts of a task in each order.
        wanted: the power.
        control: runs of the control; 0: as many as orders.

    Returns:
        ``None`` where :data:`MAX_TASKS` do not suffice: then the orders differ too much, and more orders are needed.
    """

    def enough(tasks: int) -> bool:
        return power(effect, *expected(parts, Design(tasks, orders, rollouts, control))) >= wanted

    if not enough(MAX_TASKS):
        return None
    low, high = 1, MAX_TASKS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def designs(tasks: int, rollouts: Sequence[int] = (1, 2, 4), most: int = 20, *, free: bool = True) -> Iterator[Design]:
    """The designs that are looked through for a number of tasks.

    Args:
        tasks: how many.
        rollouts: rollouts a task.
        most: most orders, and most runs of the control.
        free: whether the control may have more or fewer runs than the memory.
    """
    for each in rollouts:
        for orders in range(ORDERS_NEEDED, most + 1):
            for control in range(1, most + 1) if free else (orders,):
                yield Design(tasks, orders, each, control)


def cheapest(parts: Components, effect: float, found: Sequence[Design], wanted: float = POWER) -> Design | None:
    """The design with the fewest rollouts with which an effect is found with the wanted power; ``None`` where there is none."""
    for design in sorted(found, key=lambda one: (one.cost, one.rollouts, one.orders)):
        if _about(parts, design, wanted) <= 1.2 * effect and power(effect, *expected(parts, design)) >= wanted:
            return design
    return None


def sharpest(
    parts: Components, found: Sequence[Design], budget: int, wanted: float = POWER
) -> tuple[Design, float] | None:
    """The design within a budget of rollouts that finds the smallest difference, with that; ``None`` where none is within it."""
    within = [(_about(parts, one, wanted), one.cost, index) for index, one in enumerate(found) if one.cost <= budget]
    if not within:
        return None
    best = found[min(within)[2]]
    return best, detectable(*expected(parts, best), wanted)


def _about(parts: Components, design: Design, wanted: float) -> float:
    """About the smallest difference that a design finds: :func:`detectable` without the error's own spread, and much faster."""
    error, degrees = expected(parts, design)
    return error * (t_quantile(degrees) + t_quantile(degrees, wanted))


def within_variance(cells: Sequence[Sequence[float]]) -> float | None:
    """Mean variance of one rollout's score within its cell; ``None`` where no cell has two rollouts."""
    several = [scores for scores in cells if len(scores) > 1]
    if not several:
        return None
    return math.fsum(_variance(scores) for scores in several) / len(several)


def _variance(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
