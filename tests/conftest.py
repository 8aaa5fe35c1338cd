"""Shared by all tests of the core."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

# Its pytest plugin would import it at the very end of a session otherwise, and there CPython 3.11 before 3.11.8 can fail to compile it
# (python/cpython#106905).
import hypothesis  # noqa: F401
import pytest


def pytest_configure() -> None:
    """Hear Ctrl-C, and let child processes hear it, also where a shell script started the tests in the background."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium, for all tests of pages that run in this process."""
    from browsers import chromium

    with chromium(tmp_path_factory.mktemp("browser")) as found:
        yield found
