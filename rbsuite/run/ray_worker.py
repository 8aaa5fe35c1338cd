"""One run on a node of a Ray cluster: what its actor does. This module can be imported without Ray.

The actor is made without arguments and told everything in calls, since the cluster keeps the arguments that an actor is made with. Keys,
and anything that may contain a password, come in a separate call, which goes from process to process.
"""

from __future__ import annotations

import asyncio
import os
import queue
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rbsuite.environments.base import Environment
from rbsuite.environments.hosting import Recipe
from rbsuite.errors import DataError, LimitReached, PluginError, RbsuiteError, blamed_on
from rbsuite.events import Event
from rbsuite.jsonable import plain
from rbsuite.models.limits import Limits
from rbsuite.models.meter import Counts, Meter
from rbsuite.models.shared import SharedGate, SharedMeter
from rbsuite.plugins import Plugins, load_plugins
from rbsuite.record import RunInfo, TaskRecord
from rbsuite.run.config import Execution, ExperimentConfig
from rbsuite.run.executor import sendable
from rbsuite.run.plan import choose_tasks
from rbsuite.run.private import unheard
from rbsuite.run.roles import first_failure
from rbsuite.run.spending import INTERVAL
from rbsuite.run.worker import Job, Worker
from rbsuite.specs import load_object
from rbsuite.task import TaskSet
from rbsuite.trajectory import Spent, Usage

FLUSH = 0.03
"""Seconds between two batches of messages; what a worker finishes in between is run again if it dies."""
COMPARE = "`rbsuite doctor --ray` compares all nodes."

Message = tuple[str, Any]
"""What a worker sends: the name of a method of the sink with its arguments; ``spent``; and finally ``done`` or ``error``."""


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """What every worker of an experiment is told. Nothing in here is secret.

    Attributes:
        execution: how fast.
        parts: kind, name and distribution of everything that takes part.
        tasks: the ids of tasks that the configuration names.
        content_hash, facts: of the tasks, and of the environment, on the machine that the command runs on.
        templates: the texts of templates by name, for each directory that the configuration names.
        watched: whether the events of single steps and calls are wanted.
        hides: whether logs leave out what was said.
        limited: whether the experiment has limits that workers must ask about.
        until: when its time is over, in seconds of :func:`time.time`; ``None``: never.
    """

    execution: Execution
    parts: tuple[tuple[str, str, str], ...]
    tasks: tuple[str, ...]
    content_hash: str
    facts: Mapping[str, Any]
    templates: Mapping[str, Mapping[str, str]]
    watched: bool
    hides: bool
    limited: bool
    until: float | None


class RunWorker:
    """What the actor of a run does."""

    def __init__(self) -> None:
        # An environment stays on the thread that it was made on; the actor's own must be free to send.
        self._thread = ThreadPoolExecutor(1, "run")

    def node(self) -> str:
        """The node that this is on, by its name in messages; known as soon as the actor is placed."""
        from ray.util import get_node_ip_address

        return f"{socket.gethostname()} ({get_node_ip_address()})"

    def prepare(
        self, config: ExperimentConfig, recipe: Recipe, variables: Mapping[str, str], setup: WorkerSetup
    ) -> RbsuiteError | None:
        """Get ready to carry out a run; returns the error if that fails."""
        os.environ.update(variables)
        self._config, self._recipe, self._setup = replace(config, tasks=setup.tasks), recipe, setup
        try:
            with unheard(setup.hides):
                self._thread.submit(self._prepare).result()
        except Exception as error:
            return sendable(error, f"node {self.node()}")
        return None

    def _prepare(self) -> None:
        setup = self._setup
        self._plugins = load_plugins()
        check_parts(self._plugins, setup.parts)
        self._recipe = replace(self._recipe, prompts=tuple(self._plugins.prompt_dirs))
        environment = self._recipe.environment()
        with blamed_on(self._recipe.owner):
            tasks = choose_tasks(self._recipe.tasks(environment), self._config)
            facts = plain(dict(environment.facts()))
        if tasks.content_hash != setup.content_hash or facts != setup.facts:
            raise DataError(
                f"its data of {self._recipe.owner} is not the same as on the command's own machine.",
                f"Import the same data there (rbsuite data import). {COMPARE}",
            )
        self._environment: tuple[Environment, TaskSet] = environment, tasks
        self._places: dict[str, Path] = {}
        for directory, texts in setup.templates.items():
            self._places[directory] = place = Path(tempfile.mkdtemp(prefix="rbsuite-templates-"))
            for name, text in texts.items():
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                (place / name).write_text(text, encoding="utf-8")

    def run(self, job: Job, desk: Any, name: str) -> Iterator[list[Message]]:
        """Carry out the run on its own event loop, and yield its results in batches.

        Args:
            job: the run.
            desk: the actor that keeps the experiment's limits.
            name: what this worker is called there.
        """
        outbox = Outbox(self._setup.watched)
        done = self._thread.submit(self._carry_out, job, RayWindow(desk, name), outbox)
        yield from outbox.batches()
        done.result()

    def _carry_out(self, job: Job, window: RayWindow, outbox: Outbox) -> None:
        try:
            with unheard(self._setup.hides):
                asyncio.run(self._work(job, window, outbox))
        except BaseException as error:
            failure = first_failure(error)
            outbox.put("error", sendable(failure, "" if isinstance(failure, LimitReached) else f"node {self.node()}"))
        else:
            outbox.put("done", None)

    async def _work(self, job: Job, window: RayWindow, outbox: Outbox) -> None:
        execution = self._setup.execution
        if self._setup.limited:
            meter: Meter = SharedMeter(window, outbox.counts, execution.max_time, self._setup.until)
        else:
            meter = Meter(Limits(), outbox.counts)
        gate = SharedGate(window, execution.concurrency)
        try:
            async with Worker(
                self._config,
                self._recipe,
                self._plugins,
                outbox,
                execution,
                meter,
                self._environment,
                gate=gate,
                templates=self._places,
            ) as worker:
                await worker.run(job)
        finally:
            with blamed_on(self._recipe.owner):
                await self._environment[0].aclose()


