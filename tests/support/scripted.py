"""A bank with a model that replies from a script: what unit tests of memories share."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rbsuite.errors import ModelError
from rbsuite.experience import Experience, MemoryItem, MemoryOp, Outcome, Recall, RecallRequest
from rbsuite.memories.bank import Bank
from rbsuite.memories.base import Memory, SearchResult
from rbsuite.models.base import Completion
from rbsuite.prompts import Prompts
from rbsuite.retrieval.hashing import HashEmbedder
from rbsuite.trajectory import Action, Message, Observation, Step, Trajectory, Usage
from rbsuite.verdict import Verdict

DOWN = "the model is down"
"""A reply that stands for a model that fails."""

GARBLED = "I would rather talk about the weather."


class World:
    """A bank that a memory reads and writes, one task after the other; every operation is applied, and so checked.

    Attributes:
        prompts: what the model was last asked, one text a request.
        temperatures: at which temperatures.
        counts: what the memory counted at the last call.
    """

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.bank = Bank(HashEmbedder())
        self.prompts: list[str] = []
        self.temperatures: list[float | None] = []
        self.counts: Counter[str] = Counter()

    def recall(self, query: str, *replies: str, task: str = "now", seed: int = 0, **request: Any) -> Recall:
        """Recall for a query, the model giving these replies; all of them must be asked for."""
        view = self._view(replies, task, seed)
        fields = {"domain": "shop", **request}
        recall = asyncio.run(self.memory.recall(RecallRequest(task, query=query, **fields), view))
        assert not view.replies, "a reply was not asked for"
        return recall

    def absorb(self, experience: Experience, *replies: str) -> list[MemoryOp]:
        """Absorb an experience, the model giving these replies; all of them must be asked for."""
        view = self._view(replies, experience.task_id, 0)

        async def both() -> list[MemoryOp]:
            ops = await self.memory.absorb(experience, view)
            await self.bank.apply(self.bank.version + 1, ops)
            return list(ops)

        ops = asyncio.run(both())
        assert not view.replies, "a reply was not asked for"
        return ops

    def items(self) -> Sequence[MemoryItem]:
        """What is stored."""
        return self.bank.items(self.bank.version)

    @property
    def window(self) -> int:
        return 0

    def document(self, name: str) -> str:
        """A stored document."""
        return self.bank.document(name, self.bank.version)

    def _view(self, replies: Sequence[str], task: str, seed: int) -> _View:
        self.prompts, self.temperatures, self.counts = [], [], Counter()
        return _View(self, list(replies), task, seed)


class _View:
    def __init__(self, world: World, replies: list[str], task: str, seed: int) -> None:
        self._world = world
        self.replies = replies
        self._task = frozenset((task,))
        self._prompts = Prompts()
        self.rng = random.Random(seed)
        self.version = world.bank.version

    async def search(self, query: str, k: int, *, kind: str = "", domain: str = "") -> SearchResult:
        return await self._world.bank.search(query, k, self.version, kind=kind, domain=domain, exclude_tasks=self._task)

    def get(self, item_id: str) -> MemoryItem | None:
        item = self._world.bank.get(item_id, self.version)
        return None if item is None or item.provenance.task_id in self._task else item

    def list(self, *, kind: str = "", domain: str = "") -> Sequence[MemoryItem]:
        return self._world.bank.items(self.version, kind=kind, domain=domain, exclude_tasks=self._task)

    @property
    def window(self) -> int:
        return 0

    def document(self, name: str) -> str:
        return self._world.bank.document(name, self.version)

    def render(self, template: str, **variables: Any) -> str:
        return self._prompts.render(template, **variables)

    async def complete(self, messages: Sequence[Message], *, temperature: float | None = None) -> Completion:
        self._world.prompts.append("\n".join(message.text for message in messages))
        self._world.temperatures.append(temperature)
        reply = self.replies.pop(0)
        if reply == DOWN:
            raise ModelError(DOWN)
        return Completion(reply, (), Usage(1, 1, 1, 0.0), "stop")

    def count(self, event: str) -> None:
        self._world.counts[event] += 1


def outcome(label: str, *said: str, rollout: int = 0, why: str = "", notes: Sequence[str] = ()) -> Outcome:
    """A rollout in which the agent said these things, and its verdict."""
    steps = [Step("agent", Observation(f"seen {number}"), Action(text=text)) for number, text in enumerate(said)]
    trajectory = Trajectory("t", rollout, 0, "q", tuple(steps), None, "finished")
    return Outcome(trajectory, Verdict(label, None, why, "self"), tuple(notes))  # type: ignore[arg-type]


def experience(task: str, *outcomes: Outcome, query: str = "", position: int = 0, **fields: Any) -> Experience:
    """A task and its rollouts; each rollout gets its place as index."""
    return Experience(task, "shop", query or f"buy {task}", position, outcomes, **fields)


def written(*contents: str, heading: str = "Memory Item") -> str:
    """A reply in the form of items."""
    return "\n\n".join(
        f"# {heading} {number}\n## Title\nTitle of {text}\n## Description\nWhen it matters.\n## Content\n{text}"
        for number, text in enumerate(contents, 1)
    )
