"""One task of a stream: recall, roll out, judge, select, absorb. The result is a draft of the record to commit.

The order of these calls is the contract with a memory: it recalls once, from one version of the bank, before any rollout; all rollouts
of the task are given that same recall; it absorbs the whole judged group; nothing from the task itself can be recalled for it. A
:class:`TaskRun` changes nothing: it may be run before its predecessors are committed, and thrown away.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from rbsuite.agents.base import AgentStart
from rbsuite.errors import PLUGIN_REMEDY, ModelError, PluginError, in_words
from rbsuite.events import Place, RolloutDiscarded, RolloutEnded, StepTaken, TaskOpened
from rbsuite.experience import Experience, MemoryOp, Outcome, Recall
from rbsuite.jsonable import is_whole
from rbsuite.judges.base import JudgeRequest
from rbsuite.memories.base import ExternalMemory
from rbsuite.memories.external import kept
from rbsuite.models.client import Ledger
from rbsuite.record import RecallEvent, RolloutRecord
from rbsuite.run.checks import check_group, check_index, check_ops, check_verdict, tell
from rbsuite.run.parts import RunParts
from rbsuite.run.reads import DOMAIN_SCOPE, Reads, scoped
from rbsuite.run.recalls import Recalls, joined
from rbsuite.run.roles import Roles, Services, View, bind_models
from rbsuite.run.rollout import Opening, Players, Stage, held_back, open_task, play
from rbsuite.scaling.base import Choice, Group, Refine
from rbsuite.seeds import derive_seed
from rbsuite.task import Task
from rbsuite.trajectory import Trajectory
from rbsuite.transcript import render_transcript
from rbsuite.verdict import Verdict


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task that is open: what was said before the agent's first turn, and what that cost. It does not depend on memory.

    Attributes:
        retried: how many earlier attempts to open it failed.
    """

    task: Task
    position: int
    roles: Roles
    seed: int
    opening: Opening
    ledger: Ledger
    retried: int = 0


async def open_for(parts: RunParts, task: Task, position: int) -> OpenTask:
    """Open a task: bind the models to it and let the simulated user act first, if one does."""
    roles = Roles(parts, task, await bind_models(parts, task), position)
    seed, ledger = derive_seed(parts.info.seed, task.id), Ledger()
    for number in range(parts.config.retries + 1):
        opening_seed = derive_seed(seed, "opening", *_try(number))
        user = roles.user(opening_seed, ledger)
        with roles.blaming("environment", parts.spec.name):
            opening = await open_task(_stage(parts, roles, opening_seed, ledger), task, user, opening_seed)
        if opening.failure is None:
            break
    parts.sink.emit(TaskOpened(roles.place, opening.query))
    return OpenTask(task, position, roles, seed, opening, ledger, number)


@dataclass(frozen=True, slots=True)
class TaskDraft:
    """The result of a task: the rollouts, the recalls, and what memory would learn."""

    group: Group
    recalls: tuple[RecallEvent, ...]
    ops: tuple[MemoryOp, ...]


@dataclass(slots=True)
class _Absorption:
    """One absorption of a task: what it reads, spends and counts."""

    reads: Reads
    ledger: Ledger = field(default_factory=Ledger)
    counts: Counter[str] = field(default_factory=Counter)


