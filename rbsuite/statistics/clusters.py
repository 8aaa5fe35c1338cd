"""Items that say the same, across runs: each run of a memory has a bank of its own, and learns many lessons again in other words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rbsuite.experience import MemoryItem
from rbsuite.retrieval.hashing import HashEmbedder

LIKENESS = 0.8
"""Cosine of two items' words from which they say the same."""
_DIMENSION = 2048


def clusters_of(items: Sequence[MemoryItem], likeness: float = LIKENESS) -> list[int]:
    """The cluster of each item, from 0. An item joins the first cluster whose first item it is like, else it begins one.

    Likeness is that of words (:class:`rbsuite.retrieval.hashing.HashEmbedder` over title, description and content): lessons that mean the
    same in other words stay apart.

    Args:
        items: those that matter most first, since each cluster is named after its first.
        likeness: cosine from which items belong together.
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
