"""Bootstrap intervals of a mean, seeded: the same values give the same interval on every machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from rbsuite.statistics.crossed import Matrix
from rbsuite.statistics.intervals import LEVEL

Floats: TypeAlias = npt.NDArray[np.float64]

RESAMPLES = 9999
SEED = 20250929
_AT_ONCE = 1_000_000
"""Counts that are held at once."""


def bca_interval(values: Sequence[float], resamples: int = RESAMPLES, seed: int = SEED) -> tuple[float, float] | None:
    """The bias-corrected and accelerated interval of the mean (Efron 1987), resampling tasks.

    Args:
        values: one value a task.
        resamples: bootstrap samples.
        seed: of the samples.

    Returns:
        ``None`` for fewer than two values; the point itself where all are equal.
    """
    data = np.asarray(values, dtype=float)
    if len(data) < 2:
        return None
    if np.ptp(data) == 0:
        return float(data[0]), float(data[0])
    means = np.concatenate([counts @ data / len(data) for counts in _counts(len(data), resamples, seed)])
    low, high = np.quantile(means, _bca_levels(data, means))
    return float(low), float(high)


def _bca_levels(data: Floats, means: Floats) -> list[float]:
    """Which quantiles of the bootstrap distribution bound the interval."""
    from scipy.stats import norm

    point = data.mean()
    below = ((means < point).mean() + (means <= point).mean()) / 2
    bias = norm.ppf(below)
    deviations = data - point
    # The jackknife of a mean in closed form.
    acceleration = (deviations**3).sum() / (6 * (deviations**2).sum() ** 1.5)
    levels = []
    for tail in ((1 - LEVEL) / 2, (1 + LEVEL) / 2):
        z = bias + norm.ppf(tail)
        levels.append(float(norm.cdf(bias + z / (1 - acceleration * z))))
    return levels


def orders_interval(matrix: Matrix, resamples: int = RESAMPLES, seed: int = SEED) -> tuple[float, float] | None:
    """The percentile interval of the mean, resampling orders and, within each drawn order, tasks.

    Args:
        matrix: a row a task, a column an order.
        resamples: bootstrap samples.
        seed: of the samples.

    Returns:
        ``None`` for fewer than three orders, of which too few different samples can be drawn.
    """
    data = np.asarray(matrix, dtype=float)
    n, orders = data.shape
    if orders < 3:
        return None
    drawn = np.random.default_rng(seed).integers(orders, size=(resamples, orders))
    totals = np.zeros(resamples)
    for slot in range(orders):
        start = 0
        for counts in _counts(n, resamples, seed + 1 + slot):
            columns = data.T[drawn[start : start + len(counts), slot]]
            totals[start : start + len(counts)] += (counts * columns).sum(axis=1) / n
            start += len(counts)
    low, high = np.quantile(totals / orders, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _counts(n: int, resamples: int, seed: int) -> Iterator[Floats]:
    """How often each of n values is in a sample, a block of samples at a time."""
    rng = np.random.default_rng(seed)
    block = max(1, _AT_ONCE // n)
    for start in range(0, resamples, block):
        yield rng.multinomial(n, np.full(n, 1 / n), size=min(block, resamples - start)).astype(float)
