"""Batches: several tasks read one version, so what one of them deletes another may still want to change."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments import measure, records_of
from rbsuite.experience import Experience, MemoryItem, MemoryOp, Provenance, Recall, RecallRequest
from rbsuite.memories.base import BankView
from rbsuite.specs import MemorySpec
from toy import ToyPlugin


class Tidying:
    """Scores, links and deletes all that the bank holds, and leaves one new item."""

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        return Recall(reason="it never recalls")

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        made_by = Provenance(experience.task_id, experience.position)
        name = f"from {experience.task_id}"
        item = MemoryItem(name, "a title", "a description", "a content", "a key", name, "thing", "", made_by)
        ops = [MemoryOp("add", made_by, item=item)]
        for old in view.list():
            ops += [
                MemoryOp("score", made_by, item_id=old.id, counters={"seen": 1.0}),
                MemoryOp("link", made_by, item_id=name, target=old.id),
                MemoryOp("delete", made_by, item_id=old.id),
            ]
        return ops


SPEC = MemorySpec("tidying", "keeps the newest item", f"{__name__}:Tidying")


def test_what_an_earlier_task_of_the_batch_deleted_is_left_alone_and_counted(tmp_path: Path) -> None:
    config: dict[str, Any] = {"memory": ("tidying",), "stream": "batch:2", "limit": 6, "model": "sim/oracle"}
    with measure(tmp_path / "x", ToyPlugin(memories=[SPEC]), **config) as store:
        records = [record for _, record in records_of(store, "tidying")]
    # Both tasks of a batch see the two items of the batch before; the first deletes them.
    assert [len(record.ops) for record in records] == [1, 1, 7, 1, 7, 1]
    assert [record.notes.get("overtaken_operations", 0) for record in records] == [0, 0, 0, 6, 0, 6]


def test_nothing_is_overtaken_one_at_a_time(tmp_path: Path) -> None:
    with measure(tmp_path / "x", ToyPlugin(memories=[SPEC]), memory=("tidying",), limit=4, model="sim/oracle") as store:
        assert [record.notes for _, record in records_of(store, "tidying")] == [{}] * 4
