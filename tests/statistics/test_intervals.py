"""Means, intervals and tests, against scipy's own and by hand."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from rbsuite.statistics.intervals import (
    clustered_estimate,
    mean_estimate,
    p_value,
    standard_error,
)

VALUES = st.lists(st.floats(-1, 1).map(lambda value: round(value, 3)), min_size=2, max_size=40)


@settings(deadline=None)
@given(VALUES)
def test_interval_is_student_s(values: list[float]) -> None:
    assume(len(set(values)) > 1)
    estimate = mean_estimate(values)
    error = stats.sem(values)
    low, high = stats.t.interval(0.95, len(values) - 1, loc=sum(values) / len(values), scale=error)
    assert estimate.mean == pytest.approx(sum(values) / len(values), abs=1e-12)
    assert estimate.interval == pytest.approx((low, high), abs=1e-9)
    assert standard_error(values) == pytest.approx(error, abs=1e-12)


@settings(deadline=None)
@given(VALUES)
def test_p_value_is_that_of_the_t_test(values: list[float]) -> None:
    assume(max(values) - min(values) > 1e-6)
    assert p_value(mean_estimate(values)) == pytest.approx(stats.ttest_1samp(values, 0.0).pvalue, rel=1e-6)


@settings(deadline=None)
@given(VALUES)
def test_order_of_values_does_not_count(values: list[float]) -> None:
    assert mean_estimate(values) == mean_estimate(values[::-1])


@settings(deadline=None)
@given(VALUES)
def test_interval_holds_zero_where_the_p_value_is_above_5_percent(values: list[float]) -> None:
    assume(len(set(values)) > 1)
    estimate = mean_estimate(values)
    p = p_value(estimate)
    assert p is not None
    assert estimate.interval is not None
    assume(abs(p - 0.05) > 1e-6)
    assert (p > 0.05) == (estimate.interval[0] <= 0 <= estimate.interval[1])


def test_by_hand() -> None:
    estimate = mean_estimate([0.0, 1.0, 1.0, 0.0])
    assert estimate.mean == 0.5
    assert estimate.interval is not None
    half = 3.182446305284263 * math.sqrt((4 * 0.25) / 3 / 4)
    assert estimate.interval == pytest.approx((0.5 - half, 0.5 + half))


def test_degenerate_cases() -> None:
    assert mean_estimate([0.3]).interval is None
    assert mean_estimate([0.3]).mean == 0.3
    assert mean_estimate([1.0] * 5).interval == (1.0, 1.0)
    assert standard_error([0.3]) is None
    with pytest.raises(ValueError, match="no values"):
        mean_estimate([])


@settings(deadline=None)
@given(VALUES, st.integers(1, 6))
def test_clustered_error_is_the_sandwich_estimator(values: list[float], count: int) -> None:
    """(X'X)^-1 (sum over clusters of X'u u'X) (X'X)^-1 for the regression on a constant, times C / (C - 1)."""
    groups = [index % count for index in range(len(values))]
    clusters = len(set(groups))
    assume(clusters > 1)
    ones, residuals = np.ones((len(values), 1)), np.array(values) - np.mean(values)
    meat = np.zeros((1, 1))
    for group in set(groups):
        members = [index for index, one in enumerate(groups) if one == group]
        score = ones[members].T @ residuals[members][:, None]
        meat += score @ score.T
    bread = np.linalg.inv(ones.T @ ones)
    error = float(np.sqrt(clusters / (clusters - 1) * (bread @ meat @ bread)[0, 0]))
    estimate = clustered_estimate(values, groups)
    assert estimate.error == pytest.approx(error, abs=1e-12)
    assert estimate.degrees == clusters - 1
    half = stats.t.ppf(0.975, clusters - 1) * error
    assert estimate.interval == pytest.approx((np.mean(values) - half, np.mean(values) + half), abs=1e-9)


@settings(deadline=None)
@given(VALUES)
def test_clusters_of_one_are_no_clusters(values: list[float]) -> None:
    plain, clustered = mean_estimate(values), clustered_estimate(values, range(len(values)))
    assert clustered.interval == pytest.approx(plain.interval, abs=1e-9)


def test_tasks_that_are_alike_widen_the_clustered_interval() -> None:
    values = [0.0] * 10 + [1.0] * 10
    alike, mixed = [index // 5 for index in range(20)], [index % 4 for index in range(20)]
    widths: dict[str, float] = defaultdict(float)
    for name, groups in (("alike", alike), ("mixed", mixed)):
        interval = clustered_estimate(values, groups).interval
        assert interval is not None
        widths[name] = interval[1] - interval[0]
    assert widths["mixed"] < widths["alike"]
    assert clustered_estimate(values, [0] * 20).interval is None
