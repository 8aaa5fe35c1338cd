"""A bank that does not start empty."""

from __future__ import annotations

import asyncio

import pytest

from rbsuite.errors import PluginError
from rbsuite.experience import MemoryItem, MemoryOp, Provenance
from rbsuite.memories.bank import Bank
from rbsuite.oplog import GENESIS, chain
from rbsuite.retrieval.hashing import HashEmbedder

MADE = Provenance("elsewhere", 0, (0,), "success", "self")


def add(name: str, key: str = "refund my order") -> MemoryOp:
    return MemoryOp("add", MADE, MemoryItem(name, name, "d", "c", key, f"e-{name}", "strategy", "retail", MADE))


SEED = (add("a"), add("b", "book a flight"), MemoryOp("put_document", MADE, document="sheet", text="old"))


def seeded(*versions: list[MemoryOp]) -> Bank:
    async def made() -> Bank:
        bank = Bank(HashEmbedder())
        await bank.seed(SEED)
        for version, ops in enumerate(versions, 1):
            await bank.apply(version, ops)
        return bank

    return asyncio.run(made())


def found(bank: Bank, query: str, version: int) -> list[str]:
    return [hit.experience for hit in asyncio.run(bank.search(query, 1, version)).hits]


def test_version_0_shows_the_seed() -> None:
    bank = seeded()
    assert (bank.version, bank.state_hash) == (0, chain(GENESIS, 0, SEED))
    assert [item.id for item in bank.items(0)] == ["a", "b"]
    assert bank.document("sheet", 0) == "old"
    assert found(bank, "a flight, please", 0) == ["e-b"]


def test_version_0_stays_readable() -> None:
    change = [
        MemoryOp("delete", MADE, item_id="b"),
        MemoryOp("put_document", MADE, document="sheet", text="new"),
        add("c"),
    ]
    bank = seeded([], change)
    assert bank.state_hash == chain(chain(chain(GENESIS, 0, SEED), 1, []), 2, change)
    assert [item.id for item in bank.items(0)] == [item.id for item in bank.items(1)] == ["a", "b"]
    assert [item.id for item in bank.items(2)] == ["a", "c"]
    assert (bank.document("sheet", 0), bank.document("sheet", 2)) == ("old", "new")
    assert (found(bank, "a flight, please", 0), found(bank, "a flight, please", 2)) == (["e-b"], ["e-a"])


def test_empty_seed_is_no_seed() -> None:
    bank = Bank(HashEmbedder())
    asyncio.run(bank.seed(()))
    assert (bank.version, bank.state_hash) == (0, GENESIS)
    asyncio.run(bank.seed(SEED))
    assert len(bank.items(0)) == 2


@pytest.mark.parametrize("bank", [seeded(), seeded([])], ids=["seeded", "past version 0"])
def test_only_an_empty_bank_is_seeded(bank: Bank) -> None:
    with pytest.raises(ValueError, match="only an empty bank"):
        asyncio.run(bank.seed((add("z"),)))
    assert len(bank.items(0)) == 2


def test_bad_seed_changes_nothing() -> None:
    bank = Bank(HashEmbedder())
    with pytest.raises(PluginError, match="operation 2 of version 0"):
        asyncio.run(bank.seed((add("a"), add("a"))))
    assert (bank.items(0), bank.state_hash) == ((), GENESIS)
