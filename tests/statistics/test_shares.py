"""Shares: never of zero width, never outside 0 to 1, and covered at both ends."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rbsuite.statistics.intervals import Estimate
from rbsuite.statistics.shares import interval_of, over_tasks, proportion, share
from rbsuite.statistics.two_parts import Floats

CELLS = st.tuples(st.integers(1, 9), st.integers(1, 4)).flatmap(
    lambda shape: st.lists(
        st.sampled_from([0.0, 0.5, 1.0]), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]
    ).map(lambda values: np.array(values).reshape(shape))
)


def width(estimate: Estimate) -> float:
    assert estimate.interval is not None
    return estimate.interval[1] - estimate.interval[0]


@settings(deadline=None)
@given(CELLS.filter(lambda cells: len(cells) > 1), st.booleans())
def test_an_interval_is_never_of_zero_width_and_never_outside_what_is_possible(cells: Floats, ordered: bool) -> None:
    found = share(cells, ordered=ordered)
    assert found.interval is not None
    assert 0 <= found.interval[0] <= found.mean <= found.interval[1] <= 1
    assert width(found) > 0.01


@settings(deadline=None, max_examples=60)
@given(CELLS.filter(lambda cells: len(cells) > 2), st.booleans(), st.data())
def test_taking_out_a_cell_never_narrows_the_interval(cells: Floats, ordered: bool, data: st.DataObject) -> None:
    cells = np.round(cells)
    whole = width(share(cells, ordered=ordered))
    cells[data.draw(st.integers(0, len(cells) - 1)), data.draw(st.integers(0, cells.shape[1] - 1))] = math.nan
    assert width(share(cells, ordered=ordered)) >= 0.95 * whole


@pytest.mark.parametrize("n", [8, 24, 60])
def test_one_0_or_1_a_task_has_wilsons_interval(n: int) -> None:
    for solved in range(n + 1):
        wanted = stats.binomtest(solved, n).proportion_ci(method="wilson")
        assert proportion(solved, n).interval == pytest.approx((wanted.low, wanted.high), abs=1e-9)
    values = [(f"{task}", float(task < n // 3)) for task in range(n)]
    assert width(over_tasks(values)) == pytest.approx(width(proportion(n // 3, n)), rel=0.1)
    assert over_tasks([(task, 0.0) for task, _ in values]).interval == pytest.approx(proportion(0, n).interval)


def test_few_values_have_clopper_and_pearsons() -> None:
    for solved in range(5):
        wanted = stats.binomtest(solved, 4).proportion_ci(method="exact")
        assert proportion(solved, 4).interval == pytest.approx((wanted.low, wanted.high), abs=1e-9)
    assert proportion(0, 0).interval is None


@pytest.mark.parametrize("runs", [1, 3, 5])
@pytest.mark.parametrize("n", [2, 3, 5, 8, 13, 30])
def test_shares_near_0_and_1_are_covered(n: int, runs: int) -> None:
    """Tasks that are alike (concentration 50) or each solved always or never (0.2); 250 draws of each."""
    for mean in (0.03, 0.2, 0.5, 0.97):
        for concentration in (0.2, 0.9, 50):
            rng = np.random.default_rng([n, runs, int(100 * mean), int(10 * concentration)])
            shares = rng.beta(mean * concentration, (1 - mean) * concentration, (250, n, 1))
            cells = (rng.random((250, n, runs)) < shares).astype(float)
            bounds = [share(one).interval or (0, 0) for one in cells]
            assert np.mean([low - 1e-9 <= mean <= high + 1e-9 for low, high in bounds]) >= 0.88


def test_runs_of_tasks_that_differ_count_as_fewer_values() -> None:
    alike = share(np.array([[1.0, 1.0, 1.0]] * 20 + [[0.0, 0.0, 0.0]] * 20))
    mixed = share(np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]] * 20))
    assert width(alike) == pytest.approx(width(proportion(20, 40)), rel=0.05)
    assert width(mixed) < 0.65 * width(alike)


def test_an_order_effect_widens_the_interval() -> None:
    cells = np.array([[float((row + 3 * column) % 10 < 3 * (column + 1)) for column in range(3)] for row in range(40)])
    assert width(share(cells, ordered=True)) > 2 * width(share(cells))


def test_measures_that_are_no_shares_have_the_t_interval() -> None:
    found = over_tasks([("a", 2.0), ("b", 5.0), ("c", 3.5)])
    assert found.interval is not None
    assert found.interval[1] > 5
    low, high = interval_of(np.array(0.5), np.array(10.0))
    assert float(high) - 0.5 == pytest.approx(0.5 - float(low))
