"""Sets a run up from its store and lets its stream go on from where it stands."""

from __future__ import annotations

from rbsuite.experience import MemoryOp
from rbsuite.memories.bank import Bank
from rbsuite.models.client import Gate
from rbsuite.oplog import GENESIS
from rbsuite.record import RunInfo, TaskRecord
from rbsuite.retrieval.base import Embedder
from rbsuite.run.roles import RunParts
from rbsuite.run.setup import Setup
from rbsuite.run.stream import Stream
from rbsuite.run.window import Window
from rbsuite.store import ExperimentStore


async def run_one(setup: Setup, info: RunInfo, store: ExperimentStore, gate: Gate, window: Window) -> None:
    """Run, or go on with, one run to its end.

    What an earlier process committed is not run again: the bank is folded from the stored operations, and the stream goes on with the
    next task.

    Raises:
        RbsuiteError: the run cannot go on; all tasks before stay committed.
    """
    if store.run_finished(info.id):
        return
    notify = setup.plugins.notify

    def commit(record: TaskRecord) -> None:
        for rollout in record.rollouts:
            notify("rbsuite_rollout_finished", run=info, position=record.position, trajectory=rollout.trajectory)
        store.commit(info.id, record)
        notify("rbsuite_task_committed", run=info, record=record)

    parts = await _parts(setup, info, store, gate)
    notify("rbsuite_run_started", run=info, resumed_at=parts.bank.version)
    await Stream(parts, window, setup.batch, commit).run()
    store.mark_finished(info.id)
    notify("rbsuite_run_finished", run=info)


async def _parts(setup: Setup, info: RunInfo, store: ExperimentStore, gate: Gate) -> RunParts:
    memory, memory_spec = setup.make_memory(info.condition.memory)
    judge, judge_spec = setup.make_judge()
    selector, selector_spec = setup.make_selector()
    return RunParts(
        setup=setup,
        info=info,
        memory=memory,
        memory_spec=memory_spec,
        scaling=setup.make_scaling(info.condition.scaling),
        selector=selector,
        selector_spec=selector_spec,
        judge=judge,
        judge_spec=judge_spec,
        bank=await load_bank(store, info.id, setup.make_embedder(), setup.config.index),
        origin=_origin(store.start_hash(info.id)),
        gate=gate,
    )


def _origin(start_hash: str) -> str:
    return "" if start_hash == GENESIS else start_hash[:8]


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
    await bank.seed(store.seed_ops(run_id))
    ops: dict[int, list[MemoryOp]] = {}
    for version, op in store.ops(run_id):
        ops.setdefault(version, []).append(op)
    for version in range(1, store.committed(run_id) + 1):
        await bank.apply(version, ops.get(version, []))
    return bank
