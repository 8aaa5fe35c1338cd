"""Ctrl-C and similar signals (SIGTERM, SIGHUP): the first stops the work cleanly, and those that follow immediately do not disturb that."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from types import FrameType, TracebackType
from typing import Any

PATIENCE_SECONDS = 5.0
"""How long further signals are ignored after the first: cleaning up takes a moment. After that they interrupt whatever is running."""

UNTOUCHED: Mapping[signal.Signals, object] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}
"""The signals that are handled, each with its default handler; one with another handler is left alone (``nohup`` sets one for SIGHUP)."""


class Stopped(KeyboardInterrupt):
    """A signal asked the process to end.

    Attributes:
        signal: the number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.signal = number


def exit_code(stop: KeyboardInterrupt) -> int:
    """The exit code of a program ended by a signal: 128 plus its number."""
    return 128 + (stop.signal if isinstance(stop, Stopped) else signal.SIGINT)


class Interrupts:
    """Handles the signals that end a program: permanently after :meth:`install`, or temporarily as a context manager, which returns the
    installed one if there is one.
    """

    def __init__(self) -> None:
        self._installed: list[signal.Signals] = []
        self._heard: float | None = None
        self._number: int = signal.SIGINT
        self._stop: Callable[[], object] | None = None

    def install(self) -> None:
        """From now on handle the signals that nobody else handles. Does nothing outside the main thread."""
        if threading.current_thread() is threading.main_thread():
            self._installed = [number for number, default in UNTOUCHED.items() if signal.getsignal(number) is default]
            for number in self._installed:
                signal.signal(number, self)

    def __enter__(self) -> Interrupts:
        for number in UNTOUCHED:  # a shell script ignores SIGINT for what it starts in the background
            current = signal.getsignal(number)
            if isinstance(current, Interrupts):
                return current
        self.install()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number in self._installed:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Stop the work cleanly; if none is running, interrupt as Python does.

        Raises:
            Stopped: no work is running, or cleaning up takes too long.
        """
        now = time.monotonic()
        if self._heard is not None and now - self._heard < PATIENCE_SECONDS:
            return
        stop, again = self._stop, self._heard is not None
        if not again:
            self._heard, self._number = now, number
        if stop is None or again:
            raise Stopped(self._number)
        stop()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run the work on its own event loop.

        Raises:
            Stopped: it was interrupted and has been cleaned up. Or there was an earlier interrupt, and the code running then swallowed the
                exception, as callbacks and extension modules do; then nothing is run.
        """
        import asyncio

        if self._heard is not None:
            work.close()
            raise Stopped(self._number)
        try:
            asyncio.run(self._stoppable(work))
        except asyncio.CancelledError:
            raise Stopped(self._number) from None

    async def _stoppable(self, work: Coroutine[Any, Any, None]) -> None:
        import asyncio

        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        self._stop = lambda: loop.call_soon_threadsafe(task.cancel)
        try:
            await work
        finally:
            self._stop = None
