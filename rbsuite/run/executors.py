"""Carries out the runs of an experiment, here or in further processes; whatever stops it leaves it resumable.

``local`` runs them on this process's event loop, ``processes:N`` spreads them over N processes. Either way every record goes to the one
store of this process, and the records are the same byte for byte.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection

from rbsuite.environments.hosting import CallThread, Recipe
from rbsuite.errors import LimitReached, PluginError, RbsuiteError, UsageError
from rbsuite.events import Event
from rbsuite.models.meter import Counts, Meter
from rbsuite.plugins import BY_HAND, Plugins, load_plugins
from rbsuite.record import RunInfo, TaskRecord
from rbsuite.run.config import Execution, ExperimentConfig, one_at_a_time
from rbsuite.run.observers import Observers
from rbsuite.run.plan import Plan
from rbsuite.run.private import check_confined, unheard
from rbsuite.run.roles import first_failure
from rbsuite.run.sink import Sink, StoreSink
from rbsuite.run.spending import INTERVAL, Spending, limits_of
from rbsuite.run.worker import Job, Worker
from rbsuite.store import ExperimentStore
from rbsuite.store.looks import stage

_Run = Callable[[Job], Awaitable[None]]


async def run_experiment(plan: Plan, store: ExperimentStore, execution: Execution) -> None:
    """Carry out all runs that are not finished, several at a time, except those that other processes work on.

    Where the experiment declares looks these are the runs up to one of them (:func:`rbsuite.store.looks.stage`).

    A run is taken when its turn comes. What was left to another process is looked at again at the end, since that may have died; so this
    returns when every run is finished or under way elsewhere.

    Args:
        plan: what is run.
        store: where it is kept.
        execution: how fast.

    Raises:
        UsageError: there is no such executor or look.
        ConfinedError: its tasks are private, and a model is not on this machine.
        LimitReached: the experiment has spent what it may.
        RbsuiteError: the first failure of a run; the others are stopped at once, and what they committed stays.
    """
    if plan.confined:
        check_confined(plan.config, plan.plugins, execution)
        store.directory.chmod(0o700)
    with unheard(plan.confined and not execution.reveal):
        await _run_experiment(plan, store, execution)


async def _run_experiment(plan: Plan, store: ExperimentStore, execution: Execution) -> None:
    observers = Observers(plan.plugins)
    sink = StoreSink(store, observers, hides=plan.confined and not execution.reveal)
    processes = process_count(execution.executor)
    runs = stage(store, execution.to_look).runs
    by_hand = [part.spec.name for part in plan.parts if plan.plugins.owner(part.spec) == BY_HAND] if processes else []
    if by_hand:
        raise UsageError(
            f"--executor {execution.executor}: {by_hand[0]!r} comes from a plugin that other processes cannot find.",
            "Install the plugin, or use local.",
        )
    spending = Spending(store, limits_of(execution), processes)
    try:
        if processes:
            await _in_processes(plan, store, runs, execution, sink, processes, spending)
        else:
            environment = plan.environment, plan.tasks
            meter = spending.meter()
            async with Worker(plan.config, plan.recipe, plan.plugins, sink, execution, meter, environment) as worker:
                alone = one_at_a_time(plan.spec, plan.config)
                await _all_runs(store, runs, worker.run, 1 if alone else execution.concurrency)
    except BaseExceptionGroup as failures:
        first = first_failure(failures)
        raise first from first.__cause__
    finally:
        try:
            spending.keep()
        finally:
            await plan.aclose()
            await asyncio.get_running_loop().run_in_executor(None, observers.close)


def job_of(store: ExperimentStore, run: RunInfo) -> Job:
    """A run as far as its store has it."""
    return Job(run, store.seed_ops(run.id), store.committed(run.id), tuple(store.ops(run.id)))


def process_count(executor: str) -> int:
    """The number of processes that ``--executor`` names; 0: this one.

    Raises:
        UsageError: there is no such executor.
    """
    if executor == "local":
        return 0
    kind, _, number = executor.partition(":")
    if kind == "processes" and number.isdecimal() and 0 < int(number) <= 1000:
        return int(number)
    raise UsageError(f"--executor {executor!r} is not an executor.", "Use local, or processes:N.")


async def _all_runs(store: ExperimentStore, runs: Sequence[RunInfo], carry_out: _Run, at_once: int) -> None:
    """Carry out every one of the runs that is to be had, until none is."""
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


async def _in_processes(
    plan: Plan,
    store: ExperimentStore,
    runs: Sequence[RunInfo],
    execution: Execution,
    sink: Sink,
    processes: int,
    spending: Spending,
) -> None:
    calls = max(1, execution.concurrency // processes)
    hides = plan.confined and not execution.reveal
    share = replace(execution, concurrency=calls, start=execution.start and max(1, execution.start // processes))
    idle = [
        _RunProcess(plan.config, plan.recipe, share, sink.watched, spending, 2 + number, hides)
        for number in range(processes)
    ]
    everyone = list(idle)

    async def carry_out(job: Job) -> None:
        process = idle.pop()
        try:
            await process.carry_out(job, sink)
        finally:
            idle.append(process)

    try:
        await _all_runs(store, runs, carry_out, processes)
    finally:
        await asyncio.gather(*(process.aclose() for process in everyone))


class _RunProcess:
    """A process that carries out one run after the other.

    Args:
        config, recipe, execution: see :class:`rbsuite.run.worker.Worker`.
        watched: whether the events of single steps and calls are wanted.
        spending: what is spent.
        row: the process's row in its counts.
        hides: whether its log leaves out what was said.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        recipe: Recipe,
        execution: Execution,
        watched: bool,
        spending: Spending,
        row: int,
        hides: bool,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        arguments = (theirs, config, recipe, execution, watched, spending.counts, row, spending.until, hides)
        self._spending = spending
        self._child = context.Process(target=_work, args=arguments, daemon=False)
        self._theirs = theirs
        self._thread = CallThread("a process of runs")

    async def carry_out(self, job: Job, sink: Sink) -> None:
        """Have a run carried out, and keep what comes back."""
        await self._thread.call(self._carry_out, job, sink)

    def _carry_out(self, job: Job, sink: Sink) -> None:
        if self._child.pid is None:
            self._child.start()
            self._theirs.close()
        try:
            self._pipe.send(job)
            while True:
                while not self._pipe.poll(INTERVAL):
                    self._spending.keep_now_and_then()
                self._spending.keep_now_and_then()
                kind, value = self._pipe.recv()
                if kind == "done":
                    return
                if kind == "error":
                    raise value
                getattr(sink, kind)(*value)
        except (EOFError, OSError):
            self._child.join(1.0)
            raise PluginError(
                f"the process of run {job.run.id!r} ended (exit code {self._child.exitcode}).",
                "Run the same command again; what was committed is kept.",
            ) from None

    async def aclose(self) -> None:
        """End the process, whatever it is doing."""
        if self._child.pid is not None and self._child.is_alive():
            self._child.terminate()
        await self._thread.end(self._end)

    def _end(self) -> None:
        if self._child.pid is not None:
            self._child.join(5.0)
            if self._child.is_alive():
                self._child.kill()
                self._child.join()
        else:
            self._theirs.close()
        self._pipe.close()


