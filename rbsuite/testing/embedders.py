"""The rules for embedders."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from rbsuite.retrieval.base import Embedder
from rbsuite.specs import EmbedderSpec
from rbsuite.testing.elsewhere import Elsewhere, elsewhere
from rbsuite.testing.rules import Broken, Rule, require, rule
from rbsuite.testing.subjects import Subject, common_rules, lacking, own_chance, repeatable, require_importable

KIND = "embedder"
TEXTS = (
    "Exchange two items of an order.",
    "Cancel the flight and refund the ticket.",
    "Wie weit ist es zum Bahnhof?",
    "exchange two items of another order",
)
ODD = ("", "   \n", "?!", "\u00e9\u4e2d\U0001f600", "x" * 50_000, "word " * 20_000, "\x00")
CLOSE = 1e-4
"""How far the norm of a vector may be from 1, and a vector from itself in another batch."""


class EmbedderSubject(Subject[EmbedderSpec]):
    """An embedder."""

    @cached_property
    def embedder(self) -> Embedder:
        """The embedder."""
        made: Embedder = self.make()
        return made

    async def vectors(self, texts: Sequence[str], embedder: Embedder | None = None) -> Any:
        """Vectors of texts, as returned by the embedder."""
        return await (embedder or self.embedder).embed(texts)

    async def use(self) -> list[bytes]:
        """Vectors from the shared object and from a new one."""
        return [(await self.vectors(TEXTS, one)).tobytes() for one in (self.embedder, self.make())]


@rule(
    KIND,
    "id",
    'Build the id from scheme, version and options: "hash/1:dimension=4096".',
    after=("factory",),
)
async def identity(subject: EmbedderSubject) -> None:
    """It has an id, the same for every object of the same options, that names everything that shapes its vectors."""
    first, second = subject.embedder.id, subject.make().id
    require(isinstance(first, str) and first.strip() and first.isprintable(), f"its id is {first!r}")
    require(first == second, f"two objects with the same options have the ids {first!r} and {second!r}")


@rule(
    KIND,
    "shape",
    "np.zeros((len(texts), dimension), dtype=np.float32), then fill the rows.",
    after=("factory",),
)
async def shape(subject: EmbedderSubject) -> None:
    """It gives a float32 array with one row for each text, even for no texts."""
    for texts in ([], list(TEXTS[:1]), list(TEXTS)):
        vectors = await subject.vectors(texts)
        require(isinstance(vectors, np.ndarray), f"embed gave {type(vectors).__name__}, not an array")
        right = vectors.ndim == 2 and len(vectors) == len(texts)
        require(right, f"for {len(texts)} texts it gave an array of the shape {vectors.shape}")
        require(vectors.dtype == np.float32, f"its vectors are {vectors.dtype}")


@rule(
    KIND,
    "dimension",
    "Set `dimension` to the length of what the model gives.",
    after=("shape",),
)
async def dimension(subject: EmbedderSubject) -> None:
    """Vectors are as long as it says."""
    for texts in ([], list(TEXTS)):
        length = (await subject.vectors(texts)).shape[1]
        told = subject.embedder.dimension
        require(length == told, f"it says {told}, but its vectors have the length {length}")


@rule(
    KIND,
    "unit",
    "Divide each row by its norm.",
    after=("shape",),
)
async def unit(subject: EmbedderSubject) -> None:
    """Vectors are finite and of length 1, or all zeros where a text has nothing to go by."""
    vectors = (await subject.vectors(TEXTS)).astype(np.float64)
    require(np.isfinite(vectors).all(), "a vector is not finite")
    norms = np.sqrt((vectors * vectors).sum(axis=1))
    off = [norm for norm in norms.tolist() if abs(norm - 1.0) > CLOSE and norm != 0.0]
    require(not off, f"a vector has the norm {off[0] if off else 0:.4f}")


@rule(
    KIND,
    "tells-apart",
    "Make sure that texts reach the model, and each gets its own row.",
    after=("unit",),
)
async def tells_apart(subject: EmbedderSubject) -> None:
    """Different texts have different vectors, and a text is nearest to what resembles it."""
    vectors = await subject.vectors(TEXTS)
    cosines = (vectors @ vectors[0]).tolist()
    require(cosines[0] > 1 - CLOSE, "a text has a different vector beside itself")
    require(max(cosines[1:]) < 1 - CLOSE, "two different texts have the same vector")
    nearest = max(range(1, len(TEXTS)), key=lambda place: float(cosines[place]))
    require(nearest == len(TEXTS) - 1, f"{TEXTS[0]!r} is nearest to {TEXTS[nearest]!r}")


@rule(
    KIND,
    "batch",
    "Mask the padding of shorter texts, and normalise nothing over a batch.",
    after=("repeatable",),
)
async def batch(subject: EmbedderSubject) -> None:
    """A text's vector does not depend on the texts beside it, nor on their order."""
    together = await subject.vectors(TEXTS)
    turned = (await subject.vectors(TEXTS[::-1]))[::-1]
    alone = np.concatenate([await subject.vectors([text]) for text in TEXTS])
    for what, vectors in (("alone", alone), ("in another order", turned)):
        require(np.allclose(together, vectors, atol=CLOSE), f"asked for {what}, texts have different vectors")


