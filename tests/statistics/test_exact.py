"""Exact tests and Holm's correction, against enumeration."""

from __future__ import annotations

from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbsuite.statistics.exact import discordant, holm, mcnemar


@settings(deadline=None)
@given(st.integers(0, 6), st.integers(0, 6))
def test_mcnemar_counts_the_outcomes_at_least_as_uneven(only_a: int, only_b: int) -> None:
    n = only_a + only_b
    flips = [sum(outcome) for outcome in product((0, 1), repeat=n)]
    extreme = sum(abs(2 * flip - n) >= abs(only_a - only_b) for flip in flips)
    assert mcnemar(only_a, only_b) == pytest.approx(extreme / len(flips))


def test_mcnemar_s_worked_example() -> None:
    """Ten pairs that differ, nine of them one way: 2 * (10 + 1) / 1024."""
    assert mcnemar(9, 1) == pytest.approx(22 / 1024)
    assert mcnemar(0, 0) == 1.0


def test_pairs_that_differ_are_counted() -> None:
    pairs = [(1.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.0, 0.0)]
    assert discordant(pairs) == (2, 1)
    assert discordant([*pairs, (0.5, 0.0)]) is None


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_is_the_closure_of_bonferroni(p_values: list[float]) -> None:
    """A hypothesis is rejected when every set that holds it is rejected by Bonferroni."""
    indices = range(len(p_values))
    for index, adjusted in enumerate(holm(p_values)):
        sets = [s for size in indices for s in combinations(indices, size + 1) if index in s]
        wanted = max(min(1.0, len(s) * min(p_values[i] for i in s)) for s in sets)
        assert adjusted == pytest.approx(wanted)


def test_holm_s_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


def test_an_unknown_p_value_counts_as_a_comparison() -> None:
    assert holm([0.02, None]) == [0.04, None]
