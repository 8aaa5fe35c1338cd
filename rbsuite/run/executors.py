"""Carries out the runs of an experiment, here or elsewhere; whatever stops it leaves it resumable.

``local`` runs them on this process's event loop, ``processes:N`` spreads them over N processes, ``ray`` over the nodes of a Ray cluster.
In every case each record goes to the one store of this process, and the records are the same byte for byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Literal

from rbsuite.errors import LimitReached, UsageError
from rbsuite.plugins import BY_HAND
from rbsuite.record import RunInfo
from rbsuite.run.config import Execution, executor_kind
from rbsuite.run.executor import Executor, LocalExecutor, WorkSetting
from rbsuite.run.observers import Observers
from rbsuite.run.plan import Plan
from rbsuite.run.private import check_confined, unheard
from rbsuite.run.processes import ProcessExecutor
from rbsuite.run.roles import first_failure
from rbsuite.run.sink import StoreSink
from rbsuite.run.spending import Spending, limits_of
from rbsuite.run.worker import Job
from rbsuite.store import ExperimentStore
from rbsuite.store.looks import stage

_Run = Callable[[Job], Awaitable[None]]


async def run_experiment(plan: Plan, store: ExperimentStore, execution: Execution) -> None:
    """Carry out all runs that are not finished, several at a time, except those that other processes are working on.

    If the experiment declares looks, these are the runs up to one of them (:func:`rbsuite.store.looks.stage`).

    A run is claimed when its turn comes. Runs left to another process are checked again at the end, since that may have died; so this
    returns once every run is finished or under way elsewhere.

    Args:
        plan: what is run.
        store: where it is kept.
        execution: how fast.

    Raises:
        UsageError: there is no such executor or look.
        ConfinedError: its tasks are private, and a model is not on this machine.
        LimitReached: a limit of the experiment is reached.
        RbsuiteError: the first failure of a run; the others are stopped at once, and what they committed stays.
    """
    if plan.confined:
        check_confined(plan.config, plan.plugins, execution)
        store.directory.chmod(0o700)
    with unheard(plan.confined and not execution.reveal):
        await _run_experiment(plan, store, execution)


async def _run_experiment(plan: Plan, store: ExperimentStore, execution: Execution) -> None:
    observers = Observers(plan.plugins)
    hides = plan.confined and not execution.reveal
    sink = StoreSink(store, observers, hides=hides)
    kind, processes = executor_kind(execution.executor)
    runs = stage(store, execution.to_look).runs
    if kind != "local":
        _refuse_by_hand(plan, execution)
    spending = Spending(store, limits_of(execution), processes)
    setting = WorkSetting(plan, execution, sink, spending, hides, partial(job_of, store))
    try:
        executor = _make_executor(setting, kind, processes)
        try:
            await _all_runs(store, runs, executor.carry_out, executor.at_once)
        finally:
            await executor.aclose()
    except BaseExceptionGroup as failures:
        first = first_failure(failures)
        raise first from first.__cause__
    finally:
        try:
            spending.keep()
        finally:
            await plan.aclose()
            await asyncio.get_running_loop().run_in_executor(None, observers.close)


def _refuse_by_hand(plan: Plan, execution: Execution) -> None:
    by_hand = [part.spec.name for part in plan.parts if plan.plugins.owner(part.spec) == BY_HAND]
    if by_hand:
        raise UsageError(
            f"--executor {execution.executor}: {by_hand[0]!r} comes from a plugin that other processes cannot find.",
            "Install the plugin, or use local.",
        )


def _make_executor(setting: WorkSetting, kind: Literal["local", "processes", "ray"], processes: int) -> Executor:
    if kind == "processes":
        return ProcessExecutor(setting, processes)
    if kind == "ray":
        from rbsuite.run.ray_executor import RayExecutor

        return RayExecutor(setting)
    return LocalExecutor(setting)


def job_of(store: ExperimentStore, run: RunInfo) -> Job:
    """The job of a run, as far as the store has it."""
    return Job(run, store.seed_ops(run.id), store.committed(run.id), tuple(store.ops(run.id)))


async def _all_runs(store: ExperimentStore, runs: Sequence[RunInfo], carry_out: _Run, at_once: int) -> None:
    """Carry out every run that can be claimed, until none can."""
    slots = asyncio.Semaphore(at_once)
    stopped: list[LimitReached] = []

    async def run(info: RunInfo) -> bool:
        async with slots:
            if stopped or store.run_finished(info.id) or not store.claim(info.id):
                return False
            try:
                await carry_out(job_of(store.revealed(), info))
            except (
                LimitReached
            ) as stop:  # the other runs stop at their next call; what they have under way is not cut off
                stopped.append(stop)
            finally:
                store.release(info.id)
            return True

    async def once() -> bool:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run(info)) for info in runs]
        return any(task.result() for task in tasks)

    while await once() and not stopped:
        pass
    if stopped:
        raise stopped[0]