def check_parts(plugins: Plugins, parts: tuple[tuple[str, str, str], ...]) -> None:
    """Check that everything that takes part is installed here, in the same version as where the command runs.

    Args:
        plugins: what is installed here.
        parts: kind, name and distribution of each.

    Raises:
        PluginError: something is not.
    """
    for kind, name, distribution in parts:
        remedy = f"Install {distribution} there. {COMPARE}"
        try:
            spec = plugins.find(kind, name)
            load_object(spec.factory, f"{kind} {name!r}")
        except RbsuiteError as error:
            raise PluginError(f"{kind} {name!r} cannot be loaded: {error.message}", remedy) from None
        if (here := plugins.owner(spec)) != distribution:
            raise PluginError(f"{kind} {name!r} comes from {here} there, but from {distribution} here.", remedy)


class Outbox:
    """Keeps the results of a run until they are sent. It is a :class:`rbsuite.run.sink.Sink`; the run and the sender are on two threads.

    Args:
        watched: whether the events of single steps and calls are wanted.
    """

    def __init__(self, watched: bool) -> None:
        self.watched = watched
        self.counts = Counts.for_processes(0)
        self._queue: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def commit(self, run: RunInfo, record: TaskRecord, templates: Mapping[tuple[str, str], str]) -> None:
        """See :class:`rbsuite.run.sink.Sink`."""
        self.put("commit", (run, record, dict(templates)))

    def finish(self, run: RunInfo) -> None:
        """See :class:`rbsuite.run.sink.Sink`."""
        self.put("finish", (run,))

    def emit(self, event: Event) -> None:
        """See :class:`rbsuite.run.sink.Sink`."""
        self.put("emit", (event,))

    def put(self, kind: str, value: Any) -> None:
        """Add a message; after ``done`` or ``error`` no more are sent."""
        self._queue.put((kind, value))

    def batches(self) -> Iterator[list[Message]]:
        """The messages to send, as they come, with what was spent whenever that has changed."""
        told, sent = Spent(), 0.0
        while True:
            batch: list[Message] = []
            try:
                batch.append(self._queue.get(timeout=INTERVAL))
                time.sleep(max(0.0, sent + FLUSH - time.monotonic()))
                while True:
                    batch.append(self._queue.get_nowait())
            except queue.Empty:
                pass
            if (spent := self.counts.row(1)) != told:
                batch.insert(0, ("spent", spent))
                told = spent
            if batch:
                yield batch
                sent = time.monotonic()
                if batch[-1][0] in ("done", "error"):
                    return


class RayWindow:
    """The desk as a worker reaches it over Ray, see :class:`rbsuite.models.shared.DeskWindow`.

    Args:
        desk: the actor.
        worker: what this worker is called there.
    """

    def __init__(self, desk: Any, worker: str) -> None:
        self._desk = desk
        self._worker = worker

    async def enter(self, model: str, head: int, position: int) -> tuple[int, bool]:
        """See :class:`rbsuite.models.shared.DeskWindow`."""
        entered: tuple[int, bool] = await self._asked(self._desk.enter.remote(self._worker, model, head, position))
        return entered

    def leave(self, model: str) -> None:
        """See :class:`rbsuite.models.shared.DeskWindow`."""
        self._desk.leave.remote(self._worker, model)

    def told(self, model: str, epoch: int | None, answers: int = 1) -> None:
        """See :class:`rbsuite.models.shared.DeskWindow`."""
        self._desk.told.remote(self._worker, model, epoch, answers)

    async def begin(self) -> RbsuiteError | None:
        """See :class:`rbsuite.models.shared.DeskWindow`."""
        refusal: RbsuiteError | None = await self._asked(self._desk.begin.remote(self._worker))
        return refusal

    def count(self, model: str, tokens: int, cost: float | None, answered: bool) -> None:
        """See :class:`rbsuite.models.shared.DeskWindow`."""
        self._desk.count.remote(self._worker, model, tokens, cost, answered)

    def elsewhere(self, usage: Usage) -> None:
        """See :class:`rbsuite.models.shared.DeskWindow`."""
        self._desk.elsewhere.remote(self._worker, usage)

    async def _asked(self, reply: Any) -> Any:
        from ray.exceptions import RayError

        try:
            return await reply
        except RayError:
            raise PluginError(
                "the actor that keeps the experiment's limits has ended.",
                "Run the same command again; what was committed is kept.",
            ) from None
