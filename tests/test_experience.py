"""The short ways to write operations and recalls, through a bank that applies them."""

from __future__ import annotations

import asyncio

from rbsuite.experience import Experience, MemoryOp, Outcome, Provenance, Recall
from rbsuite.memories.bank import Bank
from rbsuite.retrieval.hashing import HashEmbedder
from rbsuite.trajectory import Trajectory
from rbsuite.verdict import Label, Verdict


def outcome(rollout: int, label: Label) -> Outcome:
    return Outcome(Trajectory("t", rollout, 0, "q", (), None, "finished"), Verdict(label, source="self"))


GOOD, BAD = outcome(0, "success"), outcome(1, "failure")
EXPERIENCE = Experience("t", "retail", "  Cancel \n my order ", 3, (GOOD, BAD))


def test_provenance_comes_from_the_outcomes() -> None:
    assert EXPERIENCE.provenance() == Provenance("t", 3, (0, 1), "mixed", "self")
    assert EXPERIENCE.provenance(BAD) == Provenance("t", 3, (1,), "failure", "self")


def test_an_item_is_filled_in_from_the_experience() -> None:
    op = MemoryOp.add(EXPERIENCE, "Ask first.", GOOD)
    item = op.item
    assert item is not None
    assert (item.title, item.key, item.kind, item.domain) == ("Cancel my order", EXPERIENCE.query, "item", "retail")
    assert (item.experience, item.provenance) == (EXPERIENCE.id, EXPERIENCE.provenance(GOOD))
    assert MemoryOp.add(EXPERIENCE, "Ask first.", GOOD) == op
    others = [MemoryOp.add(EXPERIENCE, "Ask first.", BAD), MemoryOp.add(EXPERIENCE, "Ask later.", GOOD)]
    assert len({one.item.id for one in (op, *others) if one.item is not None}) == 3


def test_every_kind_of_operation_can_be_written_and_applied() -> None:
    bank = Bank(HashEmbedder())
    added = [MemoryOp.add(EXPERIENCE, text, title=text) for text in ("one", "two", "three")]
    first, second, third = (op.item for op in added)
    assert first is not None
    assert second is not None
    assert third is not None
    ops = [
        MemoryOp.update(EXPERIENCE, first, content="ONE", reason="shouted"),
        MemoryOp.link(EXPERIENCE, first, second),
        MemoryOp.score(EXPERIENCE, second, helpful=1.0),
        MemoryOp.score(EXPERIENCE, second, helpful=1.5),
        MemoryOp.delete(EXPERIENCE, third),
        MemoryOp.put_document(EXPERIENCE, "handbook", "Be kind."),
    ]

    async def apply() -> None:
        await bank.apply(1, added)
        await bank.apply(2, ops)

    asyncio.run(apply())
    one, two = bank.items(2)
    assert (one.content, one.links) == ("ONE", (second.id,))
    assert two.counters == {"helpful": 2.5}
    assert bank.document("handbook", 2) == "Be kind."
    assert ops[0].reason == "shouted"


def test_a_recall_of_items_ranks_them_and_one_of_none_gives_the_reason() -> None:
    items = [op.item for op in (MemoryOp.add(EXPERIENCE, text) for text in ("one", "two")) if op.item is not None]
    plain = Recall.of(items, "text", index="exact")
    assert [(one.item_id, one.score, one.rank) for one in plain.items] == [(items[0].id, 0.0, 0), (items[1].id, 0.0, 1)]
    assert (plain.text, plain.reason, plain.index) == ("text", "", "exact")
    scored = Recall.of([(items[0], 0.7)], "text")
    assert scored.items[0].score == 0.7
    assert Recall.of([], "text", reason="empty bank") == Recall(reason="empty bank")
