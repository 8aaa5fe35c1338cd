"""Tasks crossed with orders: mean squares against least squares and the paired t test, the interval against simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from rbsuite.statistics.crossed import crossed_estimate, mean_squares, satterthwaite
from rbsuite.statistics.intervals import mean_estimate, p_value


@st.composite
def matrices(draw: st.DrawFn, min_tasks: int = 2, min_orders: int = 2) -> list[list[float]]:
    n, orders = draw(st.integers(min_tasks, 12)), draw(st.integers(min_orders, 6))
    cell = st.integers(-20, 20).map(lambda value: value / 20)
    return draw(st.lists(st.lists(cell, min_size=orders, max_size=orders), min_size=n, max_size=n))


def least_squares(matrix: np.ndarray) -> tuple[float, float, float]:
    """Mean squares between tasks and orders and of the residual, by leaving each factor out of a linear model."""
    n, orders = matrix.shape
    y = matrix.ravel()
    tasks, columns = np.repeat(np.eye(n), orders, axis=0), np.tile(np.eye(orders), (n, 1))

    def left(*parts: np.ndarray) -> float:
        design = np.hstack([np.ones((len(y), 1)), *parts])
        return float(((y - design @ np.linalg.lstsq(design, y, rcond=None)[0]) ** 2).sum())

    residual = left(tasks, columns)
    return (
        (left(columns) - residual) / (n - 1),
        (left(tasks) - residual) / (orders - 1),
        residual / ((n - 1) * (orders - 1)),
    )


@settings(max_examples=50, deadline=None)
@given(matrices())
def test_mean_squares_are_those_of_a_linear_model(matrix: list[list[float]]) -> None:
    squares = mean_squares(matrix)
    wanted = least_squares(np.array(matrix))
    assert (squares.between_tasks, squares.between_orders, squares.residual) == pytest.approx(wanted, abs=1e-9)
    assert squares.mean == pytest.approx(np.mean(matrix), abs=1e-12)


@settings(deadline=None)
@given(matrices())
def test_with_two_orders_the_f_test_is_the_paired_t_test(matrix: list[list[float]]) -> None:
    two = [row[:2] for row in matrix]
    gaps = [a - b for a, b in two]
    assume(max(gaps) - min(gaps) > 1e-9)
    wanted = stats.ttest_rel([a for a, _ in two], [b for _, b in two]).pvalue
    assert mean_squares(two).orders_p_value == pytest.approx(wanted, rel=1e-6, abs=1e-12)


@settings(deadline=None)
@given(matrices())
def test_turning_the_matrix_swaps_tasks_and_orders(matrix: list[list[float]]) -> None:
    one, other = mean_squares(matrix), mean_squares([list(column) for column in zip(*matrix, strict=True)])
    assert one.between_tasks == pytest.approx(other.between_orders, abs=1e-9)
    assert one.residual == pytest.approx(other.residual, abs=1e-9)
    assert one.residual_degrees == other.residual_degrees


def test_components_are_recovered() -> None:
    rng = np.random.default_rng(1)
    shape = (400, 300)
    matrix = rng.normal(0, 0.3, (shape[0], 1)) + rng.normal(0, 0.2, (1, shape[1])) + rng.normal(0, 0.5, shape)
    squares = mean_squares(matrix.tolist())
    assert math.sqrt(squares.task_variance) == pytest.approx(0.3, rel=0.1)
    assert math.sqrt(squares.order_variance) == pytest.approx(0.2, rel=0.1)
    assert math.sqrt(squares.residual) == pytest.approx(0.5, rel=0.02)


def test_orders_that_agree_leave_the_t_interval_over_tasks() -> None:
    matrix = [[0.0, 0.1, 0.0], [0.5, 0.4, 0.6], [1.0, 1.0, 0.9], [0.2, 0.2, 0.2]]
    wanted = mean_estimate([sum(row) / 3 for row in matrix])
    assert crossed_estimate(matrix).interval == pytest.approx(wanted.interval)


def test_orders_that_differ_widen_the_interval_to_that_over_orders() -> None:
    """Where all spread is between orders, the mean is known as well as three numbers allow."""
    columns = (0.0, 0.3, 0.6)
    matrix = [[column + (task % 2) * 0.01 for column in columns] for task in range(40)]
    estimate = crossed_estimate(matrix)
    assert estimate.interval is not None
    assert estimate.degrees == pytest.approx(2, abs=0.01)
    assert estimate.interval == pytest.approx(mean_estimate([column + 0.005 for column in columns]).interval, abs=1e-3)


@settings(deadline=None)
@given(matrices(min_orders=2))
def test_degrees_of_freedom_lie_between_those_of_orders_and_tasks(matrix: list[list[float]]) -> None:
    estimate, squares = crossed_estimate(matrix), mean_squares(matrix)
    low, high = sorted((squares.orders - 1, squares.n_tasks - 1))
    assert estimate.degrees is not None
    assert low <= estimate.degrees <= high
    assert estimate.error is not None
    assert estimate.error**2 >= squares.between_tasks / (squares.n_tasks * squares.orders) - 1e-12
    total = squares.between_tasks + squares.between_orders + squares.residual
    if squares.residual > 1e-12:
        assert low <= satterthwaite(squares, total) <= high


@settings(deadline=None)
@given(matrices(min_orders=1), st.randoms(use_true_random=False))
def test_the_order_of_tasks_and_orders_does_not_count(matrix: list[list[float]], random: object) -> None:
    import random as library

    assert isinstance(random, library.Random)
    columns = list(range(len(matrix[0])))
    random.shuffle(columns)
    shuffled = [[row[column] for column in columns] for row in matrix]
    random.shuffle(shuffled)
    one, other = crossed_estimate(matrix), crossed_estimate(shuffled)
    assert one.mean == pytest.approx(other.mean, abs=1e-12)
    squares = mean_squares(matrix) if len(columns) > 1 else None
    if squares is None or abs(squares.between_orders - squares.residual) > 1e-6:
        assert one.interval == pytest.approx(other.interval, abs=1e-6)


def test_one_order_is_the_t_interval_over_tasks_and_one_task_that_over_orders() -> None:
    values = [0.0, 1.0, 1.0, 0.0, 1.0]
    assert crossed_estimate([[value] for value in values]) == mean_estimate(values)
    assert crossed_estimate([values]) == mean_estimate(values)
    assert crossed_estimate([[0.5]]).interval is None


def test_no_spread_at_all() -> None:
    nothing = crossed_estimate([[0.0, 0.0]] * 5)
    assert nothing.interval == (0.0, 0.0)
    assert p_value(nothing) == 1.0
    always = crossed_estimate([[1.0, 1.0]] * 5)
    assert p_value(always) == 0.0
    assert mean_squares([[0.0, 0.0]] * 5).orders_p_value == 1.0


@pytest.mark.parametrize("matrix", [[], [[]], [[1.0], [1.0, 2.0]]])
def test_a_matrix_without_cells_or_with_gaps_is_refused(matrix: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="matrix"):
        crossed_estimate(matrix)
    with pytest.raises(ValueError, match="matrix"):
        mean_squares(matrix)


@pytest.mark.parametrize(("orders", "order_deviation"), [(3, 0.0), (3, 0.1), (3, 0.4), (5, 0.1), (10, 0.1)])
def test_coverage_with_normal_effects(orders: int, order_deviation: float) -> None:
    """The truth is 0; tasks differ, orders differ, and 95 % of the intervals hold it (93 to 98 in 500 draws)."""
    rng = np.random.default_rng(7)
    draws, tasks, held = 500, 20, 0
    for _ in range(draws):
        matrix = rng.normal(0, 0.2, (tasks, 1)) + rng.normal(0, order_deviation, (1, orders))
        interval = crossed_estimate((matrix + rng.normal(0, 0.4, (tasks, orders))).tolist()).interval
        assert interval is not None
        held += interval[0] <= 0 <= interval[1]
    assert 0.925 <= held / draws <= 0.985
