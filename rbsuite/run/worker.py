"""What carries out runs in one process: the parts that they share, and one run from its job to its end.

A :class:`Job` is plain data, so that a run can be carried out anywhere; its records and events go to a
:class:`rbsuite.run.sink.Sink`, which keeps them.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rbsuite.environments.base import Environment, is_task_aware
from rbsuite.environments.hosting import Host, Recipe
from rbsuite.errors import StoreError, blamed_on
from rbsuite.events import RunStarted
from rbsuite.experience import MemoryOp
from rbsuite.jsonable import digest
from rbsuite.memories.bank import Bank
from rbsuite.memories.base import ExternalMemory
from rbsuite.memories.external import DOCUMENT, is_lost, snapshot_in
from rbsuite.models.base import ChatModel
from rbsuite.models.cache import CachedModel, ReplyCache
from rbsuite.models.factory import make_model
from rbsuite.models.gate import Gate, Pace
from rbsuite.models.meter import Meter, within_time
from rbsuite.models.per_purpose import call_seconds, reply_tokens
from rbsuite.oplog import GENESIS, origin
from rbsuite.plugins import Plugins
from rbsuite.prompts import Prompts
from rbsuite.record import RunInfo
from rbsuite.retrieval.base import MeteredEmbedder
from rbsuite.run.checks import check_model_name
from rbsuite.run.config import Execution, ExperimentConfig, model_references, unmasked
from rbsuite.run.names import Part, look_up
from rbsuite.run.openings import Openings
from rbsuite.run.parts import RunParts
from rbsuite.run.reads import RunTwins
from rbsuite.run.sink import Sink
from rbsuite.run.stream import Stream
from rbsuite.run.window import make_window
from rbsuite.specs import EnvironmentSpec, JudgeSpec, MemorySpec, SelectorSpec
from rbsuite.task import TaskSet

if TYPE_CHECKING:
    from rbsuite.retrieval.base import Embedder


@dataclass(frozen=True, slots=True)
class Job:
    """One run, as far as it has come.

    Attributes:
        run: the run.
        seed_ops: what its bank started with.
        committed: number of tasks that are committed.
        ops: the operations of these, each with the version it belongs to.
    """

    run: RunInfo
    seed_ops: tuple[MemoryOp, ...] = ()
    committed: int = 0
    ops: tuple[tuple[int, MemoryOp], ...] = ()


class Worker:
    """Carries out runs of one experiment in this process. Used as an asynchronous context manager.

    Args:
        config: the experiment's configuration, every default filled in.
        recipe: how to make its environment.
        plugins: where names are looked up.
        sink: where records and events go.
        execution: how fast.
        meter: counts the model calls.
        environment: the environment and the tasks that came from it, if it already exists; its owner closes it.
        gate: what model calls pass through, if not a gate of this worker's own.
        templates: where the template directories that the configuration names are on this machine, if they are elsewhere.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        recipe: Recipe,
        plugins: Plugins,
        sink: Sink,
        execution: Execution,
        meter: Meter,
        environment: tuple[Environment, TaskSet] | None = None,
        *,
        gate: Gate | None = None,
        templates: Mapping[str, Path] | None = None,
    ) -> None:
        self._config = config
        self._recipe = recipe
        self._plugins = plugins
        self._sink = sink
        self._execution = execution
        self._given = environment
        self._gate = gate or Gate(execution.concurrency, execution.start, execution.rate)
        self._places = templates or {}
        self._meter = meter
        self._models: dict[str, ChatModel] = {}
        self._prompts: dict[str, Prompts] = {}
        self._paces: dict[str, Pace] = {}
        self._metered: list[MeteredEmbedder] = []
        self._openings = Openings()

    async def __aenter__(self) -> Worker:
        return self

    async def __aexit__(self, *error: object) -> None:
        try:
            for model in self._models.values():
                with blamed_on(f"model {model.name!r}, which was to close,"):
                    await model.aclose()
            for embedder in self._metered:
                with blamed_on(f"embedder {embedder.id!r}, which was to close,"):
                    await embedder.aclose()
            if "_cache" in self.__dict__:
                self._cache.close()
        finally:
            if "_hosted" in self.__dict__:
                environment, _, host = self._hosted
                await host.aclose()
                if self._given is None:
                    with blamed_on("an environment, which was to close,"):
                        await environment.aclose()

    @cached_property
    def _hosted(self) -> tuple[Environment, TaskSet, Host]:
        """The environment, its tasks, and what hosts its episodes."""
        if self._given is None:
            environment = self._recipe.environment()
            environment_and_tasks = environment, self._recipe.tasks(environment)
        else:
            environment_and_tasks = self._given
        host = Host(environment_and_tasks[0], self._spec.concurrency, self._recipe, self._config.rollout_max_time)
        return (*environment_and_tasks, host)

    @cached_property
    def _cache(self) -> ReplyCache:
        return ReplyCache(Path(self._execution.cache))

    @cached_property
    def _spec(self) -> EnvironmentSpec:
        return self._plugins.environment(self._config.env.partition(":")[0])

    async def run(self, job: Job) -> None:
        """Carry out a run, from its current position to its end.

        Raises:
            RbsuiteError: the run cannot continue; all earlier tasks stay committed.
        """
        info, sink = job.run, self._sink
        batch = int(self._config.stream.partition(":")[2] or 1)
        window, pauses = make_window(self._execution.speculate), self._execution.outage == "pause"
        with within_time(self._meter):
            parts = await self.parts(job)
            sink.emit(RunStarted(info, parts.bank.version))
            async with _opened(parts):
                await Stream(parts, window, batch, pauses=pauses).run()
        sink.finish(info)

    async def parts(self, job: Job) -> RunParts:
        """What the tasks of a run share, with its bank as far as it has come."""
        condition, config = unmasked(job.run.condition, self._config), self._config
        environment, tasks, host = self._hosted
        memory, judge, selector = (
            self._part(kind, name)
            for kind, name in (("memory", condition.memory), ("judge", condition.judge), ("selector", config.selector))
        )
        assert isinstance(memory.spec, MemorySpec)
        assert isinstance(judge.spec, JudgeSpec)
        assert isinstance(selector.spec, SelectorSpec)
        start = origin(job.seed_ops)
        line, embedder = self._gate.line(), self._part("embedder", condition.embedder).make()
        line.head = job.committed
        metered = embedder if isinstance(embedder, MeteredEmbedder) else None
        if metered is not None:
            pace = self._paces.setdefault(metered.id, Pace())
            self._gate.know(pace, metered.id)
            metered.through(line, pace, self._meter)
            self._metered.append(metered)
        bank = await load_bank(job, embedder, config.index)
        return RunParts(
            config=config,
            info=job.run,
            spec=self._spec,
            environment=environment,
            opener=host,
            tasks=tasks,
            prompts=self._templates(condition.prompts),
            models={purpose: self._model(name) for purpose, name in model_references(config, condition.model).items()},
            agent=self._part("agent", condition.agent),
            user=self._part("user", config.user) if config.user else None,
            memory=memory.make(),
            memory_spec=memory.spec,
            scaling=self._part("scaling", condition.scaling).make(),
            selector=selector.make(),
            selector_spec=selector.spec,
            judge=judge.make(),
            judge_spec=judge.spec,
            bank=bank,
            twins=RunTwins(tasks, bank),
            origin="" if start == GENESIS else start[:8],
            gate=line,
            metered=metered,
            meter=self._meter,
            temperature=float(condition.temperature) if condition.temperature else None,
            reply_tokens=reply_tokens(config.reply_tokens),
            call_seconds=call_seconds(self._execution.call_time),
            sink=self._sink,
            openings=self._openings,
        )

    def _part(self, kind: str, reference: str) -> Part:
        return look_up(self._plugins, kind, reference)

    def _model(self, reference: str) -> ChatModel:
        if reference not in self._models:
            model, spec = make_model(
                reference, self._plugins, waiting=self._sink.emit, transport=self._execution.transport
            )
            owner = f"model {reference if spec is None else spec.name!r}"
            with blamed_on(owner):
                check_model_name(model.name, owner)
            # Simulated models cost nothing and know their task.
            if self._execution.cache and (spec is None or not spec.simulated) and not is_task_aware(model):
                model = CachedModel(model, self._cache, reference)
            if isinstance(pace := getattr(model, "pace", None), Pace):
                self._gate.know(pace, digest(reference))  # the reference may contain a password
            self._models[reference] = model
        return self._models[reference]

    def _templates(self, directory: str) -> Prompts:
        if directory not in self._prompts:
            own = [self._places.get(directory, Path(directory))] if directory else []
            self._prompts[directory] = Prompts([*own, *self._plugins.prompt_dirs])
        return self._prompts[directory]


