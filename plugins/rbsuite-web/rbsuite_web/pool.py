"""Browsers that live through many episodes, lent to one episode at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from rbsuite.errors import EnvironmentFailure
from rbsuite_web.browser import Browser

EPISODES = 50
"""A browser is replaced after this many episodes, since its memory grows."""
_TURN_SECONDS = 120.0


class BrowserPool:
    """Browsers for the episodes of an environment, started when they are first needed. Safe to use from many threads.

    Args:
        make: starts a browser.
        most: how many are lent out at a time; further episodes wait. One that has waited for two minutes gets its own browser after all, so
            that episodes waiting for each other cannot stop a run.
    """

    def __init__(self, make: Callable[[], Browser], most: int = 2) -> None:
        self._make = make
        self._turns = threading.Semaphore(most)
        self._lock = threading.Lock()
        self._idle: list[Browser] = []
        self._lent: set[Browser] = set()
        self._closed = False

    def lend(self) -> Lease:
        """A browser with a fresh profile.

        Raises:
            EnvironmentFailure: none is available.
        """
        counted = self._turns.acquire(timeout=_TURN_SECONDS)
        browser: Browser | None = None
        try:
            with self._lock:
                if self._closed:
                    raise EnvironmentFailure("the environment was closed.")
                browser = self._idle.pop() if self._idle else None
            browser = self._opened(browser)
        except BaseException:
            if counted:
                self._turns.release()
            raise
        return Lease(self, browser, counted)

    def close(self) -> None:
        """Close all browsers, including those that are lent out."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            lent, self._lent = self._lent, set()
        for browser in lent:
            browser.kill()
        for browser in idle:
            browser.close()

    def _opened(self, browser: Browser | None) -> Browser:
        """A browser at an empty page; one that has died while idle is replaced."""
        if browser is not None:
            try:
                browser.fresh()
            except EnvironmentFailure:
                browser.close()
                browser = None
        if browser is None:
            browser = self._make()
            try:
                browser.fresh()
            except BaseException:
                browser.close()
                raise
        with self._lock:
            self._lent.add(browser)
        return browser

    def take_back(self, browser: Browser, counted: bool) -> None:
        """End a lease."""
        try:
            kept = browser.usable and browser.episodes < EPISODES
            with self._lock:
                self._lent.discard(browser)
                kept = kept and not self._closed
                if kept:
                    self._idle.append(browser)
            if not kept:
                browser.close()
        finally:
            if counted:
                self._turns.release()


class Lease:
    """A browser lent to one episode.

    Attributes:
        browser: the browser.
    """

    def __init__(self, pool: BrowserPool, browser: Browser, counted: bool) -> None:
        self.browser = browser
        self._pool: BrowserPool | None = pool
        self._counted = counted

    def end(self) -> None:
        """Return it. Calling it more than once does no harm."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.take_back(self.browser, self._counted)

    def __enter__(self) -> Browser:
        return self.browser

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
