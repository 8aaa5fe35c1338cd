"""What passes between the runner and a memory: items, operations, recalls, experiences. All of it is plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from rbsuite.frozen import dataclass
from rbsuite.trajectory import Trajectory
from rbsuite.verdict import Verdict

OpKind = Literal["add", "update", "delete", "link", "score", "put_document"]
Phase = Literal["task", "step", "retry"]
Aggregation = Literal["joint", "independent"]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a memory item comes from.

    Attributes:
        task_id: the task it was learnt on.
        position: that task's place in the stream, from 0.
        rollouts: indices of the rollouts it was learnt from.
        label: the verdict under which it was learnt.
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
        domain: domain of the task it stems from.
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


@dataclass(frozen=True, slots=True)
class Recalled:
    """One recalled item: which revision, its score, its rank from 0."""

    item_id: str
    revision: int
    score: float
    rank: int


@dataclass(frozen=True, slots=True)
class Recall:
    """What a memory gives for a request.

    Attributes:
        items: what was found, best first.
        text: what is put before the agent, rendered; empty if nothing is.
        reason: why nothing was recalled, e.g. ``"empty bank"``; empty when something was.
        index: which index answered, e.g. ``"exact"``.
    """

    items: tuple[Recalled, ...] = ()
    text: str = ""
    reason: str = ""
    index: str = ""


@dataclass(frozen=True, slots=True)
class RecallRequest:
    """What a memory is asked for.

    Attributes:
        task_id: the task at hand; its own items are never recalled.
        domain: its domain.
        query: what the agent has legitimately seen when it must first act.
        phase: ``task`` before the first action; ``step`` and ``retry`` where the memory's spec asks for them.
        step: index of the agent's turn, for ``step``.
        earlier: number of rollouts before, for ``retry``.
        history: text of the trajectory so far, for ``step``; of the earlier rollouts, for ``retry``.
        rules: what the agent was told before the task, for ``retry``.
        previous: what the last recall for this rollout gave, for ``step`` and ``retry``.
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
        origin: tells the run's items from those of the bank it was started with; empty where that was empty.
        aggregation: how several outcomes are to be learnt from: ``joint``, by contrasting them, or ``independent``, each by itself.
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
        """Unique within a bank, also one that was learnt on the same tasks before."""
        place = f"{self.position}:{self.task_id}"
        return f"{self.origin}/{place}" if self.origin else place
