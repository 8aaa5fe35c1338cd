"""One attempt at one task of a stream: recall, roll out, judge, select, absorb. What comes out is a draft of the record to commit.

The order of these calls is the contract with a memory: it recalls once, from one version of the bank, before any rollout; all rollouts
of the task are given that same recall; it absorbs the whole judged group; nothing of the task itself can be recalled for it. An attempt
changes nothing: it may be made before its predecessors are committed, and thrown away.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from rbsuite.agents.base import Agent, AgentStart
from rbsuite.errors import ModelError, PluginError
from rbsuite.experience import Experience, MemoryOp, Outcome, Phase, Recall, RecallRequest
from rbsuite.judges.base import JudgeRequest
from rbsuite.models.client import Ledger
from rbsuite.record import RecallEvent, RolloutRecord
from rbsuite.run.checks import check_group, check_index, check_ops, check_recall, check_verdict
from rbsuite.run.reads import DOMAIN_SCOPE, Reads, scoped
from rbsuite.run.roles import Roles, RunParts
from rbsuite.run.rollout import Opening, Players, held_back, open_task, play
from rbsuite.scaling.base import Choice, Group, Refine
from rbsuite.seeds import derive_seed
from rbsuite.specs import EnvironmentSpec
from rbsuite.task import Task
from rbsuite.trajectory import Step, Trajectory
from rbsuite.transcript import fence, render_steps, render_transcript
from rbsuite.verdict import Verdict

SHARED = -1
"""The rollout index of what all rollouts of a task share."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A task that is open: what was said before the agent's first turn, and what that cost. It does not depend on memory."""

    roles: Roles
    seed: int
    opening: Opening
    ledger: Ledger


async def open_for(parts: RunParts, task: Task) -> Opened:
    """Open a task: bind the models to it and let the simulated user speak first, where one does."""
    roles = Roles(parts, task)
    seed = derive_seed(parts.info.seed, task.id)
    ledger = Ledger()
    with roles.blaming("environment", parts.setup.environment.name):
        environment = parts.setup.make_environment()
    user = roles.user(environment, derive_seed(seed, "opening"), ledger)
    try:
        opening = await open_task(environment, task, user, derive_seed(seed, "opening"))
    finally:
        environment.close()
    return Opened(roles, seed, opening, ledger)


@dataclass(frozen=True, slots=True)
class Draft:
    """What an attempt came to: the rollouts, the recalls, and what memory would learn."""

    group: Group
    recalls: tuple[RecallEvent, ...]
    ops: tuple[MemoryOp, ...]


