"""Live progress of an experiment: an observer plugin, fed by the same hooks that any plugin may implement."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rbsuite.cli.output import guard
from rbsuite.events import ModelWaiting
from rbsuite.hookspecs import hookimpl
from rbsuite.judges.truth import is_success
from rbsuite.record import Condition, RunInfo, TaskRecord
from rbsuite.report.text import one_line
from rbsuite.trajectory import Usage

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PIPED_INTERVAL = 10.0
"""Seconds between lines if the output is not a terminal."""


@dataclass
class _Count:
    total: int = 0
    done: int = 0
    solved: int = 0
    calls: int = 0


class Progress:
    """Shows tasks done, success rate so far per condition, model calls, the time left, and which model is being waited for.

    On a terminal a table is redrawn; elsewhere a line is printed every :data:`PIPED_INTERVAL` seconds, and immediately when a call is to be
    retried. Used as a context manager.

    Args:
        console: where to show it.
        runs: all runs of the experiment.
        committed: number of tasks already committed, by run id.
        quiet: show only what is being waited for.
    """

    event_types = (ModelWaiting,)

    def __init__(
        self, console: Console, runs: tuple[RunInfo, ...], committed: Mapping[str, int], *, quiet: bool = False
    ) -> None:
        from rich.live import Live

        self._console = console
        self._quiet = quiet
        self._counts: dict[Condition, _Count] = {}
        for run in runs:
            count = self._counts.setdefault(run.condition, _Count())
            count.total += len(run.tasks) - committed[run.id]
        self._started = time.monotonic()
        self._waiting = ""
        self._told_waiting = -PIPED_INTERVAL
        self._over = threading.Event()
        # While it is live, only this display prints.
        self._live = Live(get_renderable=self._table, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal and not self._quiet:
            self._live.start()
            sys.stderr = guard(sys.stderr)  # while live, the display prints what others write, until stop()
        elif not self._quiet:
            threading.Thread(target=self._tick, name="progress", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        if self._console.is_terminal and not self._quiet:
            self._live.stop()

    @hookimpl
    def rbsuite_task_committed(self, run: RunInfo, record: TaskRecord) -> None:
        """Count a task."""
        count = self._counts[run.condition]
        count.done += 1
        count.solved += is_success(record.score)
        spent = [*record.usage.values(), *(usage for rollout in record.rollouts for usage in rollout.usage.values())]
        count.calls += sum(spent, Usage()).calls
        self._waiting = ""

    @hookimpl
    def rbsuite_event(self, event: ModelWaiting) -> None:
        """Say that a call has failed and is being retried, and why."""
        times = "once" if event.failures == 1 else f"{event.failures} times"
        self._waiting = f"{event.model} failed {times}, retrying in {event.delay:.0f} s: {event.reason}"
        now = time.monotonic()
        if (self._quiet or not self._console.is_terminal) and now - self._told_waiting >= PIPED_INTERVAL:
            self._told_waiting = now
            self._say(self._waiting)

    def _tick(self) -> None:
        while not self._over.wait(PIPED_INTERVAL):
            self._say(self._line())

    def _say(self, line: str) -> None:
        self._console.print(one_line(line), soft_wrap=True, highlight=False, markup=False)

    def _table(self) -> Table:
        from rich.markup import escape
        from rich.table import Table

        table = Table(box=None, padding=(0, 2, 0, 0))
        for name in ("condition", "tasks", "success so far", "model calls"):
            table.add_column(name, justify="left" if name == "condition" else "right")
        for condition, count in self._counts.items():
            rate = f"{count.solved / count.done:.0%}" if count.done else "-"
            table.add_row(condition.label, f"{count.done}/{count.total}", rate, f"{count.calls:,}")
        table.add_row("", "", "", self._left())
        if self._waiting:
            table.caption = escape(one_line(self._waiting))
        return table

    def _line(self) -> str:
        parts = [
            f"{condition.label} {count.done}/{count.total}"
            + (f" {count.solved / count.done:.0%}" if count.done else "")
            for condition, count in self._counts.items()
        ]
        waiting = [self._waiting] if self._waiting else []
        return "; ".join([*parts, self._left(), *waiting])

    def _left(self) -> str:
        done = sum(count.done for count in self._counts.values())
        total = sum(count.total for count in self._counts.values())
        if not done:
            return "starting"
        seconds = (time.monotonic() - self._started) * (total - done) / done
        return f"{seconds:.0f} s left" if seconds < 90 else f"{seconds / 60:.0f} min left"
