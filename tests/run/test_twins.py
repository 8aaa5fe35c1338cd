"""What was learnt on a task's twin is kept out of its recall, unless the user wants it there; then it is counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import altered
from experiments import measure, records_of
from rbsuite.task import TaskSet
from toy import Toy, ToyPlugin


class Doubled(Toy):
    """The toy, in which tasks 0 and 1 of a family ask the same."""

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        tasks = super().tasks(split, domain=domain, data=data)
        return replace(tasks, asks=lambda task: task.id.replace("/1", "/0"))


class Again(Toy):
    """The toy, with other ids for the same tasks, as another split may have them."""

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        tasks = super().tasks(split, domain=domain, data=data)
        return replace(tasks, tasks=tuple(replace(task, id=f"again/{task.id}") for task in tasks))


OPTIONS = pytest.mark.parametrize(("option", "recalled"), [({}, False), ({"twins": "allow"}, True)])


@OPTIONS
def test_a_twin_is_recalled_only_where_that_is_wanted(tmp_path: Path, option: dict[str, Any], recalled: bool) -> None:
    plugin = ToyPlugin(environments=[replace(altered.environment("doubled", Toy), factory=f"{__name__}:Doubled")])
    sources: dict[str, str] = {}
    counted = seen = 0
    options: dict[str, Any] = {"env": "doubled", "memory": ("reasoningbank:k=20",), "order": "native", **option}
    with measure(tmp_path, plugin, **options) as store:
        for _, record in records_of(store, "reasoningbank:k=20"):
            sources.update({op.item.id: op.provenance.task_id for op in record.ops if op.item is not None})
            twin = record.task_id.replace("/0", "/x").replace("/1", "/0").replace("/x", "/1")
            found = {sources[item.item_id] for event in record.recalls for item in event.recall.items}
            seen += record.task_id[-1] in "01" and twin in found
            counted += record.notes.get("recalls_of_twins", 0)
    assert bool(seen) is recalled
    assert counted == seen


@OPTIONS
def test_a_twin_that_a_warm_start_brings_is_one_too(tmp_path: Path, option: dict[str, Any], recalled: bool) -> None:
    measure(tmp_path / "source", memory=("reasoningbank",)).close()
    plugin = ToyPlugin(environments=[replace(altered.environment("again", Toy), factory=f"{__name__}:Again")])
    options = {"env": "again", "memory": ("reasoningbank",), "warm_start": str(tmp_path / "source"), **option}
    found = learnt = 0
    with measure(tmp_path / "warm", plugin, **options) as store:
        for info, record in records_of(store, "reasoningbank"):
            sources = {op.item.id: op.provenance.task_id for op in store.seed_ops(info.id) if op.item is not None}
            recalled_of = [sources.get(item.item_id) for event in record.recalls for item in event.recall.items]
            found += record.task_id in [f"again/{source}" for source in recalled_of]
            learnt += any(recalled_of)
    assert learnt
    assert bool(found) is recalled