class Attempt:
    """Attempts an opened task, reading the bank as of one version. It fits :class:`rbsuite.scaling.base.TaskAttempts`.

    Args:
        parts: what the run's tasks share.
        task: the task.
        opened: the task, open.
        position: its place in the stream.
        told: the version that the stream gives the task to read.
        version: the version that is read now; ``told``, or an earlier one when the attempt runs ahead.
        learns: whether memory absorbs the task.
    """

    def __init__(
        self, parts: RunParts, task: Task, opened: Opened, position: int, told: int, version: int, learns: bool
    ) -> None:
        self._parts = parts
        self._task = task
        self._roles = opened.roles
        self._seed = opened.seed
        self._opening = opened.opening
        self._position = position
        self._told = told
        self._learns = learns
        self._recall_reads = self._reads(version)
        self._absorb_reads = self._reads(version)
        self._recall = Recall()
        self._events: list[RecallEvent] = []
        self._shared, self._absorbing = Ledger(), Ledger()
        self._rolling: list[Ledger] = []
        self._counts: Counter[str] = Counter()
        self._absorb_counts: Counter[str] = Counter()

    @property
    def ledgers(self) -> Sequence[Ledger]:
        """Everything the attempt has spent so far."""
        return (self._shared, self._absorbing, *self._rolling)

    @property
    def shared(self) -> Sequence[Ledger]:
        """What it has spent on the task as a whole, beside the rollouts."""
        return (self._shared, self._absorbing)

    @property
    def absorbing(self) -> Ledger:
        """What the last absorption has spent."""
        return self._absorbing

    @property
    def rollouts_begun(self) -> int:
        """Rollouts begun so far."""
        return len(self._rolling)

    @property
    def counts(self) -> Counter[str]:
        """Events counted for the report."""
        return self._counts + self._absorb_counts

    @property
    def refine(self) -> Refine:
        """See :class:`rbsuite.scaling.base.TaskAttempts`."""
        return self._parts.setup.environment.refine

    async def run(self) -> Draft:
        """Make the attempt."""
        self._recall = await self._ask(
            "task", SHARED, RecallRequest(self._task.id, self._task.domain, self._opening.query)
        )
        with self._roles.blaming("scaling", self._parts.info.condition.scaling):
            group = check_group(await self._parts.scaling.run(self))
        return Draft(group, self._ordered_events(), await self.absorb(group))

    async def recalled_the_same(self, version: int) -> bool:
        """Whether all recalls so far would have seen the same in another version."""
        return await self._recall_reads.hold(version)

    async def absorbed_the_same(self, version: int) -> bool:
        """Whether absorption would have seen the same in another version."""
        return await self._absorb_reads.hold(version)

    async def absorb_again(self, group: Group, version: int) -> tuple[MemoryOp, ...]:
        """Absorb once more, from another version, what the rollouts came to."""
        self._absorb_reads = self._reads(version)
        self._absorb_counts = Counter()
        self._absorbing = Ledger()
        return await self.absorb(group)

    async def absorb(self, group: Group) -> tuple[MemoryOp, ...]:
        """What memory learns from the rollouts that ended and have a verdict; nothing where there are none."""
        outcomes = tuple(
            Outcome(rollout.trajectory.shown(), rollout.verdict, rollout.notes)
            for rollout in group.rollouts
            if rollout.verdict is not None and rollout.verdict.label != "unknown"
        )
        if not outcomes or not self._learns:
            return ()
        config = self._parts.setup.config
        experience = Experience(
            self._task.id,
            self._task.domain,
            self._opening.query,
            self._position,
            outcomes,
            self._recall,
            "joint" if config.aggregation == "joint" else "independent",
            self._parts.origin,
        )
        seed = derive_seed(self._seed, "absorb")
        view = self._roles.view(self._absorb_reads, self._told, seed, self._absorbing, self._absorb_counts)
        try:
            with self._roles.blaming("memory", self._parts.info.condition.memory):
                ops = check_ops(await self._parts.memory.absorb(experience, view))
        except ModelError:
            self._absorb_counts["absorb_failed"] += 1
            return ()
        if config.scope != DOMAIN_SCOPE:
            return ops
        return tuple(replace(op, document=scoped(op.document, self._task.domain)) if op.document else op for op in ops)

    async def rollout(
        self, index: int, *, earlier: Sequence[RolloutRecord] = (), checks: int = 0, judged: bool = True
    ) -> RolloutRecord:
        """See :class:`rbsuite.scaling.base.TaskAttempts`."""
        started = time.perf_counter()
        seed = derive_seed(self._seed, "rollout", index)
        ledger = Ledger()
        self._rolling.append(ledger)
        memory = await self._rollout_memory(index, earlier)
        agent = self._parts.setup.make_agent()
        with self._roles.blaming("agent", self._parts.info.condition.agent):
            agent.start(AgentStart(self._roles.services("agent", seed, ledger), memory.text, seed))
        players = Players(
            agent,
            self._opening.user.fork(self._roles.services("user", seed, ledger)) if self._opening.user else None,
            self._parts.setup.max_steps,
            memory.before_turn(agent),
            self._checks(checks),
        )
        environment = self._parts.setup.make_environment()
        try:
            with self._roles.blaming("agent", self._parts.info.condition.agent):
                trajectory = await play(environment, self._task, self._opening, players, rollout=index, seed=seed)
        finally:
            environment.close()
        check_measures(self._parts.setup.environment, trajectory)
        verdict = await self._judge(trajectory, seed, ledger) if judged else None
        notes = (*(render_transcript(other.trajectory) for other in earlier), *held_back(trajectory.steps))
        return RolloutRecord(trajectory, verdict, ledger.snapshot(), notes, time.perf_counter() - started)

    async def select(self, rollouts: Sequence[RolloutRecord]) -> int:
        """See :class:`rbsuite.scaling.base.TaskAttempts`."""
        if len(rollouts) == 1:
            return 0
        scores = tuple(rollout.trajectory.score for rollout in rollouts)
        choice = Choice(
            self._opening.query,
            tuple(rollout.trajectory.shown() for rollout in rollouts),
            scores if self._parts.selector_spec.ground_truth else (),
        )
        seed = derive_seed(self._seed, "select")
        services = self._roles.counting("select", seed, self._shared, self._counts)
        with self._roles.blaming("selector", self._parts.selector_spec.name):
            return check_index(await self._parts.selector.select(choice, services), len(rollouts))

    async def _rollout_memory(self, index: int, earlier: Sequence[RolloutRecord]) -> RolloutMemory:
        recall, extra = self._recall, ""
        if earlier:
            attempts = [fence(render_transcript(other.trajectory), "attempt") for other in earlier]
            extra = self._parts.setup.prompts.render("scaling/retry.j2", attempts=attempts)
            if "attempt" in self._parts.memory_spec.phases:
                history = "\n\n".join(render_transcript(other.trajectory) for other in earlier)
                request = RecallRequest(self._task.id, self._task.domain, self._opening.query, "attempt")
                request = replace(request, attempt=len(earlier), history=history, previous=recall)
                recall = await self._ask("attempt", index, request)
        return RolloutMemory(self, index, recall, extra)

    async def recall_at_step(self, rollout: int, step: int, steps: Sequence[Step], previous: Recall) -> Recall:
        """Ask the memory again before a turn of the agent, where its spec says so."""
        if "step" not in self._parts.memory_spec.phases:
            return previous
        request = RecallRequest(self._task.id, self._task.domain, self._opening.query, "step")
        request = replace(request, step=step, history=render_steps(steps), previous=previous)
        return await self._ask("step", rollout, request)

    async def _ask(self, phase: Phase, rollout: int, request: RecallRequest) -> Recall:
        """Recall, and log it."""
        if self._opening.failure is not None:
            recall = Recall(reason="the task could not be opened")
        else:
            step = request.step if phase == "step" else request.attempt
            seed = derive_seed(self._seed, "recall", phase, rollout, step)
            view = self._roles.view(self._recall_reads, self._told, seed, self._shared, self._counts)
            with self._roles.blaming("memory", self._parts.info.condition.memory):
                recall = check_recall(await self._parts.memory.recall(request, view))
        self._events.append(RecallEvent(rollout, phase, request.step, self._told, recall))
        return recall

    async def _judge(self, trajectory: Trajectory, seed: int, ledger: Ledger) -> Verdict | None:
        if trajectory.broken:
            return None
        score = trajectory.score if self._parts.judge_spec.ground_truth else None
        request = JudgeRequest(trajectory.query, trajectory.shown(), score)
        name = self._parts.info.condition.judge
        try:
            with self._roles.blaming("judge", name):
                return check_verdict(
                    await self._parts.judge.judge(request, self._roles.services("judge", seed, ledger))
                )
        except ModelError as error:
            return Verdict("unknown", None, f"the judge's model failed: {error.message}", name)

    def _checks(self, count: int) -> Sequence[str]:
        render = self._parts.setup.prompts.render
        return [render("scaling/check_again.j2" if number else "scaling/check_first.j2") for number in range(count)]

    def _ordered_events(self) -> tuple[RecallEvent, ...]:
        """The recalls by rollout and step: rollouts run side by side, so the order they were asked in means nothing."""
        return tuple(sorted(self._events, key=lambda event: (event.rollout, event.step)))

    def _reads(self, version: int) -> Reads:
        return Reads(self._parts.bank, version, self._task, self._parts.setup.config.scope)


