"""What memory recalls for one task: once before its rollouts and, if its spec says so, before a retry or a turn. Each recall is logged.

The order of recalls is part of the contract with a memory: it recalls from one version of the bank, and nothing from the task itself, or
by default from its twins, can be recalled for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rbsuite.agents.base import Agent
from rbsuite.experience import Phase, Recall, RecallRequest
from rbsuite.fencing import fence
from rbsuite.models.client import Ledger
from rbsuite.record import RecallEvent, RolloutRecord
from rbsuite.run.checks import check_recall, tell
from rbsuite.run.parts import RunParts
from rbsuite.run.reads import Reads
from rbsuite.run.roles import Roles, View
from rbsuite.seeds import derive_seed
from rbsuite.task import Task
from rbsuite.trajectory import Step
from rbsuite.transcript import render_steps, render_transcript, rules_of

SHARED = -1
"""The rollout index of what all rollouts of a task share."""


class Recalls:
    """Asks memory for one task, and logs what it recalls.

    Args:
        parts: what the run's tasks share.
        roles: the task's roles.
        task: the task.
        query: what memory is searched with; ``None`` if the task could not be opened: then nothing is recalled.
        seed: the task's seed.
        told: the version that the stream gives the task to read.
        reads: the bank in the version that is read.
    """

    def __init__(
        self, parts: RunParts, roles: Roles, task: Task, query: str | None, seed: int, told: int, reads: Reads
    ) -> None:
        self._parts = parts
        self._roles = roles
        self._task = task
        self._query = query
        self._seed = seed
        self._told = told
        self._events: list[RecallEvent] = []
        self.reads = reads
        self.ledger = Ledger()
        self.counts: Counter[str] = Counter()
        self.first = Recall()
        """What all rollouts of the task are given."""

    @property
    def events(self) -> tuple[RecallEvent, ...]:
        """Every recall, by rollout and step: rollouts run side by side, so the order in which they asked means nothing."""
        return tuple(sorted(self._events, key=lambda event: (event.rollout, event.step)))

    async def before_rollouts(self) -> None:
        """Recall what all rollouts are given."""
        self.first = await self._ask("task", SHARED)

    async def before_rollout(self, index: int, earlier: Sequence[RolloutRecord]) -> tuple[Recall, str]:
        """What a rollout is given before its first turn: what was recalled, and the text that follows it.

        Args:
            index: the rollout.
            earlier: the rollouts that it is shown.
        """
        if not earlier:
            return self.first, ""
        shown = [render_transcript(other.trajectory) for other in earlier]
        extra = self._parts.prompts.render("scaling/retry.j2", earlier=[fence(text, "attempt") for text in shown])
        if "retry" not in self._parts.memory_spec.phases:
            return self.first, extra
        history, rules = "\n\n".join(shown), rules_of(earlier[-1].trajectory)
        more = {"earlier": len(earlier), "history": history, "rules": rules, "previous": self.first}
        return await self._ask("retry", index, **more), extra

    def during(self, index: int, agent: Agent, given: tuple[Recall, str]) -> TurnRecalls | None:
        """What recalls before the turns of a rollout; ``None`` if this memory does not.

        Args:
            index: the rollout.
            agent: handed the text when it changes.
            given: see :meth:`before_rollout`.
        """
        return TurnRecalls(self, index, agent, *given) if "step" in self._parts.memory_spec.phases else None

    async def before_turn(self, index: int, steps: Sequence[Step], previous: Recall) -> Recall:
        """Recall before a turn; its number is how many steps the agent has taken so far."""
        turn = sum(step.actor == "agent" for step in steps)
        return await self._ask("step", index, step=turn, history=render_steps(steps), previous=previous)

    def forget_turns(self, index: int) -> None:
        """Drop from the log what was recalled before the turns of a rollout that is played again."""
        self._events = [event for event in self._events if event.rollout != index or event.phase != "step"]

    async def _ask(self, phase: Phase, rollout: int, **more: Any) -> Recall:
        step, earlier = more.get("step", 0), more.get("earlier", 0)
        if self._query is None:
            recall = Recall(reason="the task could not be opened")
        else:
            request = RecallRequest(self._task.id, self._task.domain, self._query, phase, **more)
            seed = derive_seed(self._seed, "recall", phase, rollout, step or earlier)
            view = View(self._roles, seed, self.ledger, self.counts, self.reads, self._told)
            with self._roles.blaming("memory", self._parts.info.condition.memory):
                recall = check_recall(await self._parts.memory.recall(request, view))
            if any(self.reads.is_of_twin(item.item_id) for item in recall.items):
                self.counts["recalls_of_twins"] += 1
        self._events.append(RecallEvent(rollout, phase, step, self._told, recall))
        return recall


@dataclass
class TurnRecalls:
    """Recalls before the turns of one rollout; an agent is handed the text when it changes.

    Attributes:
        recalls: what is asked.
        index: the rollout.
        agent: its agent.
        recall: the last recall.
        extra: the text that follows it.
    """

    recalls: Recalls
    index: int
    agent: Agent
    recall: Recall
    extra: str

    async def before_turn(self, steps: Sequence[Step]) -> None:
        """Recall, and hand the agent the text if it has changed."""
        before = joined(self.recall.text, self.extra)
        self.recall = await self.recalls.before_turn(self.index, steps, self.recall)
        after = joined(self.recall.text, self.extra)
        if after != before:
            tell("remember", self.agent.remember, after)


def joined(*texts: str) -> str:
    """Texts, with a blank line between those that are not empty."""
    return "\n\n".join(text for text in texts if text)
