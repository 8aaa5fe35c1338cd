"""The bank: what a memory has stored, folded from its operations, readable as of any version.

Version ``v`` is the bank after ``v`` tasks; version 0 is empty unless it was seeded. The bank applies operations and answers
reads; who may read which version, and where operations are kept for good, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rbsuite.errors import PluginError
from rbsuite.experience import MemoryItem, MemoryOp
from rbsuite.memories.base import Hit, SearchResult
from rbsuite.memories.effects import Effects, State, effects_of
from rbsuite.memories.experiences import Experiences, Filter, Scope, relaxations
from rbsuite.memories.revisions import DocumentHistory, ItemHistory
from rbsuite.memories.standing import StandingSearch
from rbsuite.memories.vectors import KeyVectors
from rbsuite.oplog import GENESIS, chain, origin

if TYPE_CHECKING:
    from rbsuite.retrieval.base import Embedder, Vectors


class Bank:
    """The versioned bank of one run.

    The cost of applying a version depends on the number of its operations, not on what is stored. Reads of the latest version are fast;
    the cost of reading an earlier one also grows with the number of changes since (``search``) or of items stored (``items``).
    Not thread-safe.

    Args:
        embedder: embeds keys and queries. Each experience has one vector, that of its key.
        index_kind: ``auto``, ``exact`` or ``hnsw`` (see :mod:`rbsuite.retrieval.select`).

    Raises:
        UnknownNameError: no such kind of index.
        UsageError: ``hnsw`` without hnswlib.
    """

    def __init__(self, embedder: Embedder, index_kind: str = "auto") -> None:
        self._vectors = KeyVectors(embedder, index_kind)
        self._items = ItemHistory()
        self._experiences = Experiences(self._items)
        self._documents = DocumentHistory()
        self._version = 0
        self._state_hash = GENESIS

    @property
    def version(self) -> int:
        """Number of versions applied."""
        return self._version

    @property
    def state_hash(self) -> str:
        """The hash chain of all operations (see :func:`rbsuite.oplog.chain`), 64 hex digits."""
        return self._state_hash

    async def seed(self, ops: Sequence[MemoryOp]) -> None:
        """Form version 0 of an empty bank: all of the operations, or none and an error.

        Args:
            ops: the operations in order; if there are none, the bank stays as it is.

        Raises:
            ValueError: the bank has already been seeded, or is past version 0.
            PluginError: an operation that breaks the contract (the message names it), or an embedder that does.
            ModelError: the embedder's model failed.
        """
        self._expect_fresh()
        if not ops:
            return
        effects, state_hash = self._prepared(0, ops)
        vectors = await self._vectors.embed(effects.keys.values())
        self._expect_fresh()
        self._commit(0, effects, vectors)
        self._state_hash = state_hash

    async def apply(self, version: int, ops: Sequence[MemoryOp]) -> None:
        """Apply the operations of the next version: all of them, or none and an error.

        Args:
            version: :attr:`version` + 1.
            ops: the operations in order; may be empty. An ``add`` gets revision 1, or the next one if the id was
                deleted before.

        Raises:
            ValueError: not the next version.
            PluginError: an operation that breaks the contract (the message names it), or an embedder that does.
            ModelError: the embedder's model failed.
        """
        self._expect(version)
        effects, state_hash = self._prepared(version, ops)
        vectors = await self._vectors.embed(effects.keys.values())
        self._expect(version)
        self._commit(version, effects, vectors)
        self._version, self._state_hash = version, state_hash

    def get(self, item_id: str, version: int) -> MemoryItem | None:
        """An item as of a version, or ``None``.

        Raises:
            ValueError: the bank has no such version.
        """
        self._check(version)
        return self._items.get(item_id, version)

    def items(
        self,
        version: int,
        kind: str = "",
        domain: str = "",
        exclude_tasks: Collection[str] = (),
        exclude_items: Collection[str] = (),
    ) -> tuple[MemoryItem, ...]:
        """All items as of a version, in the order they were added.

        Args:
            version: at most :attr:`version`.
            kind: only items of this kind; empty: any.
            domain: only items of this domain; empty: any.
            exclude_tasks: ids of tasks whose items are left out.
            exclude_items: ids of items that are left out.

        Raises:
            ValueError: the bank has no such version.
        """
        self._check(version)
        keep = self._experiences.simplified(Filter(kind, domain, frozenset(exclude_tasks), frozenset(exclude_items)))
        live = self._items.live() if version == self._version else self._items.live_at(version)
        return tuple(live) if keep == Filter() else tuple(item for item in live if keep.accepts(item))

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of any texts from the bank's embedder, one row each. Those of keys and of recently embedded texts are reused.

        Raises:
            PluginError: the embedder breaks its contract.
            ModelError: its model failed.
        """
        found = await self._vectors.embed(texts)
        return np.array([found[text] for text in texts], dtype=np.float32)

    def document(self, name: str, version: int) -> str:
        """A document's text as of a version; ``""`` if there was none.

        Raises:
            ValueError: the bank has no such version.
        """
        self._check(version)
        return self._documents.get(name, version)

    def documents(self, version: int) -> Mapping[str, tuple[int, ...]]:
        """The documents as of a version by name, each with the versions that wrote it, in order.

        Raises:
            ValueError: the bank has no such version.
        """
        self._check(version)
        return self._documents.written(version)

    async def search(
        self, query: str, k: int, version: int, kind: str = "", domain: str = "", exclude_tasks: Collection[str] = ()
    ) -> SearchResult:
        """The ``k`` experiences whose keys are most like ``query``, with their items as of a version.

        An experience is found if at least one of its items is visible, and comes with its visible items, in the order
        they were added. Ties go to the experience that came first. The index is used for searches of the whole latest version;
        everything else is searched exactly.

        Args:
            query: text; one without features finds nothing.
            k: how many experiences, at most.
            version: at most :attr:`version`.
            kind: only items of this kind; empty: any.
            domain: only items of this domain; empty: any.
            exclude_tasks: ids of tasks whose items are left out.

        Returns:
            The hits and which index answered; if there are no hits, the reason.

        Raises:
            ValueError: the bank has no such version.
            PluginError: the embedder breaks its contract.
            ModelError: the embedder's model failed.
        """
        return (await self.standing_search(query, k, version, kind, domain, exclude_tasks)).gave

    async def standing_search(
        self,
        query: str,
        k: int,
        version: int,
        kind: str = "",
        domain: str = "",
        exclude_tasks: Collection[str] = (),
        exclude_items: Collection[str] = (),
    ) -> StandingSearch:
        """Like :meth:`search`, for callers that need to find out later whether another version would still give the same result.

        Args:
            exclude_items: ids of items that are left out; the others as in :meth:`search`.
        """
        self._check(version)
        keep = Filter(kind, domain, frozenset(exclude_tasks), frozenset(exclude_items))
        vector = None
        if k <= 0:
            gave = SearchResult((), f"no experience was asked for (k={k})", "")
        elif not self._scope(version, keep).count:
            why = next(reason for filtered, reason in relaxations(keep) if not self._scope(version, filtered).count)
            gave = SearchResult((), why, "")
        else:
            vector = (await self._vectors.embed([query]))[query]
            # The scope is read again: versions may have been applied while the query was embedded.
            found = vector.any()
            gave = self._hits(vector, k, version, keep) if found else SearchResult((), "query has no features", "")
        return StandingSearch(self._experiences, self._vectors, vector, k, version, keep, gave)

    def _hits(self, vector: Vectors, k: int, version: int, keep: Filter) -> SearchResult:
        scope = self._scope(version, keep)
        if scope.labels is None:
            index = self._vectors.name
            found = self._vectors.search(vector, k + len(scope.hidden))
            found = [pair for pair in found if pair[0] not in scope.hidden][:k]
        else:
            index = "exact"
            labels = np.fromiter(scope.labels, dtype=np.int64, count=len(scope.labels))
            found = self._vectors.search_among(vector, k, labels)
        visible = [(score, self._experiences.visible(label, version, keep)) for label, score in found]
        return SearchResult(tuple(Hit(items[0].experience, score, items) for score, items in visible), "", index)

    def _scope(self, version: int, keep: Filter) -> Scope:
        return self._experiences.scope(version, keep)

    def _prepared(self, version: int, ops: Sequence[MemoryOp]) -> tuple[Effects, str]:
        """What a version changes, and the hash chain after it; changes nothing yet."""
        effects = effects_of(version, ops, State(self._items.latest, self._items.last_revision, self._experiences.key))
        try:
            return effects, chain(self._state_hash, version, ops) if version else origin(ops)
        except TypeError as error:
            raise PluginError(
                f"memory operations of version {version} are not plain data: {error}.", "Use plain values."
            ) from error

    def _commit(self, version: int, effects: Effects, vectors: Mapping[str, Vectors]) -> None:
        touched: dict[int, None] = {}
        for item_id, item in effects.items:
            touched[self._experiences.record(version, self._items.latest(item_id), item)] = None
            self._items.put(version, item_id, item)
        for label in touched:
            self._vectors.set_live(label, self._experiences.key_of(label), self._experiences.is_live(label), vectors)
        for name, text in effects.documents:
            self._documents.put(version, name, text)

    def _expect_fresh(self) -> None:
        if self._version or self._state_hash != GENESIS:
            raise ValueError(f"only an empty bank is seeded; this one is at version {self._version} and has operations")

    def _expect(self, version: int) -> None:
        if version != self._version + 1:
            raise ValueError(f"the bank is at version {self._version}: the next is {self._version + 1}, not {version}")

    def _check(self, version: int) -> None:
        if not 0 <= version <= self._version:
            raise ValueError(f"the bank has versions 0 to {self._version}, not {version}")
