"""Bootstrap intervals of a mean, seeded: the same values give the same interval on every machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from rbsuite.statistics.intervals import LEVEL
from rbsuite.statistics.two_parts import Floats

RESAMPLES = 9999
SEED = 20250929
_AT_ONCE = 1_000_000
"""Counts that are held in memory at once."""

_BY_ROW_TO = 1000
"""Up to this many tasks, each is drawn separately. With more, those with equal values are drawn together: the sum of their counts has the
same distribution, and with scores of 0 or 1 there are few distinct values, so that 12,000 tasks take milliseconds instead of ten seconds.
"""


def bca_interval(values: Sequence[float], resamples: int = RESAMPLES, seed: int = SEED) -> tuple[float, float] | None:
    """The bias-corrected and accelerated interval of the mean (Efron 1987), resampling tasks.

    Args:
        values: one value per task.
        resamples: number of bootstrap samples.
        seed: the seed of the samples.

    Returns:
        ``None`` for fewer than two values, and if they do not differ enough to draw different samples.
    """
    data = np.asarray(values, dtype=float)
    if len(data) < 2 or np.ptp(data) == 0:
        return None
    drawn, often = _grouped(data)
    means = np.concatenate([counts @ drawn / len(data) for counts in _counts(often, resamples, seed)])
    low, high = np.quantile(means, _bca_levels(data, means))
    return (float(low), float(high)) if low < high else None


def _bca_levels(data: Floats, means: Floats) -> list[float]:
    """The quantiles of the bootstrap distribution that bound the interval."""
    from scipy.special import ndtr, ndtri

    point = data.mean()
    below = ((means < point).mean() + (means <= point).mean()) / 2
    bias = ndtri(below)
    deviations = data - point
    # The jackknife of a mean in closed form.
    acceleration = (deviations**3).sum() / (6 * (deviations**2).sum() ** 1.5)
    levels = []
    for tail in ((1 - LEVEL) / 2, (1 + LEVEL) / 2):
        z = bias + ndtri(tail)
        levels.append(float(ndtr(bias + z / (1 - acceleration * z))))
    return levels


def crossed_interval(
    matrix: Sequence[Sequence[float]], resamples: int = RESAMPLES, seed: int = SEED
) -> tuple[float, float] | None:
    """The percentile interval of the mean, resampling orders and tasks; the same tasks are drawn in every order.

    Args:
        matrix: a row per task, a column per order.
        resamples: number of bootstrap samples.
        seed: the seed of the samples.

    Returns:
        ``None`` for fewer than three orders, from which too few different samples can be drawn, and if all values are equal.
    """
    data = np.asarray(matrix, dtype=float)
    n, orders = data.shape
    if orders < 3 or np.ptp(data) == 0:
        return None
    weights = np.random.default_rng(seed).multinomial(orders, np.full(orders, 1 / orders), size=resamples) / orders
    means = np.empty(resamples)
    start = 0
    rows, often = _grouped(data)
    for counts in _counts(often, resamples, seed + 1):
        stop = start + len(counts)
        means[start:stop] = ((counts @ rows) * weights[start:stop]).sum(axis=1) / n
        start = stop
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return (float(low), float(high)) if low < high else None


def _grouped(data: Floats) -> tuple[Floats, Floats]:
    """The values (or rows) that are drawn, and how often each occurs."""
    if len(data) <= _BY_ROW_TO:
        return data, np.ones(len(data))
    values, often = np.unique(data, axis=0, return_counts=True)
    return values, often.astype(float)


def _counts(often: Floats, resamples: int, seed: int) -> Iterator[Floats]:
    """How often each value occurs in a sample as large as the data, one block of samples at a time.

    Args:
        often: how often each value occurs in the data.
    """
    rng = np.random.default_rng(seed)
    n = int(often.sum())
    block = max(1, _AT_ONCE // len(often))
    for start in range(0, resamples, block):
        yield rng.multinomial(n, often / n, size=min(block, resamples - start)).astype(float)
