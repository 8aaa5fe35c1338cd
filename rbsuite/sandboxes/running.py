"""Runs a program on this machine for a sandbox: with limited output, a time limit, and nothing left over."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 1 << 16
_LOOK = 1.0
"""Seconds between two checks of what is watched."""
_GRACE = 0.2
"""Seconds in which the output has to end after the program has."""


@dataclass(frozen=True, slots=True)
class Ran:
    """The outcome of a program; see :class:`rbsuite.sandboxes.base.CommandOutcome`."""

    code: int
    output: bytes
    timed_out: bool = False
    left_out: int = 0
    stopped: bool = False


class _Kept:
    """The head and the tail of a stream, each at most half the bytes to keep."""

    def __init__(self, most: int) -> None:
        self._room, self._most = most - most // 2, most // 2
        self._head: list[bytes] = []
        self._tail: deque[bytes] = deque()
        self._held = self.left_out = 0

    def add(self, data: bytes) -> None:
        head, rest = data[: self._room], data[self._room :]
        if head:
            self._head.append(head)
            self._room -= len(head)
        if rest:
            self._tail.append(rest)
            self._held += len(rest)
        while self._held > self._most:
            over = self._held - self._most
            first = self._tail.popleft()
            if len(first) > over:
                self._tail.appendleft(first[over:])
            dropped = min(len(first), over)
            self._held -= dropped
            self.left_out += dropped

    @property
    def data(self) -> bytes:
        marker = b"\n[%d bytes left out]\n" % self.left_out if self.left_out else b""
        return b"".join((*self._head, marker, *self._tail))


async def run(
    program: Sequence[str],
    *,
    environment: Mapping[str, str],
    seconds: float,
    output: int,
    given: bytes = b"",
    directory: Path | None = None,
    stop: Callable[[], bool] | None = None,
) -> Ran:
    """Run a program until it ends or its time is up; then its whole process group is killed.

    Args:
        program: the program and its arguments.
        environment: all of its environment variables.
        seconds: its time limit.
        output: bytes that are kept of standard output and error, which come as one stream.
        given: its input; without any, its input is closed.
        directory: where it starts.
        stop: called every second, in a thread; the program is killed when it returns true.

    Raises:
        OSError: it cannot be started.
    """
    process = await asyncio.create_subprocess_exec(
        *program,
        stdin=asyncio.subprocess.PIPE if given else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=dict(environment),
        cwd=directory,
        start_new_session=True,
    )
    kept = _Kept(output)
    reading = asyncio.create_task(_read(process, kept))
    feeding = asyncio.create_task(_feed(process, given))
    watching = asyncio.create_task(_watch(stop))
    ended = asyncio.create_task(process.wait())
    timed_out = stopped = False
    try:
        done, _ = await asyncio.wait({ended, watching}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        stopped = watching in done and ended not in done
        timed_out = not done
    finally:
        if not ended.done():
            _kill(process)
        await asyncio.shield(_settle(process, ended, reading, feeding, watching))
    code = process.returncode
    return Ran(-signal.SIGKILL if code is None else code, kept.data, timed_out, kept.left_out, stopped)


async def _settle(process: asyncio.subprocess.Process, ended: asyncio.Task[int], *tasks: asyncio.Task[None]) -> None:
    """Wait for the end of a program and of its output; any other process that holds the output open is killed."""
    await ended
    reading, *others = tasks
    for task in others:
        task.cancel()
    for _ in range(2):
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(reading), _GRACE)
            break
        _kill(process)
    reading.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    transport = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()


def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


async def _read(process: asyncio.subprocess.Process, kept: _Kept) -> None:
    assert process.stdout is not None
    while data := await process.stdout.read(_CHUNK):
        kept.add(data)


async def _feed(process: asyncio.subprocess.Process, given: bytes) -> None:
    if process.stdin is None:
        return
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(given)
        await process.stdin.drain()
    process.stdin.close()


async def _watch(stop: Callable[[], bool] | None) -> None:
    while True:
        await asyncio.sleep(_LOOK)
        if stop is not None and await asyncio.to_thread(stop):
            return
