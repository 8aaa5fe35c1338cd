"""Runs in additional processes on this machine, which the command starts and ends; ``--executor processes:N``."""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection

from rbsuite.environments.hosting import CallThread, Recipe
from rbsuite.errors import PluginError
from rbsuite.events import Event
from rbsuite.models.meter import Counts, Meter
from rbsuite.plugins import Plugins, load_plugins
from rbsuite.record import RunInfo, TaskRecord
from rbsuite.run.config import Execution, ExperimentConfig
from rbsuite.run.executor import WorkSetting, sendable
from rbsuite.run.private import unheard
from rbsuite.run.roles import first_failure
from rbsuite.run.sink import Sink
from rbsuite.run.spending import INTERVAL, Spending, limits_of
from rbsuite.run.worker import Job, Worker


class ProcessExecutor:
    """Spreads runs over processes; each has an equal share of the concurrent calls, and of the calls per minute.

    Args:
        setting: what is carried out.
        processes: how many.
    """

    def __init__(self, setting: WorkSetting, processes: int) -> None:
        execution, plan, hides = setting.execution, setting.plan, setting.hides
        share = replace(
            execution,
            concurrency=max(1, execution.concurrency // processes),
            start=execution.start and max(1, execution.start // processes),
            rate=execution.rate and execution.rate / processes,
        )
        watched, spending = setting.sink.watched, setting.spending
        self.at_once = processes
        self._sink = setting.sink
        self._all = [
            _RunProcess(plan.config, plan.recipe, share, watched, spending, 2 + number, hides)
            for number in range(processes)
        ]
        self._idle = list(self._all)

    async def carry_out(self, job: Job) -> None:
        """See :class:`rbsuite.run.executor.Executor`."""
        process = self._idle.pop()
        try:
            await process.carry_out(job, self._sink)
        finally:
            self._idle.append(process)

    async def aclose(self) -> None:
        """See :class:`rbsuite.run.executor.Executor`."""
        await asyncio.gather(*(process.aclose() for process in self._all))


class _RunProcess:
    """A process that carries out one run after another.

    Args:
        config, recipe, execution: see :class:`rbsuite.run.worker.Worker`.
        watched: whether the events of single steps and calls are wanted.
        spending: what is spent.
        row: the process's row in the counts.
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
            # Not raised from here: the traceback would keep the buffer of what could not be sent. When CPython 3.12.1 collected that as
            # part of a cycle, it crashed; 3.13.0 reported an error that nobody could catch.
            self._child.join(1.0)
        raise PluginError(
            f"the process of run {job.run.id!r} ended (exit code {self._child.exitcode}).",
            "Run the same command again; what was committed is kept.",
        )

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
    """Sends the results of runs back to the process that keeps them."""

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
                pipe.send(("error", sendable(first_failure(error))))
            else:
                pipe.send(("done", None))
