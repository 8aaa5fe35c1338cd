"""One task of a stream: open, recall, roll out, judge, select, absorb. What comes out is the record to commit.

The order of these calls is the contract with a memory: it recalls once, from one version of the bank, before any rollout; all rollouts
of the task are given that same recall; it absorbs the whole judged group; nothing of the task itself can be recalled for it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rbsuite.agents.base import AgentStart
from rbsuite.environments.base import Environment
from rbsuite.environments.user import User, make_user
from rbsuite.errors import ModelError, PluginError, RbsuiteError, UsageError
from rbsuite.experience import Experience, MemoryOp, Outcome, Recall, RecallRequest
from rbsuite.jsonable import digest
from rbsuite.judges.base import Judge, JudgeRequest
from rbsuite.memories.bank import Bank
from rbsuite.memories.base import Memory
from rbsuite.models.base import ChatModel, Purpose, TaskAwareModel
from rbsuite.models.client import Gate, Ledger, ModelHandle
from rbsuite.record import RecallEvent, RolloutRecord, RunInfo, TaskRecord
from rbsuite.runner.rollout import Opening, open_task, play
from rbsuite.runner.services import Services, View
from rbsuite.runner.setup import Setup
from rbsuite.scaling.base import Group, Scaling
from rbsuite.seeds import derive_seed
from rbsuite.task import Task
from rbsuite.trajectory import Trajectory
from rbsuite.verdict import Verdict

SHARED = -1
"""The rollout index of what all rollouts of a task share."""


@dataclass(frozen=True, slots=True)
class RunParts:
    """What the tasks of one run share: the condition's memory, scaling and judge, and the bank."""

    setup: Setup
    info: RunInfo
    memory: Memory
    scaling: Scaling
    judge: Judge
    judge_sees_truth: bool
    bank: Bank
    gate: Gate


