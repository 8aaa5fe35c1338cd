"""One run: the tasks of a stream one after the other, each committed before the next is begun."""

from __future__ import annotations

import asyncio

from rbsuite.experience import MemoryOp
from rbsuite.memories.bank import Bank
from rbsuite.models.client import Gate
from rbsuite.record import RunInfo
from rbsuite.retrieval.base import Embedder
from rbsuite.runner.attempt import Attempt, RunParts
from rbsuite.runner.setup import Setup
from rbsuite.store import ExperimentStore


async def run_stream(setup: Setup, info: RunInfo, store: ExperimentStore, gate: Gate) -> None:
    """Run, or go on with, one run to its end.

    What an earlier process committed is not run again: the bank is folded from the stored operations, and the stream goes on with the
    next task. Task ``i`` reads the bank as it stands after task ``i - 1``.

    Raises:
        RbsuiteError: the run cannot go on; all tasks before stay committed.
    """
    if store.run_finished(info.id):
        return
    parts = await _parts(setup, info, store, gate)
    hook = setup.plugins.hook
    start = store.committed(info.id)
    hook.rbsuite_run_started(run=info, resumed_at=start)
    for position in range(start, len(info.tasks)):
        # An in-process model never waits; give way, so that other runs get their turn and an interrupt is heard.
        await asyncio.sleep(0)
        # An in-process model never waits; without this an interrupt, or another run's failure, is not heard before the stream ends.
        await asyncio.sleep(0)
        task = setup.tasks.by_id[info.tasks[position]]
        record = await Attempt(parts, task, position, parts.bank.version).run()
        store.commit(info.id, record)
        hook.rbsuite_task_committed(run=info, record=record)
    store.mark_finished(info.id)
    hook.rbsuite_run_finished(run=info)


async def _parts(setup: Setup, info: RunInfo, store: ExperimentStore, gate: Gate) -> RunParts:
    judge, judge_spec = setup.make_judge()
    return RunParts(
        setup=setup,
        info=info,
        memory=setup.make_memory(info.condition.memory),
        scaling=setup.make_scaling(info.condition.scaling),
        judge=judge,
        judge_sees_truth=judge_spec.ground_truth,
        bank=await load_bank(store, info.id, setup.make_embedder(), setup.config.index),
        gate=gate,
    )


async def load_bank(store: ExperimentStore, run_id: str, embedder: Embedder, index: str) -> Bank:
    """The bank of a run as of its last committed task, folded from the stored operations.

    Args:
        store: the experiment.
        run_id: the run.
        embedder: the embedder of the experiment.
        index: the kind of index, see :class:`rbsuite.memories.bank.Bank`.

    Raises:
        StoreError: there is no such run.
    """
    bank = Bank(embedder, index)
    ops: dict[int, list[MemoryOp]] = {}
    for version, op in store.ops(run_id):
        ops.setdefault(version, []).append(op)
    for version in range(1, store.committed(run_id) + 1):
        await bank.apply(version, ops.get(version, []))
    return bank
