"""The interval of an estimate whose error has a part between tasks and one between orders, each with its own degrees of freedom.

The square of its half width is the sum of both variances, each multiplied by the square of its own quantile of Student's t. With three
orders one part has 2 degrees of freedom and the other perhaps a hundred, and no single number describes both: the interval by
Satterthwaite's formula is too wide if orders do not differ and too narrow if they do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from rbsuite.statistics.intervals import LEVEL

Floats: TypeAlias = npt.NDArray[np.float64]

_SECANTS = 7
"""Number of steps in which many chances are found at once."""

FEW = 1.2
"""How many times the chance of missing the truth the quantile for orders stands for (chosen by calibration, together with what
:func:`rbsuite.statistics.spread.beyond_chance` subtracts).
"""


def quantile(degrees: Floats | float, level: float = LEVEL) -> Floats:
    """The two-sided quantile of Student's t."""
    return _quantile(degrees, 1 - level)


def _quantile(degrees: Floats | float, miss: Floats | float) -> Floats:
    from scipy.special import stdtrit

    return np.asarray(-stdtrit(np.asarray(degrees, dtype=float), miss / 2), dtype=float)


@dataclass(frozen=True, slots=True)
class TwoParts:
    """The two parts of a squared error; of one experiment, or arrays for several.

    Attributes:
        tasks: the variance between tasks.
        orders: the variance between orders; 0 if they do not count.
        tasks_degrees, orders_degrees: degrees of freedom of each.
    """

    tasks: Floats | float
    orders: Floats | float
    tasks_degrees: Floats | float
    orders_degrees: Floats | float

    def reach(self, miss: Floats | float = 1 - LEVEL) -> Floats:
        """The half width of the interval that misses the truth with this chance."""
        orders = _quantile(self.orders_degrees, np.minimum(1.0, FEW * np.asarray(miss))) ** 2 * self.orders
        return np.asarray(np.sqrt(_quantile(self.tasks_degrees, miss) ** 2 * self.tasks + orders), dtype=float)

    @property
    def error(self) -> Floats:
        """The standard error."""
        return np.asarray(np.sqrt(self.tasks + self.orders), dtype=float)

    @property
    def degrees(self) -> Floats:
        """The degrees of freedom with which Student's t and the standard error have the same 95 % interval."""
        from scipy.special import stdtridf

        with np.errstate(divide="ignore", invalid="ignore"):
            found = stdtridf(0.5 + LEVEL / 2, self.reach() / self.error)
        alone = np.equal(self.orders, 0) | ~(found < self.tasks_degrees)
        return np.asarray(np.where(alone, self.tasks_degrees, found), dtype=float)

    def times(self, factor: float) -> TwoParts:
        """The parts of an error that is ``factor`` times as large."""
        return TwoParts(self.tasks * factor**2, self.orders * factor**2, self.tasks_degrees, self.orders_degrees)

    def p_value(self, distance: float) -> float:
        """The chance that the interval of one experiment misses the truth if it extends exactly this far."""
        low, high = 0.0, 600.0  # bounds of minus the logarithm
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self.reach(math.exp(-middle)) < abs(distance) else (low, middle)
        return math.exp(-low)

    def p_values(self, distances: Floats) -> Floats:
        """:meth:`p_value` of many experiments at once, to seven digits."""
        from scipy.special import stdtr

        apart = np.broadcast_to(np.asarray(self.orders) > 0, distances.shape)
        found = np.asarray(2 * stdtr(self.tasks_degrees, -np.abs(distances) / np.sqrt(self.tasks)), dtype=float)
        if apart.any():
            fields = (self.tasks, self.orders, self.tasks_degrees, self.orders_degrees)
            own = TwoParts(*(np.broadcast_to(one, distances.shape)[apart] for one in fields))
            found[apart] = own._crossed(np.abs(distances[apart]))
        return found

    def _crossed(self, distances: Floats) -> Floats:
        """The chances at which intervals extend exactly this far, by the secant method on their logarithms from Satterthwaite's start."""
        from scipy.special import stdtr

        variance = np.asarray(self.tasks) + self.orders
        degrees = variance**2 / (
            np.asarray(self.tasks) ** 2 / self.tasks_degrees + np.asarray(self.orders) ** 2 / self.orders_degrees
        )
        wanted = np.log(np.maximum(distances, 1e-300))

        def beyond(at: Floats) -> Floats:
            with np.errstate(divide="ignore"):
                return np.asarray(np.log(self.reach(np.exp(-at))) - wanted, dtype=float)

        first = np.clip(-np.log(np.maximum(2 * stdtr(degrees, -distances / np.sqrt(variance)), 1e-250)), 1e-6, 600.0)
        second = first + 0.05
        low, high = beyond(first), beyond(second)
        for _ in range(_SECANTS):
            with np.errstate(divide="ignore", invalid="ignore"):
                step = high * (second - first) / (high - low)
            third = np.clip(
                np.where(np.isfinite(step), second - step, second), second / 4, np.minimum(4 * second, 600.0)
            )
            first, low = second, high
            second, high = third, beyond(third)
        return np.asarray(np.exp(-second), dtype=float)
