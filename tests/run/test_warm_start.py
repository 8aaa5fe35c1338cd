"""Warm starts: a run begins with the bank of another experiment, also one that was learnt on the same tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments import SURE, measure, prepare, records_of
from rbsuite.errors import UsageError
from rbsuite.run.directory import open_experiment
from rbsuite.run.warm import parse_source

MODEL = f"sim/learner:{SURE}"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    place = tmp_path / "source"
    measure(place, memory=("none", "reasoningbank"), model=MODEL, orders=2).close()
    return place


def test_a_bank_of_the_same_tasks_is_gone_on_with(source: Path, tmp_path: Path) -> None:
    warm = tmp_path / "warm"
    with measure(warm, memory=("none", "reasoningbank"), model=MODEL, orders=2, warm_start=str(source)) as store:
        for info, record in records_of(store, "reasoningbank"):
            seeds = {op.item.id for op in store.seed_ops(info.id) if op.item}
            assert record.recalls[0].recall.items, "the bank is not empty at the start"
            recalled = {item.item_id for item in record.recalls[0].recall.items}
            own = {
                op.item.id for op in store.seed_ops(info.id) if op.item and op.item.provenance.task_id == record.task_id
            }
            assert not recalled & own, "what was learnt on the task itself before is left out"
            assert not seeds & {op.item.id for op in record.ops if op.item}
            assert record.ops
        info = next(info for info in store.manifest.runs if info.condition.memory == "none")
        assert store.seed_ops(info.id) == ()
        assert all(store.verify_chain(run.id) for run in store.manifest.runs)


def test_the_bank_is_taken_as_of_the_position(source: Path, tmp_path: Path) -> None:
    with measure(
        tmp_path / "w", memory=("reasoningbank",), model=MODEL, warm_start=f"{source}@5", freeze=True
    ) as store:
        run = store.manifest.runs[0]
        assert {op.provenance.position for op in store.seed_ops(run.id)} == set(range(5))
        assert not any(record.ops for _, record in records_of(store, "reasoningbank"))
        first = next(records_of(store, "reasoningbank"))[1]
        assert first.recalls[0].recall.items


@pytest.mark.parametrize(("text", "says"), [("{}@99", "has 24 tasks, not 99"), ("{}@soon", "'soon' is not a position")])
def test_a_source_that_does_not_fit_is_refused_before_anything_is_written(
    source: Path, tmp_path: Path, text: str, says: str
) -> None:
    plan = prepare(memory=("reasoningbank",), warm_start=text.format(source))
    with pytest.raises(UsageError, match=says):
        open_experiment(plan, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_memory_the_source_does_not_have_is_named(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no run of memory 'awm'.*reasoningbank"):
        open_experiment(prepare(memory=("none", "awm"), warm_start=str(source)), tmp_path / "new")


def test_the_position_stands_after_the_last_at_sign() -> None:
    assert parse_source("a@b/c@7") == (Path("a@b/c"), 7)
    assert parse_source("a/b") == (Path("a/b"), None)
