"""The contract of a memory: it recalls before acting and returns operations, as data, afterwards.

A memory keeps no state of its own. What it knows is in the bank, which it reads through a :class:`BankView` as of one version; what it
learns it returns as :class:`~rbsuite.experience.MemoryOp`, and the core commits that together with the task's result. The runner owns
the rest: the order of tasks, the verdicts, which version is read, the exclusion of the task itself, and where the recalled text goes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Protocol

from rbsuite.experience import Experience, MemoryItem, MemoryOp, Recall, RecallRequest
from rbsuite.frozen import dataclass
from rbsuite.models.services import FittingServices, SeededServices
from rbsuite.trajectory import Usage

if TYPE_CHECKING:
    from rbsuite.retrieval.base import Vectors


@dataclass(frozen=True, slots=True)
class Hit:
    """An experience found by search: its id, cosine similarity in [-1, 1], and its items in the order they were added."""

    experience: str
    score: float
    items: tuple[MemoryItem, ...]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The result of a search: hits, best first; why there are none; which index answered."""

    hits: tuple[Hit, ...]
    reason: str
    index: str

    @property
    def items(self) -> Sequence[tuple[MemoryItem, float]]:
        """The items of all hits with their scores, as :meth:`rbsuite.experience.Recall.of` takes them."""
        return [(item, hit.score) for hit in self.hits for item in hit.items]


class BankView(SeededServices, FittingServices, Protocol):
    """The bank as of one version, with metered services; all that a memory may use. Costs count as ``memory``; randomness is seeded for the
    task and the phase.
    """

    @property
    def version(self) -> int:
        """The version that is read: the number of tasks committed before."""

    async def search(self, query: str, k: int, *, kind: str = "", domain: str = "") -> SearchResult:
        """The ``k`` experiences whose keys are most like ``query``, of one kind and domain if given; never those of the current task."""

    def get(self, item_id: str) -> MemoryItem | None:
        """An item by id, or ``None``."""

    def list(self, *, kind: str = "", domain: str = "") -> Sequence[MemoryItem]:
        """All items in the order they were added, except those of the current task."""

    def document(self, name: str) -> str:
        """A document's text; ``""`` if there is none."""

    @property
    def excluded(self) -> Collection[str]:
        """The ids of the tasks from which nothing may be recalled now: the current task, and its twins."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts from the run's embedder, one row each; see :class:`rbsuite.retrieval.base.Embedder`.

        Raises:
            ModelError: the embedder's model failed.
        """

    def spend(self, model: str, usage: Usage, seconds: float) -> None:
        """Count what was not spent through :meth:`complete` and :meth:`embed`, e.g. by a service that calls models itself.

        Args:
            model: a name for what was called.
            usage: what that cost.
            seconds: how long it took. It is shown in results (``memory_seconds``), and is not part of a digest.
        """


class Memory(Protocol):
    """A memory mechanism."""

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        """What to put before the agent."""

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        """What to remember from a task. An empty list is a normal outcome."""


class ExternalMemory(Memory, Protocol):
    """A memory whose state is outside the bank (``MemorySpec(state="external")``), in a service or in a store of its own.

    One object serves one run, one task at a time: the runner opens it, asks it to recall and to absorb in the order of the stream, takes
    a snapshot after every absorption, and closes it. Whatever ``absorb`` returns is committed too; usually that is nothing.
    """

    async def open(self, namespace: str, snapshot: str | None) -> None:
        """Start.

        Args:
            namespace: a name that no other run will ever have; what is learned is kept under it, and nothing else is recalled.
            snapshot: what :meth:`snapshot` returned, possibly in another namespace, which may still be in use; ``None``: start empty.
        """

    async def snapshot(self) -> str | None:
        """The current state, or a name for it under which :meth:`open` finds it again at any later time; ``None``: no snapshots.

        An interrupted run can only be resumed if the memory has snapshots. The text is kept with the task's record.
        """

    async def aclose(self) -> None:
        """Stop: close connections, and delete what snapshots do not need."""
