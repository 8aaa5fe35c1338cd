"""An embedder that keeps every rule for embedders, and for each rule one that breaks it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rbsuite.options import Option
from rbsuite.retrieval.hashing import HashEmbedder
from rbsuite.specs import EmbedderSpec


class Good(HashEmbedder):
    """Words in 256 slots."""

    def __init__(self) -> None:
        super().__init__(256)


GOOD = EmbedderSpec("good", "words in 256 slots", f"{__name__}:Good")


class NoEmbed:
    id = "no-embed"
    dimension = 2


class WithOption(Good):
    def __init__(self, k: int) -> None:
        super().__init__()


class ObjectId(Good):
    @property
    def id(self) -> str:
        return f"good/{id(self)}"


class Doubles(Good):
    async def embed(self, texts: Sequence[str]) -> Any:
        return (await super().embed(texts)).astype(np.float64)


class AnotherLength(Good):
    @property
    def dimension(self) -> int:
        return 255


class TwiceAsLong(Good):
    async def embed(self, texts: Sequence[str]) -> Any:
        return await super().embed(texts) * np.float32(2.0)


class AllTheSame(Good):
    async def embed(self, texts: Sequence[str]) -> Any:
        return await super().embed(["the same"] * len(texts))


class Noisy(Good):
    async def embed(self, texts: Sequence[str]) -> Any:
        vectors = await super().embed(texts)
        return vectors * np.float32(1 - 1e-6 * random.Random().random())


class GlobalChance(Good):
    async def embed(self, texts: Sequence[str]) -> Any:
        np.random.random()
        return await super().embed(texts)


class OfTheBatch(Good):
    async def embed(self, texts: Sequence[str]) -> Any:
        vectors = await super().embed(texts)
        return -vectors if len(texts) == 1 else vectors


class MixesUp(Good):
    async def embed(self, texts: Sequence[str]) -> Any:
        self.texts = texts
        await asyncio.sleep(0)
        return await super().embed(self.texts)


class HashesTexts(Good):
    async def embed(self, texts: Sequence[str]) -> Any:
        return np.roll(await super().embed(texts), hash("a text") % 256, axis=1)


class NeedsWords(Good):
    async def embed(self, texts: Sequence[str]) -> Any:
        if any(not text.split() for text in texts):
            raise ValueError("no words")
        return await super().embed(texts)


def _of(embedder: type[Any], **changed: Any) -> EmbedderSpec:
    return replace(GOOD, name="broken", factory=f"{__name__}:{embedder.__name__}", **changed)


BROKEN: Mapping[str, EmbedderSpec] = {
    "name": replace(GOOD, name="Words"),
    "summary": replace(GOOD, name="broken", summary=""),
    "factory": _of(NoEmbed),
    "options": _of(WithOption, options=(Option("k", "int", 0, "how many", minimum=1),)),
    "import": replace(GOOD, name="broken", factory="broken.work:Embedder"),
    "id": _of(ObjectId),
    "shape": _of(Doubles),
    "dimension": _of(AnotherLength),
    "unit": _of(TwiceAsLong),
    "tells-apart": _of(AllTheSame),
    "repeatable": _of(Noisy),
    "own-chance": _of(GlobalChance),
    "batch": _of(OfTheBatch),
    "side-by-side": _of(MixesUp),
    "processes": _of(HashesTexts),
    "odd-texts": _of(NeedsWords),
}
"""A spec for each rule."""
