"""Nothing bad is final: broken rollouts are tried again, an outage pauses a run, and a run can be taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import altered
from experiments import measure, prepare, records_of
from rbsuite.errors import Outage, UnknownNameError, UsageError
from rbsuite.run.config import Execution
from rbsuite.run.directory import open_experiment
from rbsuite.run.executors import run_experiment
from rbsuite.run.rewinding import rewind, rewind_to_failures
from rbsuite.specs import ModelSpec
from rbsuite.store import experiment_digest
from rbsuite.store.checking import check_experiment
from toy import ToyPlugin

RUN = "reasoningbank/single/order-0"


def plugin() -> ToyPlugin:
    return ToyPlugin(
        environments=[altered.environment("shaky", altered.Shaky), altered.environment("crumbling", altered.Crumbling)],
        models=[ModelSpec("sim/outages", "altered", "altered:Outages", simulated=True)],
    )


@pytest.fixture(autouse=True)
def _steady() -> Iterator[None]:
    yield
    altered.Outages.left, altered.Shaky.down = float("inf"), False


def broken(store: Any) -> int:
    return sum(store.failures(info.id).broken for info in store.manifest.runs)


@pytest.mark.parametrize("scaling", ["single", "parallel:3"])
def test_broken_rollouts_are_tried_again_and_counted(tmp_path: Path, scaling: str) -> None:
    options: dict[str, Any] = {"env": "shaky", "memory": ("reasoningbank",), "scaling": scaling}
    with (
        measure(tmp_path / "0", plugin(), **options) as once,
        measure(tmp_path / "1", plugin(), retries=9, **options) as again,
        measure(tmp_path / "2", plugin(), retries=9, concurrency=8, speculate="auto", **options) as fast,
    ):
        assert broken(once) > 3
        assert broken(again) == 0
        assert experiment_digest(again) == experiment_digest(fast)
        tries = sum(record.notes.get("retried_rollouts", 0) for _, record in records_of(again, "reasoningbank"))
        assert tries >= broken(once) / 2
        for _, record in records_of(again, "reasoningbank"):
            assert [one.trajectory.rollout for one in record.rollouts] == list(range(len(record.rollouts)))
            asked = [(event.rollout, event.phase, event.step) for event in record.recalls]
            assert len(asked) == len(set(asked))


def test_what_breaks_every_time_is_committed_as_broken(tmp_path: Path) -> None:
    options: dict[str, Any] = {"env": "crumbling", "memory": ("none",), "retries": 2}
    with measure(tmp_path, plugin(), **options) as store:
        ends = {}
        for _, record in records_of(store, "none"):
            ends[record.task_id.partition("/")[0]] = (
                record.rollouts[0].trajectory.end,
                record.notes.get("retried_rollouts"),
                record.rollouts[0].usage["agent"].calls if "agent" in record.rollouts[0].usage else 0,
            )
        assert ends == {"apples": ("finished", None, 1), "bridges": ("env_error", 2, 3), "clouds": ("env_error", 2, 0)}


@pytest.mark.parametrize("scaling", ["single", "parallel:2"])
def test_an_outage_pauses_and_the_run_goes_on_to_the_undisturbed_result(tmp_path: Path, scaling: str) -> None:
    options: dict[str, Any] = {"model": "sim/outages", "scaling": scaling, "retries": 1}
    plan = prepare(plugin(), **options)
    with measure(tmp_path / "calm", plugin(), **options) as store:
        wanted = experiment_digest(store)
    altered.Outages.left = 21
    with open_experiment(plan, tmp_path / "out") as store:
        with pytest.raises(Outage, match=r"no model call of a rollout of task .* was answered: the provider is down"):
            asyncio.run(run_experiment(plan, store, Execution(4)))
        assert 0 < sum(store.committed(info.id) for info in store.manifest.runs) < 48
        assert broken(store) == 0
        altered.Outages.left = float("inf")
        asyncio.run(run_experiment(plan, store, Execution(4)))
        assert experiment_digest(store) == wanted


def test_a_run_taken_back_gives_the_same_again(tmp_path: Path) -> None:
    plan = prepare(plugin())
    with measure(tmp_path, plugin()) as store:
        wanted = experiment_digest(store)
        with pytest.raises(UsageError, match=r"is not RUN@T"):
            rewind(store, [RUN])
        with pytest.raises(UnknownNameError, match="unknown run 'other'"):
            rewind(store, [f"{RUN}@3", "other@3"])
        with pytest.raises(UsageError, match="the run has 24 tasks"):
            rewind(store, [f"{RUN}@3", f"{RUN}@25"])
        assert store.acts() == []
        assert rewind(store, [f"{RUN}@7"]) == 17
        assert store.committed(RUN) == 7
        assert len(list(store.results(RUN))) == 7
        asyncio.run(run_experiment(plan, store, Execution(4)))
        assert experiment_digest(store) == wanted
    report = check_experiment(tmp_path)
    assert report.findings == ()
    assert [(act.run, act.position, act.tasks) for act in report.acts] == [(RUN, 7, 17)]


def test_the_broken_tail_is_run_again(tmp_path: Path) -> None:
    options: dict[str, Any] = {"env": "shaky", "retries": 9}
    with measure(tmp_path / "calm", plugin(), **options) as store:
        wanted = experiment_digest(store)
        assert rewind_to_failures(store) == 0
    plan = prepare(plugin(), **options)
    altered.Shaky.down = True
    with measure(tmp_path / "out", plugin(), **options) as store:
        assert broken(store) == 48
        altered.Shaky.down = False
        assert rewind_to_failures(store) == 48
        asyncio.run(run_experiment(plan, store, Execution(4)))
        assert experiment_digest(store) == wanted
        assert {act.kind for act in store.acts()} == {"retry-failed"}
