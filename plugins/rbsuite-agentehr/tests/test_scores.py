"""The scores against formulas of another make."""

from __future__ import annotations

from itertools import combinations
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbsuite_agentehr.scores import at_k, set_score

NAMES = st.lists(st.sampled_from(["Anemia", "anemia", "Gout", "Asthma ", "Sepsis", "Fits"]), max_size=6)


@settings(max_examples=40)
@given(NAMES, NAMES)
def test_set_scores_by_counting(predicted: list[str], label: list[str]) -> None:
    """F1 as the harmonic mean of two counts, where the code has Dice's formula."""
    mine, right = {one.strip().lower() for one in predicted}, {one.strip().lower() for one in label}
    precision = sum(one in right for one in mine) / len(mine) if mine else 0.0
    recall = sum(one in mine for one in right) / len(right) if right else 0.0
    f1 = 2 / (1 / precision + 1 / recall) if precision and recall else 0.0
    found = set_score(predicted, label)
    assert (found.precision, found.recall) == (precision, recall)
    assert found.f1 == pytest.approx(f1)
    assert found.combined == pytest.approx((2 * f1 + precision + 2 * recall) / 5)


@settings(max_examples=40)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=7))
def test_several_runs_by_going_through_all_sets_of_them(scores: list[float]) -> None:
    found = at_k(scores)
    assert (found.average, found.most) == (pytest.approx(mean(scores)), max(scores))
    for size, value in enumerate(found.best, 1):
        assert value == pytest.approx(mean(max(chosen) for chosen in combinations(scores, size)))


def test_no_runs_have_no_figures() -> None:
    with pytest.raises(ValueError, match="no runs"):
        at_k([])
