"""What broken rollouts could change about a difference."""

from __future__ import annotations

import pytest

from rbsuite.statistics.failures import broken_cells, failure_bounds
from rbsuite.statistics.pairing import pair
from streams import stream

TASKS = [f"t{number}" for number in range(40)]


def test_failures_of_one_side_are_excluded_and_counted_both_ways() -> None:
    on = [stream("on", order, [1.0] * 20 + [0.0] * 20, TASKS) for order in range(3)]
    off = [stream("off", order, [1.0] * 20 + [0.0] * 20, TASKS) for order in range(3)]
    broken = broken_cells(on, [dict.fromkeys(TASKS[20:32], 1.0), {}, {}])
    found = failure_bounds(pair(on, off, (False, True)), broken, {})
    assert found is not None
    assert (found.a, found.b) == (12, 0)
    assert found.against.mean == 0
    assert found.in_favour.mean == pytest.approx(12 / 120)
    assert found.excluded is not None
    assert found.excluded.mean == pytest.approx(0)


def test_a_conclusion_that_rests_on_failures_is_marked() -> None:
    """Every failure of the baseline is a gain of the condition, until they are counted as solved."""
    off = [stream("off", order, [0.0] * 12 + [1.0] * 28, TASKS) for order in range(3)]
    on = [stream("on", order, [1.0] * 40, TASKS) for order in range(3)]
    broken = broken_cells(off, [dict.fromkeys(TASKS[:12], 1.0)] * 3)
    found = failure_bounds(pair(on, off, (False, True)), {}, broken)
    assert found is not None
    assert found.matters
    assert found.in_favour.mean == pytest.approx(0.3)
    assert found.against.mean == 0
    one = failure_bounds(pair(on, off, (False, True)), {}, broken_cells(off, [dict.fromkeys(TASKS[:1], 1.0), {}, {}]))
    assert one is not None
    assert not one.matters


def test_without_failures_there_is_nothing_to_say() -> None:
    runs = [stream("on", 0, [1.0] * 40, TASKS)]
    assert failure_bounds(pair(runs, [stream("off", 0, [0.0] * 40, TASKS)]), {}, {}) is None


def test_of_a_mean_only_the_broken_rollouts_are_left_out() -> None:
    """Half of the rollouts of 8 tasks broke, the other half solved them."""
    on = [stream("on", order, [0.5] * 8 + [1.0] * 32, TASKS) for order in range(3)]
    off = [stream("off", order, [1.0] * 40, TASKS) for order in range(3)]
    found = failure_bounds(pair(on, off, (False, True)), broken_cells(on, [dict.fromkeys(TASKS[:8], 0.5)] * 3), {})
    assert found is not None
    assert found.against.mean == pytest.approx(-0.1)
    assert found.in_favour.mean == pytest.approx(0)
    assert found.excluded is not None
    assert found.excluded.mean == pytest.approx(0)
