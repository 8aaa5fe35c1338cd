"""A server in a thread of its own, so that a blocked client cannot block it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from rbsuite.plugins import Plugins
from rbsuite.serve.faults import Faults
from rbsuite.serve.http import HttpServer
from rbsuite.serve.server import ModelServer

Serve = Callable[..., tuple[str, Faults]]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Start a server with models and faults; gives its URL and its faults."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    stops: list[Callable[[], None]] = []

    def start(models: list[str], plugins: Plugins, faults: Faults | None = None) -> tuple[str, Faults]:
        offered = ModelServer(models, plugins, faults=faults)
        ready, loop = threading.Event(), asyncio.new_event_loop()
        over = asyncio.Event()
        urls: list[str] = []

        async def run() -> None:
            async with HttpServer(offered.handle) as server:
                urls.append(server.url)
                ready.set()
                await over.wait()
            await offered.aclose()

        thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
        thread.start()
        assert ready.wait(30)

        def stop() -> None:
            loop.call_soon_threadsafe(over.set)
            thread.join(30)
            loop.close()

        stops.append(stop)
        return urls[0], offered.faults

    yield start
    for stop in stops:
        stop()
