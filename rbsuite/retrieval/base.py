"""The contracts of retrieval: embedders and indexes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Labels = NDArray[np.int64]


class Embedder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def id(self) -> str:
        """Identifies everything that shapes its vectors: model, dimension, prefixes. Vectors of different ids never mix."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts: float32, shape (len(texts), dimension), rows of unit norm (a text with no features: zeros)."""


class Index(Protocol):
    """Nearest neighbours by cosine among vectors with integer labels."""

    @property
    def name(self) -> str:
        """``"exact"`` or ``"hnsw"``."""

    def __len__(self) -> int:
        """Number of live vectors."""

    def add(self, label: int, vector: Vectors) -> None:
        """Add a vector (shape (dimension,)) under a new label.

        Raises:
            ValueError: wrong dimension, not finite, or the label exists.
        """

    def remove(self, label: int) -> None:
        """Remove a vector.

        Raises:
            KeyError: there is no such label.
        """

    def search(self, vector: Vectors, k: int, allowed: Labels | None = None) -> tuple[Labels, Vectors]:
        """The min(k, live) labels of greatest cosine, best first, ties by smaller label; with their cosines.

        Args:
            vector: query, shape (dimension,). A zero vector finds nothing.
            k: how many; 0 gives nothing.
            allowed: labels to search among; ``None``: all.
        """
