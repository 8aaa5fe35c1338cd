"""Retrieval: cost and recall of the indexes, cost and quality of the hash embedder, cost of a bank's step.

Run ``python benchmarks/retrieval.py`` (half a minute; ``--full`` goes to 100,000 vectors). Times are CPU microseconds of this process;
recall is against exact search. Texts are those of the tau-bench pack if it is found (``$RBSUITE_TEST_PACKS``, else ``../shared/packs`` next
to the repository), otherwise drawn from a seeded grammar; the table says which.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rbsuite.experience import MemoryItem, MemoryOp, Provenance
from rbsuite.memories.bank import Bank
from rbsuite.retrieval.exact import ExactIndex
from rbsuite.retrieval.hashing import HashEmbedder
from rbsuite.retrieval.hnsw import HnswIndex

if TYPE_CHECKING:
    from rbsuite.retrieval.base import Vectors
    from rbsuite.retrieval.select import VectorIndex

QUERIES = 100
ROUNDS = 3
DENSE = 384
SLOTS = 4096


@dataclass(frozen=True, slots=True)
class Corpus:
    """Texts with the label that a neighbour should share."""

    source: str
    texts: list[str]
    labels: list[str]


def main() -> None:
    """Print the tables."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--full", action="store_true", help="up to 100,000 vectors")
    sizes = [1_000, 4_000, 8_000, 20_000, *([100_000] if arguments.parse_args().full else [])]
    corpus = load_corpus()
    print(f"texts: {corpus.source}\n")
    # First, so that the peak memory is the stream's own.
    steps(corpus)
    quality(corpus)
    indexes(corpus, sizes)


def indexes(corpus: Corpus, sizes: Sequence[int]) -> None:
    """Exact against hnsw: dense vectors like those of texts, the worst kind, and hash vectors (which hnsw only takes dense)."""
    print("\n| vectors | N | index | search us | recall@1 | recall@5 | add us |\n|---|---|---|---|---|---|---|")
    for size in sizes:
        rows = clustered(size + QUERIES)
        compare(f"dense {DENSE}", rows[:size], rows[size:], [ExactIndex(DENSE), HnswIndex(DENSE)])
    words = asyncio.run(HashEmbedder(DENSE).embed(drawn_texts(corpus, 8_000 + QUERIES)))
    compare(f"hash {DENSE}", words[:8_000], words[8_000:], [ExactIndex(DENSE), HnswIndex(DENSE)])
    rows = np.random.default_rng(0).standard_normal((5_000 + QUERIES, DENSE), dtype=np.float32)
    compare(f"noise {DENSE}", rows[:5_000], rows[5_000:], [ExactIndex(DENSE), HnswIndex(DENSE)])
    queries = asyncio.run(HashEmbedder(SLOTS).embed(drawn_texts(corpus, QUERIES, seed=1)))
    few = asyncio.run(HashEmbedder(SLOTS).embed(drawn_texts(corpus, 1_000)))
    compare(f"hash {SLOTS}", few, queries, [ExactIndex(SLOTS), HnswIndex(SLOTS)])
    for size in sizes[1:]:
        compare(f"hash {SLOTS}", hashed(corpus, size), queries, [ExactIndex(SLOTS)])


def compare(name: str, rows: Vectors | Iterator[Vectors], queries: Vectors, kinds: list[VectorIndex]) -> None:
    """One line per index, timed in its best round; the first is the ground truth. Rows that can be read only once suit a single index."""
    truth: list[list[int]] = []
    for index in kinds:
        spent, count = 0.0, 0
        for label, row in enumerate(rows):
            start = time.process_time()
            index.add(label, row)
            spent += time.process_time() - start
            count += 1
        start = time.process_time()
        # Pending items enter the graph with the first search.
        index.search(queries[0], 1)
        spent += time.process_time() - start
        rounds: list[float] = []
        for _ in range(ROUNDS):
            start = time.process_time()
            found = [index.search(query, 5)[0].tolist() for query in queries]
            rounds.append((time.process_time() - start) / len(queries) * 1e6)
        each = min(rounds)
        truth = truth or found
        first = np.mean([mine[0] == theirs[0] for mine, theirs in zip(found, truth, strict=True)])
        five = np.mean([len(set(mine) & set(theirs)) / 5 for mine, theirs in zip(found, truth, strict=True)])
        print(
            f"| {name} | {count:,} | {index.name} | {each:.0f} | {first:.3f} | {five:.3f} | {spent / count * 1e6:.0f} |"
        )


def quality(corpus: Corpus) -> None:
    """Leave-one-out: how often the nearest other text has the same label."""
    print("\n| hash slots | same label, top-1 | by chance | embed us |\n|---|---|---|---|")
    labels = np.array(corpus.labels)
    chance = np.mean([(labels == label).sum() - 1 for label in labels]) / (len(labels) - 1)
    for slots in (512, 1024, 4096, 16384):
        embedder = HashEmbedder(slots)
        vectors = asyncio.run(embedder.embed(corpus.texts))
        scores = vectors @ vectors.T
        np.fill_diagonal(scores, -2)
        same = np.mean(labels == labels[scores.argmax(axis=1)])
        spent = timed(partial(one_by_one, embedder, corpus.texts)) / len(corpus.texts)
        print(f"| {slots} | {same:.3f} | {chance:.3f} | {spent:.0f} |")


