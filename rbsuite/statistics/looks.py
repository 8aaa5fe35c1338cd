"""Looking at an experiment before its end: the level at which each declared look is tested, so that together they reject in 5 % of cases.

Lan and DeMets (1983) let the chance of a wrong rejection be spent along the way; here it is spent in proportion to the square of the number
of finished orders (Kim & DeMets 1987), since few orders estimate their error badly. The levels come from the joint distribution of the
looks' test statistics, as if the information from each order were independent of the others (Armitage, McPherson & Rowe 1969). The tasks
are the same in each look, so the statistics are more strongly correlated than that and the levels err on the safe side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np

from rbsuite.statistics.differences import possible
from rbsuite.statistics.intervals import LEVEL, Estimate, p_value, t_quantile
from rbsuite.statistics.two_parts import Floats

SPENT = 0.032
"""What all looks spend: less than 5 %, since errors estimated from three or five orders are themselves rough (chosen by calibration)."""
_POINTS = 801
_REACH = 8.0


@dataclass(frozen=True, slots=True)
class Look:
    """A declared look.

    Attributes:
        number: which look it is, from 1.
        of: how many looks are declared.
        level: the largest p value that is a rejection; the interval covers one minus this.
        spent: how much of the 5 % this look and those before it have spent.
    """

    number: int
    of: int
    level: float
    spent: float = 1 - LEVEL


def look_at(looks: Sequence[int], orders: int) -> Look | None:
    """The look at this number of finished orders; ``None`` if none is declared for it.

    Args:
        looks: the numbers of orders after which to look, increasing, e.g. ``(3, 5, 10)``.
        orders: how many orders are finished.

    Raises:
        ValueError: the looks are not increasing.
    """
    if orders not in looks:
        return None
    place = looks.index(orders)
    spent = _spent(orders / looks[-1]) if len(looks) > 1 else 1 - LEVEL
    return Look(place + 1, len(looks), levels(tuple(looks))[place], spent)


def _spent(share: float) -> float:
    """How much of the 5 % may be spent once this share of the orders is done."""
    return SPENT * share**2


@lru_cache
def levels(looks: tuple[int, ...]) -> tuple[float, ...]:
    """The level of each look.

    Args:
        looks: the numbers of orders after which to look, increasing.

    Raises:
        ValueError: the looks are not increasing.
    """
    if not looks or looks[0] < 1 or any(b <= a for a, b in pairwise(looks)):
        raise ValueError(f"looks are not increasing: {looks}")
    if len(looks) == 1:
        return (1 - LEVEL,)
    from scipy.special import ndtr, ndtri

    grid = np.linspace(-_REACH, _REACH, _POINTS)
    found: list[float] = []
    density: Floats | None = None  # of the sum of increments not yet rejected, on `places`
    places, spent = grid, 0.0
    for index, look in enumerate(looks):
        share = look / looks[-1]
        goal = _spent(share) - spent
        if density is None:
            bound = float(-ndtri(goal / 2))
            places = grid * share**0.5
            density = _bell(grid) / share**0.5
        else:
            rise = (share - looks[index - 1] / looks[-1]) ** 0.5
            weights = density * (places[1] - places[0])
            low, high = 0.0, _REACH
            for _ in range(60):
                bound = (low + high) / 2
                edge = bound * share**0.5
                beyond = float((weights * (ndtr((places - edge) / rise) + ndtr((-edge - places) / rise))).sum())
                low, high = (bound, high) if beyond > goal else (low, bound)
            fresh = grid * share**0.5
            density = (_bell((fresh[:, None] - places[None, :]) / rise) / rise) @ weights
            places = fresh
        density = np.where(np.abs(places) < bound * share**0.5, density, 0.0)
        found.append(float(2 * ndtr(-bound)))
        spent = _spent(share)
    return tuple(found)


def _bell(places: Floats) -> Floats:
    """The density of the standard normal distribution."""
    return np.asarray(np.exp(-(places**2) / 2) / math.sqrt(2 * math.pi), dtype=float)


def at_level(estimate: Estimate, level: float) -> Estimate:
    """An estimate whose interval covers one minus a level.

    Args:
        estimate: an estimate with its error and degrees of freedom; without them it is returned unchanged.
        level: e.g. 0.01.
    """
    if estimate.error is None or estimate.degrees is None:
        return estimate
    usual = t_quantile(estimate.degrees, 1 - level / 2) * estimate.error
    half = usual if estimate.parts is None else float(estimate.parts.reach(level))
    return replace(estimate, interval=possible(estimate.mean - half, estimate.mean + half))


def rejects(estimate: Estimate, look: Look) -> bool:
    """Whether a look finds a difference."""
    p = p_value(estimate)
    return p is not None and p <= look.level
