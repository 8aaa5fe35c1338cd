"""A process that answers line by line, and that leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from typing import IO

from rbsuite.processes import end_group, ends_within, exit_code

_LONGEST_LINE = 4 << 20
_KEPT = 8192
_LOOK = 0.5
"""Seconds between two checks that the process is still there: what it has started may keep its output open."""
_LAST_BREATH = 2.0
"""Seconds that a process which has closed its output has left to end by itself."""
_GOODBYE = 3.0
"""Seconds that a process has to end by itself after its input was closed in an orderly way."""


class Silence(Exception):
    """No line came in time."""


class Gone(Exception):
    """The process has ended, or closed its output; the text says which."""


class LineProcess:
    """A process in its own session and its own scratch directory.

    It ends with :meth:`end`, when it is garbage-collected, and at the latest with the interpreter; everything in its process group ends
    with it. Interrupts of the terminal do not reach it.

    Args:
        command: the command to run.
        variables: its environment variables.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, command: Sequence[str], variables: Mapping[str, str]) -> None:
        scratch = tempfile.mkdtemp(prefix="rbsuite-embodied-")
        try:
            self._process = subprocess.Popen(
                command,
                bufsize=0,
                cwd=scratch,
                env=variables,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
        assert self._process.stderr is not None
        self._errors = _Tail(self._process.stderr)
        self._received = bytearray()
        self._parts = (self._process, self._errors, scratch, os.getpid())
        self._finish = weakref.finalize(self, _end, *self._parts, _GOODBYE)

    @property
    def pid(self) -> int:
        """Its id, which is that of its group too."""
        return self._process.pid

    def send(self, line: bytes) -> None:
        """Write a line.

        Raises:
            Gone: nobody is reading any more.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + b"\n")
        except BrokenPipeError:
            raise Gone(self._how_it_ended()) from None

    def receive(self, seconds: float) -> bytes:
        """Read a line.

        Raises:
            Silence: none came within that many seconds.
            Gone: none will come.
            ValueError: it does not end.
        """
        assert self._process.stdout is not None
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._received:
                if len(self._received) > _LONGEST_LINE:
                    raise ValueError(f"a line of more than {_LONGEST_LINE} bytes")
                ended = self.ended
                left = deadline - time.monotonic()
                if selector.select(0 if ended else max(0.0, min(left, _LOOK))):
                    self._read(self._process.stdout.fileno())
                elif ended:
                    raise Gone(self._how_it_ended())
                elif left <= 0:
                    raise Silence
        line, _, rest = bytes(self._received).partition(b"\n")
        self._received = bytearray(rest)
        return line

    def last_words(self) -> str:
        """The last line that it wrote to standard error; complete once it has ended."""
        return self._errors.last_line()

    def wait(self, seconds: float) -> bool:
        """Whether it ends by itself within that many seconds."""
        return ends_within(self._process, seconds)

    def kill(self) -> None:
        """Kill it, and everything in its group, from any thread; whoever is waiting for a line is told that it is gone."""
        if self._finish.alive:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> None:
        """End it, and everything in its group, at once."""
        if self._finish.detach() is not None:
            _end(*self._parts, 0.0)

    def _read(self, descriptor: int) -> None:
        part = os.read(descriptor, 65_536)
        if not part:
            raise Gone(self._how_it_ended())
        self._received += part

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return ends_within(self._process, 0.0)

    def _how_it_ended(self) -> str:
        ends_within(self._process, _LAST_BREATH)
        code = exit_code(self._process)
        if code is None:
            return "closed its output"
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


class _Tail:
    """Reads a stream to its end in a thread and keeps the last part of it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._kept = bytearray()
        self._thread = threading.Thread(target=self._read, args=(stream,), name="embodied-stderr", daemon=True)
        self._thread.start()

    def last_line(self) -> str:
        """The last line that is not blank."""
        lines = bytes(self._kept).decode("utf-8", "replace").splitlines()
        return next((" ".join(line.split()) for line in reversed(lines) if line.strip()), "")

    def finish(self, seconds: float) -> None:
        """Wait until everything is read. What outlives the process may keep the stream open; then the thread is left alone."""
        self._thread.join(seconds)

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            while part := stream.read(65_536):
                self._kept += part
                del self._kept[:-_KEPT]


def _end(process: subprocess.Popen[bytes], errors: _Tail, scratch: str, owner: int, patience: float) -> None:
    """End a process with its whole group, and clean up after it."""
    if end_group(process, owner=owner, patience=patience):
        errors.finish(1.0)
        shutil.rmtree(scratch, ignore_errors=True)
