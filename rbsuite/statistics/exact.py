"""Exact tests, and the correction for several of them."""

from __future__ import annotations

from collections.abc import Sequence


def mcnemar(only_a: int, only_b: int) -> float:
    """Two-sided p value of McNemar's exact test for paired 0/1 values: a binomial test of the pairs that differ.

    Args:
        only_a: pairs that only the first solves.
        only_b: pairs that only the second solves.

    Returns:
        1 if no pair differs (then the test says nothing).
    """
    if only_a + only_b == 0:
        return 1.0
    from scipy.special import bdtr

    # With equal chances the distribution is symmetric: both tails are as long as the observed one.
    return float(min(1.0, 2 * bdtr(min(only_a, only_b), only_a + only_b, 0.5)))


def discordant(pairs: Sequence[tuple[float, float]]) -> tuple[int, int] | None:
    """How many pairs only the first solves, and how many only the second; ``None`` if a value is neither 0 nor 1."""
    if any(value not in (0, 1) for pair in pairs for value in pair):
        return None
    return sum(a > b for a, b in pairs), sum(a < b for a, b in pairs)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """p values adjusted for their number (Holm 1979), in the order given; an unknown one stays unknown but counts as a comparison.

    A comparison is rejected at the 5 % level, over all of them, if its adjusted value is at most 0.05.
    """
    ranked = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    reached = 0.0
    for rank, (p, index) in enumerate(ranked):
        reached = max(reached, min(1.0, (len(p_values) - rank) * p))
        adjusted[index] = reached
    return adjusted