@asynccontextmanager
async def _opened(parts: RunParts) -> AsyncIterator[None]:
    """A run's memory, if its state is outside the bank: opened at the state of the last committed task, closed at the end.

    Raises:
        StoreError: there is no snapshot of that state.
    """
    if not parts.memory_spec.external:
        yield
        return
    memory, info = cast(ExternalMemory, parts.memory), parts.info
    state = parts.bank.document(DOCUMENT, parts.bank.version)
    if is_lost(state):
        raise StoreError(
            f"run {info.id!r} cannot continue: after its {parts.bank.version} tasks its memory kept what it had learned outside the bank, "
            "and gave no snapshot.",
            f"Start it over: rbsuite eval --from EXPERIMENT --rewind '{info.id}@0'.",
        )
    namespace = f"{info.id.rpartition('/')[2]}-{secrets.token_hex(6)}"  # not part of any result
    try:
        with blamed_on(f"memory {info.condition.memory!r}"):
            await memory.open(namespace, snapshot_in(state))
        yield
    finally:
        await memory.aclose()


async def load_bank(job: Job, embedder: Embedder, index: str) -> Bank:
    """The bank of a run as of its last committed task, folded from the operations.

    Args:
        job: the run.
        embedder: the condition's embedder.
        index: the kind of index, see :class:`rbsuite.memories.bank.Bank`.
    """
    bank = Bank(embedder, index)
    await bank.seed(job.seed_ops)
    ops: dict[int, list[MemoryOp]] = {}
    for version, op in job.ops:
        ops.setdefault(version, []).append(op)
    for version in range(1, job.committed + 1):
        await bank.apply(version, ops.get(version, []))
    return bank
