"""Storage of an exact index: rows of unit vectors, kept in sparse form while they are sparse and dense otherwise.

Hash vectors of short texts have about 2 % of their 4096 slots filled. Dense, 10,000 of them take 160 MB and a search
reads all of that; as postings (for every slot, the rows that fill it) they take a twentieth and a search touches only
the slots of the query.

A row's score never depends on which other rows are stored or searched: both kinds of rows sum in double precision
and in a fixed order. (A BLAS matrix product does depend on the matrix's shape; it is only used to find
candidates.)
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rbsuite.retrieval.base import Labels, Vectors

    Floats = NDArray[np.float64]

TIE = 2e-6
"""Rows within this distance of the k-th score are candidates too: scores are rounded before they are compared, and may
then tie."""

_COLUMN_FROM = 64
_COLUMN_SHARE = 1 / 8
"""A slot becomes a column when more than this share of the rows fill it."""


class Rows(Protocol):
    """Rows of unit vectors, numbered from 0 in the order they were added."""

    def __len__(self) -> int:
        """Number of rows."""

    def append(self, vector: Vectors) -> None:
        """Add a row (float32, shape (dimension,))."""

    def vector(self, row: int) -> Vectors:
        """A row as it was added."""

    def best(self, query: Floats, k: int, rows: Labels | None) -> tuple[Labels, Floats]:
        """The ``k`` best rows and all that may tie with them, unordered, with their dot products in double precision.

        Args:
            query: unit vector, float64, shape (dimension,).
            k: at least 1.
            rows: row numbers to search among; ``None``: all.
        """


class DenseRows:
    """Rows in one float32 matrix that doubles when it is full."""

    def __init__(self, dimension: int) -> None:
        self._data: Vectors = np.empty((64, dimension), dtype=np.float32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, vector: Vectors) -> None:
        """Add a row."""
        if self._count == len(self._data):
            grown = np.empty((2 * self._count, self._data.shape[1]), dtype=np.float32)
            grown[: self._count] = self._data
            self._data = grown
        self._data[self._count] = vector
        self._count += 1

    def vector(self, row: int) -> Vectors:
        """A copy of a row."""
        vector: Vectors = self._data[row].copy()
        return vector

    def best(self, query: Floats, k: int, rows: Labels | None) -> tuple[Labels, Floats]:
        """Finds candidates by a single-precision product, then sums them again row by row in double precision."""
        if rows is not None and len(rows) <= k:
            found = rows
        else:
            chosen = _shortlist(self._rough(query.astype(np.float32), rows), k, tie_margin(self._data.shape[1]))
            found = chosen if rows is None else rows[chosen]
        products = self._data[found].astype(np.float64) * query
        return found, np.add.reduce(products, axis=1)

    def _rough(self, query: Vectors, rows: Labels | None) -> Vectors:
        few = rows is not None and 2 * len(rows) < self._count
        scores: Vectors = (self._data[rows] if few else self._data[: self._count]) @ query
        return scores if few or rows is None else scores[rows]


class SparseRows:
    """Rows as postings by slot, for search, and as slots by row, for reading them back.

    A slot that many rows fill (a common word) becomes a column, with a place for every row: adding up a column costs an
    eighth of adding up its postings.
    """

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._postings: dict[int, tuple[array[int], array[float]]] = {}
        self._columns: dict[int, Vectors] = {}
        self._capacity = 64
        self._starts: array[int] = array("q", [0])
        self._slots: array[int] = array("i")
        self._values: array[float] = array("f")

    def __len__(self) -> int:
        return len(self._starts) - 1

    @property
    def filled(self) -> int:
        """Number of filled slots, over all rows."""
        return len(self._slots)

    def append(self, vector: Vectors) -> None:
        """Add a row."""
        row = len(self)
        if row == self._capacity:
            self._columns = {
                slot: np.concatenate([column, np.zeros_like(column)]) for slot, column in self._columns.items()
            }
            self._capacity *= 2
        filled = vector.nonzero()[0]
        slots, values = filled.tolist(), vector[filled].tolist()
        for slot, value in zip(slots, values, strict=True):
            self._put(slot, row, value)
        self._slots.extend(slots)
        self._values.extend(values)
        self._starts.append(len(self._slots))

    def _put(self, slot: int, row: int, value: float) -> None:
        column = self._columns.get(slot)
        if column is not None:
            column[row] = value
            return
        rows, values = self._postings.setdefault(slot, (array("i"), array("f")))
        rows.append(row)
        values.append(value)
        if len(rows) > _COLUMN_FROM and len(rows) > _COLUMN_SHARE * row:
            column = np.zeros(self._capacity, dtype=np.float32)
            column[rows] = values
            self._columns[slot] = column
            del self._postings[slot]

    def vector(self, row: int) -> Vectors:
        """A row in dense form."""
        part = slice(self._starts[row], self._starts[row + 1])
        vector = np.zeros(self._dimension, dtype=np.float32)
        vector[self._slots[part]] = self._values[part]
        return vector

    def best(self, query: Floats, k: int, rows: Labels | None) -> tuple[Labels, Floats]:
        """Finds candidates by postings and columns, then sums them again row by row, over the row's slots in ascending order."""
        if rows is not None and len(rows) <= k:
            return rows, self._precise(query, rows)
        slots = query.nonzero()[0].tolist()
        common = [slot for slot in slots if slot in self._columns]
        scores = self._by_postings(query, [slot for slot in slots if slot in self._postings])
        scores += self._by_columns(query, common)
        if rows is not None:
            scores = scores[rows]
        chosen = _shortlist(scores, k, 2 * (len(common) + 1) * 2.0**-23 + TIE)
        found = chosen if rows is None else rows[chosen]
        return found, self._precise(query, found)

    def _by_postings(self, query: Floats, slots: list[int]) -> Floats:
        if not slots:
            return np.zeros(len(self))
        postings = [self._postings[slot] for slot in slots]
        rows = np.concatenate([np.frombuffer(posting[0], dtype=np.intc) for posting in postings])
        values = np.concatenate([np.frombuffer(posting[1], dtype=np.float32) for posting in postings])
        weights = query[slots].repeat([len(posting[0]) for posting in postings])
        np.multiply(weights, values, out=weights)
        return _summed(rows, weights, len(self))

    def _by_columns(self, query: Floats, slots: list[int]) -> Vectors:
        total = np.zeros(len(self), dtype=np.float32)
        product = np.empty_like(total)
        for slot in slots:
            np.multiply(self._columns[slot][: len(self)], np.float32(query[slot]), out=product)
            np.add(total, product, out=total)
        return total

    def _precise(self, query: Floats, rows: Labels) -> Floats:
        starts = np.frombuffer(self._starts, dtype=np.int64)
        first, counts = starts[rows], starts[rows + 1] - starts[rows]
        owner = np.arange(len(rows)).repeat(counts)
        place = np.arange(len(owner)) + (first - counts.cumsum() + counts).repeat(counts)
        slots = np.frombuffer(self._slots, dtype=np.intc)[place] if len(self._slots) else np.empty(0, dtype=np.intc)
        values = (
            np.frombuffer(self._values, dtype=np.float32)[place] if len(self._values) else np.empty(0, dtype=np.float32)
        )
        return _summed(owner, query[slots] * values, len(rows))


def tie_margin(dimension: int) -> float:
    """How far a single-precision cosine of two unit vectors may be below the ``k``-th and still tie with it."""
    # Error of a sum of d products of unit vectors: at most d roundings of 2 ** -24, twice that to be safe.
    return 2 * (dimension + 1) * 2.0**-23 + TIE


def _summed(places: Labels, values: Floats, count: int) -> Floats:
    """For each place from 0 to ``count`` - 1, the sum of its values, added in order."""
    return np.asarray(np.bincount(places, weights=values, minlength=count), dtype=np.float64)


def _shortlist(scores: Floats | Vectors, k: int, margin: float) -> Labels:
    """Places of the scores that are at most ``margin`` below the ``k``-th best."""
    if k >= len(scores):
        return np.arange(len(scores))
    least = scores.max() if k == 1 else np.partition(scores, len(scores) - k)[len(scores) - k]
    places: Labels = (scores >= least - margin).nonzero()[0]
    return places
