"""What passes between the runner and a memory: items, operations, recalls, experiences. All of it is plain data."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import Any, Literal

from rbsuite.frozen import dataclass
from rbsuite.trajectory import Trajectory
from rbsuite.verdict import Verdict

OpKind = Literal["add", "update", "delete", "link", "score", "put_document"]
Phase = Literal["task", "step", "retry"]
Aggregation = Literal["joint", "independent"]

MIXED = "mixed"
"""The label of what was learned from rollouts of both verdicts."""
TITLE_LENGTH = 80
"""Characters of the query that serve as the title of an item that has none of its own."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a memory item comes from.

    Attributes:
        task_id: the task it was learned on.
        position: that task's place in the stream, from 0.
        rollouts: indices of the rollouts it was learned from.
        label: the verdict under which it was learned.
        source: id of the judge that gave the verdict.
    """

    task_id: str
    position: int
    rollouts: tuple[int, ...] = ()
    label: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class MemoryItem:
    """A stored piece of memory.

    Attributes:
        id: unique within a bank, derived from run, task and content.
        title: a strategy's name.
        description: one sentence.
        content: the lesson, workflow or trajectory text.
        key: the text that is embedded for retrieval (the task's query). Items of one experience share it.
        experience: id of the experience the item belongs to; retrieval ranks experiences and returns all items of each.
        kind: the memory's own name for what it stores, e.g. ``"strategy"``, ``"workflow"``.
        domain: domain of the task it comes from.
        provenance: where it comes from.
        revision: 1 when added, one more at every update.
        links: ids of related items.
        counters: running sums, e.g. ``{"helpful": 2.0}``.
    """

    id: str
    title: str
    description: str
    content: str
    key: str
    experience: str
    kind: str
    domain: str
    provenance: Provenance
    revision: int = 1
    links: tuple[str, ...] = ()
    counters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MemoryOp:
    """One change of a bank, as data. The core applies and logs it.

    Attributes:
        op: ``add`` (``item``), ``update`` (``item``, whole; same id), ``delete`` (``item_id``), ``link`` (``item_id`` to ``target``),
            ``score`` (``item_id``, ``counters`` are added), ``put_document`` (``document``, ``text``).
        provenance: where the change comes from; every operation has one.
        reason: one line for the log, e.g. why an item was deleted.
    """

    op: OpKind
    provenance: Provenance
    item: MemoryItem | None = None
    item_id: str = ""
    target: str = ""
    counters: Mapping[str, float] = field(default_factory=dict)
    document: str = ""
    text: str = ""
    reason: str = ""

    @classmethod
    def add(
        cls,
        experience: Experience,
        content: str,
        *outcomes: Outcome,
        title: str = "",
        description: str = "",
        kind: str = "item",
        id: str = "",
    ) -> MemoryOp:
        """Add an item that was learned from an experience; its key is the query.

        Args:
            experience: what it was learned from.
            content: the lesson, workflow or trajectory text.
            outcomes: the rollouts it was learned from; none: all of the experience.
            title: default: the beginning of the query.
            description: one sentence.
            kind: the memory's own name for what it stores.
            id: default: made from the experience, the rollouts and the text, so that adding the same item twice makes one item.
        """
        provenance = experience.provenance(*outcomes)
        title = title or " ".join(experience.query.split())[:TITLE_LENGTH]
        rollouts = ",".join(map(str, provenance.rollouts))
        item = MemoryItem(
            id=id or item_id(experience, kind, rollouts, f"{title}\n{description}\n{content}"),
            title=title,
            description=description,
            content=content,
            key=experience.query,
            experience=experience.id,
            kind=kind,
            domain=experience.domain,
            provenance=provenance,
        )
        return cls("add", provenance, item=item)

    @classmethod
    def update(cls, experience: Experience, item: MemoryItem, *, reason: str = "", **changes: Any) -> MemoryOp:
        """Change an item of the bank: its ``title``, ``description``, ``content``, ``kind``, ``links`` or ``counters``."""
        return cls("update", experience.provenance(), item=replace(item, **changes), reason=reason)

    @classmethod
    def delete(cls, experience: Experience, item: MemoryItem, *, reason: str = "") -> MemoryOp:
        """Remove an item from the bank."""
        return cls("delete", experience.provenance(), item_id=item.id, reason=reason)

    @classmethod
    def link(cls, experience: Experience, item: MemoryItem, target: MemoryItem) -> MemoryOp:
        """Link an item to another."""
        return cls("link", experience.provenance(), item_id=item.id, target=target.id)

    @classmethod
    def score(cls, experience: Experience, item: MemoryItem, **counters: float) -> MemoryOp:
        """Add to the counters of an item, e.g. ``helpful=1``."""
        return cls("score", experience.provenance(), item_id=item.id, counters=counters)

    @classmethod
    def put_document(cls, experience: Experience, document: str, text: str) -> MemoryOp:
        """Write or replace a document of the bank."""
        return cls("put_document", experience.provenance(), document=document, text=text)


@dataclass(frozen=True, slots=True)
class Recalled:
    """One recalled item: which revision, its score, its rank from 0."""

    item_id: str
    revision: int
    score: float
    rank: int


@dataclass(frozen=True, slots=True)
class Recall:
    """What a memory returns for a request.

    Attributes:
        items: what was found, best first.
        text: the rendered text that the agent is shown; empty if there is none.
        reason: why nothing was recalled, e.g. ``"empty bank"``; empty when something was.
        index: which index answered, e.g. ``"exact"``.
    """

    items: tuple[Recalled, ...] = ()
    text: str = ""
    reason: str = ""
    index: str = ""

    @classmethod
    def of(
        cls,
        items: Iterable[MemoryItem | tuple[MemoryItem, float]],
        text: str,
        *,
        reason: str = "nothing fits",
        index: str = "",
    ) -> Recall:
        """What was found, best first, and the text that the agent is shown; if nothing was found, only the reason.

        Args:
            items: the items, with their scores if they have any (``found.items`` of a search).
            text: the rendered text; ignored if there are no items.
            reason: why nothing was recalled, if nothing was.
            index: which index answered.
        """
        scored = [found if isinstance(found, tuple) else (found, 0.0) for found in items]
        recalled = tuple(Recalled(item.id, item.revision, score, rank) for rank, (item, score) in enumerate(scored))
        return cls(recalled, text, index=index) if recalled else cls(reason=reason, index=index)


@dataclass(frozen=True, slots=True)
class RecallRequest:
    """What a memory is asked for.

    Attributes:
        task_id: the task at hand; its own items are never recalled.
        domain: its domain.
        query: what the agent has legitimately seen when it must first act.
        phase: ``task`` before the first action; ``step`` and ``retry`` if the memory's spec asks for them.
        step: index of the agent's turn, for ``step``.
        earlier: number of earlier rollouts, for ``retry``.
        history: text of the trajectory so far, for ``step``; of the earlier rollouts, for ``retry``.
        rules: what the agent was told before the task, for ``retry``.
        previous: what the last recall for this rollout returned, for ``step`` and ``retry``.
    """

    task_id: str
    domain: str
    query: str
    phase: Phase = "task"
    step: int = 0
    earlier: int = 0
    history: str = ""
    rules: str = ""
    previous: Recall | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One rollout as memory may see it: the trajectory without ground truth, its verdict, the notes of refinement rounds."""

    trajectory: Trajectory
    verdict: Verdict
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Experience:
    """What a memory learns from: one task, seen through its 1..k rollouts.

    Attributes:
        task_id: the task.
        domain: its domain.
        query: what memory was searched with.
        position: the task's place in the stream, from 0.
        outcomes: the rollouts that ended and have a verdict other than ``unknown``; never empty.
        recalled: what had been recalled for the task, before its first rollout.
        origin: tells the run's items from those of the bank it was started with; empty if that was empty.
        aggregation: how to learn from several outcomes: ``joint``, by contrasting them, or ``independent``, from each on its own.
    """

    task_id: str
    domain: str
    query: str
    position: int
    outcomes: tuple[Outcome, ...]
    recalled: Recall = Recall()
    aggregation: Aggregation = "joint"
    origin: str = ""

    @property
    def id(self) -> str:
        """Unique within a bank, even one that was learned on the same tasks before."""
        place = f"{self.position}:{self.task_id}"
        return f"{self.origin}/{place}" if self.origin else place

    def provenance(self, *outcomes: Outcome) -> Provenance:
        """The provenance of something that was learned from some of the outcomes; if none are given, from all."""
        chosen = outcomes or self.outcomes
        labels = {outcome.verdict.label for outcome in chosen}
        return Provenance(
            self.task_id,
            self.position,
            tuple(outcome.trajectory.rollout for outcome in chosen),
            labels.pop() if len(labels) == 1 else MIXED,
            chosen[0].verdict.source,
        )


def item_id(experience: Experience, kind: str, place: int | str, content: str) -> str:
    """A 16-character id from the experience, the item's place in it and its content."""
    parts = "\x1f".join([experience.id, kind, str(place), content])
    return hashlib.blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
