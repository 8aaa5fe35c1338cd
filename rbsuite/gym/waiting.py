"""Runs coroutines for callers that do not await, even if the caller's own thread has a running event loop, as in a notebook."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

_T = TypeVar("_T")


def finish(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """The result of a coroutine that never waits; no event loop is involved.

    Raises:
        RuntimeError: it waits.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: _T = done.value
        return result
    coroutine.close()
    raise RuntimeError("a coroutine that should only compute waited")


class BackgroundLoop:
    """An event loop in a thread of its own, which starts when it is first used."""

    def __init__(self) -> None:
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Event, threading.Thread] | None = None

    def run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """The result of a coroutine. If the wait for it is interrupted, e.g. by Ctrl-C, it is cancelled."""
        loop, _, _ = self._running = self._running or _start()
        future = asyncio.run_coroutine_threadsafe(coroutine, loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """End the loop and its thread. If it is used again, it starts anew."""
        if self._running is not None:
            loop, stop, thread = self._running
            self._running = None
            loop.call_soon_threadsafe(stop.set)
            thread.join()


def _start() -> tuple[asyncio.AbstractEventLoop, asyncio.Event, threading.Thread]:
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        stop = asyncio.Event()
        started.set_result((asyncio.get_running_loop(), stop))
        await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="rbsuite.gym", daemon=True)
    thread.start()
    return (*started.result(), thread)
