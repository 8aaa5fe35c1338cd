"""What running ahead gains and costs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ahead import AheadPlugin, Chances
from experiments import prepare
from rbsuite.errors import UsageError
from rbsuite.plugins import load_plugins
from rbsuite.run.config import make_config
from rbsuite.run.plan import Plan, make_plan
from rbsuite.run.window import AUTO_SHARE, LARGEST, AutoWindow, make_window
from rbsuite.store import experiment_digest
from schedules import counted, measured, noted, records

PACKS = Path(os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).resolve().parents[3] / "shared" / "packs")
CHANGES_EVERY_PROMPT = ("history", "dynamic-cheatsheet", "awm-original", "ace")


def retail(split: str, memory: str = "reasoningbank") -> Plan:
    """Retail on the official data, with a model that takes 0.1 s a call."""
    pack = PACKS / "tau-bench"
    if not pack.is_dir():
        pytest.skip(f"no tau-bench pack in {PACKS} (set RBSUITE_TEST_PACKS)")
    options: dict[str, Any] = {"env": "tau-bench", "split": split, "domain": "retail", "data": str(pack), "orders": 1}
    return make_plan(make_config({**options, "memory": (memory,), "model": "sim/learner:latency=0.1"}), load_plugins())


def speed_up(plan: Plan, window: str, directory: Path) -> float:
    """How much faster a window is than none; the result must be the same."""
    off, slow = measured(plan, "off", Chances(), directory / "off", concurrency=512)
    ahead, quick = measured(plan, window, Chances(), directory / "ahead", concurrency=512)
    with off, ahead:
        assert experiment_digest(off) == experiment_digest(ahead)
    return slow / quick


def test_retail_test_split_is_five_times_faster(tmp_path: Path) -> None:
    plan = retail("test")
    assert len(plan.tasks) == 115
    assert speed_up(plan, "16", tmp_path) >= 5


@pytest.mark.slow
def test_retail_train_split_is_ten_times_faster(tmp_path: Path) -> None:
    plan = retail("train")
    assert len(plan.tasks) == 500
    assert speed_up(plan, "32", tmp_path) >= 10


@pytest.mark.parametrize("memory", CHANGES_EVERY_PROMPT)
def test_auto_costs_a_tenth_more_at_most_where_memory_changes_every_prompt(tmp_path: Path, memory: str) -> None:
    plan = prepare(memory=(memory,), model="sim/learner:latency=0.1", probe=24)
    off, slow = measured(plan, "off", Chances(), tmp_path / "off")
    auto, quick = measured(plan, "auto", Chances(), tmp_path / "auto")
    with off, auto:
        assert records(off) == records(auto)
        assert noted(off)["wasted_calls"] == 0
        assert noted(auto)["wasted_calls"] <= 0.1 * counted(off)
        assert quick <= slow + 1e-6


ON_RETAIL = (CHANGES_EVERY_PROMPT[0], "reasoningbank", "synapse")
"""One of each kind: all tasks see all of memory, items by likeness, whole tasks by likeness."""


@pytest.mark.parametrize(
    "memory",
    [
        *ON_RETAIL,
        *(
            pytest.param(memory, marks=pytest.mark.slow)
            for memory in (*CHANGES_EVERY_PROMPT, "remem", "reflexion", "random")
            if memory not in ON_RETAIL
        ),
    ],
)
def test_auto_costs_a_tenth_more_at_most_on_retail(tmp_path: Path, memory: str) -> None:
    auto, _ = measured(retail("test", memory), "auto", Chances(), tmp_path, concurrency=512)
    with auto:
        assert noted(auto)["wasted_calls"] <= 0.1 * counted(auto)


def test_auto_wastes_nothing_without_memory_and_is_faster(tmp_path: Path) -> None:
    plan = prepare(AheadPlugin(), env="walk", memory=("none",), model="test/hashing", limit=24)
    off, slow = measured(plan, "off", Chances((1.0,)), tmp_path / "off")
    chances = Chances((1.0,))
    auto, quick = measured(plan, "auto", chances, tmp_path / "auto")
    with off, auto:
        assert records(off) == records(auto)
        assert sum(chances.begun.values()) == counted(auto)
        assert "wasted_calls" not in noted(auto)
    assert quick < slow / 1.5


def test_a_frozen_stream_stands_whatever_it_recalls(tmp_path: Path) -> None:
    plan = prepare(AheadPlugin(), env="walk", memory=("everything",), model="test/hashing", freeze=True)
    store, _ = measured(plan, "16", Chances((1.0, 0.1)), tmp_path)
    with store:
        assert "wasted_calls" not in noted(store)


def test_a_call_that_waited_for_its_turn_and_was_never_made_is_not_counted(tmp_path: Path) -> None:
    """One call at a time, sixteen tries: most of those thrown away have a call in the queue."""
    plan = prepare(AheadPlugin(), env="walk", memory=("everything:program=3,writes=3",), model="test/hashing")
    chances = Chances((1.0,))
    store, _ = measured(plan, "16", chances, tmp_path, concurrency=1)
    with store:
        assert noted(store)["discarded_rollouts"] > 0
        assert sum(chances.begun.values()) == counted(store) + noted(store)["wasted_calls"]


def test_absorption_that_is_made_again_is_wasted_and_its_rollouts_are_not(tmp_path: Path) -> None:
    """``awm-original`` recalls by domain and reads all successes when it absorbs: mostly only absorption changes."""
    plan = prepare(AheadPlugin(), memory=("awm-original",), model="sim/learner:latency=0.1", order="interleaved")
    off, _ = measured(plan, "off", Chances(), tmp_path / "off")
    ahead, _ = measured(plan, "3", Chances(), tmp_path / "ahead")
    with off, ahead:
        assert records(off) == records(ahead), "the cost of what was wasted is in the record"
        again = [
            record
            for record in ahead.records(ahead.manifest.runs[0].id)
            if record.notes.get("wasted_calls") and not record.notes.get("discarded_rollouts")
        ]
    assert again


@given(
    st.lists(
        st.one_of(st.tuples(st.just("task"), st.integers(0, 40)), st.tuples(st.just("ahead"), st.integers(0, 40))),
        max_size=200,
    )
)
def test_auto_opens_only_where_the_share_pays_for_a_loss(events: list[tuple[str, int]]) -> None:
    window = AutoWindow()
    assert window.size() == 0, "the first task runs alone"
    calls = wasted = 0
    for kind, cost in events:
        if kind == "task":
            calls += cost
            window.committed(cost)
        else:
            wasted += cost
            window.ahead(stood=cost == 0, calls=cost)
        assert 0 <= window.size() <= LARGEST
        if wasted > AUTO_SHARE * calls:
            assert window.size() == 0


def test_auto_lets_one_run_ahead_until_tries_were_seen_to_stand() -> None:
    """A memory that learns nothing for long changes every prompt when it first learns."""
    window = AutoWindow()
    for _ in range(40):
        window.committed(10)
    assert window.size() == 1


def test_auto_opens_while_tries_stand_and_shuts_when_they_do_not() -> None:
    window = AutoWindow()
    for _ in range(40):
        window.committed(10)
        window.ahead(stood=True, calls=0)
    wide = window.size()
    assert wide > 10
    for _ in range(4):
        window.ahead(stood=False, calls=10)
    assert window.size() <= wide / 8


@pytest.mark.parametrize("text", ["on", "-1", "1.5", "", "999999"])
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--speculate"):
        make_window(text)
