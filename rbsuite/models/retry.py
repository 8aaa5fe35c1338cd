"""How long to wait before a failed model call is retried."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from rbsuite.seeds import unit


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential waits with jitter.

    The jitter comes from a seed, so a repeated run waits in the same way; calls with different seeds spread out.

    Attributes:
        first: the largest wait before the first retry, in seconds; it doubles with every further one.
        longest: the longest wait, in seconds; also the bound on what a server may ask for.
    """

    first: float = 1.0
    longest: float = 60.0

    def delay(self, failures: int, seed: int, retry_after: float | None = None) -> float:
        """Seconds to wait.

        Args:
            failures: how many calls have failed, from 1.
            seed: of the request.
            retry_after: what the server asked for, in seconds; the wait is then at least that, up to ``longest``.
        """
        bound = min(self.longest, self.first * 2.0 ** min(failures - 1, 32))
        # At least half the bound: a server in trouble gets a pause, and the other half spreads the calls.
        wait = bound * (0.5 + 0.5 * unit(seed, "retry", failures))
        if retry_after is not None:
            wait = max(wait, retry_after)
        return min(self.longest, wait)


DEFAULT_BACKOFF = Backoff()


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a response asks to wait: ``retry-after-ms``, or ``Retry-After`` as seconds or as a date; ``None`` if it does not say.

    Args:
        headers: response headers, with names in upper or lower case.

    A date counts from the response's own ``Date``, so this machine's clock does not matter.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    milliseconds = _number(lower.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000.0
    text = lower.get("retry-after", "")
    seconds = _number(text)
    if seconds is not None or not text:
        return seconds
    try:
        wait = (parsedate_to_datetime(text) - parsedate_to_datetime(lower["date"])).total_seconds()
    except (KeyError, TypeError, ValueError):
        return None
    return max(0.0, wait)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
