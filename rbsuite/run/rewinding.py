"""Taking runs back: to a position that the user names, or to the first task that broke. Going on then runs the rest anew."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.errors import UnknownNameError, UsageError
from rbsuite.store import ExperimentStore


def rewind(store: ExperimentStore, places: Sequence[str]) -> int:
    """Take runs back to positions.

    Args:
        store: the experiment, open for writing.
        places: ``RUN@T`` each: the run keeps its first T tasks.

    Returns:
        How many tasks were discarded.

    Raises:
        UsageError: a place is not of that form, or is no position of its run; nothing has changed then.
        StoreError: another process has the run.
    """
    wanted: dict[str, int] = {}
    known = [info.id for info in store.manifest.runs]
    for place in places:
        run, _, position = place.rpartition("@")
        if not run or not position.isdecimal():
            raise UsageError(f"--rewind {place!r} is not RUN@T.", "Name a run and how many tasks it keeps.")
        if run not in known:
            raise UnknownNameError("run", run, known)
        if int(position) > store.committed(run):
            raise UsageError(
                f"--rewind {place}: the run has {store.committed(run)} tasks.", "Name a position from 0 to that number."
            )
        wanted[run] = min(int(position), wanted.get(run, int(position)))
    return sum(store.rewind(run, position) for run, position in wanted.items())


def rewind_to_failures(store: ExperimentStore) -> int:
    """Take every run with a broken task back to the first one.

    Returns:
        How many tasks were discarded.

    Raises:
        StoreError: another process has such a run.
    """
    discarded = 0
    for info in store.manifest.runs:
        first = store.failures(info.id).first
        if first is not None:
            discarded += store.rewind(info.id, first, kind="retry-failed")
    return discarded
