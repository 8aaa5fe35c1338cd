"""One task of a stream: recall, roll out, judge, select, absorb. What comes out is a draft of the record to commit.

The order of these calls is the contract with a memory: it recalls once, from one version of the bank, before any rollout; all rollouts
of the task are given that same recall; it absorbs the whole judged group; nothing of the task itself can be recalled for it. A
:class:`TaskRun` changes nothing: it may be made before its predecessors are committed, and thrown away.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rbsuite.agents.base import AgentStart
from rbsuite.errors import ModelError
from rbsuite.events import RolloutDiscarded, RolloutEnded, StepTaken, TaskOpened
from rbsuite.experience import Experience, MemoryOp, Outcome, Phase, Recall, RecallRequest
from rbsuite.judges.base import JudgeRequest
from rbsuite.models.client import Ledger
from rbsuite.record import RecallEvent, RolloutRecord
from rbsuite.run.checks import check_group, check_index, check_ops, check_recall, check_verdict
from rbsuite.run.parts import RunParts
from rbsuite.run.reads import DOMAIN_SCOPE, Reads, scoped
from rbsuite.run.roles import Roles, bind_models
from rbsuite.run.rollout import Opening, Players, held_back, open_task, play
from rbsuite.scaling.base import Choice, Group, Refine
from rbsuite.seeds import derive_seed
from rbsuite.task import Task
from rbsuite.trajectory import Step, Trajectory, Usage
from rbsuite.transcript import fence, render_steps, render_transcript, rules_of
from rbsuite.verdict import Verdict

SHARED = -1
"""The rollout index of what all rollouts of a task share."""


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task that is open: what was said before the agent's first turn, and what that cost. It does not depend on memory.

    Attributes:
        retried: how many tries to open it had failed before.
    """

    task: Task
    position: int
    roles: Roles
    seed: int
    opening: Opening
    ledger: Ledger
    retried: int = 0


async def open_for(parts: RunParts, task: Task, position: int) -> OpenTask:
    """Open a task: bind the models to it and let the simulated user act first, where one does."""
    roles = Roles(parts, task, await bind_models(parts, task), position)
    seed, ledger = derive_seed(parts.info.seed, task.id), Ledger()
    for retried in range(parts.config.retries + 1):
        opening_seed = derive_seed(seed, "opening", *_try(retried))
        user = roles.user(opening_seed, ledger)
        with roles.blaming("environment", parts.spec.name):
            opening = await open_task(roles.stage(opening_seed, ledger), task, user, opening_seed)
        if opening.failure is None:
            break
    parts.emit(TaskOpened(roles.place, opening.query))
    return OpenTask(task, position, roles, seed, opening, ledger, retried)


@dataclass(frozen=True, slots=True)
class TaskDraft:
    """What a task came to: the rollouts, the recalls, and what memory would learn."""

    group: Group
    recalls: tuple[RecallEvent, ...]
    ops: tuple[MemoryOp, ...]


