"""Taking runs back: to a position that the user names, or to the first task that broke. Continuing then runs the rest again."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.errors import UnknownNameError, UsageError, shortened
from rbsuite.memories.external import is_lost, last_state
from rbsuite.options import whole_number
from rbsuite.store import ExperimentStore


def rewind(store: ExperimentStore, places: Sequence[str]) -> int:
    """Take runs back to given positions.

    Args:
        store: the experiment, open for writing.
        places: ``RUN@T`` each: the run keeps its first T tasks.

    Returns:
        How many tasks were discarded.

    Raises:
        UsageError: a place is not of that form or no position of its run, or there is no snapshot of its memory; nothing is changed then.
        StoreError: another process has the run.
    """
    wanted: dict[str, int] = {}
    known = [info.id for info in store.manifest.runs]
    for place in places:
        run, _, position = place.rpartition("@")
        number = whole_number(position)
        if not run or number is None:
            raise UsageError(f"--rewind {shortened(place)!r} is not RUN@T.", "Name a run and how many tasks it keeps.")
        if run not in known:
            raise UnknownNameError("run", run, known)
        if number > store.committed(run):
            raise UsageError(
                f"--rewind {place}: the run has {store.committed(run)} tasks.", "Name a position from 0 to that number."
            )
        wanted[run] = min(number, wanted.get(run, number))
    for run, at in wanted.items():
        _check_state(store, run, at)
    return sum(store.rewind(run, position) for run, position in wanted.items())


def rewind_to_failures(store: ExperimentStore) -> int:
    """Take every run with a broken task back to the first one.

    Returns:
        How many tasks were discarded.

    Raises:
        UsageError: there is no snapshot of a run's memory; nothing is changed then.
        StoreError: another process has such a run.
    """
    found = [(info.id, store.failures(info.id).first) for info in store.manifest.runs]
    failures = [(run, first) for run, first in found if first is not None]
    for run, first in failures:
        _check_state(store, run, first)
    return sum(store.rewind(run, first, kind="retry-failed") for run, first in failures)


def _check_state(store: ExperimentStore, run: str, position: int) -> None:
    """Check that a run's memory can be restored to its state at a position."""
    if position and is_lost(last_state(op for _, op in store.revealed().ops(run, position))):
        raise UsageError(
            f"run {run!r} cannot be taken back to {position}: its memory kept what it had learned outside the bank, and gave no snapshot.",
            f"Start it over with --rewind '{run}@0'.",
        )
