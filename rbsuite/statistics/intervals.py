"""Means with intervals: Student's t over independent values, and Miller's clustered form.

Formulas: Miller 2024 (arXiv 2411.00640) for the standard error of a mean of per-task means and its clustered form. scipy is imported
when the first interval is computed.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rbsuite.statistics.two_parts import TwoParts

LEVEL = 0.95
"""The coverage that every interval of the suite aims at."""
ORDERS_NEEDED = 3
"""With fewer orders, nothing is known about how orders differ; intervals are then conditional on them."""
GROUPS_NEEDED = 10
"""With fewer groups of tasks, too little is known about how groups differ: intervals for new groups cannot be trusted."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its 95 % interval.

    Attributes:
        mean: the mean.
        interval: its 95 % interval; ``None`` if fewer than two values leave it unknown.
        error: standard error of the mean, if the interval is based on one.
        degrees: degrees of freedom of the error.
        parts: the parts of the error, if one of them is between orders; ``error`` and ``degrees`` then represent it at 95 %.
    """

    mean: float
    interval: tuple[float, float] | None
    error: float | None = None
    degrees: float | None = None
    parts: TwoParts | None = None


UNKNOWN = Estimate(math.nan, None)
"""The estimate if nothing is known."""


def average(values: Sequence[float]) -> float:
    """The mean, from an exact sum.

    Raises:
        ValueError: no values.
    """
    if not values:
        raise ValueError("the mean of no values is undefined")
    return math.fsum(values) / len(values)


def t_estimate(mean: float, error: float, degrees: float) -> Estimate:
    """A mean with Student's t interval for its standard error."""
    half = t_quantile(degrees) * error
    return Estimate(mean, (mean - half, mean + half), error, degrees)


def mean_estimate(values: Sequence[float]) -> Estimate:
    """The mean of values with its t interval.

    Args:
        values: one value per task (or run), not empty; independent of each other.

    Raises:
        ValueError: no values.
    """
    mean, error = average(values), standard_error(values)
    return Estimate(mean, None) if error is None else t_estimate(mean, error, len(values) - 1)


def standard_error(values: Sequence[float]) -> float | None:
    """The standard error of the mean; ``None`` for fewer than two values."""
    n = len(values)
    if n < 2:
        return None
    mean = math.fsum(values) / n
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n)


def clustered_estimate(values: Sequence[float], groups: Sequence[Hashable]) -> Estimate:
    """The mean with the interval of clustered values (Miller 2024, equation 4, times C / (C - 1); t with C - 1 degrees of freedom).

    Args:
        values: one value per task, not empty.
        groups: the group of each task. With only one group the interval is unknown.

    Raises:
        ValueError: no values, or a different number of groups.
    """
    mean = average(values)
    sums: defaultdict[Hashable, list[float]] = defaultdict(list)
    for value, group in zip(values, groups, strict=True):
        sums[group].append(value - mean)
    count = len(sums)
    if count < 2:
        return Estimate(mean, None)
    squares = math.fsum(math.fsum(deviations) ** 2 for deviations in sums.values())
    return t_estimate(mean, math.sqrt(count / (count - 1) * squares) / len(values), count - 1)


def p_value(estimate: Estimate) -> float | None:
    """Two-sided p value of the hypothesis that the true mean is 0, from the error and degrees of freedom of the estimate's interval.

    ``None`` if the error is unknown; without spread, 1 for a mean of 0, else 0.
    """
    if estimate.error is None or estimate.degrees is None:
        return None
    if estimate.error == 0:
        return 1.0 if estimate.mean == 0 else 0.0
    if estimate.parts is not None:
        return estimate.parts.p_value(estimate.mean)
    from scipy.special import stdtr

    return float(2 * stdtr(estimate.degrees, -abs(estimate.mean) / estimate.error))


def t_quantile(degrees: float, probability: float = 0.5 + LEVEL / 2) -> float:
    """A quantile of Student's t; by default the one of a 95 % interval."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, probability))
