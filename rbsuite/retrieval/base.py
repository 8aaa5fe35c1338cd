"""The contracts of retrieval: embedders and indexes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rbsuite.models.gate import Line, Pace
    from rbsuite.models.meter import Meter
    from rbsuite.trajectory import Usage

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


@runtime_checkable
class MeteredEmbedder(Embedder, Protocol):
    """What an embedder has in addition if its vectors cost money and it is called over a network."""

    def through(self, line: Line, pace: Pace, meter: Meter) -> None:
        """Send its requests through a gate, in a line, at a pace that all embedders of that model share, and count them for the limits."""

    def take_usage(self) -> Usage:
        """What was spent since the last call of this method."""

    async def aclose(self) -> None:
        """Close connections."""


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
        """The min(k, live) labels with the greatest cosines, best first, ties by smaller label; with their cosines.

        Args:
            vector: query, shape (dimension,). A zero vector finds nothing.
            k: how many; 0 returns nothing.
            allowed: labels to search among; ``None``: all.
        """
