"""The hash embedder: words and pairs of words, hashed into a fixed number of slots. Nothing to download, the same on
every machine.

A feature's hash gives a slot and, from a bit that the slot does not depend on, a sign; a text's vector is the sum of
its features' signs, scaled to unit norm. Words are hashed with BLAKE2b; a pair is hashed from the hashes of its two
words, so that only words need a cache and pairs cost a few array operations. The sums are sums of integers and the
scaling is one IEEE square root and division, so vectors are bit-identical everywhere.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from rbsuite.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rbsuite.retrieval.base import Vectors

_CJK = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
# Scripts without spaces: every character is a word, and pairs then cover most words of two characters.
_WORD = re.compile(f"[{_CJK}]|[^\\W{_CJK}]+")
_CACHE_LIMIT = 1 << 16
_ALL = (1 << 64) - 1
_FEW = 16
"""Up to this many words are added up one by one, which gives the same vector as arrays do, and sooner."""


class HashEmbedder:
    """Embeds a text by its words and pairs of neighbouring words, without regard to case.

    Args:
        dimension: number of slots, at least 16. More slots mean fewer collisions; an exact index stores only those that
            are not zero.

    Raises:
        UsageError: the dimension is too small.
    """

    def __init__(self, dimension: int = 4096) -> None:
        if dimension < 16:
            raise UsageError(f"embedder 'hash': dimension={dimension} is too small.", "Use 16 or more.")
        self._dimension = dimension
        self._words: dict[str, int] = {}

    @property
    def id(self) -> str:
        """The scheme's version and the dimension."""
        return f"hash/1:dimension={self._dimension}"

    @property
    def dimension(self) -> int:
        """Number of slots."""
        return self._dimension

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts: float32, shape (len(texts), dimension), rows of unit norm; a text without a word gives
        zeros."""
        return self.vectors(texts)

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """:meth:`embed` as a plain function."""
        vectors = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            self._fill(row, text)
        return vectors

    def _fill(self, row: Vectors, text: str) -> None:
        words = self._hashes(text)
        if not words:
            return
        if len(words) > _FEW:
            single = np.array(words, dtype=np.uint64)
            hashes = np.concatenate([single, _mix(single[:-1], single[1:])])
            slots = (hashes % np.uint64(self._dimension)).astype(np.int64)
            # The slot is a remainder, so the top bit is free to be the sign, whatever the dimension.
            signs = 1.0 - 2.0 * (hashes >> np.uint64(63)).astype(np.float64)
            sums = np.bincount(slots, weights=signs, minlength=self._dimension)
            norm = float(np.sqrt(np.square(sums).sum()))
            if norm > 0:
                row[:] = sums / norm
            return
        total: dict[int, float] = {}
        for value in (*words, *map(_mix_one, words, islice(words, 1, None))):
            slot = value % self._dimension
            total[slot] = total.get(slot, 0.0) + (1.0 - 2.0 * (value >> 63))
        norm = math.sqrt(sum([value * value for value in total.values()]))
        if norm > 0:
            row[list(total)] = [value / norm for value in total.values()]

    def _hashes(self, text: str) -> list[int]:
        """Hashes of the text's words, in order."""
        known = self._words
        if len(known) > _CACHE_LIMIT:
            known.clear()
        words: list[int] = []
        for word in _WORD.findall(text.lower()):
            value = known.get(word)
            if value is None:
                data = word.encode("utf-8", "surrogatepass")
                value = known[word] = int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")
            words.append(value)
        return words


def _mix(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hash of ordered pairs: the first is multiplied by an odd constant so that (a, b) and (b, a) differ, then
    SplitMix64's finisher."""
    value = first * np.uint64(0x9E3779B97F4A7C15) + second
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = value ^ (value >> np.uint64(31))
    return mixed


def _mix_one(first: int, second: int) -> int:
    """:func:`_mix` of one pair."""
    value = (first * 0x9E3779B97F4A7C15 + second) & _ALL
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _ALL
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _ALL
    return value ^ (value >> 31)
