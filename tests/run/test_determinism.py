"""One seed, one result: whatever the place, the concurrency and the time of day."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

import altered
from experiments import measure, outcomes, prepare
from rbsuite.store import ExperimentStore, experiment_digest, export_jsonl, run_digest
from toy import Toy, ToyPlugin

MEMORIES = ("none", "reasoningbank", "awm", "synapse")


def exported(store: ExperimentStore) -> list[Any]:
    """The whole export, without the wall times."""
    stream = io.StringIO()
    export_jsonl(store, stream)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    for line in lines:
        for rollout in line.get("rollouts", ()):
            assert rollout.pop("seconds") >= 0
    assert len(lines[-1].pop("sha256")) == 64  # of all lines, times included
    return lines


def test_same_seed_same_export_whatever_the_concurrency(tmp_path: Path) -> None:
    with (
        measure(tmp_path / "a", memory=MEMORIES, orders=2, concurrency=1) as one,
        measure(tmp_path / "b", memory=MEMORIES, orders=2, concurrency=8) as other,
    ):
        assert experiment_digest(one) == experiment_digest(other)
        assert exported(one) == exported(other)


@pytest.mark.parametrize(("concurrency", "speculate"), [(8, "off"), (8, "auto"), (3, "1"), (8, "30")])
def test_waiting_models_and_speculation_change_nothing(tmp_path: Path, concurrency: int, speculate: str) -> None:
    """Calls that overlap in any order, and tasks that run ahead, give the result of one task at a time, bit by bit."""
    plugin = ToyPlugin(models=[altered.dawdling()])
    with (
        measure(tmp_path / "a", plugin, memory=MEMORIES, orders=2) as plain,
        measure(
            tmp_path / "b",
            ToyPlugin(models=[altered.dawdling()]),
            memory=MEMORIES,
            orders=2,
            concurrency=concurrency,
            speculate=speculate,
            model="sim/dawdling",
        ) as other,
    ):
        for memory in MEMORIES:
            assert outcomes(other, memory) == outcomes(plain, memory)
        for info in plain.manifest.runs:
            assert run_digest(other, info.id) == run_digest(plain, info.id)


def test_another_seed_gives_another_result(tmp_path: Path) -> None:
    with measure(tmp_path / "a", seed=1) as one, measure(tmp_path / "b", seed=2) as other:
        assert experiment_digest(one) != experiment_digest(other)
        assert one.manifest.runs[0].tasks != other.manifest.runs[0].tasks


def test_digest_covers_what_tasks_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two task sets that differ in a payload alone are two experiments, though all that was done is the same."""
    with measure(tmp_path / "a", memory=("none",)) as one:
        edited = altered.Edited().tasks("all")
        monkeypatch.setattr(Toy, "tasks", lambda self, split, **options: edited)
        with measure(tmp_path / "b", memory=("none",)) as other:
            assert outcomes(one, "none") == outcomes(other, "none")
            assert experiment_digest(one) != experiment_digest(other)


def test_task_set_hash_changes_with_content_alone() -> None:
    plugin = ToyPlugin(environments=[altered.environment("toy-edited", altered.Edited)])
    first, again, edited = prepare(plugin).tasks, prepare(plugin).tasks, prepare(plugin, env="toy-edited").tasks
    assert first.content_hash == again.content_hash != edited.content_hash
    assert prepare(plugin, limit=5).tasks.content_hash != first.content_hash


def test_conditions_meet_the_same_tasks_in_the_same_order_with_the_same_chances(tmp_path: Path) -> None:
    plan = prepare(memory=MEMORIES, orders=3)
    by_order: dict[int, set[tuple[int, tuple[str, ...]]]] = {}
    for info in plan.runs():
        by_order.setdefault(info.order, set()).add((info.seed, info.tasks))
    assert [len(found) for found in by_order.values()] == [1, 1, 1]
    orders = {next(iter(found))[1] for found in by_order.values()}
    assert len(orders) == 3
    assert all(sorted(order) == sorted(task.id for task in plan.tasks) for order in orders)


def test_a_condition_comes_out_the_same_whoever_runs_beside_it(tmp_path: Path) -> None:
    with (
        measure(tmp_path / "a", memory=("reasoningbank",)) as alone,
        measure(tmp_path / "b", memory=("synapse", "reasoningbank", "none")) as beside,
    ):
        assert outcomes(alone, "reasoningbank") == outcomes(beside, "reasoningbank")


def test_rollouts_have_seeds_of_their_own(tmp_path: Path) -> None:
    plugin = ToyPlugin(scalings=[altered.THREE])
    with measure(tmp_path, plugin, memory=("none",), scaling=("three",), orders=2) as store:
        seeds = [
            rollout.trajectory.seed
            for info in store.manifest.runs
            for record in store.records(info.id)
            for rollout in record.rollouts
        ]
    assert len(set(seeds)) == len(seeds) == 2 * 24 * 3