def check_measures(spec: EnvironmentSpec, trajectory: Trajectory) -> None:
    """See that an environment keeps the figures that it declares, before anything is made of them.

    Raises:
        PluginError: a figure is missing, or is no number in [0, 1].
    """
    for measure in spec.measures if trajectory.truth else ():
        value = trajectory.truth.get(measure.name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise PluginError(
                f"environment {spec.name!r} on task {trajectory.task_id!r}: its measure {measure.name!r} is {value!r}.",
                "Give a number from 0 to 1 in the truth of every step.",
            )


class RolloutMemory:
    """What stands in the place of memory in one rollout's prompt, and how it changes.

    Args:
        attempt: asked for recalls at steps.
        rollout: index of the rollout.
        recall: what was recalled before its first turn.
        extra: text that follows what is recalled.
    """

    def __init__(self, attempt: Attempt, rollout: int, recall: Recall, extra: str) -> None:
        self._attempt = attempt
        self._rollout = rollout
        self._recall = recall
        self._extra = extra

    @property
    def text(self) -> str:
        """The text."""
        return "\n\n".join(part for part in (self._recall.text, self._extra) if part)

    def before_turn(self, agent: Agent) -> Callable[[Sequence[Step]], Awaitable[None]]:
        """What is done before each turn of an agent: recall again, and if that gives another text let the agent have it."""

        async def recall_again(steps: Sequence[Step]) -> None:
            turn = sum(step.actor == "agent" for step in steps)
            before = self.text
            self._recall = await self._attempt.recall_at_step(self._rollout, turn, steps, self._recall)
            if self.text != before:
                agent.remember(self.text)

        return recall_again
