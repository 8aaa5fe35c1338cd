"""Ctrl-C: the first stops what goes on in order, those that follow at once do not disturb that."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Coroutine
from types import FrameType, TracebackType
from typing import Any

PATIENCE_SECONDS = 5.0
"""For how long after the first further ones go unheard: clearing up takes a moment. After that they interrupt whatever goes on."""


class Interrupts:
    """Hears SIGINT where Python's own handler would: for good after :meth:`install`, or for a while as a context manager, which gives the
    one that is installed if there is one.
    """

    def __init__(self) -> None:
        self._installed = False
        self._heard: float | None = None
        self._stop: Callable[[], object] | None = None

    def install(self) -> None:
        """Hear from now on. Nothing happens where Python's own handler is not in force, or outside the main thread."""
        own = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if own and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self)
            self._installed = True

    def __enter__(self) -> Interrupts:
        current = signal.getsignal(signal.SIGINT)
        if isinstance(current, Interrupts):
            return current
        self.install()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Stop the work in order; where none goes on, interrupt as Python does.

        Raises:
            KeyboardInterrupt: no work goes on, or clearing up takes too long.
        """
        now = time.monotonic()
        if self._heard is not None and now - self._heard < PATIENCE_SECONDS:
            return
        stop, again = self._stop, self._heard is not None
        self._heard = self._heard or now
        if stop is None or again:
            raise KeyboardInterrupt
        stop()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run on an event loop of its own.

        Raises:
            KeyboardInterrupt: it was interrupted, and has been cleared up.
        """
        import asyncio

        try:
            asyncio.run(self._stoppable(work))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None

    async def _stoppable(self, work: Coroutine[Any, Any, None]) -> None:
        import asyncio

        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        self._stop = lambda: loop.call_soon_threadsafe(task.cancel)
        try:
            await work
        finally:
            self._stop = None
