"""Small curves of plain characters: how success went along the stream, with memory and without it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rbsuite.inert import inert
from rbsuite.report.figures import percent
from rbsuite.statistics.curves import cumulative_curve

if TYPE_CHECKING:
    from rbsuite.statistics.comparisons import Comparison
    from rbsuite.statistics.summary import Summary

BARS = "▁▂▃▄▅▆▇█"
POINTS = 40
"""Maximum number of points of a curve."""
LEAST_TASKS = 5
"""A stream with fewer tasks has no curve."""


def spark(shares: Sequence[float]) -> str:
    """Shares between 0 and 1 as bars, on a fixed scale: 0 is the lowest bar, 1 the highest."""
    return "".join(BARS[min(len(BARS) - 1, max(0, round(share * (len(BARS) - 1))))] for share in shares)


def drawable(encoding: str | None) -> bool:
    """Whether an output stream's encoding has the characters."""
    try:
        BARS.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def curves(summary: Summary, width: int) -> str:
    """Success so far along the stream, two lines per comparison; empty if no stream is long enough.

    Args:
        summary: the figures.
        width: columns of the terminal.
    """
    parts = [text for one in summary.comparisons if (text := _curve(one, width))]
    head = "Success so far along the stream, 0 to 100 % (mean over the orders; last value at the end)"
    return "\n".join([head, *parts]) if parts else ""


def _curve(one: Comparison, width: int) -> str:
    names = [inert(one.a.label), inert(one.b.label)]
    longest = max(map(len, names))
    room = width - longest - len("  ") - len(" 100.0")
    length = max((len(stream.tasks) for stream in (*one.paired.a, *one.paired.b)), default=0)
    if length < LEAST_TASKS or room < LEAST_TASKS:
        return ""
    found = cumulative_curve(one.paired, min(POINTS, room))
    sides = ([part.a.mean for part in found], [part.b.mean for part in found])
    return "\n".join(
        f"{name:<{longest}}  {spark(shares)} {percent(shares[-1])}" for name, shares in zip(names, sides, strict=True)
    )
