"""Where the results of runs go: the experiment's store, and those who watch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from rbsuite.events import Event, RunFinished, TaskCommitted
from rbsuite.record import RunInfo, TaskRecord
from rbsuite.run.observers import Observers
from rbsuite.run.private import hide_event
from rbsuite.store import ExperimentStore


class Sink(Protocol):
    """Where the results of runs go."""

    watched: bool
    """Whether anybody wants the events of single steps and calls."""

    def commit(self, run: RunInfo, record: TaskRecord, templates: Mapping[tuple[str, str], str]) -> None:
        """Keep a record, and the hashes of the templates that were used so far, by directory and name."""

    def finish(self, run: RunInfo) -> None:
        """Note that a run is complete."""

    def emit(self, event: Event) -> None:
        """Pass an event on. Commits and ends of runs are reported automatically."""


class StoreSink:
    """Keeps the results of runs in the experiment's store, and tells observers.

    Args:
        store: the experiment, open for writing.
        observers: who is told.
        hides: whether what was said on the tasks is kept from observers. The store seals it in any case.
    """

    def __init__(self, store: ExperimentStore, observers: Observers, *, hides: bool = False) -> None:
        self._store = store
        self.watched = observers.watched
        self._tell = observers.emit
        self._hides = hides

    def emit(self, event: Event) -> None:
        """See :class:`Sink`."""
        self._tell(hide_event(event) if self._hides else event)

    def commit(self, run: RunInfo, record: TaskRecord, templates: Mapping[tuple[str, str], str]) -> None:
        """See :class:`Sink`. Once this returns, the record is kept."""
        self._store.note_templates(templates)
        self._store.commit(run.id, record)
        self.emit(TaskCommitted(run, record))

    def finish(self, run: RunInfo) -> None:
        """See :class:`Sink`."""
        self._store.mark_finished(run.id)
        self.emit(RunFinished(run))
