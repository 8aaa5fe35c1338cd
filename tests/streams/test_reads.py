"""Reads of a bank that moves on while they are made."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbsuite.errors import ModelError
from rbsuite.experience import MemoryItem, MemoryOp, Provenance
from rbsuite.memories.bank import Bank
from rbsuite.retrieval.hashing import HashEmbedder
from rbsuite.run.reads import Reads, RunTwins
from rbsuite.task import Task, TaskSet

QUERIES = ("refund my order", "change the address", "refund the address", "book it")
TASKS = tuple(Task(f"t{number}", "g", "ab"[number % 2]) for number in range(4))
ALL = TaskSet("toy", "test", TASKS)


class Waiting(HashEmbedder):
    """Takes time for every text; fails on some."""

    def __init__(self, failing: frozenset[str] = frozenset()) -> None:
        super().__init__(64)
        self.failing = failing

    async def embed(self, texts: Sequence[str]) -> Any:
        for _ in range(3):
            await asyncio.sleep(0)
        if self.failing & set(texts):
            raise ModelError("the embedder is down.")
        return await super().embed(texts)


def add(number: int, query: str, task: Task) -> MemoryOp:
    made = Provenance(task.id, number)
    item = MemoryItem(f"i{number}", "t", "d", f"c{number}", query, f"e{number}", "k", task.domain, made)
    return MemoryOp("add", made, item=item)


STEPS = st.lists(st.tuples(st.sampled_from(QUERIES), st.sampled_from(TASKS), st.booleans()), max_size=12)


def ops_of(steps: Sequence[tuple[str, Task, bool]]) -> list[list[MemoryOp]]:
    """One version for each step: an item is added, or the last one is deleted."""
    versions, live = [], list[int]()
    for number, (query, task, adds) in enumerate(steps):
        if adds or not live:
            live.append(number)
            versions.append([add(number, query, task)])
        else:
            versions.append([MemoryOp("delete", Provenance(task.id, number), item_id=f"i{live.pop()}")])
    return versions


@settings(deadline=None)
@given(STEPS, STEPS, st.sampled_from(QUERIES), st.sampled_from(TASKS), st.sampled_from(["shared", "domain"]))
def test_a_read_gives_its_version_while_the_bank_moves_on(
    before: list[tuple[str, Task, bool]], steps: list[tuple[str, Task, bool]], query: str, task: Task, scope: str
) -> None:
    versions = ops_of([*before, *steps])
    told = len(before)

    async def read(reads: Reads) -> list[Any]:
        found = await reads.search(query, 2, "", "")
        return [found, reads.list("", ""), [reads.get(f"i{number}") for number in range(24)], reads.document("d")]

    async def run() -> None:
        still, moving = Bank(Waiting()), Bank(Waiting())
        for version, ops in enumerate(versions[:told], 1):
            await still.apply(version, ops)
            await moving.apply(version, ops)
        expected = await read(Reads(still, told, task, RunTwins(ALL, still), scope))

        async def move() -> None:
            for version, ops in enumerate(versions[told:], told + 1):
                await moving.apply(version, ops)

        reads = Reads(moving, told, task, RunTwins(ALL, moving), scope)
        given, _ = await asyncio.gather(read(reads), move())
        assert given == expected
        again = Reads(moving, told, task, RunTwins(ALL, moving), scope)
        assert await read(again) == expected
        assert await again.hold(told)
        for version in range(told, len(versions) + 1):
            fresh = await read(Reads(moving, version, task, RunTwins(ALL, moving), scope))
            assert await again.hold(version) == (fresh == expected)
        assert await reads.hold(len(versions)) == (fresh == expected)

        searched = Reads(moving, told, task, RunTwins(ALL, moving), scope)
        found = await searched.search(query, 2, "", "")
        for version in range(told, len(versions) + 1):
            other = await Reads(moving, version, task, RunTwins(ALL, moving), scope).search(query, 2, "", "")
            assert await searched.hold(version) == (other == found)

    asyncio.run(run())


def test_a_read_that_failed_never_holds() -> None:
    """Where the bank is empty no vector is needed, and nothing fails; so what a memory made of the failure is not to stand."""

    async def run() -> None:
        embedder = Waiting()
        bank = Bank(embedder)
        await bank.apply(1, [add(0, QUERIES[0], TASKS[0])])
        await bank.apply(2, [MemoryOp("delete", Provenance("t0", 1), item_id="i0")])
        embedder.failing = frozenset(QUERIES[1:2])
        reads = Reads(bank, 1, TASKS[1], RunTwins(ALL, bank), "shared")
        with pytest.raises(ModelError):
            await reads.search(QUERIES[1], 1, "", "")
        assert not await reads.hold(2)
        assert not await reads.hold(0)

    asyncio.run(run())


def test_where_a_read_would_fail_it_does_not_hold() -> None:
    async def run() -> None:
        embedder = Waiting()
        bank = Bank(embedder)
        reads = Reads(bank, 0, TASKS[1], RunTwins(ALL, bank), "shared")
        assert (await reads.search(QUERIES[1], 1, "", "")).reason == "empty bank"
        await bank.apply(1, [add(0, QUERIES[0], TASKS[0])])
        embedder.failing = frozenset(QUERIES[1:2])
        assert not await reads.hold(1)

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["search", "get", "get-gone", "list", "document"])
def test_each_kind_of_read_alone_is_held_to_what_it_gave(kind: str) -> None:
    """Version 2 changes what each of them gives; version 3 changes nothing."""
    made = Provenance("t0", 1)
    first = add(0, QUERIES[0], TASKS[0])
    change = [
        add(1, QUERIES[0], TASKS[0]),
        MemoryOp("score", made, item_id="i0", counters={"helpful": 1.0}),
        MemoryOp("put_document", made, document="d", text="new"),
    ]

    async def read(reads: Reads) -> Any:
        if kind == "search":
            return await reads.search(QUERIES[0], 1, "", "")
        if kind.startswith("get"):
            return reads.get("i0" if kind == "get" else "i1")
        return reads.list("", "") if kind == "list" else reads.document("d")

    async def run() -> None:
        bank = Bank(Waiting())
        for version, ops in enumerate(([first], change, []), 1):
            await bank.apply(version, ops)
        stale, fresh = (Reads(bank, version, TASKS[1], RunTwins(ALL, bank), "shared") for version in (1, 2))
        assert await read(stale) != await read(fresh)
        assert not await stale.hold(2)
        assert not await stale.hold(3)
        assert await fresh.hold(3)

    asyncio.run(run())


def test_an_experience_that_comes_back_goes_before_a_later_one_that_is_as_like() -> None:
    async def run() -> None:
        bank = Bank(Waiting())
        first, second = add(0, QUERIES[0], TASKS[0]), add(1, QUERIES[0], TASKS[0])
        gone = MemoryOp("delete", Provenance("t0", 1), item_id="i0")
        for version, ops in enumerate(([first], [gone, second], [add(2, QUERIES[0], TASKS[0])], [first]), 1):
            await bank.apply(version, ops)
        reads = Reads(bank, 2, TASKS[1], RunTwins(ALL, bank), "shared")
        assert [hit.experience for hit in (await reads.search(QUERIES[0], 1, "", "")).hits] == ["e1"]
        assert await reads.hold(3)
        assert not await reads.hold(4)

    asyncio.run(run())
