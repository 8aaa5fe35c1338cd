"""Warm starts: a run begins with the bank that a run of another experiment had at some position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rbsuite.errors import UsageError, shortened
from rbsuite.experience import MemoryOp
from rbsuite.memories.external import is_lost, last_state
from rbsuite.options import whole_number
from rbsuite.record import RunInfo
from rbsuite.store import ExperimentStore

NOTHING_TO_START_WITH = "none"
"""The memory that has no bank, so that the control of a warm experiment needs no source."""


def parse_source(text: str) -> tuple[Path, int | None]:
    """Read ``EXPERIMENT@T`` or ``EXPERIMENT``: the directory, and after how many tasks (``None``: all).

    Raises:
        UsageError: T is not a number.
    """
    path, at, position = text.rpartition("@")
    if not at:
        return Path(text), None
    number = whole_number(position)
    if number is None:
        raise UsageError(
            f"--warm-start {shortened(text)!r}: {shortened(position)!r} is not a position.",
            "Write EXPERIMENT or EXPERIMENT@T.",
        )
    return Path(path), number


def read_seeds(text: str, runs: Sequence[RunInfo]) -> Mapping[str, tuple[MemoryOp, ...]]:
    """The operations that each run's bank starts with.

    A run takes the bank of the source's run with the same memory and scaling in the same order; the first order if the source has fewer,
    and scaling ``single`` if it does not have the same.

    Args:
        text: ``EXPERIMENT@T``; empty: nothing.
        runs: the runs to be started.

    Raises:
        UsageError: the source has no run with a memory, or not that many tasks.
        StoreError: there is no such experiment.
    """
    if not text:
        return {}
    path, at = parse_source(text)
    with ExperimentStore.open(path, readonly=True) as opened:
        store = opened.revealed()
        return {
            run.id: _bank(store, _source_of(run, store.manifest.runs, path), at)
            for run in runs
            if run.condition.memory != NOTHING_TO_START_WITH
        }


def _source_of(run: RunInfo, sources: Sequence[RunInfo], path: Path) -> RunInfo:
    same = [source for source in sources if source.condition.memory == run.condition.memory]
    if not same:
        raise UsageError(
            f"{path} has no run of memory {run.condition.memory!r} to start from.",
            f"It has: {', '.join(dict.fromkeys(source.condition.memory for source in sources))}.",
        )

    def likeness(source: RunInfo) -> tuple[bool, bool, bool, int]:
        scaling = source.condition.scaling
        return scaling == run.condition.scaling, scaling == "single", source.order == run.order, -source.order

    return max(same, key=likeness)


def _bank(store: ExperimentStore, run: RunInfo, at: int | None) -> tuple[MemoryOp, ...]:
    committed = store.committed(run.id)
    if at is not None and at > committed:
        raise UsageError(
            f"run {run.id!r} of {store.directory} has {committed} tasks, not {at}.", "Use a smaller position."
        )
    ops = (*store.seed_ops(run.id), *(op for _, op in store.ops(run.id, at)))
    if is_lost(last_state(ops)):
        raise UsageError(
            f"run {run.id!r} of {store.directory}: its memory kept what it had learned outside the bank, and gave no snapshot.",
            "A warm start needs a memory that gives snapshots.",
        )
    return ops
