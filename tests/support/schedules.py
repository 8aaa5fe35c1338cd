"""Runs experiments on the virtual clock and says what of them may not differ between two schedules."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ahead import Chances, Hashing
from rbsuite.record import TaskRecord
from rbsuite.run.config import Execution
from rbsuite.run.directory import open_experiment
from rbsuite.run.executors import run_experiment
from rbsuite.run.plan import Plan
from rbsuite.store import ExperimentStore
from rbsuite.testing.clock import run_virtual
from rbsuite.trajectory import Usage

WASTE = ("discarded_rollouts", "wasted_calls", "wasted_tokens")


def measured(
    plan: Plan, window: str, chances: Chances, directory: Path, *, concurrency: int = 8, until: float | None = None
) -> tuple[ExperimentStore, float]:
    """An experiment on the virtual clock, stopped after ``until`` seconds; the caller closes the store."""
    Hashing.chances = chances
    store = open_experiment(plan, directory)

    async def run() -> None:
        try:
            async with asyncio.timeout(until):
                await run_experiment(plan, store, Execution(concurrency, window, outage="commit"))
        except TimeoutError:
            assert until is not None

    try:
        _, seconds = run_virtual(run())
    except BaseException:
        store.close()
        raise
    return store, seconds


def records(store: ExperimentStore) -> Sequence[TaskRecord]:
    """All that is stored, apart from wall time and what was wasted."""
    return [_comparable(record) for info in store.manifest.runs for record in store.records(info.id)]


def _comparable(record: TaskRecord) -> TaskRecord:
    return replace(
        record,
        rollouts=tuple(replace(rollout, seconds=0.0) for rollout in record.rollouts),
        notes={name: count for name, count in record.notes.items() if name not in WASTE},
    )


def noted(store: ExperimentStore) -> Counter[str]:
    """The sums of what the records note."""
    total: Counter[str] = Counter()
    for info in store.manifest.runs:
        for record in store.records(info.id):
            total.update(record.notes)
    return total


def counted(store: ExperimentStore) -> int:
    """The calls that the records hold."""
    usage = Usage()
    for info in store.manifest.runs:
        for record in store.records(info.id):
            for part in (record.usage, *(rollout.usage for rollout in record.rollouts)):
                usage = sum(part.values(), usage)
    return usage.calls
