"""A virtual clock: an event loop in which waiting takes no real time, but virtual time passes.

With it, a test can observe in milliseconds an experiment that would wait for hours, and in the same order every time.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """An event loop whose :meth:`time` jumps to the next timer whenever there is nothing else to do."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_JumpingSelector(self._jump))

    def time(self) -> float:
        """Virtual seconds since the loop was created."""
        return self._now

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait for the threads, however long it takes: since Python 3.12 there is a timeout, which would expire at once on this clock."""
        await super().shutdown_default_executor()

    def _jump(self, seconds: float) -> None:
        self._now += seconds


class _JumpingSelector(selectors.DefaultSelector):
    """Advances the clock instead of waiting for a timer."""

    def __init__(self, jump: Callable[[float], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> Any:
        """Events that are ready; really waits only if no timer is set."""
        ready = super().select(None if timeout is None else 0)
        if not ready and timeout is not None and timeout > 0:
            self._jump(timeout)
        return ready


def run_virtual(main: Coroutine[Any, Any, _T]) -> tuple[_T, float]:
    """Run a coroutine on a virtual clock; returns its result and the virtual seconds it took."""
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        result = runner.run(main)
        return result, runner.get_loop().time()
