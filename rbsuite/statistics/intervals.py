"""Means and paired differences with intervals. scipy is imported when the first interval is computed.

Formulas: Miller 2024 (arXiv 2411.00640) for the standard error of a mean of per-task means; Student's t for its interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its 95 % interval. The interval is ``None`` where fewer than two values leave it unknown."""

    mean: float
    interval: tuple[float, float] | None


def mean_estimate(values: Sequence[float]) -> Estimate:
    """The mean of per-task values with its t interval.

    Args:
        values: one value a task, not empty.

    Raises:
        ValueError: no values.
    """
    if not values:
        raise ValueError("the mean of no values is undefined")
    mean = math.fsum(values) / len(values)
    error = standard_error(values)
    if error is None:
        return Estimate(mean, None)
    half = _t_quantile(len(values) - 1) * error
    return Estimate(mean, (mean - half, mean + half))


def standard_error(values: Sequence[float]) -> float | None:
    """The standard error of the mean; ``None`` for fewer than two values."""
    n = len(values)
    if n < 2:
        return None
    mean = math.fsum(values) / n
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n)


def paired_p_value(differences: Sequence[float]) -> float | None:
    """Two-sided p value of the paired t test that the mean difference is 0.

    ``None`` for fewer than two differences; 1 where all are 0; 0 where all are equal and not 0.
    """
    error = standard_error(differences)
    if error is None:
        return None
    mean = math.fsum(differences) / len(differences)
    if error == 0:
        return 1.0 if mean == 0 else 0.0
    from scipy.stats import t

    return float(2 * t.sf(abs(mean) / error, len(differences) - 1))


def _t_quantile(degrees: int) -> float:
    from scipy.stats import t

    return float(t.ppf(0.975, degrees))
