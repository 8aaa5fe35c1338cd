"""Tasks crossed with orders: the reported interval of a mean over both.

A matrix has a row a task and a column an order; a cell is a task's score (or paired difference) in that order. Tasks of one order share a
bank, so cells of a column are not independent; a task is as hard in every order, so cells of a row are not either. The two-way model

    cell = mean + task + order + residual

takes both in. Its mean squares (analysis of variance without replication, e.g. Searle, Casella & McCulloch 1992, chapter 4) give the
variance of the grand mean over *tasks like these* and *orders like these* without assuming anything on how tasks of a stream depend on
each other: ``(MS_tasks + MS_orders - MS_residual) / (n R)``. With three orders MS_orders has two degrees of freedom, which Satterthwaite's
formula carries into the t quantile. See ``docs/statistics.md`` for what was measured of its coverage.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rbsuite.statistics.intervals import Estimate, average, mean_estimate, t_estimate

Matrix = Sequence[Sequence[float]]
"""A row a task, a column an order; every row as long."""


@dataclass(frozen=True, slots=True)
class MeanSquares:
    """The analysis of variance of a matrix of at least two tasks and two orders.

    Attributes:
        n_tasks, orders: its size.
        mean: the grand mean.
        between_tasks: mean square between tasks, ``n_tasks - 1`` degrees of freedom.
        between_orders: mean square between orders, ``orders - 1`` degrees of freedom.
        residual: mean square of what is left, ``(n_tasks - 1) * (orders - 1)`` degrees of freedom.
    """

    n_tasks: int
    orders: int
    mean: float
    between_tasks: float
    between_orders: float
    residual: float

    @property
    def task_variance(self) -> float:
        """Variance of the task effects, not below 0."""
        return max(0.0, (self.between_tasks - self.residual) / self.orders)

    @property
    def order_variance(self) -> float:
        """Variance of the order effects, not below 0."""
        return max(0.0, (self.between_orders - self.residual) / self.n_tasks)

    @property
    def residual_degrees(self) -> int:
        """Degrees of freedom of the residual."""
        return (self.n_tasks - 1) * (self.orders - 1)

    @property
    def orders_p_value(self) -> float:
        """p value of the F test that orders do not differ; 1 where nothing differs at all."""
        if self.residual == 0:
            return 1.0 if self.between_orders == 0 else 0.0
        from scipy.stats import f

        return float(f.sf(self.between_orders / self.residual, self.orders - 1, self.residual_degrees))


def mean_squares(matrix: Matrix) -> MeanSquares:
    """The analysis of variance of a matrix.

    Raises:
        ValueError: fewer than two tasks or orders, or rows of different length.
    """
    n, orders = len(matrix), len(matrix[0]) if matrix else 0
    if n < 2 or orders < 2 or any(len(row) != orders for row in matrix):
        raise ValueError(f"no matrix of two tasks and two orders at least: {n} x {orders}")
    rows = [average(row) for row in matrix]
    columns = [average(column) for column in zip(*matrix, strict=True)]
    mean = average(rows)
    left = math.fsum(
        (cell - row - column + mean) ** 2
        for cells, row in zip(matrix, rows, strict=True)
        for cell, column in zip(cells, columns, strict=True)
    )
    return MeanSquares(
        n,
        orders,
        mean,
        orders * math.fsum((row - mean) ** 2 for row in rows) / (n - 1),
        n * math.fsum((column - mean) ** 2 for column in columns) / (orders - 1),
        left / ((n - 1) * (orders - 1)),
    )


def crossed_estimate(matrix: Matrix) -> Estimate:
    """The grand mean with the interval over tasks and orders.

    - One order: the t interval over tasks, conditional on that order. One task: the t interval over orders.
    - Orders that differ no more than chance (F not above :func:`orders_count_from`): the t interval over the tasks' means, with ``n - 1``
      degrees of freedom.
    - Else the two-way variance, not below the tasks' own, with Satterthwaite's degrees of freedom, between ``R - 1`` and ``n - 1``.

    Raises:
        ValueError: the matrix is empty or its rows differ in length.
    """
    if not matrix or not matrix[0] or any(len(row) != len(matrix[0]) for row in matrix):
        raise ValueError("the mean of an empty or ragged matrix is undefined")
    if len(matrix[0]) == 1 or len(matrix) == 1:
        return mean_estimate([cell for row in matrix for cell in row])
    squares = mean_squares(matrix)
    variance, degrees = _variance(squares)
    return t_estimate(squares.mean, math.sqrt(variance), degrees)


def _variance(squares: MeanSquares) -> tuple[float, float]:
    """Variance of the grand mean, and its degrees of freedom."""
    n, orders = squares.n_tasks, squares.orders
    cells = n * orders
    if not _orders_differ(squares):
        return squares.between_tasks / cells, n - 1
    total = max(squares.between_tasks, squares.between_tasks + squares.between_orders - squares.residual)
    return total / cells, satterthwaite(squares, total)


def satterthwaite(squares: MeanSquares, total: float) -> float:
    """Degrees of freedom of ``MS_tasks + MS_orders - MS_residual`` (Satterthwaite 1946), between ``R - 1`` and ``n - 1``.

    Args:
        squares: the mean squares.
        total: their combination, above 0.
    """
    n, orders = squares.n_tasks, squares.orders
    spread = squares.between_tasks**2 / (n - 1)
    spread += squares.between_orders**2 / (orders - 1) + squares.residual**2 / squares.residual_degrees
    low, high = sorted((orders - 1, n - 1))
    return min(max(total**2 / spread, low), high)


def orders_count_from(orders: int) -> float:
    """Quantile of the F distribution from which on orders are taken to differ: 60 % for three, 70 % for four, 75 % for more.

    Calibration chose it (``docs/statistics.md``). Lower, and intervals cover too much where orders do not matter; higher, and they cover
    too little where they do. The fewer the orders, the less the F test can see, so the sooner they must count.
    """
    return min(0.75, 1 - 1.2 / orders)


def _orders_differ(squares: MeanSquares) -> bool:
    if squares.between_orders == 0:
        return False
    from scipy.stats import f

    threshold = float(f.ppf(orders_count_from(squares.orders), squares.orders - 1, squares.residual_degrees))
    return squares.between_orders > threshold * squares.residual