class TaskRun:
    """Runs an open task, reading the bank as of one version. It fits :class:`rbsuite.scaling.base.TaskRollouts`.

    Args:
        parts: what the run's tasks share.
        opened: the task, open.
        told: the version that the stream gives the task to read.
        version: the version that is read now; ``told``, or an earlier one when the task runs ahead.
        learns: whether memory absorbs the task.
    """

    def __init__(self, parts: RunParts, opened: OpenTask, told: int, version: int, learns: bool) -> None:
        self._parts = parts
        self._opened = opened
        self._task = opened.task
        self._roles = opened.roles
        self._seed = opened.seed
        self._opening = opened.opening
        self._told = told
        self._version = version
        self._learns = learns
        self._recall_reads = self._reads(version)
        self._absorb_reads = self._reads(version)
        self._recall = Recall()
        self._recalls: list[RecallEvent] = []
        self._shared, self._absorbing = Ledger(), Ledger()
        self._rolling: list[Ledger] = []
        self._unanswered: set[int] = set()
        self._counts: Counter[str] = Counter()
        self._absorb_counts: Counter[str] = Counter()

    @property
    def version(self) -> int:
        """The version that recalls read."""
        return self._version

    @property
    def has_read(self) -> bool:
        """Whether anything of the bank was read, so that a change of it could show."""
        return self._recall_reads.any or self._absorb_reads.any

    @property
    def ledgers(self) -> Sequence[Ledger]:
        """Everything spent so far."""
        return (self._shared, self._absorbing, *self._rolling)

    @property
    def shared(self) -> Sequence[Ledger]:
        """What was spent on the task as a whole, beside the rollouts."""
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
        """See :class:`rbsuite.scaling.base.TaskRollouts`."""
        return self._parts.spec.refine

    async def run(self) -> TaskDraft:
        """Run the task."""
        request = RecallRequest(self._task.id, self._task.domain, self._opening.query)
        self._recall = await self._ask("task", SHARED, request)
        with self._roles.blaming("scaling", self._parts.info.condition.scaling):
            averages = self._parts.selector_spec.averages
            group = check_group(await self._parts.scaling.run(self), averages=averages)
        # By rollout and step: rollouts run side by side, so the order in which they asked means nothing.
        recalls = tuple(sorted(self._recalls, key=lambda event: (event.rollout, event.step)))
        return TaskDraft(group, recalls, await self.absorb(group))

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
        config = self._parts.config
        experience = Experience(
            self._task.id,
            self._task.domain,
            self._opening.query,
            self._opened.position,
            outcomes,
            self._recall,
            "joint" if config.aggregation == "joint" else "independent",
            self._parts.origin,
        )
        seed = derive_seed(self._seed, "absorb")
        view = self._roles.view(self._absorb_reads, self._told, seed, self._absorbing, self._absorb_counts)
        name = self._parts.info.condition.memory
        try:
            with self._roles.blaming("memory", name):
                ops = check_ops(await self._parts.memory.absorb(experience, view))
        except ModelError:
            self._absorb_counts["absorb_failed"] += 1
            return ()
        if config.scope != DOMAIN_SCOPE:
            return ops
        return tuple(replace(op, document=scoped(op.document, self._task.domain)) if op.document else op for op in ops)

    def unanswered(self, group: Group) -> str:
        """Why a rollout broke of whose last try no model call was answered, which is the sign of an outage; empty if there is none."""
        ends = (rollout.trajectory for rollout in group.rollouts if rollout.trajectory.rollout in self._unanswered)
        return next((one.error for one in ends if one.end == "model_error"), "")

    async def rollout(
        self, index: int, *, earlier: Sequence[RolloutRecord] = (), checks: int = 0, judged: bool = True
    ) -> RolloutRecord:
        """See :class:`rbsuite.scaling.base.TaskRollouts`. One that broke is tried again, as often as the configuration says."""
        given = await self._recall_for(index, earlier)
        record = await self._play(index, 0, given, earlier, checks, judged)
        if self._opening.failure is not None:
            return record  # it was tried again when the task was opened
        for number in range(1, self._parts.config.retries + 1):
            if not record.trajectory.broken:
                break
            self._parts.emit(RolloutDiscarded(replace(self._roles.place, rollout=index), 1))
            self._counts["retried_rollouts"] += 1
            self._recalls = [event for event in self._recalls if event.rollout != index or event.phase != "step"]
            again = await self._play(index, number, given, earlier, checks, judged)
            usage = dict(record.usage)
            for purpose, cost in again.usage.items():
                usage[purpose] = usage.get(purpose, Usage()) + cost
            record = replace(again, usage=dict(sorted(usage.items())), seconds=record.seconds + again.seconds)
        return record

    async def _play(
        self,
        index: int,
        number: int,
        given: tuple[Recall, str],
        earlier: Sequence[RolloutRecord],
        checks: int,
        judged: bool,
    ) -> RolloutRecord:
        """One try of a rollout; ``given`` is what it has before its first turn."""
        started = time.perf_counter()
        parts, roles = self._parts, self._roles
        seed = derive_seed(self._seed, "rollout", index, *_try(number))
        ledger = Ledger()
        self._rolling.append(ledger)
        agent_name = parts.info.condition.agent

        recall, extra = given
        text = _joined(recall.text, extra)
        agent = parts.agent.make()
        with roles.blaming("agent", agent_name):
            agent.start(AgentStart(roles.services("agent", seed, ledger), text, seed))

        async def recall_again(steps: Sequence[Step]) -> None:
            """Before a turn, where the memory's spec says so; if that gives another text the agent is handed it."""
            nonlocal recall, text
            turn = sum(step.actor == "agent" for step in steps)
            request = RecallRequest(self._task.id, self._task.domain, self._opening.query, "step")
            request = replace(request, step=turn, history=render_steps(steps), previous=recall)
            recall = await self._ask("step", index, request)
            if _joined(recall.text, extra) != text:
                text = _joined(recall.text, extra)
                agent.remember(text)

        async def recall_once(steps: Sequence[Step]) -> None:
            """What was recalled before the first turn stands."""

        def watch(number: int, step: Step) -> None:
            parts.emit(StepTaken(place, number, step))

        place = replace(roles.place, rollout=index)
        user = self._opening.user
        check = parts.prompts.render
        players = Players(
            agent,
            user.fork(roles.services("user", seed, ledger)) if user is not None else None,
            recall_again if "step" in parts.memory_spec.phases else recall_once,
            [check("scaling/check_again.j2" if number else "scaling/check_first.j2") for number in range(checks)],
            watch if parts.watched else None,
        )
        with roles.blaming("agent", agent_name):
            trajectory = await play(
                roles.stage(seed, ledger), self._task, self._opening, players, rollout=index, seed=seed
            )
        self._unanswered.discard(index)
        if not ledger.total.calls:
            self._unanswered.add(index)
        verdict = await self._judge(trajectory, seed, ledger) if judged and not trajectory.broken else None
        notes = (*(render_transcript(other.trajectory) for other in earlier), *held_back(trajectory.steps))
        if not trajectory.broken or number == parts.config.retries or self._opening.failure is not None:
            parts.emit(RolloutEnded(place, trajectory, verdict))
        return RolloutRecord(trajectory, verdict, ledger.snapshot(), notes, time.perf_counter() - started)

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
        services = self._roles.counting("select", derive_seed(self._seed, "select"), self._shared, self._counts)
        with self._roles.blaming("selector", self._parts.selector_spec.name):
            chosen = await self._parts.selector.select(choice, services)
            return check_index(chosen, len(rollouts), averages=self._parts.selector_spec.averages)

    async def _recall_for(self, index: int, earlier: Sequence[RolloutRecord]) -> tuple[Recall, str]:
        """What a rollout is given before its first turn: what was recalled, and the text that follows it."""
        if not earlier:
            return self._recall, ""
        shown = [fence(render_transcript(other.trajectory), "attempt") for other in earlier]
        extra = self._parts.prompts.render("scaling/retry.j2", earlier=shown)
        if "retry" not in self._parts.memory_spec.phases:
            return self._recall, extra
        history = "\n\n".join(render_transcript(other.trajectory) for other in earlier)
        request = RecallRequest(self._task.id, self._task.domain, self._opening.query, "retry")
        rules = rules_of(earlier[-1].trajectory)
        request = replace(request, earlier=len(earlier), history=history, rules=rules, previous=self._recall)
        return await self._ask("retry", index, request), extra

    async def _ask(self, phase: Phase, rollout: int, request: RecallRequest) -> Recall:
        """Recall, and log it."""
        if self._opening.failure is not None:
            recall = Recall(reason="the task could not be opened")
        else:
            place = request.step if phase == "step" else request.earlier
            seed = derive_seed(self._seed, "recall", phase, rollout, place)
            view = self._roles.view(self._recall_reads, self._told, seed, self._shared, self._counts)
            with self._roles.blaming("memory", self._parts.info.condition.memory):
                recall = check_recall(await self._parts.memory.recall(request, view))
        if self._task.twins and any(self._is_of_twin(item.item_id) for item in recall.items):
            self._counts["recalls_of_twins"] += 1
        self._recalls.append(RecallEvent(rollout, phase, request.step, self._told, recall))
        return recall

    def _is_of_twin(self, item_id: str) -> bool:
        """Whether an item was learnt on a twin of the task, so that to recall it is to recall the answer."""
        item = self._parts.bank.get(item_id, self._version)
        return item is not None and item.provenance.task_id in self._task.twins

    async def _judge(self, trajectory: Trajectory, seed: int, ledger: Ledger) -> Verdict:
        score = trajectory.score if self._parts.judge_spec.ground_truth else None
        request = JudgeRequest(trajectory.query, trajectory.shown(), score)
        name = self._parts.info.condition.judge
        try:
            with self._roles.blaming("judge", name):
                services = self._roles.services("judge", seed, ledger)
                return check_verdict(await self._parts.judge.judge(request, services))
        except ModelError as error:
            return Verdict("unknown", None, f"the judge's model failed: {error.message}", name)

    def _reads(self, version: int) -> Reads:
        return Reads(self._parts.bank, version, self._task, self._parts.config.scope, self._parts.config.twins)


def _try(number: int) -> tuple[str | int, ...]:
    """What a seed is derived from in addition, for a try that is not the first."""
    return ("try", number) if number else ()


def _joined(*texts: str) -> str:
    return "\n\n".join(text for text in texts if text)
