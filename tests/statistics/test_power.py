"""Power and plans, against scipy's noncentral t, published sample sizes and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rbsuite.statistics.differences import of_pairs
from rbsuite.statistics.intervals import Estimate, p_value
from rbsuite.statistics.power import (
    Components,
    Design,
    by_degrees,
    cheapest,
    components,
    designs,
    detectable_by,
    outlook,
    sharpest,
    tasks_needed,
    within_variance,
)


@pytest.mark.parametrize("degrees", [2, 4, 9, 54, 400])
@pytest.mark.parametrize("shift", [0.5, 2.0, 3.5])
def test_power_is_that_of_the_noncentral_t(degrees: float, shift: float) -> None:
    critical = stats.t.ppf(0.975, degrees)
    wanted = stats.nct.sf(critical, degrees, shift) + stats.nct.cdf(-critical, degrees, shift)
    assert by_degrees(1.0, degrees).power(shift) == pytest.approx(wanted, abs=2e-3)


def test_without_effect_power_is_the_level() -> None:
    for degrees in (2, 10, 100):
        assert by_degrees(1.0, degrees).power(0.0) == pytest.approx(0.05, abs=1e-3)
    assert by_degrees(0.0, 5).power(0.1) == 1.0
    assert by_degrees(0.0, 5).power(0.0) == 0.0


@settings(deadline=None)
@given(st.floats(1, 500), st.floats(0.001, 2), st.sampled_from([0.5, 0.8, 0.95]))
def test_what_is_detectable_is_found_with_the_wanted_power(degrees: float, error: float, wanted: float) -> None:
    foreseen = by_degrees(error, degrees)
    assert foreseen.power(foreseen.detectable(wanted)) == pytest.approx(wanted, abs=1e-3)


def test_detectable_of_an_estimate() -> None:
    assert detectable_by(Estimate(0.1, None)) is None
    assert detectable_by(Estimate(0.1, (0.0, 0.2), 0.05, 1e6)) == pytest.approx(2.80 * 0.05, abs=1e-3)
    assert by_degrees(0.0, 10).detectable() == 0.0


@pytest.mark.parametrize(("effect", "tasks"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_sample_sizes_of_the_paired_t_test(effect: float, tasks: int) -> None:
    """Published for a standard deviation of 1, 80 % power, 5 % two-sided (Cohen's small, medium and large effect)."""
    assert tasks_needed(Components(1.0, 0.0, 0.0, 0.0), effect, orders=1) == pytest.approx(tasks, abs=1)


def test_more_of_anything_needs_fewer_tasks() -> None:
    parts = Components(tasks=0.02, orders=0.0005, interaction=0.02, rollouts=0.15)
    by_orders = [tasks_needed(parts, 0.06, orders) for orders in (3, 5, 10, 20)]
    by_rollouts = [tasks_needed(parts, 0.06, 10, rollouts) for rollouts in (1, 2, 4)]
    by_effect = [tasks_needed(parts, effect, 10) for effect in (0.05, 0.1, 0.2)]
    for needed in (by_orders[1:], by_rollouts, by_effect):
        known = [tasks for tasks in needed if tasks is not None]
        assert len(known) == len(needed)
        assert known == sorted(known, reverse=True)
        assert len(set(known)) == len(known)


def test_orders_that_differ_too_much_cannot_be_mended_by_tasks() -> None:
    assert tasks_needed(Components(0.0, 0.01, 0.0, 0.1), 0.05, orders=3) is None
    assert tasks_needed(Components(0.0, 0.01, 0.0, 0.1), 0.05, orders=200) is not None


def test_expected_error_by_hand() -> None:
    parts = Components(tasks=0.04, orders=0.01, interaction=0.02, rollouts=0.12)
    foreseen = outlook(parts, Design(tasks=50, orders=5, rollouts=3))
    assert foreseen.error == pytest.approx(math.sqrt(0.04 / 50 + 0.01 / 5 + (0.02 + 0.12 / 3) / 250))
    assert np.all(foreseen.reaches > 1.9 * math.sqrt(0.04 / 50 * 0.5)), "no reach is short of the tasks' part"
    conditional = outlook(parts, Design(tasks=50, orders=1))
    assert conditional.error == pytest.approx(math.sqrt((0.04 + 0.14) / 50))
    assert conditional.power(0.1) == pytest.approx(by_degrees(conditional.error, 49).power(0.1))


def test_variances_of_a_pilot_are_recovered() -> None:
    rng = np.random.default_rng(2)
    cells = rng.normal(0, 0.2, (300, 1, 1)) + rng.normal(0, 0.1, (1, 200, 1)) + rng.normal(0, 0.15, (300, 200, 1))
    rollouts = cells + rng.normal(0, 0.4, (300, 200, 2))
    within = within_variance(rollouts.reshape(-1, 2).tolist())
    assert within == pytest.approx(0.16, rel=0.02)
    parts = components(rollouts.mean(axis=2), None, within, 2).parts
    found = [math.sqrt(value) for value in (parts.tasks, parts.orders, parts.interaction, parts.rollouts)]
    assert found == pytest.approx([0.2, 0.1, 0.15, 0.4], rel=0.12)
    unknown = components(rollouts[:, :, 0]).parts
    assert unknown.interaction == 0.0
    assert unknown.rollouts == pytest.approx(0.15**2 + 0.16, rel=0.05)
    assert within_variance([[1.0], [0.0]]) is None


def test_a_plan_keeps_its_promise() -> None:
    """Experiments of the planned size find the effect at least as often as was wanted."""
    parts, effect, orders = Components(tasks=0.02, orders=0.0004, interaction=0.0, rollouts=0.16), 0.1, 5
    tasks = tasks_needed(parts, effect, orders)
    assert tasks is not None
    rng = np.random.default_rng(4)
    found = 0
    for _ in range(400):
        matrix = effect + rng.normal(0, parts.tasks**0.5, (tasks, 1)) + rng.normal(0, parts.orders**0.5, (1, orders))
        p = p_value(of_pairs(matrix + rng.normal(0, parts.rollouts**0.5, (tasks, orders))))
        found += p is not None and p <= 0.05
    assert found / 400 >= 0.77


def test_a_control_may_be_run_less_often() -> None:
    """Four memory runs and two of the control beat three of both at the same cost; the cheapest design uses that."""
    parts = Components(tasks=0.02, orders=0.0003, interaction=0.0, rollouts=0.22, control=0.11)
    even, uneven = Design(115, 3), Design(115, 4, control=2)
    assert even.cost == uneven.cost
    assert outlook(parts, uneven).power(0.06) > outlook(parts, even).power(0.06)
    free, tied = (cheapest(parts, 0.06, list(designs(115, (1,), free=each))) for each in (True, False))
    assert free is not None
    assert tied is not None
    assert free.cost <= tied.cost
    assert outlook(parts, free).power(0.06) >= 0.8
    found = sharpest(parts, list(designs(115)), free.cost)
    assert found is not None
    assert found[0].cost <= free.cost
    assert found[1] <= 0.06
    assert sharpest(parts, list(designs(115)), 10) is None


def test_a_plan_allows_for_what_its_pilot_leaves_open() -> None:
    """Four of five pilots have bounds with which the planned tasks have a power of 75 % at least; their estimates alone do worse."""
    true, effect = Components(tasks=0.03, orders=0.0004, interaction=0.0, rollouts=0.2, control=0.1), 0.1
    rng = np.random.default_rng(8)
    enough = np.zeros(3)
    for _ in range(40):
        a = rng.normal(0, 0.03**0.5, (55, 1)) + rng.normal(0, 0.02, (1, 3)) + rng.normal(0, 0.1**0.5, (55, 3))
        pilot = components(a, rng.normal(0, 0.1**0.5, (55, 3)))
        for place, parts in enumerate((pilot.parts, pilot.likely, pilot.upper)):
            tasks = tasks_needed(parts, effect, 5)
            enough[place] += tasks is None or outlook(true, Design(tasks, 5)).power(effect) >= 0.75
    assert enough[0] < enough[1] <= enough[2]
    assert enough[1] / 40 >= 0.8
