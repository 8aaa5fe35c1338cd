"""The time that an environment may take to open an episode, to grade it and to close it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from rbsuite.errors import EnvironmentFailure

_T = TypeVar("_T")

OPENING = 3
"""How many times as long as its turns the opening of a rollout may take: it may wait for another one, which is played and graded."""


class Openings:
    """The episodes of an environment that are being opened.

    One may wait for another to close, e.g. for a browser of a pool; so the time that openings may take starts anew whenever one closes.
    """

    def __init__(self) -> None:
        self._limits: dict[asyncio.Timeout, float] = {}

    async def in_time(self, work: Awaitable[_T], seconds: float) -> _T:
        """What the opening returns.

        Raises:
            EnvironmentFailure: it took too long.
        """
        return await limited(work, seconds, "opening the episode", self._limits)

    def one_closed(self) -> None:
        """An episode was closed."""
        now = asyncio.get_running_loop().time()
        for limit, seconds in self._limits.items():
            if not limit.expired():
                limit.reschedule(now + seconds)


async def limited(work: Awaitable[_T], seconds: float, what: str, limits: dict[asyncio.Timeout, float]) -> _T:
    """What an awaitable returns.

    Args:
        work: the awaitable.
        seconds: how long it may take.
        what: what it does, in words.
        limits: contains its time limit while it runs.

    Raises:
        EnvironmentFailure: it took too long.
    """
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            limits[limit] = seconds
            return await work
    except TimeoutError:
        if not limit.expired():
            raise
        raise EnvironmentFailure(f"{what} has taken {seconds:g} s (--rollout-max-time).") from None
    finally:
        limits.pop(limit, None)
