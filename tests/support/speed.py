"""CPU time against a limit, on a machine that may be slow or busy."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

YARDSTICK_S = 0.036
"""What :func:`slowness` counts as 1: the CPU time of its work on the machine that limits are meant for."""
TRIES = 4


def cpu_seconds(work: Callable[[], object], enough: float) -> float:
    """The CPU time of some work in seconds: that of the fastest of a few tries, the first that is fast enough being the last.

    What else runs on a machine makes a try slower, and never faster. Where even a fixed piece of work takes longer than it should, a try
    counts as so much faster.

    Args:
        work: what is timed; it is done more than once where it is slow.
        enough: the limit that the caller has in mind, in seconds.
    """
    fastest = float("inf")
    for _ in range(TRIES):
        started = time.process_time()
        work()
        taken = time.process_time() - started
        fastest = min(fastest, taken if taken <= enough else taken / max(1.0, slowness()))
        if fastest <= enough:
            break
    return fastest


def slowness() -> float:
    """How many times longer than it should a fixed piece of work on a text takes at this moment."""
    started = time.process_time()
    re.findall(r"[a-z]+|\W", "word, " * 100_000)
    return (time.process_time() - started) / YARDSTICK_S
