"""The reported interval of a difference: against formulas, against what may never happen, and for what is missing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rbsuite.statistics.differences import against_control, of_pairs
from rbsuite.statistics.intervals import Estimate, p_value
from rbsuite.statistics.spread import Side, additive, spread
from rbsuite.statistics.two_parts import Floats


@st.composite
def scores(draw: st.DrawFn, least: int = 2, runs: int = 4) -> tuple[Floats, Floats]:
    """0/1 scores of a condition and of its control, which may have been run more or less often."""
    n, orders, control = draw(st.integers(least, 9)), draw(st.integers(1, runs)), draw(st.integers(1, runs))
    side = [draw(st.lists(st.booleans(), min_size=n * k, max_size=n * k)) for k in (orders, control)]
    return np.array(side[0], float).reshape(n, orders), np.array(side[1], float).reshape(n, control)


def partners(a: Floats, b: Floats) -> list[int]:
    return [column if column < b.shape[1] else -1 for column in range(a.shape[1])]


def width(estimate: Estimate) -> float:
    """Of the interval before it is cut to what is possible: a mean near -1 or 1 leaves less of the same interval."""
    assert estimate.interval is not None
    assert estimate.error is not None
    assert estimate.degrees is not None
    if estimate.parts is not None:
        return 2 * float(estimate.parts.reach())
    return 2 * float(stats.t.ppf(0.975, estimate.degrees)) * estimate.error


@settings(deadline=None)
@given(scores())
def test_an_interval_is_never_of_zero_width_and_never_outside_what_is_possible(both: tuple[Floats, Floats]) -> None:
    a, b = both
    for estimate in (
        against_control(a, b, partners(a, b)),
        against_control(a, b, partners(a, b), ordered=False),
        of_pairs(a[:, :1] - b[:, :1]),
    ):
        assert estimate.interval is not None
        low, high = estimate.interval
        assert -1 <= low <= estimate.mean <= high <= 1
        assert high - low > 0.01
        p = p_value(estimate)
        assert p is not None
        if abs(p - 0.05) > 1e-9:
            assert (p > 0.05) == (low <= 0 <= high)


@settings(deadline=None, max_examples=60)
@given(scores(least=3), st.data())
def test_taking_out_a_cell_never_narrows_the_interval(both: tuple[Floats, Floats], data: st.DataObject) -> None:
    a, b = (side.copy() for side in both)
    whole = width(against_control(a, b, partners(a, b)))
    side = data.draw(st.sampled_from([a, b]))
    side[data.draw(st.integers(0, side.shape[0] - 1)), data.draw(st.integers(0, side.shape[1] - 1))] = math.nan
    assert width(against_control(a, b, partners(a, b))) >= 0.95 * whole


@pytest.mark.parametrize("share", [0.01, 0.05, 0.1])
def test_experiments_with_missing_cells_are_not_surer(share: float) -> None:
    rng = np.random.default_rng(3)
    for _ in range(3):
        hard = rng.beta(0.54, 0.354, (60, 1))
        a, b = ((rng.random((60, 3)) < hard).astype(float) for _ in range(2))
        whole = width(against_control(a, b, range(3)))
        a[rng.random(a.shape) < share], b[rng.random(b.shape) < share] = math.nan, math.nan
        assert 0.95 * whole < width(against_control(a, b, range(3))) < 2 * whole


def test_taking_out_one_cell_of_many_that_are_missing_narrows_an_interval_by_5_percent_at_most() -> None:
    rng = np.random.default_rng(11)
    for shared in (False, True, True):
        hard, chances = rng.beta(0.54, 0.354, (15, 1)), rng.random((15, 3))
        a = (chances < np.clip(hard + rng.choice([0.0, 0.3], (1, 3)), 0, 1)).astype(float)
        b = ((chances if shared else rng.random((15, 3))) < hard).astype(float)
        for row in range(0, 15, 2):
            a[row, row % 3] = math.nan
        whole = width(against_control(a, b, range(3)))
        for row in range(1, 15, 2):
            fewer = a.copy()
            fewer[row, row % 3] = math.nan
            assert width(against_control(fewer, b, range(3))) >= 0.949 * whole


@settings(deadline=None, max_examples=60)
@given(scores())
def test_p_is_below_5_percent_where_the_uncut_interval_leaves_0_out(both: tuple[Floats, Floats]) -> None:
    a, b = both
    found = against_control(a, b, partners(a, b))
    p = p_value(found)
    assert p is not None
    assert found.error is not None
    assert found.degrees is not None
    half = float(stats.t.ppf(0.975, found.degrees)) * found.error
    if abs(abs(found.mean) - half) > 1e-9:
        assert (p < 0.05) == (abs(found.mean) > half)


@settings(deadline=None)
@given(scores())
def test_the_mean_is_that_of_the_tasks_differences_over_all_runs(both: tuple[Floats, Floats]) -> None:
    a, b = both
    assert against_control(a, b, partners(a, b)).mean == pytest.approx(float((a.mean(1) - b.mean(1)).mean()))


def test_without_an_order_effect_it_is_the_t_interval_over_tasks() -> None:
    rng = np.random.default_rng(1)
    a, b = (rng.random((40, 3)) < 0.6).astype(float), (rng.random((40, 5)) < 0.4).astype(float)
    found = against_control(a, b, partners(a, b), ordered=False)
    low, high = stats.ttest_rel(a.mean(1), b.mean(1)).confidence_interval()
    assert found.interval == pytest.approx((low, high))


def test_one_or_two_orders_are_conditional_on_them() -> None:
    rng = np.random.default_rng(2)
    a, b = ((rng.random((40, 2)) < 0.5).astype(float) for _ in range(2))
    assert against_control(a, b, range(2)) == against_control(a, b, range(2), ordered=False)


def least_squares(values: Floats, seen: Floats) -> tuple[float, float]:
    """Residual sum of squares of rows alone, and of rows and columns."""
    n, orders = values.shape
    y = values[seen]
    rows, columns = np.repeat(np.eye(n), orders, axis=0), np.tile(np.eye(orders), (n, 1))
    kept = seen.ravel()

    def left(*parts: Floats) -> float:
        design = np.hstack(parts)[kept]
        return float(((y - design @ np.linalg.lstsq(design, y, rcond=None)[0]) ** 2).sum())

    return left(rows), left(rows, columns)


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_the_residual_is_that_of_a_linear_model(missing: float) -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(size=(25, 4)) + rng.normal(size=(1, 4))
    seen = rng.random(values.shape) >= missing
    _, wanted = least_squares(values, seen)
    _, left = additive(values, seen)
    assert float((left**2).sum()) == pytest.approx(wanted, rel=1e-4)


def test_an_order_effect_is_recovered_with_and_without_missing_cells() -> None:
    rng = np.random.default_rng(5)
    chance = rng.normal(0, 0.4, (1, 400, 200))
    b = 0.5 + chance + rng.normal(0, 0.2, chance.shape)
    a = 0.6 + chance + rng.normal(0, 0.1, (1, 1, 200)) + rng.normal(0, 0.2, chance.shape)
    for share in (0.0, 0.1):
        gaps = rng.random(a.shape) < share
        found = spread(Side.of(np.where(gaps, np.nan, a)), Side.of(b), range(200))
        assert math.sqrt(float(found.orders[0])) == pytest.approx(0.1, rel=0.12)
        alone = spread(Side.of(np.where(gaps, np.nan, a)), None)
        assert float(found.residual[0]) < 0.6 * float(alone.residual[0]), "the common chance is taken off"


def test_no_tasks_and_one_task_have_no_interval() -> None:
    assert against_control(np.array([[1.0, 0.0]]), np.array([[0.0]]), [0, -1]) == Estimate(0.5, None)
    assert math.isnan(of_pairs(np.array([[math.nan]])).mean)
