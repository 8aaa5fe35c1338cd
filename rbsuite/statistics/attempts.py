"""Several rollouts of a task: unbiased pass@k, pass^k and best@k. All are undefined (``None``) for fewer than k rollouts."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, fsum


def pass_at_k(n: int, solved: int, k: int) -> float | None:
    """Probability that at least one of k rollouts succeeds (Chen et al. 2021, arXiv 2107.03374).

    Args:
        n: rollouts of the task.
        solved: how many of them succeeded.
        k: at least 1.

    Raises:
        ValueError: the counts make no sense.
    """
    _check(n, solved, k)
    return None if n < k else 1.0 - comb(n - solved, k) / comb(n, k)


def pass_hat_k(n: int, solved: int, k: int) -> float | None:
    """Probability that all of k rollouts succeed (pass^k of tau-bench, arXiv 2406.12045); arguments as :func:`pass_at_k`."""
    _check(n, solved, k)
    return None if n < k else comb(solved, k) / comb(n, k)


def best_at_k(scores: Sequence[float], k: int) -> float | None:
    """Expected best score of k rollouts: the exact mean of the maximum over all k-subsets."""
    _check(len(scores), 0, k)
    n = len(scores)
    if n < k:
        return None
    return fsum(comb(rank, k - 1) * score for rank, score in enumerate(sorted(scores))) / comb(n, k)


def _check(n: int, solved: int, k: int) -> None:
    if not 0 <= solved <= n or k < 1:
        raise ValueError(f"no {solved} successes of {n} rollouts at k = {k}")
