"""Starts the server's process, and makes sure that it ends in every case."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Mapping
from typing import IO, Any

from rbsuite.errors import ModelUnusable
from rbsuite.processes import end_group

PATIENCE = 300.0
"""Seconds within which a model must be loaded."""
_GOODBYE = 2.0


class ServerProcess:
    """A running server.

    It ends with :meth:`end`, when it is garbage-collected, with the interpreter, and when this process dies for any reason, since its
    standard input then ends. Interrupts of the terminal do not reach it.

    Args:
        name: the model's name, for messages.
        settings: what ``rbsuite_local.serve`` reads.

    Raises:
        ModelUnusable: the server does not come up.
    """

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        log = tempfile.TemporaryFile()  # noqa: SIM115 - the process and the finalizer hold it
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rbsuite_local.serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        self._finish = weakref.finalize(self, _end, self._process, log, os.getpid())
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(settings).encode() + b"\n")
            self._process.stdin.flush()
        line = _first_line(self._process)
        if not line:
            words = _last_words(log)
            self.end()
            raise ModelUnusable(
                f"model {name!r}: llama.cpp's server did not start: {words}.",
                "Check that the file is a model that llama.cpp can read, and that there is enough memory for it (options context, slots).",
            )
        self.url = str(json.loads(line)["url"])

    @property
    def pid(self) -> int:
        """Its id."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def ended_within(self, seconds: float) -> bool:
        """Whether it ends within that many seconds. The threads of a killed process may live on for a moment."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def end(self) -> None:
        """End it."""
        self._finish()


def _first_line(process: subprocess.Popen[bytes]) -> bytes:
    """The line that says that the server is up; empty if none comes."""
    assert process.stdout is not None
    deadline = time.monotonic() + PATIENCE
    received = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not received.endswith(b"\n"):
            if not selector.select(max(0.0, deadline - time.monotonic())):
                return b""
            part = os.read(process.stdout.fileno(), 65_536)
            if not part:
                return b""
            received += part
    return received


def _last_words(log: IO[bytes]) -> str:
    """The last line of the log that mentions an error, otherwise the last line."""
    log.seek(0)
    lines = [line for line in log.read()[-65_536:].decode("utf-8", "replace").splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower() or "failed" in line.lower()]
    return " ".join((telling or lines or ["it printed nothing"])[-1].split()).rstrip(".")


def _end(process: subprocess.Popen[bytes], log: IO[bytes], owner: int) -> None:
    if end_group(process, owner=owner, patience=_GOODBYE):
        log.close()
