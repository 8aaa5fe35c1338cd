"""What makes rbsuite pleasant in a notebook: blocking calls while an event loop runs, and a progress bar."""

from __future__ import annotations

import asyncio
import html
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from importlib import import_module
from typing import Any, TypeVar

from rbsuite.hookspecs import hookimpl
from rbsuite.judges.truth import is_success
from rbsuite.record import Condition, RunInfo, TaskRecord

_T = TypeVar("_T")

INTERVAL = 0.25
"""The least number of seconds between two updates of the bar."""


def block(work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """What a coroutine returns. If an event loop is running in this thread, the coroutine gets a loop and a thread of its own.

    Raises:
        KeyboardInterrupt: interrupted; the coroutine was cancelled, and has cleaned up.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[_T]]] = Future()
    done: Future[_T] = Future()

    async def main() -> _T:
        task = asyncio.create_task(work())
        started.set_result((asyncio.get_running_loop(), task))
        return await task

    def run() -> None:
        try:
            done.set_result(asyncio.run(main()))
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=run, name="rbsuite", daemon=True).start()
    try:
        return done.result()
    except KeyboardInterrupt:
        loop, task = started.result()
        if not loop.is_closed():
            loop.call_soon_threadsafe(task.cancel)
        done.exception()  # until it has cleaned up
        raise


def in_notebook() -> bool:
    """Whether this runs in the kernel of a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


class Bar:
    """Shows the progress of an experiment: an observer. In a notebook it is one bar that changes, elsewhere a line on standard error.

    Args:
        runs: what is run.
        committed: number of tasks that are already committed, by run id.
    """

    def __init__(self, runs: Sequence[RunInfo], committed: Mapping[str, int]) -> None:
        self._total: dict[Condition, int] = {}
        self._done: dict[Condition, int] = {}
        self._solved: dict[Condition, int] = {}
        for run in runs:
            self._total[run.condition] = self._total.get(run.condition, 0) + len(run.tasks) - committed[run.id]
        self._started = time.monotonic()
        self._told = -INTERVAL
        self._handle: Any = None
        self._display: Any = import_module("IPython.display").display if in_notebook() else None
        self._show()

    @hookimpl
    def rbsuite_task_committed(self, run: RunInfo, record: TaskRecord) -> None:
        """Count a task."""
        self._done[run.condition] = self._done.get(run.condition, 0) + 1
        self._solved[run.condition] = self._solved.get(run.condition, 0) + is_success(record.score)
        if time.monotonic() - self._told >= INTERVAL:
            self._show()

    def close(self) -> None:
        """Show how far it got."""
        self._show()
        if self._display is None:
            sys.stderr.write("\n")

    def _show(self) -> None:
        self._told = time.monotonic()
        done, total = sum(self._done.values()), sum(self._total.values())
        text = f"{done}/{total} tasks{self._left(done, total)}"
        for condition, count in self._done.items():
            text += (
                f"; {condition.label} {count}/{self._total[condition]}, {self._solved[condition] / count:.0%} solved"
            )
        if self._display is None:
            sys.stderr.write(f"\r{text}\x1b[K" if sys.stderr.isatty() else f"{text}\n")
            sys.stderr.flush()
            return
        bar = f'<progress value="{done}" max="{max(1, total)}"></progress> {html.escape(text)}'
        shown = {"text/plain": text, "text/html": bar}
        if self._handle is None:
            self._handle = self._display(shown, raw=True, display_id=True)
        else:
            self._handle.update(shown, raw=True)

    def _left(self, done: int, total: int) -> str:
        if not 0 < done < total:
            return ""
        seconds = (time.monotonic() - self._started) * (total - done) / done
        return f", {seconds:.0f} s left" if seconds < 90 else f", {seconds / 60:.0f} min left"
