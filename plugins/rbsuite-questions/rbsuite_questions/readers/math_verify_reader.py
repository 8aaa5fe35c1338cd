"""The convention of math-verify 0.9.0: whatever is mathematically equal is right. Optional; it needs the extra ``math``."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import threading
import weakref
from importlib.util import find_spec
from typing import ClassVar

from rbsuite.errors import UsageError
from rbsuite_questions.readers.base import UNPARSED, BaseReader, ReaderInfo, Reading

_TAIL = 4_000
"""Characters of an output that are read, from its end: the library's patterns take more than linear time."""

_START_SECONDS = 120.0


class MathVerifyReader(BaseReader):
    """Uses math-verify in a separate process that is started with the first reading and ended with the reader.

    Args:
        seconds: how long a reading may take; if it takes longer, the output is unparsed.

    Raises:
        UsageError: math-verify is not installed.
    """

    info: ClassVar[ReaderInfo] = ReaderInfo(
        name="math-verify",
        version=2,
        summary="whatever math-verify considers equal to an integer; the last 4,000 characters of an output",
        kinds=("integer",),
        harness="huggingface/Math-Verify",
        revision="0.9.0",
        files=("math_verify/parser.py", "math_verify/grader.py"),
        requires="math-verify",
    )

    def __init__(self, seconds: float = 20.0) -> None:
        if find_spec("math_verify") is None:
            raise UsageError(
                "the reader 'math-verify' needs the package math-verify, which is not installed.",
                "Install rbsuite-questions[math], or choose another reader such as 'rbsuite'.",
            )
        self._seconds = seconds
        self._lock = threading.Lock()
        self._worker: _Worker | None = None

    def read_integer(self, output: str) -> Reading:
        """Read an integer; ``how`` is ``expression``, ``text`` what the library extracts."""
        with self._lock:
            if self._worker is None:
                self._worker = _Worker()
            answer = self._worker.ask(output[-_TAIL:], self._seconds)
            if answer is None:
                self._worker = None
                return UNPARSED
        value, text = answer
        return Reading(None, "none", text) if value is None else Reading(str(value), "expression", text)


class _Worker:
    """A process that reads one output at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rbsuite_questions.readers.math_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._ready = False
        self._stop = weakref.finalize(self, _stop, self._process)

    def ask(self, output: str, seconds: float) -> tuple[int | None, str] | None:
        """What the process reads in an output, or ``None`` if it ended or took too long; it is then stopped."""
        requests, replies = self._process.stdin, self._process.stdout
        assert requests is not None
        assert replies is not None
        try:
            if not self._ready:
                # Start-up time on a busy machine is not part of a reading's time: it would decide what is unparsed.
                self._ready = bool(_line(replies.fileno(), _START_SECONDS))
            requests.write(json.dumps(output).encode() + b"\n")
            requests.flush()
            line = _line(replies.fileno(), seconds)
        except BrokenPipeError:
            line = b""
        if not line:
            self._stop()
            return None
        value, text = json.loads(line)
        return value, text


def _line(descriptor: int, seconds: float) -> bytes:
    """A line from a pipe, or nothing if it does not come in time; time is counted from the last bytes that came."""
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            part = os.read(descriptor, 65_536) if selector.select(seconds) else b""
            if not part:
                return b""
            line += part
    return line


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except BrokenPipeError:
                continue
