"""``mem0`` under rbsuite's memory contract: what mem0 adds becomes items of the bank, and its store is built from them.

So the bank holds the whole state. A run can be resumed, rolled back and started warm; tasks may run ahead; every fact has its provenance;
and nothing from a task or its twins is recalled for it, since those facts are not in the store that is searched.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar
from uuid import UUID

from rbsuite import Experience, MemoryItem, MemoryOp, Outcome, Recall, RecallRequest, fence, render_transcript
from rbsuite.memories.base import BankView
from rbsuite.trajectory import Usage
from rbsuite_mem0.product import Bridge, Store, product

_T = TypeVar("_T")

KIND = "fact"
STORES = 8
"""Maximum number of stores kept for later calls: refilling one takes longer than searching it."""


class Mem0:
    """mem0.

    Args:
        k: maximum number of facts recalled per task; mem0's default.
        threshold: minimum cosine similarity of a fact and the query; mem0's default.
        temperature: of the memory's model; mem0's default.
        guided: whether its model is told what to look for; otherwise only its own prompt says so, which is made for conversations with a
            user.
        budget: tokens of a transcript that it sees; 0: no limit.
        characters: maximum length of a fact.

    Raises:
        UsageError: mem0 is not installed, or was imported before with its telemetry on.
    """

    def __init__(
        self,
        k: int = 20,
        threshold: float = 0.1,
        temperature: float = 0.1,
        guided: bool = True,
        budget: int = 12_000,
        characters: int = 1000,
    ) -> None:
        product()
        self._k = k
        self._threshold = threshold
        self._temperature = temperature
        self._guided = guided
        self._budget = budget
        self._characters = characters
        self._kept: list[Store] = []

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        """The facts that mem0 finds for the query."""
        items = {_name(item): item for item in view.list(kind=KIND)}
        if not items:
            return Recall(reason="no fact yet")
        if not request.query.strip() or not (await view.embed([request.query])).any():
            return Recall(reason="query has no features")
        facts = {name: item.content for name, item in items.items()}
        found = await self._work(facts, view, lambda store: store.search(request.query, self._k, self._threshold))
        scored = [(items[name], score) for name, score in found]
        text = view.render("memory/inject.j2", items=[fence(item.content, "memory") for item, _ in scored])
        return Recall.of(scored, text, reason="nothing is similar enough", index="mem0")

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        """The facts that mem0 extracts from each rollout; it also sees those of the earlier rollouts."""
        facts = {_name(item): item.content for item in view.list(kind=KIND)}
        ops: list[MemoryOp] = []
        for outcome in experience.outcomes:
            messages = self._conversation(experience, outcome, view)
            told = await self._work(facts, view, partial(Store.add, messages=messages))
            for fact in dict.fromkeys(text[: self._characters] for text in told):
                op = MemoryOp.add(experience, fact, outcome, title=" ".join(fact.split())[:80], kind=KIND)
                ops.append(op)
                if op.item is not None:
                    facts[_name(op.item)] = fact
        return ops

    def _conversation(self, experience: Experience, outcome: Outcome, view: BankView) -> Sequence[Mapping[str, str]]:
        rollout = {"number": outcome.trajectory.rollout, "label": outcome.verdict.label}
        transcript = render_transcript(outcome.trajectory, budget=self._budget)
        rationale, notes = outcome.verdict.rationale, "\n".join(outcome.notes)
        said = view.render("mem0/rollout.j2", rollout=rollout, rationale=rationale, transcript=transcript, notes=notes)
        return [{"role": "user", "content": experience.query}, {"role": "assistant", "content": said}]

    async def _work(self, facts: Mapping[str, str], view: BankView, work: Callable[[Store], _T]) -> _T:
        """Do something with a store that contains these facts."""
        bridge = Bridge(view, self._temperature, view.render("mem0/instructions.j2", guided=self._guided))
        wanted = list(facts)
        fitting = [store for store in self._kept if store.ids == wanted[: len(store.ids)]]
        store = max(fitting, key=lambda one: len(one.ids), default=None)
        if store is None:
            dimension = (await view.embed(["dimension"])).shape[1]
        else:
            self._kept.remove(store)

        def done() -> tuple[Store, _T]:
            used = store or Store(dimension)
            used.hold(facts, bridge)
            return used, work(used)

        started = time.perf_counter()
        used, result = await bridge.run(done)
        # Its calls go through view.complete and view.embed, and are counted there; its time is recorded here.
        view.spend("mem0", Usage(), time.perf_counter() - started)
        # A store that failed is not kept: its contents are unknown.
        self._kept.append(used)
        while len(self._kept) > STORES:
            self._kept.pop(0).close()
        return result


def _name(item: MemoryItem) -> str:
    """An item's id in the form that mem0's store requires."""
    return str(UUID(hex=item.id.zfill(32)))
