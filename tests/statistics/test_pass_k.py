"""pass@k and pass^k, against all ways to choose k of n."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbsuite.statistics.rollouts import pass_at_k, pass_hat_k


@settings(deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=7), st.data())
def test_any_and_all_of_k(solved: list[bool], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(solved)))
    chosen = list(combinations(solved, k))
    counts = (len(solved), sum(solved), k)
    assert pass_at_k(*counts) == pytest.approx(sum(any(some) for some in chosen) / len(chosen))
    assert pass_hat_k(*counts) == pytest.approx(sum(all(some) for some in chosen) / len(chosen))


def test_undefined_for_fewer_than_k_rollouts() -> None:
    assert pass_at_k(2, 2, 3) is None
    assert pass_hat_k(2, 2, 3) is None


@pytest.mark.parametrize("counts", [(3, 4, 1), (3, -1, 1), (3, 1, 0)])
def test_counts_that_make_no_sense_are_refused(counts: tuple[int, int, int]) -> None:
    for function in (pass_at_k, pass_hat_k):
        with pytest.raises(ValueError, match="rollouts"):
            function(*counts)
