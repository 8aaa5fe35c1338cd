"""Declared looks: what is spent is the same, whatever the looks are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from rbsuite.statistics.intervals import t_estimate
from rbsuite.statistics.looks import SPENT, Look, at_level, levels, look_at, rejects


def test_one_look_is_the_usual_test() -> None:
    assert levels((5,)) == pytest.approx((0.05,))


@pytest.mark.parametrize("looks", [(3, 5, 10), (5, 10), (3, 4, 5, 6, 7, 8)])
def test_the_looks_together_spend_what_they_may(looks: tuple[int, ...]) -> None:
    """Sums of independent increments, as the levels assume."""
    rng = np.random.default_rng(1)
    sums = rng.standard_normal((200_000, looks[-1])).cumsum(axis=1)
    rejected = np.zeros(len(sums), dtype=bool)
    for look, level in zip(looks, levels(looks), strict=True):
        rejected |= np.abs(sums[:, look - 1]) / look**0.5 > stats.norm.isf(level / 2)
    assert rejected.mean() == pytest.approx(SPENT, abs=0.002)


def test_a_look_is_told_by_its_orders() -> None:
    found = look_at((3, 5, 10), 5)
    assert found is not None
    assert (found.number, found.of) == (2, 3)
    assert found.level == levels((3, 5, 10))[1]
    assert look_at((3, 5, 10), 4) is None
    with pytest.raises(ValueError, match="not increasing"):
        look_at((5, 3), 5)


def test_the_interval_at_a_level_leaves_0_out_where_the_look_rejects() -> None:
    for mean in np.linspace(0, 0.2, 21):
        estimate = t_estimate(float(mean), 0.04, 6.5)
        wider = at_level(estimate, 0.015)
        assert wider.interval is not None
        assert rejects(estimate, Look(1, 3, 0.015)) == (wider.interval[0] > 0)
