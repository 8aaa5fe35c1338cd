"""Items that say the same thing, across runs: each run of a memory has its own bank and learns many lessons again in other words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rbsuite.experience import MemoryItem
from rbsuite.retrieval.hashing import HashEmbedder

LIKENESS = 0.8
"""The cosine of two items' words from which on they are taken to say the same thing."""
_DIMENSION = 2048


def clusters_of(items: Sequence[MemoryItem], likeness: float = LIKENESS) -> list[int]:
    """The cluster of each item, from 0. An item joins the first cluster whose first item it resembles; otherwise it starts a new one.

    Only words are compared (:class:`rbsuite.retrieval.hashing.HashEmbedder` over title, description and content): lessons that mean the
    same in different words stay apart.

    Args:
        items: the most important ones first, since each cluster is named after its first item.
        likeness: the cosine from which on items belong together.
    """
    if not items:
        return []
    texts = ["\n".join((item.title, item.description, item.content)) for item in items]
    vectors = HashEmbedder(_DIMENSION).vectors(texts)
    found: list[int] = []
    leaders: list[int] = []
    for row in range(len(items)):
        alike = np.flatnonzero(vectors[leaders] @ vectors[row] >= likeness) if leaders else np.empty(0)
        if len(alike):
            found.append(int(alike[0]))
        else:
            found.append(len(leaders))
            leaders.append(row)
    return found
