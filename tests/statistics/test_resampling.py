"""Bootstrap intervals, against scipy's and against a bootstrap written out."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
from scipy import stats

from rbsuite.statistics.resampling import bca_interval, crossed_interval

RNG = np.random.default_rng(3)
SKEWED = (RNG.exponential(0.3, 40) - 0.1).tolist()
BINARY = RNG.choice([-1.0, 0.0, 1.0], p=[0.1, 0.6, 0.3], size=60).tolist()


@pytest.mark.parametrize("values", [SKEWED, BINARY], ids=["skewed", "0/1"])
def test_bca_is_scipy_s(values: list[float]) -> None:
    named = "rng" if "rng" in inspect.signature(stats.bootstrap).parameters else "random_state"
    wanted = stats.bootstrap(
        (np.array(values),), np.mean, method="BCa", n_resamples=20000, **{named: np.random.default_rng(5)}
    ).confidence_interval
    found = bca_interval(values, resamples=20000)
    assert found == pytest.approx((wanted.low, wanted.high), abs=0.006)


def test_bca_leans_with_the_skew() -> None:
    low, high = bca_interval(SKEWED) or (0.0, 0.0)
    mean = sum(SKEWED) / len(SKEWED)
    assert high - mean > mean - low > 0


def test_tasks_and_orders_written_out() -> None:
    data = RNG.normal(0, 0.4, (25, 4)) + RNG.normal(0, 0.3, (1, 4))
    rng = np.random.default_rng(11)
    means = []
    for _ in range(6000):
        columns = rng.integers(4, size=4)
        tasks = rng.integers(25, size=25)
        means.append(data[np.ix_(tasks, columns)].mean())
    wanted = np.quantile(means, [0.025, 0.975])
    found = crossed_interval(data.tolist(), resamples=6000)
    assert found == pytest.approx(tuple(wanted), abs=0.03)


def test_same_values_same_interval() -> None:
    matrix = [[value, value / 2, 0.1] for value in SKEWED]
    assert bca_interval(BINARY) == bca_interval(BINARY)
    assert crossed_interval(matrix) == crossed_interval(matrix)
    assert bca_interval(SKEWED, seed=1) != bca_interval(SKEWED, seed=2)


def test_degenerate_cases() -> None:
    assert bca_interval([0.25] * 4) is None
    assert bca_interval([0.25]) is None
    assert bca_interval([]) is None
    assert crossed_interval([[0.0, 1.0], [1.0, 0.0]]) is None, "two orders give three different samples"
    assert crossed_interval([[0.5] * 3] * 4) is None


def test_many_values_are_resampled_in_blocks() -> None:
    values = (RNG.normal(0.1, 1, 3000)).tolist()
    found = bca_interval(values, resamples=2000)
    wanted = stats.t.interval(0.95, 2999, np.mean(values), stats.sem(values))
    assert found == pytest.approx(wanted, abs=0.006)


def test_many_tasks_are_drawn_by_their_values_and_give_the_same_interval() -> None:
    """2,000 scores of 0 and 1 (drawn by value), against the normal approximation, which is good there."""
    values = [1.0, 0.0, 0.0, 1.0, 0.0] * 400
    low, high = bca_interval(values) or (0.0, 0.0)
    half = 1.96 * math.sqrt(0.4 * 0.6 / len(values))
    assert low == pytest.approx(0.4 - half, abs=0.002)
    assert high == pytest.approx(0.4 + half, abs=0.002)
    crossed = crossed_interval([(value, value, value) for value in values]) or (0.0, 0.0)
    assert crossed == pytest.approx((0.4 - half, 0.4 + half), abs=0.002)
