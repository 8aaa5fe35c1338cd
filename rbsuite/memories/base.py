"""The contract of a memory: it recalls before acting and returns operations, as data, afterwards.

A memory keeps no state of its own. What it knows is in the bank, which it reads through a :class:`BankView` as of one version; what it
learns it returns as :class:`~rbsuite.experience.MemoryOp`, and the core commits that together with the task's result. The runner owns
the rest: the order of tasks, the verdicts, which version is read, the exclusion of the task itself, and where the recalled text stands.
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
    """What a search gave: hits, best first; why there are none; which index answered."""

    hits: tuple[Hit, ...]
    reason: str
    index: str

    @property
    def items(self) -> Sequence[tuple[MemoryItem, float]]:
        """The items of all hits with their scores, as :meth:`rbsuite.experience.Recall.of` takes them."""
        return [(item, hit.score) for hit in self.hits for item in hit.items]


class BankView(SeededServices, FittingServices, Protocol):
    """The bank as of one version, with metered services. All a memory may use. The cost counts as ``memory``; chance is seeded for the
    task and the phase.
    """

    @property
    def version(self) -> int:
        """The version that is read: the number of tasks committed before."""

    async def search(self, query: str, k: int, *, kind: str = "", domain: str = "") -> SearchResult:
        """The ``k`` experiences whose key is most like ``query``, of one kind and domain if given; never those of the task at hand."""

    def get(self, item_id: str) -> MemoryItem | None:
        """An item by id, or ``None``."""

    def list(self, *, kind: str = "", domain: str = "") -> Sequence[MemoryItem]:
        """All items in the order they were added, except those of the task at hand."""

    def document(self, name: str) -> str:
        """A document's text; ``""`` if there is none."""

    @property
    def excluded(self) -> Collection[str]:
        """The ids of the tasks nothing of which may be recalled now: that of the task at hand, and those of its twins."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts by the run's embedder, one row each; see :class:`rbsuite.retrieval.base.Embedder`.

        Raises:
            ModelError: the embedder's model failed.
        """

    def spend(self, model: str, usage: Usage, seconds: float) -> None:
        """Count what was spent elsewhere than through :meth:`complete` and :meth:`embed`, e.g. by a service that asks models itself.

        Args:
            model: whatever was asked, in a word.
            usage: what that cost.
            seconds: how long it took. It stands in results (``memory_seconds``), and is no part of a digest.
        """


class Memory(Protocol):
    """A memory mechanism."""

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        """What to put before the agent."""

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        """What to remember of a task. An empty list is a normal outcome."""


class ExternalMemory(Memory, Protocol):
    """A memory whose state is outside the bank (``MemorySpec(state="external")``), in a service or in a store of its own.

    One object serves one run, a task at a time: the runner opens it, asks it to recall and to absorb in the order of the stream, takes a
    snapshot after every absorption, and closes it. Whatever ``absorb`` returns is committed too; mostly that is nothing.
    """

    async def open(self, namespace: str, snapshot: str | None) -> None:
        """Begin.

        Args:
            namespace: a name that no other run has, ever; what is learnt is kept under it, and nothing else is recalled.
            snapshot: what :meth:`snapshot` gave, perhaps in another namespace, which may live on; ``None``: begin with nothing.
        """

    async def snapshot(self) -> str | None:
        """The state as of now, or a name for it under which :meth:`open` finds it again at any later time; ``None``: there are none.

        A run that was interrupted can only be gone on with where there are. The text is kept with the task's record.
        """

    async def aclose(self) -> None:
        """End: close connections, and forget what snapshots do not need."""
