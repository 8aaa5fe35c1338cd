"""The vectors of a bank's experiences: embedded once, indexed while the experience is live, stored separately afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rbsuite.errors import PluginError, in_words, is_mistake
from rbsuite.retrieval.exact import ExactIndex, unit
from rbsuite.retrieval.select import make_index

if TYPE_CHECKING:
    from rbsuite.retrieval.base import Embedder, Labels, Vectors
    from rbsuite.retrieval.select import VectorIndex

_QUERIES_KEPT = 256

_VECTORS_KEPT = 64
"""Vectors kept of the labels that changed last, which every current search is compared with."""


class KeyVectors:
    """One vector for each experience, with an integer label.

    A text is embedded once: keys are looked up among the stored vectors, other texts among those embedded most recently.
    Vectors of experiences without a live item move to an exact index of their own, where searches of earlier versions
    find them.

    Args:
        embedder: embeds keys and queries.
        index_kind: ``auto``, ``exact`` or ``hnsw``.

    Raises:
        UnknownNameError: no such kind of index.
        UsageError: ``hnsw`` without hnswlib.
    """

    def __init__(self, embedder: Embedder, index_kind: str) -> None:
        self._embedder = embedder
        self._kind = index_kind
        self._index: VectorIndex | None = None
        self._retired = ExactIndex(1)
        self._live: set[int] = set()
        self._label_of_key: dict[str, int] = {}
        self._recent: dict[str, Vectors] = {}
        self._last: dict[int, Vectors] = {}
        make_index(index_kind, 1)

    @property
    def name(self) -> str:
        """Which index answers :meth:`search`."""
        return self._kind if self._index is None else self._index.name

    def __len__(self) -> int:
        """Number of live experiences."""
        return len(self._live)

    async def embed(self, texts: Iterable[str]) -> Mapping[str, Vectors]:
        """The vectors of texts, each of shape (dimension,).

        Raises:
            PluginError: the embedder breaks its contract.
            ModelError: its model failed.
        """
        wanted = dict.fromkeys(texts)
        found = {text: vector for text in wanted if (vector := self._known(text)) is not None}
        missing = [text for text in wanted if text not in found]
        if missing:
            for text, vector in zip(missing, self._checked(await self._asked(missing), missing), strict=True):
                found[text] = vector
                # A row of its own: a view would keep the whole batch in memory.
                self._recent[text] = vector.copy()
        while len(self._recent) > _QUERIES_KEPT:
            del self._recent[next(iter(self._recent))]
        return found

    def set_live(self, label: int, key: str, live: bool, vectors: Mapping[str, Vectors]) -> None:
        """Make an experience live or no longer live, if it is not so already.

        Args:
            label: the experience's label.
            key: its key.
            live: whether searches of the latest version may find it.
            vectors: contains the vector of ``key``, unless the label was live before.
        """
        index = self._live_index(len(vectors[key]) if key in vectors else 0)
        if live and label in self._retired:
            index.add(label, self._retired.vector(label))
            self._retired.remove(label)
        elif live and label not in self._live:
            index.add(label, vectors[key])
        elif not live and label in self._live:
            self._retired.add(label, index.vector(label))
            index.remove(label)
        elif not live and label not in self._retired:
            self._retired.add(label, vectors[key])
        (self._live.add if live else self._live.discard)(label)
        self._label_of_key.setdefault(key, label)

    def search(self, vector: Vectors, k: int) -> list[tuple[int, float]]:
        """The ``k`` live labels with the greatest cosines, best first, ties by smaller label; with their cosines."""
        if self._index is None:
            return []
        return _pairs(*self._index.search(vector, k))

    def search_among(self, vector: Vectors, k: int, labels: Labels) -> list[tuple[int, float]]:
        """The same, exactly, among the given labels, live or not."""
        if self._index is None:
            return []
        found = _pairs(*self._index.search(vector, k, labels))
        if len(self._retired):
            found += _pairs(*self._retired.search(vector, k, labels))
            found.sort(key=lambda pair: (-pair[1], pair[0]))
        return found[:k]

    @staticmethod
    def unit(vector: Vectors) -> Vectors:
        """A vector scaled to unit norm, in single precision, for :meth:`at_most`."""
        return unit(vector, len(vector)).astype(np.float32)

    def at_most(self, queries: Vectors, label: int) -> npt.NDArray[np.float64]:
        """Upper bounds on the cosines of a label, live or not; quick, and at most a thousandth too high.

        Args:
            queries: rows of unit norm, in single precision.
            label: the experience's label.
        """
        vector = self._last.get(label)
        if vector is None:
            if len(self._last) >= _VECTORS_KEPT:
                self._last.clear()
            vector = self._last[label] = self._vector(label)
        # Error of a sum of d products of unit vectors: at most d roundings of 2 ** -24, twice that to be safe.
        return (queries @ vector).astype(np.float64) + ((len(vector) + 1) * 2.0**-23 + 2e-6)

    def cosine(self, query: Vectors, label: int) -> float:
        """The cosine of a label, live or not, as a search returns it."""
        ((_, found),) = self.search_among(query, 1, np.array([label], dtype=np.int64))
        return found

    def _known(self, text: str) -> Vectors | None:
        label = self._label_of_key.get(text)
        if label is None:
            return self._recent.get(text)
        return self._vector(label)

    def _vector(self, label: int) -> Vectors:
        return self._retired.vector(label) if label in self._retired else self._live_index().vector(label)

    def _live_index(self, dimension: int = 0) -> VectorIndex:
        if self._index is None:
            # Some embedders learn their dimension from their first answer, so indexes wait for the first vector.
            self._index = make_index(self._kind, dimension)
            self._retired = ExactIndex(dimension)
        return self._index

    async def _asked(self, texts: Sequence[str]) -> object:
        try:
            return await self._embedder.embed(texts)
        except BaseException as error:
            if not is_mistake(error):
                raise
            raise PluginError.of(self._owner, error, "Fix the embedder.") from error

    @property
    def _owner(self) -> str:
        return f"embedder {self._embedder.id!r}"

    def _checked(self, vectors: object, texts: Sequence[str]) -> Vectors:
        try:
            array = np.asarray(vectors, dtype=np.float32)
        except (ValueError, TypeError) as error:
            raise PluginError(
                f"embed must return a float32 array with one row per text, not {in_words(vectors)}.",
                "Fix the embedder.",
                owner=self._owner,
            ) from error
        expected = self._index.dimension if self._index is not None else array.shape[-1] if array.ndim else 0
        if array.shape != (len(texts), expected) or expected == 0:
            wanted = f"({len(texts)}, {expected or 'dimension'})"
            raise PluginError(
                f"it returned an array of shape {array.shape}, not {wanted}.", "Fix the embedder.", owner=self._owner
            )
        if self._index is None and array.shape[-1] != (declared := self._embedder.dimension):
            raise PluginError(
                f"it returned vectors of length {array.shape[-1]}, and says that its dimension is {declared}.",
                "Fix the embedder.",
                owner=self._owner,
            )
        if not np.isfinite(array).all():
            raise PluginError("it returned a vector that is not finite.", "Fix the embedder.", owner=self._owner)
        return array


def _pairs(labels: Labels, cosines: Vectors) -> list[tuple[int, float]]:
    # Cosines are rounded to six decimals; the double nearest to such a decimal prints as that decimal.
    return list(zip(labels.tolist(), (round(cosine, 6) for cosine in cosines.tolist()), strict=True))
