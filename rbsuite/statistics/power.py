"""How many tasks, orders and rollouts a comparison needs, and the smallest difference one can find.

The variance of the mean paired difference over n tasks, R orders and K rollouts a task (:mod:`rbsuite.statistics.crossed`):

    tasks / n + orders / R + (interaction + rollouts / K) / (n R)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rbsuite.statistics.crossed import Matrix, MeanSquares, mean_squares, satterthwaite
from rbsuite.statistics.intervals import Estimate, t_quantile

POWER = 0.8
_QUANTILES = 400
MAX_TASKS = 100_000
"""More tasks than this are reported as out of reach."""


@dataclass(frozen=True, slots=True)
class Components:
    """Variances of a paired difference, by where they come from.

    Attributes:
        tasks: the gain differs from task to task.
        orders: it differs from order to order; more tasks do not help against it.
        interaction: it differs from cell to cell for other reasons than the rollouts' chance.
        rollouts: chance of one rollout (of both conditions); divided by the rollouts whose scores are averaged.
    """

    tasks: float
    orders: float
    interaction: float
    rollouts: float


@dataclass(frozen=True, slots=True)
class Design:
    """How much is run: tasks, orders, rollouts a task."""

    tasks: int
    orders: int
    rollouts: int = 1


def components(matrix: Matrix, within: float | None = None, rollouts: int = 1) -> Components:
    """Variances from a pilot's paired differences.

    Args:
        matrix: a row a task, a column an order, at least two of each; each cell a mean over ``rollouts``.
        within: variance of one rollout's difference within cells, known where a pilot has several rollouts; ``None``: unknown, and all of
            the residual is put down to the rollouts, which makes further rollouts look as good as they can be.
        rollouts: rollouts a cell of the pilot.

    Raises:
        ValueError: fewer than two tasks or orders.
    """
    squares = mean_squares(matrix)
    noise = squares.residual * rollouts if within is None else within
    left = max(0.0, squares.residual - noise / rollouts)
    return Components(squares.task_variance, squares.order_variance, left, noise)


def expected(parts: Components, design: Design) -> tuple[float, float]:
    """The expected standard error of the mean difference, and its degrees of freedom.

    With one order what orders differ by cannot be seen and is left out: the error is conditional on the order.
    """
    n, orders = design.tasks, design.orders
    residual = parts.interaction + parts.rollouts / design.rollouts
    if orders == 1:
        return math.sqrt((parts.tasks + residual) / n), n - 1
    squares = MeanSquares(n, orders, 0.0, orders * parts.tasks + residual, n * parts.orders + residual, residual)
    total = squares.between_tasks + squares.between_orders - residual
    degrees = satterthwaite(squares, total) if total > 0 else float(n - 1)
    return math.sqrt(total / (n * orders)), degrees


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


def tasks_needed(parts: Components, effect: float, orders: int, rollouts: int = 1, wanted: float = POWER) -> int | None:
    """The fewest tasks (at least 2) with which an effect is found with the wanted power.

    Args:
        parts: the variances.
        effect: true difference, not 0.
        orders: the orders each task is run in.
        rollouts: the rollouts of a task in each order.
        wanted: the power.

    Returns:
        ``None`` where :data:`MAX_TASKS` do not suffice: then the orders differ too much, and more orders are needed.
    """

    def enough(tasks: int) -> bool:
        return power(effect, *expected(parts, Design(tasks, orders, rollouts))) >= wanted

    if not enough(MAX_TASKS):
        return None
    low, high = 1, MAX_TASKS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def within_variance(cells: Sequence[Sequence[float]]) -> float | None:
    """Mean variance of one rollout's score within its cell; ``None`` where no cell has two rollouts."""
    several = [scores for scores in cells if len(scores) > 1]
    if not several:
        return None
    return math.fsum(_variance(scores) for scores in several) / len(several)


def _variance(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
