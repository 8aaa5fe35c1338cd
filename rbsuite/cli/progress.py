"""Live progress of an experiment: an observer plugin, fed by the same hooks that any plugin may implement."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rbsuite.hookspecs import hookimpl
from rbsuite.judges.truth import is_success
from rbsuite.record import Condition, RunInfo, TaskRecord
from rbsuite.trajectory import Usage

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PIPED_INTERVAL = 10.0
"""Seconds between lines where the output is not a terminal."""


@dataclass
class _Count:
    total: int = 0
    done: int = 0
    solved: int = 0
    calls: int = 0


class Progress:
    """Shows tasks done, success rate so far per condition, model calls and the time left.

    On a terminal a table is drawn anew; elsewhere a line is printed now and then. Used as a context manager.

    Args:
        console: where to show it.
        runs: all runs of the experiment.
        committed: tasks that are committed already, by run id.
    """

    def __init__(self, console: Console, runs: tuple[RunInfo, ...], committed: Mapping[str, int]) -> None:
        from rich.live import Live

        self._console = console
        self._counts: dict[Condition, _Count] = {}
        for run in runs:
            count = self._counts.setdefault(run.condition, _Count())
            count.total += len(run.tasks) - committed[run.id]
        self._started = self._shown = time.monotonic()
        # A plain terminal program redirects its output; nothing but this display prints while it is live.
        self._live = Live(get_renderable=self._table, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    @hookimpl
    def rbsuite_task_committed(self, run: RunInfo, record: TaskRecord) -> None:
        """Count a task."""
        count = self._counts[run.condition]
        chosen = record.rollouts[record.selected]
        count.done += 1
        count.solved += is_success(chosen.trajectory.score)
        spent = [*record.usage.values(), *(usage for rollout in record.rollouts for usage in rollout.usage.values())]
        count.calls += sum(spent, Usage()).calls
        now = time.monotonic()
        if not self._console.is_terminal and now - self._shown > PIPED_INTERVAL:
            self._shown = now
            self._console.print(self._line(), soft_wrap=True, highlight=False)

    def _table(self) -> Table:
        from rich.table import Table

        table = Table(box=None, padding=(0, 2, 0, 0))
        for name in ("condition", "tasks", "success so far", "model calls"):
            table.add_column(name, justify="left" if name == "condition" else "right")
        for condition, count in self._counts.items():
            rate = f"{count.solved / count.done:.0%}" if count.done else "-"
            table.add_row(condition.label, f"{count.done}/{count.total}", rate, f"{count.calls:,}")
        table.add_row("", "", "", self._left())
        return table

    def _line(self) -> str:
        parts = [
            f"{condition.label} {count.done}/{count.total}"
            + (f" {count.solved / count.done:.0%}" if count.done else "")
            for condition, count in self._counts.items()
        ]
        return f"{'; '.join(parts)}; {self._left()}"

    def _left(self) -> str:
        done = sum(count.done for count in self._counts.values())
        total = sum(count.total for count in self._counts.values())
        if not done:
            return "starting"
        seconds = (time.monotonic() - self._started) * (total - done) / done
        return f"{seconds:.0f} s left" if seconds < 90 else f"{seconds / 60:.0f} min left"