class Attempt:
    """Attempts one task at one place of a run's stream.

    Args:
        parts: what the run's tasks share.
        task: the task.
        position: its place in the stream.
        version: the version of the bank that is read.
    """

    def __init__(self, parts: RunParts, task: Task, position: int, version: int) -> None:
        self._parts = parts
        self._setup = parts.setup
        self._task = task
        self._position = position
        self._version = version
        self._seed = derive_seed(parts.info.seed, task.id)
        self._shared = Ledger()
        self._counts: Counter[str] = Counter()
        self._models = self._bind_models()

    async def run(self) -> TaskRecord:
        """Attempt the task. The record's version and hash chain are those after its operations, which it also applies to the bank."""
        opening = await self._open()
        recall = await self._recall(opening)
        group = await self._parts.scaling.run(lambda rollout: self._roll_out(rollout, opening, recall))
        ops = await self._absorb(group, opening.query, recall)
        version = self._position + 1
        with self._blaming("memory", self._parts.info.condition.memory):
            await self._parts.bank.apply(version, ops)
        return TaskRecord(
            task_id=self._task.id,
            position=self._position,
            attempt_id=digest([self._parts.info.id, self._position, self._task.id])[:32],
            read_version=self._version,
            version=version,
            rollouts=group.rollouts,
            selected=group.selected,
            recalls=(RecallEvent(SHARED, "task", 0, self._version, recall),),
            ops=ops,
            state_hash=self._parts.bank.state_hash,
            usage=self._shared.snapshot(),
            notes=dict(sorted(self._counts.items())),
        )

    async def _open(self) -> Opening:
        environment = self._setup.make_environment()
        seed = derive_seed(self._seed, "opening")
        user = self._user(environment, seed, self._shared)
        try:
            return await open_task(environment, self._task, user, seed)
        finally:
            environment.close()

    async def _recall(self, opening: Opening) -> Recall:
        if opening.failure is not None:
            return Recall(reason="the task could not be opened")
        request = RecallRequest(self._task.id, self._task.domain, opening.query)
        with self._blaming("memory", self._parts.info.condition.memory):
            return await self._parts.memory.recall(request, self._view("recall"))

    async def _roll_out(self, rollout: int, opening: Opening, recall: Recall) -> RolloutRecord:
        started = time.perf_counter()
        seed = derive_seed(self._seed, "rollout", rollout)
        ledger = Ledger()
        environment = self._setup.make_environment()
        agent = self._setup.make_agent()
        agent.start(
            AgentStart(self._services("agent", seed, ledger, self._setup.config.temperature), recall.text, seed)
        )
        user = opening.user.fork(self._services("user", seed, ledger)) if opening.user is not None else None
        try:
            with self._blaming("agent", self._parts.info.condition.agent):
                trajectory = await play(
                    environment,
                    self._task,
                    opening,
                    agent,
                    user,
                    rollout=rollout,
                    seed=seed,
                    max_steps=self._setup.max_steps,
                )
        finally:
            environment.close()
        self._setup.plugins.hook.rbsuite_rollout_finished(
            run=self._parts.info, position=self._position, trajectory=trajectory
        )
        verdict = await self._judge(trajectory, seed, ledger)
        return RolloutRecord(trajectory, verdict, ledger.snapshot(), seconds=time.perf_counter() - started)

    async def _judge(self, trajectory: Trajectory, seed: int, ledger: Ledger) -> Verdict | None:
        if trajectory.broken:
            return None
        score = trajectory.score if self._parts.judge_sees_truth else None
        request = JudgeRequest(trajectory.query, trajectory.shown(), score)
        name = self._parts.info.condition.judge
        try:
            with self._blaming("judge", name):
                return await self._parts.judge.judge(request, self._services("judge", seed, ledger))
        except ModelError as error:
            return Verdict("unknown", None, f"the judge's model failed: {error.message}", name)

    async def _absorb(self, group: Group, query: str, recall: Recall) -> tuple[MemoryOp, ...]:
        outcomes = tuple(
            Outcome(rollout.trajectory.shown(), rollout.verdict, rollout.notes)
            for rollout in group.rollouts
            if rollout.verdict is not None and rollout.verdict.label != "unknown"
        )
        if not outcomes:
            return ()
        experience = Experience(self._task.id, self._task.domain, query, self._position, outcomes, recall)
        try:
            with self._blaming("memory", self._parts.info.condition.memory):
                return tuple(await self._parts.memory.absorb(experience, self._view("absorb")))
        except ModelError:
            self._counts["absorb_failed"] += 1
            return ()

    @contextmanager
    def _blaming(self, kind: str, name: str) -> Iterator[None]:
        """Says of a plugin's error whose it is and on which task it came up."""
        where = f"{kind} {name!r} on task {self._task.id!r}"
        try:
            yield
        except PluginError as error:
            raise PluginError(f"{where}: {error.message}", error.remedy) from error
        except RbsuiteError:
            raise
        except Exception as error:
            raise PluginError(
                f"{where} failed: {type(error).__name__}: {error}.",
                "Mend the plugin and run the same command again; what was committed is kept.",
            ) from error

    def _view(self, phase: str) -> View:
        seed = derive_seed(self._seed, phase)
        handle = self._handle("memory", seed, self._shared)
        return View(self._parts.bank, self._version, self._task.id, self._counts, self._setup.prompts, handle, seed)

    def _services(self, purpose: Purpose, seed: int, ledger: Ledger, temperature: float | None = None) -> Services:
        return Services(self._setup.prompts, self._handle(purpose, seed, ledger, temperature), seed)

    def _handle(self, purpose: Purpose, seed: int, ledger: Ledger, temperature: float | None = None) -> ModelHandle:
        return ModelHandle(self._models[purpose], purpose, seed, self._parts.gate, ledger, temperature)

    def _user(self, environment: Environment, seed: int, ledger: Ledger) -> User | None:
        strategy = self._setup.config.user
        if not strategy:
            return None
        script = environment.script(self._task) if strategy == "scripted" else ()
        return make_user(strategy, self._services("user", seed, ledger), script)

    def _bind_models(self) -> dict[Purpose, ChatModel]:
        """The models as bound to the task: simulated ones get its reference solution, which nothing else here touches."""
        models = dict(self._setup.models)
        if not any(isinstance(model, TaskAwareModel) for model in models.values()):
            return models
        environment = self._setup.make_environment()
        solution, skills = environment.solution(self._task), environment.skills()
        environment.close()
        if solution is None:
            raise UsageError(
                f"task {self._task.id!r} has no reference solution, so a simulated model cannot act on it.",
                "Choose a real model with --model.",
            )
        bound = {
            id(model): model.for_task(self._task.id, solution, skills)
            for model in models.values()
            if isinstance(model, TaskAwareModel)
        }
        return {purpose: bound.get(id(model), model) for purpose, model in models.items()}
