"""How figures are written: shares in percent, differences in points, intervals, p values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rbsuite.statistics.intervals import Estimate


def percent(share: float) -> str:
    """A share in percent, e.g. ``41.2``."""
    return "-" if math.isnan(share) else f"{100 * share:.1f}"


def interval(estimate: Estimate) -> str:
    """The interval of a share in percent, cut to 0..100, e.g. ``[33.0, 49.4]``."""
    if estimate.interval is None:
        return "-"
    low, high = (100 * min(1.0, max(0.0, bound)) for bound in estimate.interval)
    return f"[{low:.1f}, {high:.1f}]"


def bounded(estimate: Estimate) -> str:
    """A share in percent with its interval, e.g. ``41.2 [33.0, 49.4]``."""
    return f"{percent(estimate.mean)} {interval(estimate)}"


def points(value: float) -> str:
    """A difference of shares in points, e.g. ``+4.2``."""
    return "-" if math.isnan(value) else f"{100 * value:+.1f}"


def point_bounds(bounds: tuple[float, float] | None) -> str:
    """An interval of a difference in points, preceded by a space, e.g. `` [+1.0, +7.4]``; empty if there is none."""
    return "" if bounds is None else f" [{points(bounds[0])}, {points(bounds[1])}]"


def p_text(value: float) -> str:
    """A p value with its relation sign, e.g. ``= 0.012``."""
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"


def finite(value: float) -> float | None:
    """A number for JSON: ``None`` if it is unknown."""
    return None if math.isnan(value) else value