class _PipeSink:
    """Sends what runs come to back to the process that keeps it."""

    def __init__(self, pipe: Connection, watched: bool) -> None:
        self._pipe = pipe
        self._told: set[tuple[str, str]] = set()
        self.watched = watched

    def commit(self, run: RunInfo, record: TaskRecord, templates: Mapping[tuple[str, str], str]) -> None:
        new = {key: sha for key, sha in templates.items() if key not in self._told}
        self._told.update(new)
        self._pipe.send(("commit", (run, record, new)))

    def finish(self, run: RunInfo) -> None:
        self._pipe.send(("finish", (run,)))

    def emit(self, event: Event) -> None:
        self._pipe.send(("emit", (event,)))


def _work(
    pipe: Connection,
    config: ExperimentConfig,
    recipe: Recipe,
    execution: Execution,
    watched: bool,
    counts: Counts,
    row: int,
    until: float | None,
    hides: bool,
) -> None:
    """Carry out the jobs that come through the pipe, until it is closed. The parent decides about interrupts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError, OSError), unheard(hides):
        meter = Meter(limits_of(execution), counts, row, until=until)
        asyncio.run(_work_on(pipe, config, recipe, execution, load_plugins(), watched, meter))


async def _work_on(
    pipe: Connection,
    config: ExperimentConfig,
    recipe: Recipe,
    execution: Execution,
    plugins: Plugins,
    watched: bool,
    meter: Meter,
) -> None:
    loop = asyncio.get_running_loop()
    async with Worker(config, recipe, plugins, _PipeSink(pipe, watched), execution, meter) as worker:
        while True:
            job = await loop.run_in_executor(None, pipe.recv)
            try:
                await worker.run(job)
            except Exception as error:
                pipe.send(("error", _sendable(first_failure(error))))
            else:
                pipe.send(("done", None))


def _sendable(error: BaseException) -> Exception:
    """An error that survives the way to another process."""
    if isinstance(error, RbsuiteError):
        plain = RbsuiteError.__new__(type(error))
        RbsuiteError.__init__(plain, error.message, error.remedy)
        return plain
    return PluginError(f"{type(error).__name__}: {error}")