async def one_by_one(embedder: HashEmbedder, texts: Sequence[str]) -> None:
    """Embed each text on its own, as a stream does."""
    for text in texts:
        await embedder.embed([text])


def steps(corpus: Corpus, count: int = 10_000) -> None:
    """A stream: search, then apply three items, for every task."""
    print("| after tasks | search us | apply us | peak RSS MB |\n|---|---|---|---|")
    asyncio.run(stream(drawn_texts(corpus, count), count // 4))


async def stream(texts: Sequence[str], every: int) -> None:
    """Run the stream; one line every so many tasks, with means since the last."""
    bank, searching, applying = Bank(HashEmbedder(SLOTS)), 0.0, 0.0
    for position, text in enumerate(texts):
        start = time.process_time()
        await bank.search(text, 1, position, exclude_tasks=(f"t{position}",))
        middle = time.process_time()
        await bank.apply(position + 1, operations(position, text))
        searching, applying = searching + middle - start, applying + time.process_time() - middle
        if (position + 1) % every == 0:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"| {position + 1:,} | {searching / every * 1e6:.0f} | {applying / every * 1e6:.0f} | {peak:.0f} |")
            searching = applying = 0.0


def operations(position: int, key: str) -> list[MemoryOp]:
    """Three items of one task."""
    where = Provenance(f"t{position}", position, (0,), "success", "self")
    body = f"{position} " + "what to do and what to avoid " * 8
    return [
        MemoryOp(
            "add",
            where,
            item=MemoryItem(
                f"i{position}-{n}", body[:40], body[:80], body, key, f"e{position}", "strategy", "retail", where
            ),
        )
        for n in range(3)
    ]


def clustered(count: int) -> Vectors:
    """Unit vectors from a mixture of 64 clusters in 32 dimensions, lifted to 384 with noise: as easy as text embeddings are."""
    drawn = np.random.default_rng(0)
    latent = drawn.normal(size=(64, 32))[drawn.integers(64, size=count)] + 0.5 * drawn.normal(size=(count, 32))
    lift = drawn.normal(size=(32, DENSE)) / np.sqrt(32)
    rows = (latent @ lift + 0.3 * drawn.standard_normal(size=(count, DENSE))).astype(np.float32)
    unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def hashed(corpus: Corpus, count: int) -> Iterator[Vectors]:
    """Hash vectors one at a time: together they would take gigabytes."""
    embedder = HashEmbedder(SLOTS)
    for text in drawn_texts(corpus, count):
        yield asyncio.run(embedder.embed([text]))[0]


def drawn_texts(corpus: Corpus, count: int, seed: int = 0) -> list[str]:
    """New texts from three sentences of the corpus each."""
    draw = random.Random(seed)
    sentences = [sentence for text in corpus.texts for sentence in text.split(". ") if sentence.strip()]
    return [". ".join(draw.sample(sentences, 3)) for _ in range(count)]


def load_corpus() -> Corpus:
    """Instructions of the pack, labelled by the set of tools that solve the task; otherwise synthetic ones, labelled by their kind."""
    root = Path(os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).parents[2] / "shared" / "packs")
    path = root / "tau-bench" / "retail_train_tasks.json"
    if not path.is_file():
        return synthetic()
    tasks = json.loads(path.read_text(encoding="utf-8"))
    labels = ["+".join(sorted({action["name"] for action in task["actions"]})) for task in tasks]
    return Corpus(f"tau-bench retail train, {len(tasks)} instructions", [task["instruction"] for task in tasks], labels)


def synthetic(count: int = 500) -> Corpus:
    """Requests of six kinds in varied words."""
    draw = random.Random(0)
    kinds = {
        "cancel": ["cancel", "call off", "drop"],
        "return": ["return", "send back", "give back"],
        "exchange": ["exchange", "swap", "trade"],
        "address": ["change the address of", "ship elsewhere", "redirect"],
        "payment": ["pay differently for", "change the payment of", "use another card for"],
        "status": ["find out about", "check the status of", "track"],
    }
    things = ["lamp", "kettle", "desk", "shoes", "watch", "tablet", "jacket", "puzzle", "camera", "bottle"]
    moods = [
        "I am in a hurry",
        "I would like to be brief",
        "I am polite but firm",
        "I forgot the details",
        "I am not sure",
    ]
    labels = draw.choices(list(kinds), k=count)
    texts = [
        f"{draw.choice(moods)}. My order is W{draw.randrange(10**6)}. I want to {draw.choice(kinds[label])} the {draw.choice(things)}"
        f" and the {draw.choice(things)}. Please confirm when it is done"
        for label in labels
    ]
    return Corpus(f"synthetic, {count} requests", texts, labels)


def timed(call: Callable[[], Coroutine[None, None, None]]) -> float:
    """CPU microseconds of the second of two calls."""
    asyncio.run(call())
    start = time.process_time()
    asyncio.run(call())
    return (time.process_time() - start) * 1e6


if __name__ == "__main__":
    main()