class TaskRun:
    """Runs an open task, reading the bank as of one version. It implements :class:`rbsuite.scaling.base.TaskRollouts`.

    Args:
        parts: what the run's tasks share.
        opened: the task, open.
        told: the version that the stream gives the task to read.
        version: the version that is read now; ``told``, or an earlier one when the task runs ahead.
        learns: whether memory absorbs the task.
        judges: whether rollouts are judged; if nothing is learned, a verdict changes nothing.
    """

    def __init__(
        self, parts: RunParts, opened: OpenTask, told: int, version: int, learns: bool, *, judges: bool = True
    ) -> None:
        self._parts = parts
        self._opened = opened
        self._task = opened.task
        self._roles = opened.roles
        self._seed = opened.seed
        self._opening = opened.opening
        self._told = told
        self._version = version
        self._learns = learns
        self._judges = judges
        query = None if opened.opening.failure is not None else opened.opening.query
        self._recalls = Recalls(parts, opened.roles, opened.task, query, opened.seed, told, self._reads(version))
        self._absorption = _Absorption(self._reads(version))
        self._rolling: list[Ledger] = []
        self._made: list[RolloutRecord] = []
        self._unanswered: set[int] = set()

    @property
    def version(self) -> int:
        """The version that recalls read."""
        return self._version

    @property
    def has_read(self) -> bool:
        """Whether anything was read from the bank, so that a change to it could show."""
        return self._recalls.reads.any or self._absorption.reads.any

    @property
    def ledgers(self) -> Sequence[Ledger]:
        """Everything spent so far."""
        return (*self.shared, *self._rolling)

    @property
    def shared(self) -> Sequence[Ledger]:
        """What was spent on the task as a whole, besides the rollouts."""
        return (self._recalls.ledger, self._absorption.ledger)

    @property
    def absorbing(self) -> Ledger:
        """What the last absorption has spent."""
        return self._absorption.ledger

    @property
    def rollouts_begun(self) -> int:
        """Rollouts begun so far."""
        return len(self._rolling)

    @property
    def counts(self) -> Counter[str]:
        """Events counted for the report."""
        return self._recalls.counts + self._absorption.counts

    @property
    def refine(self) -> Refine:
        """See :class:`rbsuite.scaling.base.TaskRollouts`."""
        return self._parts.spec.refine

    async def run(self) -> TaskDraft:
        """Run the task."""
        await self._recalls.before_rollouts()
        with self._roles.blaming("scaling", self._parts.info.condition.scaling):
            averages = self._parts.selector_spec.averages
            group = check_group(await self._parts.scaling.run(self), averages=averages, made=self._made)
        return TaskDraft(group, self._recalls.events, await self._absorb(group))

    async def rollout(
        self, index: int, *, earlier: Sequence[RolloutRecord] = (), checks: int = 0, judged: bool = True
    ) -> RolloutRecord:
        """See :class:`rbsuite.scaling.base.TaskRollouts`. One that broke is retried as often as the configuration says."""
        if not is_whole(index) or index < 0:
            raise PluginError(
                f"rollout must be given the index of a rollout, from 0, not {in_words(index)}.", PLUGIN_REMEDY
            )
        run = self._roles.place
        place = Place(run.run, run.position, run.task_id, index)
        given = await self._recalls.before_rollout(index, earlier)
        # Opening has retries of its own; a task that could not be opened is not retried here.
        last = 0 if self._opening.failure is not None else self._parts.config.retries
        spent, seconds = Ledger(), 0.0
        for number in range(last + 1):
            record = await self._play(place, number, given, checks, judged and self._judges)
            spent.take(record.usage)
            seconds += record.seconds
            if not record.trajectory.broken or number == last:
                break
            self._parts.sink.emit(RolloutDiscarded(place, 1))
            self._recalls.counts["retried_rollouts"] += 1
            self._recalls.forget_turns(index)
        self._parts.sink.emit(RolloutEnded(place, record.trajectory, record.verdict))
        notes = (*(render_transcript(other.trajectory) for other in earlier), *held_back(record.trajectory.steps))
        self._made.append(RolloutRecord(record.trajectory, record.verdict, spent.snapshot(), notes, seconds))
        return self._made[-1]

    async def select(self, rollouts: Sequence[RolloutRecord]) -> int:
        """See :class:`rbsuite.scaling.base.TaskRollouts`."""
        if len(rollouts) == 1:
            return 0
        scores = tuple(rollout.trajectory.score for rollout in rollouts)
        choice = Choice(
            self._opening.query,
            tuple(rollout.trajectory.shown() for rollout in rollouts),
            scores if self._parts.selector_spec.ground_truth else (),
        )
        seed = derive_seed(self._seed, "select")
        services = Services(self._roles, "select", seed, self._recalls.ledger, self._recalls.counts)
        with self._roles.blaming("selector", self._parts.selector_spec.name):
            chosen = await self._parts.selector.select(choice, services)
            return check_index(chosen, len(rollouts), averages=self._parts.selector_spec.averages)

    @property
    def recalling(self) -> Reads:
        """What its recalls have read."""
        return self._recalls.reads

    async def recalled_the_same(self, version: int) -> bool:
        """Whether all recalls so far would have seen the same in another version."""
        return await self._recalls.reads.hold(version)

    async def absorbed_the_same(self, version: int) -> bool:
        """Whether absorption would have seen the same in another version."""
        return await self._absorption.reads.hold(version)

    async def absorb_again(self, group: Group, version: int) -> tuple[MemoryOp, ...]:
        """Absorb the results of the rollouts again, from another version."""
        self._absorption = _Absorption(self._reads(version))
        return await self._absorb(group)

    def unanswered(self, group: Group) -> str:
        """Why a rollout broke whose last try got no model call answered, which is the sign of an outage; empty if there is none."""
        ends = (rollout.trajectory for rollout in group.rollouts if rollout.trajectory.rollout in self._unanswered)
        return next((one.error for one in ends if one.end == "model_error"), "")

    async def _play(
        self, place: Place, number: int, given: tuple[Recall, str], checks: int, judged: bool
    ) -> RolloutRecord:
        """One try of a rollout; ``given`` is what it has before its first turn."""
        started = time.perf_counter()
        parts, roles, index = self._parts, self._roles, place.rollout
        seed = derive_seed(self._seed, "rollout", index, *_try(number))
        ledger = Ledger(budget=parts.rollout_budget())
        self._rolling.append(ledger)
        agent, user, render = parts.agent.make(), self._opening.user, parts.prompts.render
        players = Players(
            agent,
            user.fork(Services(roles, "user", seed, ledger)) if user is not None else None,
            self._recalls.during(index, agent, given),
            [render("scaling/check_again.j2" if number else "scaling/check_first.j2") for number in range(checks)],
            (lambda step, taken: parts.sink.emit(StepTaken(place, step, taken))) if parts.sink.watched else None,
        )
        stage = _stage(parts, roles, seed, ledger)
        with roles.blaming("agent", parts.info.condition.agent):
            start = AgentStart(Services(roles, "agent", seed, ledger), joined(given[0].text, given[1]), seed)
            tell("start", agent.start, start)
            trajectory = await play(stage, self._task, self._opening, players, rollout=index, seed=seed)
        self._unanswered.discard(index)
        # If the task could not be opened, what counts is whether the calls made to open it were answered.
        asked = ledger if self._opening.failure is None else self._opened.ledger
        if not any(usage.calls for usage in asked.usage.values()):
            self._unanswered.add(index)
        verdict = await self._judge(trajectory, seed, ledger) if judged and not trajectory.broken else None
        return RolloutRecord(trajectory, verdict, ledger.snapshot(), (), time.perf_counter() - started)

    async def _judge(self, trajectory: Trajectory, seed: int, ledger: Ledger) -> Verdict:
        grade = trajectory.grade if self._parts.judge_spec.ground_truth else None
        known = (grade.score, grade.measures) if grade is not None else (None, {})
        request = JudgeRequest(trajectory.query, trajectory.shown(), *known)
        name = self._parts.info.condition.judge
        try:
            with self._roles.blaming("judge", name):
                services = Services(self._roles, "judge", seed, ledger, self._recalls.counts)
                verdict = check_verdict(await self._parts.judge.judge(request, services))
                return verdict if verdict.source else replace(verdict, source=name)
        except ModelError as error:
            return Verdict("unknown", None, f"the judge's model failed: {error.message}", name)

    async def _absorb(self, group: Group) -> tuple[MemoryOp, ...]:
        """What memory learns from the rollouts that ended and have a verdict; nothing if there are none."""
        outcomes = tuple(
            Outcome(rollout.trajectory.shown(), rollout.verdict, rollout.notes)
            for rollout in group.rollouts
            if rollout.verdict is not None and rollout.verdict.label != "unknown"
        )
        if not outcomes or not self._learns:
            return ()
        config, task, into = self._parts.config, self._task, self._absorption
        experience = Experience(
            task.id,
            task.domain,
            self._opening.query,
            self._opened.position,
            outcomes,
            self._recalls.first,
            "joint" if config.aggregation == "joint" else "independent",
            self._parts.origin,
        )
        seed = derive_seed(self._seed, "absorb")
        view = View(self._roles, seed, into.ledger, into.counts, into.reads, self._told)
        try:
            with self._roles.blaming("memory", self._parts.info.condition.memory):
                ops = check_ops(await self._parts.memory.absorb(experience, view))
        except ModelError:
            into.counts["absorb_failed"] += 1
            ops = ()
        if self._parts.memory_spec.external:  # its state may have changed either way
            with self._roles.blaming("memory", self._parts.info.condition.memory):
                ops = (*ops, await kept(cast(ExternalMemory, self._parts.memory), experience))
        if config.scope != DOMAIN_SCOPE:
            return ops
        return tuple(replace(op, document=scoped(op.document, task.domain)) if op.document else op for op in ops)

    def _reads(self, version: int) -> Reads:
        parts = self._parts
        apart = parts.config.twins == "exclude"
        return Reads(parts.bank, version, self._task, parts.twins, parts.config.scope, apart, parts.without)


def _stage(parts: RunParts, roles: Roles, seed: int, ledger: Ledger) -> Stage:
    """Where an episode takes place; its grader's model is metered like any other."""
    services = Services(roles, "grade", seed, ledger)
    return Stage(parts.spec, parts.opener, services, parts.max_steps, parts.config.rollout_max_time, parts.openings)


def _try(number: int) -> tuple[str | int, ...]:
    """What else a seed is derived from, for any try but the first."""
    return ("try", number) if number else ()
