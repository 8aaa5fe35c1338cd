"""An environment whose episodes are played in browsers that it owns."""

from __future__ import annotations

import asyncio
import threading

from rbsuite.environments.base import SyncEnvironment
from rbsuite_web.browser import LOOPBACK, Browser
from rbsuite_web.pool import BrowserPool, Lease

BROWSERS = 2
"""Number of concurrent browsers, by default."""


class WebEnvironment(SyncEnvironment):
    """Owns a pool of browsers, which :meth:`aclose` closes. Its spec says ``concurrency="thread"``, so that no browser blocks the loop.

    A subclass implements ``tasks`` and ``begin``; in ``begin`` it takes a browser with :meth:`lend`, opens the first page, and gives the
    lease to its :class:`~rbsuite_web.episode.WebEpisode`, which ends it. An override of :meth:`aclose` must call this one.

    Args:
        browsers: number of concurrent browsers; further episodes wait.
    """

    def __init__(self, browsers: int = BROWSERS) -> None:
        self._browsers = browsers
        self._pool: BrowserPool | None = None
        self._pool_lock = threading.Lock()

    def browser(self) -> Browser:
        """Start a browser; an override says what it may reach."""
        return Browser(LOOPBACK)

    def lend(self) -> Lease:
        """A browser with a fresh profile, at an empty page.

        Raises:
            EnvironmentFailure: none is available.
        """
        with self._pool_lock:
            if self._pool is None:
                self._pool = BrowserPool(self.browser, self._browsers)
        return self._pool.lend()

    async def aclose(self) -> None:
        """Close the browsers."""
        with self._pool_lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.close)
