"""Means, intervals and tests, against scipy's own and by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from rbsuite.statistics.intervals import mean_estimate, paired_p_value, standard_error

VALUES = st.lists(st.floats(-1, 1).map(lambda value: round(value, 3)), min_size=2, max_size=40)


@given(VALUES)
def test_interval_is_student_s(values: list[float]) -> None:
    assume(len(set(values)) > 1)
    estimate = mean_estimate(values)
    error = stats.sem(values)
    low, high = stats.t.interval(0.95, len(values) - 1, loc=sum(values) / len(values), scale=error)
    assert estimate.mean == pytest.approx(sum(values) / len(values), abs=1e-12)
    assert estimate.interval == pytest.approx((low, high), abs=1e-9)
    assert standard_error(values) == pytest.approx(error, abs=1e-12)


@given(VALUES, st.randoms())
def test_p_value_is_that_of_the_paired_t_test(values: list[float], random: object) -> None:
    assume(len(set(values)) > 1)
    base = [round(value * 0.5, 3) for value in values]
    differences = [one - other for one, other in zip(values, base, strict=True)]
    assume(max(differences) - min(differences) > 1e-6)
    assert paired_p_value(differences) == pytest.approx(stats.ttest_rel(values, base).pvalue, rel=1e-6)


@given(VALUES)
def test_order_of_values_does_not_count(values: list[float]) -> None:
    assert mean_estimate(values) == mean_estimate(values[::-1])
    assert paired_p_value(values) == paired_p_value([-value for value in values])


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
    assert paired_p_value([]) is None
    assert paired_p_value([0.5]) is None
    assert paired_p_value([0.0, 0.0, 0.0]) == 1.0
    assert paired_p_value([0.5, 0.5, 0.5]) == 0.0
    with pytest.raises(ValueError, match="no values"):
        mean_estimate([])
