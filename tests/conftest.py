"""Shared by all tests of the core."""

from __future__ import annotations

import signal

# Its pytest plugin would import it at the very end of a session otherwise, and there CPython 3.11 before 3.11.8 can fail to compile it
# (python/cpython#106905).
import hypothesis  # noqa: F401


def pytest_configure() -> None:
    """Hear Ctrl-C, and let child processes hear it, also where a shell script started the tests in the background."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
