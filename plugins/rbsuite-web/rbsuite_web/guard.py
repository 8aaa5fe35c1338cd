"""Runs a command and ends everything that came from it, in every case. Started as a script, with only the standard library.

    python guard.py SCRATCH COMMAND [ARGUMENT ...]

It ends when its standard input does, which happens however its parent ends, SIGKILL included; when it is told to by a signal; or when the
command ends. Then it kills all descendants and removes the scratch directory. It adopts processes that detach themselves, as Chromium's
crash handler does by starting its own session; that requires Linux, elsewhere it kills its process group.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

_SET_CHILD_SUBREAPER = 36
_LOOK = 0.5
"""Seconds between two checks whether the command has ended."""
_PATIENCE = 5.0
"""Seconds to wait for what was killed."""


def main(arguments: Sequence[str]) -> int:
    """Run the command until the end of standard input; returns the exit code."""
    scratch, *command = arguments
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _leave)
    child = 0
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        actions = [(os.POSIX_SPAWN_DUP2, nothing, 0), (os.POSIX_SPAWN_DUP2, nothing, 2)]
        child = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
        os.dup2(nothing, 1)  # the command's output ends with the command
        while child not in set(_reap()):
            readable, _, _ = select.select([0], [], [], _LOOK)
            if readable and not os.read(0, 1024):
                break
    finally:
        _end_all(child)
        shutil.rmtree(scratch, ignore_errors=True)
    return 0


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _reap() -> Iterator[int]:
    """The ids of the children that have ended."""
    with contextlib.suppress(ChildProcessError):
        while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            yield pid


def _end_all(child: int) -> None:
    """Kill the descendants until there are none."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        list(_reap())
        known = list(_descendants(os.getpid())) if Path("/proc/self").exists() else [child] if child else []
        if not known:
            return
        for pid in known:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not Path("/proc/self").exists():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.killpg(0, signal.SIGTERM)
            return
        time.sleep(0.01)


def _descendants(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for one in task.read_text().split():
                yield int(one)
                yield from _descendants(int(one))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
