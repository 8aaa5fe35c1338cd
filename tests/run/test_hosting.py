"""Where episodes run, how many at once, and that what they hold is given back on every path."""

from __future__ import annotations

import asyncio
import math
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from counters import Counted, CountersPlugin, Tally
from experiments import measure, prepare, records_of
from rbsuite.run.config import Execution
from rbsuite.run.directory import open_experiment
from rbsuite.run.executors import run_experiment
from rbsuite.run.plan import Plan
from rbsuite.store import ExperimentStore
from rbsuite.trajectory import Trajectory

MODEL = "test/saying"


@pytest.fixture
def tally(monkeypatch: pytest.MonkeyPatch) -> Tally:
    found = Tally()
    monkeypatch.setattr(Counted, "tally", found)
    return found


def planned(env: str, **config: Any) -> Plan:
    return prepare(CountersPlugin(), **{"env": env, "memory": ("none",), "model": MODEL, "judge": "none", **config})


def trajectories(store: ExperimentStore) -> Sequence[Trajectory]:
    return [rollout.trajectory for _, record in records_of(store, "none") for rollout in record.rollouts]


async def longest_silence(done: asyncio.Event) -> float:
    """The longest time for which the event loop did nothing else, in seconds, until something is done."""
    longest, last = 0.0, time.perf_counter()
    while not done.is_set():
        await asyncio.sleep(0.002)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    return longest


def test_worlds_that_block_run_beside_each_other_and_the_loop_stays_awake(tmp_path: Path, tally: Tally) -> None:
    """Four runs of a world that blocks its thread for 0.3 s a turn. The machine may be busy, so the best of a few tries counts."""

    async def run(directory: Path) -> tuple[float, float]:
        plan = planned("counted-thread:turns=4,seconds=0.3", orders=4, limit=1)
        with open_experiment(plan, directory) as store:
            done = asyncio.Event()
            silence = asyncio.create_task(longest_silence(done))
            started = time.perf_counter()
            await run_experiment(plan, store, Execution(4))
            seconds = time.perf_counter() - started
            done.set()
            return seconds, await silence

    seconds = silence = math.inf
    for number in range(8):
        one = asyncio.run(run(tmp_path / str(number)))
        seconds, silence = min(seconds, one[0]), min(silence, one[1])
        if seconds <= 1.2 * 4 * 0.3 and silence <= 0.05:
            break
    assert tally.most == 4
    assert seconds <= 1.2 * 4 * 0.3
    assert silence <= 0.05
    assert not any("MainThread" in name for name in tally.threads)


@pytest.mark.parametrize(
    ("env", "most", "main"), [("counted", 8, True), ("counted-thread", 8, False), ("counted-exclusive", 1, False)]
)
def test_where_and_how_many_at_once_is_what_the_spec_says(
    tmp_path: Path, tally: Tally, env: str, most: int, main: bool
) -> None:
    model = f"{MODEL}:latency=0.02"  # rollouts give way to each other while their models are asked
    plan = planned(env, orders=2, limit=2, scaling=("parallel:4",), selector="random", model=model)
    with open_experiment(plan, tmp_path) as store:
        asyncio.run(run_experiment(plan, store, Execution(8, speculate="1")))
        assert {one.score for one in trajectories(store)} == {1.0}
    assert tally.opened == tally.closed == 16
    assert (tally.most > 1) == (most > 1)
    assert tally.most <= most * 2
    assert ("MainThread" in tally.threads) is main


def processes(found: Sequence[Trajectory]) -> Sequence[int]:
    """The process in which each rollout took place, as its world says."""
    return [int(re.findall(r"Process (\d+)\.", one.steps[0].observation.text)[0]) for one in found if one.steps]


def test_worlds_in_processes_have_each_its_own_and_hand_it_on(tmp_path: Path) -> None:
    config: dict[str, Any] = {"env": "counted-process", "memory": ("none",), "model": MODEL, "judge": "none"}
    with measure(tmp_path, CountersPlugin(), limit=4, scaling=("parallel:2",), selector="random", **config) as store:
        found = trajectories(store)
    assert {one.score for one in found} == {1.0}
    pids = processes(found)
    assert os.getpid() not in pids
    assert [len({*pids[at : at + 2]}) for at in range(0, 8, 2)] == [2] * 4, "rollouts beside each other share none"
    assert len({*pids}) == 2, "a process takes the next rollout"


def test_a_process_that_dies_breaks_its_rollout_alone(tmp_path: Path) -> None:
    plan = planned("counted-process:fault=kill", limit=4, order="native")
    with open_experiment(plan, tmp_path) as store:
        asyncio.run(run_experiment(plan, store, Execution(1)))
        found = trajectories(store)
    assert [one.end for one in found] == ["finished", "env_error", "finished", "finished"]
    assert "the process of the episode ended (exit code -9)" in found[1].error
    first, *later = processes(found)
    assert len({*later}) == 1
    assert first not in later


@pytest.mark.parametrize("env", ["counted", "counted-thread", "counted-exclusive"])
@pytest.mark.parametrize("fault", ["act", "closes", "audience", "grade", "close"])
def test_what_fails_is_closed_all_the_same(tmp_path: Path, tally: Tally, env: str, fault: str) -> None:
    changes = {"memory": ("none",), "model": MODEL, "limit": 3, "scaling": ("sequential:2",)}
    with measure(tmp_path, CountersPlugin(), env=f"{env}:fault={fault}", **changes) as store:
        found = {one.task_id: one for one in trajectories(store)}
    assert {task: one.end for task, one in found.items()} == {"n/0": "finished", "n/1": "env_error", "n/2": "finished"}
    assert found["n/1"].error == f"the environment raised TimeoutError: {fault}"
    assert found["n/1"].grade is None
    assert (tally.opened, tally.closed, tally.environments) == (3, 3, 1)


@pytest.mark.parametrize("env", ["counted-thread", "counted-exclusive", "counted-process"])
def test_a_run_that_is_cancelled_in_mid_step_closes_everything(tmp_path: Path, tally: Tally, env: str) -> None:
    plan = planned(f"{env}:turns=50,seconds=0.1", orders=2, limit=2, max_steps=60)

    async def run(store: ExperimentStore) -> float:
        running = asyncio.create_task(run_experiment(plan, store, Execution(2)))
        if env == "counted-process":
            await asyncio.sleep(2.0)
        else:
            await asyncio.get_running_loop().run_in_executor(None, tally.acting.wait)
        started = time.perf_counter()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return time.perf_counter() - started

    with open_experiment(plan, tmp_path) as store:
        assert asyncio.run(run(store)) < 3
        assert [store.committed(info.id) for info in store.manifest.runs] == [0, 0]
    assert tally.opened == tally.closed
    assert tally.environments == 1
    if env == "counted-process":
        import multiprocessing

        assert not multiprocessing.active_children()
