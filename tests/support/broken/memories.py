"""A memory that keeps every rule for memories, and for each rule one that breaks it."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rbsuite.errors import ModelError
from rbsuite.experience import Experience, MemoryItem, MemoryOp, Provenance, Recall, Recalled, RecallRequest
from rbsuite.fencing import fence
from rbsuite.memories.base import BankView
from rbsuite.options import Option
from rbsuite.specs import MemorySpec
from rbsuite.trajectory import Message
from rbsuite.transcript import render_transcript

KIND = "good"


class Good:
    """Stores what was done on a task that was solved, and shows that of the task that is most like the one at hand."""

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        found = await view.search(request.query, 1, kind=KIND)
        items = [item for hit in found.hits for item in hit.items]
        if not items:
            return Recall(reason=found.reason)
        recalled = tuple(Recalled(item.id, item.revision, 0.0, rank) for rank, item in enumerate(items))
        return Recall(recalled, "\n".join(self.shown(item) for item in items))

    def shown(self, item: MemoryItem) -> str:
        return fence(f"{item.title}\n{item.content}", "memory")

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        item = self.item(experience)
        return [MemoryOp("add", item.provenance, item=item)]

    def item(self, experience: Experience) -> MemoryItem:
        (outcome, *_) = [one for one in experience.outcomes if one.verdict.label == "success"] or experience.outcomes
        rollout = outcome.trajectory.rollout
        label, source = outcome.verdict.label, outcome.verdict.source
        return MemoryItem(
            id=f"{experience.id}-{rollout}",
            title=experience.query,
            description="A task.",
            content=render_transcript(outcome.trajectory, budget=2_000),
            key=experience.query,
            experience=experience.id,
            kind=KIND,
            domain=experience.domain,
            provenance=Provenance(experience.task_id, experience.position, (rollout,), label, source),
        )


GOOD = MemorySpec("good", "what was done on the nearest task", f"{__name__}:Good")


class NoAbsorb:
    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        return Recall(reason="nothing")


class WithOption(Good):
    def __init__(self, k: int) -> None:
        assert k == 0


class NeedsSomething(Good):
    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        _ = view.list()[-1]
        return await super().recall(request, view)


class GivesNothing(Good):
    async def absorb(self, experience: Experience, view: BankView) -> Any:
        return None


class SameId(Good):
    def item(self, experience: Experience) -> MemoryItem:
        return replace(super().item(experience), id="the-same")


class NoReason(Good):
    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        return replace(await super().recall(request, view), reason="")


class Invents(Good):
    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        recall = await super().recall(request, view)
        made = Recalled("invented", 1, 0.0, len(recall.items))
        return replace(recall, items=(*recall.items, made)) if recall.items else recall


class FromNowhere(Good):
    def item(self, experience: Experience) -> MemoryItem:
        return replace(super().item(experience), provenance=Provenance("somewhere", experience.position))


class IdOfTask(Good):
    def item(self, experience: Experience) -> MemoryItem:
        return replace(super().item(experience), id=experience.task_id)


class ListOfRollouts(Good):
    def item(self, experience: Experience) -> MemoryItem:
        item = super().item(experience)
        return replace(item, provenance=replace(item.provenance, rollouts=list(item.provenance.rollouts)))  # type: ignore[arg-type]


class Random(Good):
    def item(self, experience: Experience) -> MemoryItem:
        return replace(super().item(experience), title=str(random.Random().random()))


class GlobalChance(Good):
    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        random.random()
        return await super().recall(request, view)


class Remembers(Good):
    """Recalls nothing for a task for which it was asked before."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        if request.task_id in self.seen:
            return Recall(reason="seen before")
        self.seen.add(request.task_id)
        return await super().recall(request, view)


class Caches(Good):
    """Knows by heart what it has absorbed itself."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def item(self, experience: Experience) -> MemoryItem:
        item = super().item(experience)
        self.known[item.id] = item.title
        return item

    def shown(self, item: MemoryItem) -> str:
        return fence(self.known.get(item.id, "?"), "memory")


class MixesUp(Good):
    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        self.request = request
        await asyncio.sleep(0)
        return await super().recall(self.request, view)


class Document(Good):
    """Keeps copies in a document, and finds there also what was learnt on the task at hand."""

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        recall = await super().recall(request, view)
        known = json.loads(view.document("index") or "{}")
        own = fence(known[request.task_id], "memory") if request.task_id in known else ""
        return replace(recall, text=f"{recall.text}\n{own}") if own and recall.items else recall

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        ops = await super().absorb(experience, view)
        item = ops[0].item
        assert item is not None
        known = json.loads(view.document("index") or "{}") | {experience.task_id: item.content}
        return [*ops, MemoryOp("put_document", ops[0].provenance, document="index", text=json.dumps(known))]


class Everything(Good):
    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        items = view.list()
        recalled = tuple(Recalled(item.id, item.revision, 0.0, rank) for rank, item in enumerate(items))
        if not items:
            return Recall(reason="nothing yet")
        return Recall(recalled, "\n".join(self.shown(item) for item in items))


class Asks(Good):
    """Asks its model what to store."""

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        reply = await view.complete([Message("user", "What was learnt? Write\n# Item 1")])
        item = replace(super().item(experience), title=self.read(reply.text))
        return [MemoryOp("add", item.provenance, item=item)]

    def read(self, text: str) -> str:
        return text.partition("## Title\n")[2][:80]


class Strict(Asks):
    def read(self, text: str) -> str:
        return text.split("## Title\n")[1][:80]


class HidesFailures(Asks):
    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        try:
            return await super().absorb(experience, view)
        except ModelError as error:
            raise ValueError("it failed") from error


class OnlyBefore(Good):
    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        if request.phase != "task":
            raise NotImplementedError
        return await super().recall(request, view)


class NeedsDomain(Good):
    def item(self, experience: Experience) -> MemoryItem:
        return replace(super().item(experience), description=experience.domain[0])


class Bare(Good):
    def shown(self, item: MemoryItem) -> str:
        return item.title


def _of(memory: type[Any], **changed: Any) -> MemorySpec:
    return replace(GOOD, name="broken", factory=f"{__name__}:{memory.__name__}", **changed)


BROKEN: Mapping[str, MemorySpec] = {
    "name": replace(GOOD, name="Good Memory"),
    "summary": replace(GOOD, name="broken", summary=""),
    "factory": _of(NoAbsorb),
    "options": _of(WithOption, options=(Option("k", "int", 0, "how many", minimum=1),)),
    "import": replace(GOOD, name="broken", factory="broken.work:Memory"),
    "empty-bank": _of(NeedsSomething),
    "returns": _of(GivesNothing),
    "operations": _of(SameId),
    "reason": _of(NoReason),
    "recalled-exist": _of(Invents),
    "provenance": _of(FromNowhere),
    "ids": _of(IdOfTask),
    "replayable": _of(ListOfRollouts),
    "repeatable": _of(Random),
    "own-chance": _of(GlobalChance),
    "no-state": _of(Remembers),
    "resume": _of(Caches),
    "side-by-side": _of(MixesUp),
    "own-task": _of(Document),
    "budget": _of(Everything),
    "any-reply": _of(Strict),
    "model-fails": _of(HidesFailures),
    "phases": _of(OnlyBefore, phases=("task", "step")),
    "domains": _of(NeedsDomain),
    "fenced": _of(Bare),
}
"""A spec for each rule."""
