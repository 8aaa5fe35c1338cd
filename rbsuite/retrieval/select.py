"""Chooses an index: exact while that is cheap, hnswlib beyond."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal, Protocol

from rbsuite.errors import UnknownNameError
from rbsuite.retrieval.base import Index
from rbsuite.retrieval.exact import ExactIndex
from rbsuite.retrieval.hnsw import RECALL, HnswIndex, hnswlib_installed

if TYPE_CHECKING:
    from rbsuite.retrieval.base import Labels, Vectors

IndexKind = Literal["auto", "exact", "hnsw"]

KINDS: tuple[IndexKind, ...] = ("auto", "exact", "hnsw")

THRESHOLD = 8_000
"""Number of dense vectors from which ``auto`` uses hnswlib. With 384 dimensions, one search and one addition cost as much
with the graph as without at 4,000 to 5,000 vectors; at 8,000, a step costs about half, and building the graph pays off
after some 5,000 more (see ``benchmarks/retrieval.py``)."""

_log = logging.getLogger(__name__)


class VectorIndex(Index, Protocol):
    """An index that can also return its vectors. Every index of this package is one."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    def vector(self, label: int) -> Vectors:
        """The unit vector under a label, float32, shape (dimension,).

        Raises:
            KeyError: there is no such label.
        """


class AutoIndex:
    """Exact until it contains ``threshold`` dense vectors, then hnswlib over the same vectors.

    Search stays exact for sparse vectors (those of the hash embedder) at any size: searching their postings costs less than
    searching a graph, which would need them dense. If a graph finds too few of the vectors' neighbours (see
    :attr:`HnswIndex.recall`), search goes back to exact for good. Without hnswlib, everything stays exact. The last two are
    logged once.

    Args:
        dimension: length of a vector.
        threshold: number of vectors from which hnswlib is used.
    """

    def __init__(self, dimension: int, threshold: int = THRESHOLD) -> None:
        self._exact = ExactIndex(dimension)
        self._index: ExactIndex | HnswIndex = self._exact
        self._threshold = threshold
        self._may_convert = True

    @property
    def name(self) -> str:
        """``"exact"`` or ``"hnsw"``, whichever answers now."""
        return self._index.name

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._exact.dimension

    def __len__(self) -> int:
        return len(self._index)

    def add(self, label: int, vector: Vectors) -> None:
        """Add a vector (shape (dimension,)) under a new label; the addition that reaches the threshold builds the
        graph, once.

        Raises:
            ValueError: wrong dimension, not finite, or the label exists.
        """
        self._index.add(label, vector)
        if self._may_convert and len(self._exact) >= self._threshold and not self._exact.sparse:
            self._convert()
        if isinstance(self._index, HnswIndex) and self._index.recall < RECALL:
            _log.warning("hnswlib finds too few of the nearest: retrieval stays exact", extra={"vectors": len(self)})
            self._index = self._exact

    def remove(self, label: int) -> None:
        """Remove a vector.

        Raises:
            KeyError: there is no such label.
        """
        self._index.remove(label)

    def vector(self, label: int) -> Vectors:
        """The unit vector under a label, float32, shape (dimension,).

        Raises:
            KeyError: there is no such label.
        """
        return self._index.vector(label)

    def search(self, vector: Vectors, k: int, allowed: Labels | None = None) -> tuple[Labels, Vectors]:
        """The min(k, live) labels with the greatest cosines, best first, ties by smaller label; with their cosines.

        Raises:
            ValueError: wrong dimension, or not finite.
        """
        return self._index.search(vector, k, allowed)

    def _convert(self) -> None:
        self._may_convert = False
        if hnswlib_installed():
            self._index = HnswIndex(self._exact.dimension, self._exact)
        else:
            _log.warning("hnswlib is not installed: retrieval stays exact", extra={"vectors": len(self._exact)})


def make_index(kind: str, dimension: int) -> VectorIndex:
    """An empty index of a kind: ``auto``, ``exact`` or ``hnsw``.

    Args:
        kind: see :data:`KINDS`.
        dimension: length of a vector.

    Raises:
        UnknownNameError: no such kind.
        UsageError: ``hnsw`` without hnswlib.
    """
    if kind == "exact":
        return ExactIndex(dimension)
    if kind == "hnsw":
        return HnswIndex(dimension)
    if kind == "auto":
        return AutoIndex(dimension)
    raise UnknownNameError("index", kind, KINDS)
