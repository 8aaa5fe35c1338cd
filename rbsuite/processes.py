"""Processes that plugins start, each the leader of its own process group and addressed through its standard input: waiting for one, and
ending it on every path."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time


def ends_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether a process ends within a number of seconds."""
    deadline = time.monotonic() + seconds
    while exit_code(process) is None:
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.01)
    return True


def exit_code(process: subprocess.Popen[bytes]) -> int | None:
    """The exit code of a process, negative for a signal; ``None`` while it runs.

    Where the system allows, the process is not reaped yet, so its id, which is also its group's, is not reused before the group is ended.
    """
    if process.returncode is not None or not hasattr(os, "waitid"):
        return process.poll()
    try:
        state = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:  # somebody else has reaped it
        return process.poll()
    if state is None:
        return None
    return state.si_status if state.si_code == os.CLD_EXITED else -state.si_status


def end_group(process: subprocess.Popen[bytes], *, owner: int, patience: float) -> bool:
    """End a process: close its input, wait a while, then kill its whole group and close its output.

    Args:
        process: it was started with ``start_new_session``, and its input and output are pipes.
        owner: id of the process that started it. A fork of that process, which has the same finalizers, leaves it alone.
        patience: seconds that it has to end on its own.

    Returns:
        Whether it was ended here.
    """
    if os.getpid() != owner:
        return False
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    ends_within(process, patience)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return True
