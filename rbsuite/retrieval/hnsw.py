"""Approximate nearest neighbours by cosine, with hnswlib; every answer is ordered by exact cosines.

hnswlib itself answers zero and NaN queries, silently overwrites labels, fails when fewer than k vectors are live, and
searches with ``ef=10`` (recall 0.79 to 0.94 at 10,000 to 100,000 vectors). :class:`HnswIndex` guards against each of
these.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from rbsuite.errors import UsageError
from rbsuite.retrieval.exact import ExactIndex, unit
from rbsuite.retrieval.rows import tie_margin

if TYPE_CHECKING:
    from rbsuite.retrieval.base import Labels, Vectors
    from rbsuite.retrieval.rows import Floats

EXACT_UP_TO = 256
"""Up to this many live vectors, exact search answers."""

RECALL = 0.995
"""Share of the ten nearest that the graph must find, on average over a sample of queries between stored vectors."""

_LADDER = (32, 48, 64, 96, 128, 192, 256)
"""Candidate list lengths that are tried, shortest first, until one reaches :data:`RECALL`; the next one is then
used, as the sample is a little easier than real queries. Beyond the last, exact search is as fast."""

_M = 16
_EF_CONSTRUCTION = 128
_SEED = 100
_CAPACITY = 1024
_BLOCK = 1024
_DEAD_SHARE = 0.2
_SAMPLE = 100
_NEAREST = 10


def hnswlib_installed() -> bool:
    """Whether hnswlib can be found; nothing is imported."""
    return find_spec("hnswlib") is not None


class HnswIndex:
    """A graph over the vectors of an exact index.

    The graph proposes candidates and the exact index ranks them, so scores, rounding and ties are those of
    :class:`~rbsuite.retrieval.exact.ExactIndex`. The exact index answers alone if it must (``allowed``) or if the graph
    would gain nothing: with at most :data:`EXACT_UP_TO` live vectors, or ``k`` close to their number.

    How long a search's candidate list must be depends on the vectors: 48 is enough for clustered ones, 256 is not enough
    for those of hashed words in 384 slots. So it is measured (:attr:`ef`, :attr:`recall`): when a graph is built over given
    vectors, and whenever the number of nodes reaches a power of two.

    Vectors wait until the graph is needed and are then inserted together. The graph is the same as if each had been
    inserted at once: it is built by one thread with a fixed seed, in the order of the additions, and the same additions and
    removals in the same order give the same graph, no matter when searches are made. Not thread-safe.

    Args:
        dimension: length of a vector.
        vectors: an exact index to build the graph over, which this index then owns; ``None``: an empty one.

    Raises:
        UsageError: hnswlib is not installed or cannot be loaded.
    """

    def __init__(self, dimension: int, vectors: ExactIndex | None = None) -> None:
        self._library = _load()
        self._vectors = ExactIndex(dimension) if vectors is None else vectors
        self._ef, self._recall = _LADDER[-1], 1.0
        self._start(list(self._vectors))
        self._measure()

    @property
    def ef(self) -> int:
        """Length of the candidate list of a search, as last measured."""
        return self._ef

    @property
    def recall(self) -> float:
        """Share of the ten nearest that a candidate list one step shorter than :attr:`ef` contains, as last measured; 1
        before that."""
        return self._recall

    @property
    def name(self) -> str:
        """``"hnsw"``."""
        return "hnsw"

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._vectors.dimension

    def __len__(self) -> int:
        return len(self._vectors)

    def add(self, label: int, vector: Vectors) -> None:
        """Add a vector (shape (dimension,)) under a new label.

        Raises:
            ValueError: wrong dimension, not finite, or the label exists.
        """
        self._vectors.add(label, vector)
        self._node_of[label] = len(self._labels)
        self._labels.append(label)
        nodes = len(self._labels)
        if nodes >= _CAPACITY and nodes & (nodes - 1) == 0:
            self._measure()

    def remove(self, label: int) -> None:
        """Remove a vector; the graph is rebuilt when more than a fifth of its nodes are removed ones.

        Raises:
            KeyError: there is no such label.
        """
        if label not in self._node_of:
            raise KeyError(label)
        if len(self._labels) - len(self) + 1 > _DEAD_SHARE * len(self._labels):
            self._vectors.remove(label)
            self._start(list(self._vectors))
            return
        # Vectors added before the removal may have it as a neighbour; later ones must not.
        self._build()
        self._vectors.remove(label)
        self._graph.mark_deleted(self._node_of.pop(label))

    def vector(self, label: int) -> Vectors:
        """The unit vector under a label, float32, shape (dimension,).

        Raises:
            KeyError: there is no such label.
        """
        return self._vectors.vector(label)

    def search(self, vector: Vectors, k: int, allowed: Labels | None = None) -> tuple[Labels, Vectors]:
        """The min(k, live) labels with the greatest cosines, best first, ties by smaller label; with their cosines.

        Args:
            vector: query, shape (dimension,). A zero vector finds nothing.
            k: how many; 0 returns nothing.
            allowed: labels to search among, exactly; ``None``: all, approximately.

        Raises:
            ValueError: wrong dimension, or not finite.
        """
        ef = max(self._ef, 4 * k)
        if allowed is not None or k <= 0 or len(self) <= max(EXACT_UP_TO, ef):
            return self._vectors.search(vector, k, allowed)
        query = unit(vector, self.dimension)
        candidates = self._candidates(query, k, ef) if query.any() else None
        return self._vectors.search(query, k, candidates)

    def _candidates(self, query: Floats, k: int, ef: int) -> Labels | None:
        """What the graph proposes: its ``k`` nearest and all that may tie with them; ``None`` if it cannot answer."""
        self._build()
        nodes, distances = self._nearest(query, ef)
        if len(nodes) < k:
            return None
        near = distances <= distances[k - 1] + tie_margin(self.dimension)
        return np.array([self._labels[node] for node in nodes[near].tolist()], dtype=np.int64)

    def _nearest(self, query: Floats, ef: int) -> tuple[Labels, Vectors]:
        """Up to ``ef`` nodes with their distances (1 - cosine), nearest first."""
        self._graph.set_ef(ef)
        try:
            nodes, distances = self._graph.knn_query(query.astype(np.float32), k=min(ef, len(self)), num_threads=1)
        except RuntimeError:
            # hnswlib's answer when it reaches fewer nodes than asked for.
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        return nodes[0], distances[0]

    def _measure(self) -> None:
        """Choose :attr:`ef` using a sample."""
        if len(self) <= EXACT_UP_TO:
            return
        self._build()
        labels = list(self._vectors)
        queries: list[tuple[Floats, float]] = []
        for place in range(_SAMPLE):
            own = self.vector(labels[place * len(labels) // _SAMPLE])
            near = self._vectors.search(own, _NEAREST)[0]
            if not len(near):
                continue
            # Between two neighbours: a vector of the same kind that is not stored, as stored ones are easier to search for.
            query = unit(own + self.vector(int(near[-1])), self.dimension)
            cosines = self._vectors.search(query, _NEAREST)[1]
            if len(cosines):
                queries.append((query, float(cosines[-1])))
        for ef, longer in pairwise(_LADDER):
            self._ef, self._recall = longer, self._recall_at(ef, queries)
            if self._recall >= RECALL:
                return

    def _recall_at(self, ef: int, queries: list[tuple[Floats, float]]) -> float:
        """Mean share of the nearest that a candidate list contains; each query comes with the cosine of the last of them.
        Any of several equally near ones counts."""
        found = 0
        for query, least in queries:
            near = np.count_nonzero(1 - self._nearest(query, ef)[1] >= least - tie_margin(self.dimension))
            found += min(int(near), _NEAREST)
        return found / (_NEAREST * len(queries)) if queries else 1.0

    def _start(self, labels: list[int]) -> None:
        """Start a new graph over live labels."""
        # Nodes are numbered by this class and never reused, as hnswlib would update a node that is added again.
        self._labels = labels
        self._node_of = {label: node for node, label in enumerate(labels)}
        self._built = 0
        self._graph: Any = self._library.Index(space="ip", dim=self.dimension)
        self._graph.init_index(max_elements=_CAPACITY, M=_M, ef_construction=_EF_CONSTRUCTION, random_seed=_SEED)
        self._graph.set_num_threads(1)

    def _build(self) -> None:
        """Insert the waiting vectors into the graph."""
        count = len(self._labels)
        if self._built == count:
            return
        capacity = self._graph.get_max_elements()
        if count > capacity:
            self._graph.resize_index(max(2 * capacity, count))
        for first in range(self._built, count, _BLOCK):
            nodes = np.arange(first, min(first + _BLOCK, count))
            rows = np.stack([self._vectors.vector(self._labels[node]) for node in nodes.tolist()])
            # "ip" on unit vectors is the cosine; hnswlib's own "cosine" would divide a zero vector by its norm.
            self._graph.add_items(rows, nodes, num_threads=1)
        self._built = count


def _load() -> Any:
    try:
        return import_module("hnswlib")
    except ImportError as error:
        raise UsageError(
            f"index 'hnsw' needs the package hnswlib, which cannot be loaded: {error}.",
            "Install it (pip install hnswlib; needs a C++ compiler), or use the index 'exact' or 'auto'.",
        ) from error
