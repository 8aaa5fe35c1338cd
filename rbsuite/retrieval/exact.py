"""Exact nearest neighbours by cosine, in numpy."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rbsuite.retrieval.rows import DenseRows, SparseRows

if TYPE_CHECKING:
    from rbsuite.retrieval.base import Labels, Vectors
    from rbsuite.retrieval.rows import Floats, Rows

DENSE_FROM = 1 / 8
"""Mean share of filled slots above which a matrix is both smaller and faster than postings."""

DECIMALS = 6
"""Cosines are rounded to this many decimals. Finer differences come from rounding in the embedder or the machine and
mean nothing, so such neighbours tie and the smaller label goes first."""

_COMPACT_FROM = 64


class ExactIndex:
    """Exact search; the order of answers is a function of the vectors and labels alone (see :data:`DECIMALS`).

    Vectors are scaled to unit norm when added; a zero vector is kept and has cosine 0 with everything. While vectors
    are sparse they are kept as postings (see :mod:`rbsuite.retrieval.rows`), and as a matrix from the first addition
    that makes them dense on average. An addition takes constant time on average. Not thread-safe.

    Args:
        dimension: length of a vector.
    """

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._rows: Rows = SparseRows(dimension)
        self._row_of: dict[int, int] = {}
        # By row; a removed row keeps its place until the next compaction, and its label is no longer in _row_of.
        self._labels: Labels = np.empty(64, dtype=np.int64)
        self._alive = np.zeros(64, dtype=np.bool_)
        self._by_label: tuple[Labels, Labels] | None = None

    @property
    def name(self) -> str:
        """``"exact"``."""
        return "exact"

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._dimension

    @property
    def sparse(self) -> bool:
        """Whether vectors are kept as postings."""
        return isinstance(self._rows, SparseRows)

    def __len__(self) -> int:
        return len(self._row_of)

    def __contains__(self, label: object) -> bool:
        return label in self._row_of

    def __iter__(self) -> Iterator[int]:
        """The live labels in the order they were added."""
        return iter(self._row_of)

    def add(self, label: int, vector: Vectors) -> None:
        """Add a vector (shape (dimension,)) under a new label.

        Raises:
            ValueError: wrong dimension, not finite, or the label exists.
        """
        if label in self._row_of:
            raise ValueError(f"label {label} already exists")
        row_vector = unit(vector, self._dimension).astype(np.float32)
        row = len(self._rows)
        self._rows.append(row_vector)
        if row == len(self._labels):
            self._labels = np.concatenate([self._labels, np.empty_like(self._labels)])
            self._alive = np.concatenate([self._alive, np.zeros_like(self._alive)])
        self._labels[row], self._alive[row] = label, True
        self._row_of[label] = row
        self._by_label = None
        rows = self._rows
        if isinstance(rows, SparseRows) and rows.filled > DENSE_FROM * self._dimension * len(rows):
            self._move(DenseRows(self._dimension))

    def remove(self, label: int) -> None:
        """Remove a vector.

        Raises:
            KeyError: there is no such label.
        """
        self._alive[self._row_of.pop(label)] = False
        self._by_label = None
        dead = len(self._rows) - len(self._row_of)
        if dead >= _COMPACT_FROM and dead > len(self._row_of):
            self._move(SparseRows(self._dimension) if self.sparse else DenseRows(self._dimension))

    def vector(self, label: int) -> Vectors:
        """The unit vector under a label, float32, shape (dimension,).

        Raises:
            KeyError: there is no such label.
        """
        return self._rows.vector(self._row_of[label])

    def search(self, vector: Vectors | Floats, k: int, allowed: Labels | None = None) -> tuple[Labels, Vectors]:
        """The min(k, live) labels with the greatest cosines, best first, ties by smaller label; with their cosines.

        Args:
            vector: query, shape (dimension,). A zero vector finds nothing.
            k: how many; 0 returns nothing.
            allowed: labels to search among, ignoring any that are not live; ``None``: all.

        Raises:
            ValueError: wrong dimension, or not finite.
        """
        query = unit(vector, self._dimension)
        rows = self._searchable(allowed)
        count = len(self) if rows is None else len(rows)
        if k <= 0 or count == 0 or not query.any():
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        found, scores = self._rows.best(query, k, rows)
        # Adding 0 turns -0.0 into 0.0.
        cosines = scores.round(DECIMALS).clip(-1.0, 1.0) + 0.0
        labels = self._labels[found]
        order = np.lexsort((labels, -cosines))[:k]
        return labels[order], cosines[order].astype(np.float32)

    def _searchable(self, allowed: Labels | None) -> Labels | None:
        """Rows to search among; ``None``: every row."""
        if allowed is not None:
            return self._rows_of(np.asarray(allowed, dtype=np.int64))
        count = len(self._rows)
        return None if count == len(self._row_of) else np.flatnonzero(self._alive[:count])

    def _rows_of(self, wanted: Labels) -> Labels:
        if len(wanted) < 256:
            known = {self._row_of[label] for label in wanted.tolist() if label in self._row_of}
            return np.array(sorted(known), dtype=np.int64)
        if self._by_label is None:
            live = np.flatnonzero(self._alive[: len(self._rows)])
            order = np.argsort(self._labels[live], kind="stable")
            self._by_label = (self._labels[live][order], live[order])
        labels, rows = self._by_label
        if not len(labels):
            return rows
        places = np.minimum(np.searchsorted(labels, wanted), len(labels) - 1)
        mask = np.zeros(len(labels), dtype=np.bool_)
        mask[places[labels[places] == wanted]] = True
        return rows[mask]

    def _move(self, target: Rows) -> None:
        """Move the live rows to another storage, without the removed ones."""
        live = list(self._row_of.items())
        for row, (label, old) in enumerate(live):
            target.append(self._rows.vector(old))
            self._row_of[label] = row
            self._labels[row] = label
        self._alive[:] = False
        self._alive[: len(live)] = True
        self._rows = target
        self._by_label = None


def unit(vector: Vectors | Floats, dimension: int) -> Floats:
    """The vector scaled to unit norm, in double precision; zeros stay zeros.

    Raises:
        ValueError: wrong dimension, or not finite.
    """
    if np.shape(vector) != (dimension,):
        raise ValueError(f"vector of shape {np.shape(vector)}, expected ({dimension},)")
    exact = np.asarray(vector, dtype=np.float64)
    norm = math.sqrt(float(exact @ exact))
    if not math.isfinite(norm):
        raise ValueError("vector is not finite")
    # A vector that single precision cannot bring closer to unit norm is kept as it is, so that adding it again changes
    # nothing.
    if abs(norm - 1) < 1e-6:
        return exact
    return exact / norm if norm > 0 else np.zeros(dimension)
