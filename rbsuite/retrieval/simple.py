"""What embedders that compute on this machine have in common."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rbsuite.errors import PluginError

if TYPE_CHECKING:
    from rbsuite.retrieval.base import Vectors


class SyncEmbedder(ABC):
    """An embedder whose :meth:`encode` is a plain function; it runs in a thread, so that a slow model does not block anything.

    A subclass sets ``id`` and ``dimension``. Vectors are scaled to unit norm and converted to float32 here; blank texts are not encoded
    and get zeros.
    """

    id: str
    """Identifies everything that shapes the vectors: model, version, dimension, prefixes."""
    dimension: int
    """Length of a vector."""

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> Any:
        """Vectors of texts that are not blank, in anything that numpy takes: one row per text, ``dimension`` numbers each."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """See :class:`rbsuite.retrieval.base.Embedder`.

        Raises:
            PluginError: ``encode`` returned something of another shape.
        """
        return await asyncio.to_thread(self._embed, list(texts))

    def _embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        places = [place for place, text in enumerate(texts) if text.strip()]
        if places:
            rows = np.asarray(self.encode([texts[place] for place in places]), dtype=np.float32)
            if rows.shape != (len(places), self.dimension):
                raise PluginError(
                    f"encode gave an array of shape {rows.shape}, not {(len(places), self.dimension)}.",
                    "Fix the embedder.",
                    owner=f"embedder {self.id!r}",
                )
            norms = np.linalg.norm(rows, axis=1, keepdims=True)
            vectors[places] = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
        return vectors
