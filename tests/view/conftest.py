"""A viewer over an empty directory, in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from experiments import core_plugins
from rbsuite.view.server import HOST, Viewer, serve
from toy import ToyPlugin

TOKEN = "token"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = tmp_path / "experiments"
    place.mkdir()
    return place


@pytest.fixture
def address(home: Path) -> Iterator[str]:
    """A viewer in a thread of its own."""
    listening = socket.socket()
    listening.bind((HOST, 0))
    loop = asyncio.new_event_loop()
    work = loop.create_task(serve(Viewer(home, TOKEN, core_plugins(ToyPlugin())), listening))

    def go_on() -> None:
        with closing(loop):
            try:
                loop.run_until_complete(work)
            except asyncio.CancelledError:
                loop.run_until_complete(loop.shutdown_default_executor())

    thread = threading.Thread(target=go_on)
    thread.start()
    yield f"http://{HOST}:{listening.getsockname()[1]}/{TOKEN}/"
    loop.call_soon_threadsafe(work.cancel)
    thread.join(30)
    assert not thread.is_alive()