@rule(
    KIND,
    "side-by-side",
    "Keep what a call works with in local variables.",
    after=("batch",),
)
async def side_by_side(subject: EmbedderSubject) -> None:
    """Calls at the same time do not disturb each other."""
    alone = [await subject.vectors([text]) for text in TEXTS]
    beside = await asyncio.gather(*(subject.vectors([text]) for text in TEXTS))
    for one, other in zip(alone, beside, strict=True):
        require(np.allclose(one, other, atol=CLOSE), "asked for at the same time, texts have different vectors")


@rule(
    KIND,
    "processes",
    "Use no `hash()`, and derive ids from contents, not from paths or versions of the machine.",
    after=("id", "repeatable"),
)
async def processes(subject: EmbedderSubject) -> None:
    """Another process, however it hashes texts, gives the same vectors and id."""
    factory = subject.spec.factory
    require_importable(factory.partition(":")[0])
    own = np.asarray(await subject.vectors(TEXTS), dtype=np.float32)
    jobs = (
        elsewhere("embed", hash_seed=seed, factory=factory, options=dict(subject.part.values), texts=TEXTS)
        for seed in (1, 2)
    )
    try:
        found = await asyncio.gather(*jobs)
    except Elsewhere as error:
        raise Broken(str(error)) from error
    for name, digits in found:
        vectors = np.frombuffer(bytes.fromhex(digits), dtype=np.float32)
        same = name == subject.embedder.id and vectors.size == own.size
        require(
            same and np.allclose(vectors.reshape(own.shape), own, atol=CLOSE), "in another process vectors or id differ"
        )


@rule(
    KIND,
    "odd-texts",
    "Give zeros where there is nothing to go by, and truncate what is too long.",
    after=("shape",),
)
async def odd_texts(subject: EmbedderSubject) -> None:
    """It copes with every text: empty, blank, symbols only, other scripts, very long."""
    for text in ODD:
        vectors = await subject.vectors([text])
        require(np.isfinite(vectors).all(), f"the vector of {text[:20]!r} is not finite")


RULES: tuple[Rule[Any], ...] = (
    *common_rules(KIND, lacking("id", "dimension", "embed")),
    identity,
    shape,
    dimension,
    unit,
    tells_apart,
    repeatable(KIND, "Seed what is drawn, switch dropout off, and use no `hash()`.", "shape"),
    own_chance(KIND, "Keep a generator of its own.", "repeatable"),
    batch,
    side_by_side,
    processes,
    odd_texts,
)
"""The rules, in the order in which they are checked."""
