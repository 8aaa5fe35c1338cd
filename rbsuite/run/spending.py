"""Records in the store what an experiment spends while it is under way, and knows what is left of its limits."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from rbsuite.models.limits import Limits
from rbsuite.models.meter import Counts, Meter
from rbsuite.run.config import Execution
from rbsuite.store import ExperimentStore
from rbsuite.trajectory import Spent

INTERVAL = 0.5
"""Seconds between two writes of what was spent; a process that is killed loses no more than that."""


def limits_of(execution: Execution) -> Limits:
    """The limits of an experiment."""
    return Limits(execution.max_cost, execution.max_tokens, execution.max_calls, execution.max_time)


class Spending:
    """What one command spends on an experiment. Threads may share it.

    Args:
        store: where it is kept, together with what other sessions and other processes that joined have spent.
        limits: of the whole experiment.
        processes: number of further processes that spend.
    """

    def __init__(self, store: ExperimentStore, limits: Limits, processes: int = 0) -> None:
        self._store = store
        self._limits = limits
        self._turn = threading.Lock()
        self._started = self._written_at = time.monotonic()
        self._written = Spent()
        before = store.spent()
        self.counts = Counts.for_processes(processes)
        self.counts.write(0, before)
        self.until = None if limits.seconds is None else time.time() + limits.seconds - before.seconds

    def meter(self) -> Meter:
        """This process's meter."""
        return Meter(self._limits, self.counts, until=self.until, spent_more=self.keep_now_and_then)

    def keep_now_and_then(self) -> None:
        """Call :meth:`keep`, if the last time was a while ago."""
        if time.monotonic() - self._written_at >= INTERVAL:
            self.keep()

    def keep(self) -> None:
        """Write what was spent since the last time.

        Raises:
            StoreError: it cannot be written.
        """
        with self._turn:
            self._written_at = now = time.monotonic()
            session = replace(self.counts.session, seconds=now - self._started)
            total = self._store.spend(session - self._written)
            self._written = session
            self.counts.write(0, total - session)
