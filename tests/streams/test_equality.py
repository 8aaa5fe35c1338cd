"""Running ahead changes nothing: every schedule gives the records of one task at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ahead import AheadPlugin, Chances
from experiments import prepare
from rbsuite.store import experiment_digest
from schedules import WASTE, counted, measured, noted, records

WINDOWS = ("1", "3", "16", "auto")

LATENCIES = st.lists(st.sampled_from([0.0, 0.01, 0.3, 1.0, 5.0]), min_size=1, max_size=12)

OPTIONS = st.fixed_dictionaries(
    {
        "env": st.sampled_from(["walk", "walk-again"]),
        "stream": st.sampled_from(["exact", "exact", "batch:2", "batch:5"]),
        "scope": st.sampled_from(["shared", "domain"]),
        "freeze": st.sampled_from([False, False, False, True]),
        "probe": st.sampled_from([0, 0, 3]),
        "scaling": st.sampled_from([("single",), ("parallel:2",), ("sequential:2",), ("single", "parallel:3")]),
        "selector": st.sampled_from(["best-of-n", "random", "majority"]),
        "aggregation": st.sampled_from(["joint", "independent"]),
        "embedder": st.sampled_from(["hash:dimension=64", "slow"]),
        "order": st.sampled_from(["seeded", "blocked", "interleaved"]),
        "seed": st.integers(0, 3),
    }
)
MEMORIES = st.builds(
    lambda name, program, coarse, writes, asks: (
        f"{name}:program={program},coarse={coarse},writes={writes},asks={str(asks).lower()}"
    ),
    st.sampled_from(["everything", "everything-steps"]),
    st.integers(0, 10_000),
    st.integers(1, 6),
    st.integers(0, 4),
    st.booleans(),
)


def check(
    options: Mapping[str, Any], window: str, latencies: Sequence[float], *, failing: int, concurrency: int
) -> None:
    plan = prepare(AheadPlugin(), model="test/hashing", limit=8, **options)
    with tempfile.TemporaryDirectory() as root:
        plain, _ = measured(plan, "off", Chances(failing=failing), Path(root, "plain"), concurrency=1)
        chances = Chances(latencies, failing)
        other, _ = measured(plan, window, chances, Path(root, "other"), concurrency=concurrency)
        with plain, other:
            assert records(other) == records(plain)
            assert experiment_digest(other) == experiment_digest(plain)
            waste = noted(other)
            assert chances.worlds == 0, "an environment was left open"
            begun = sum(chances.begun.values())
            if not failing:
                assert begun == counted(other) + waste["wasted_calls"]
            assert min(waste.values(), default=0) >= 0


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    options=OPTIONS,
    memory=MEMORIES,
    window=st.sampled_from(["off", *WINDOWS]),
    latencies=LATENCIES,
    failing=st.sampled_from([0, 0, 5, 17]),
    concurrency=st.sampled_from([1, 2, 8, 64]),
)
def test_no_schedule_shows(
    options: Mapping[str, Any],
    memory: str,
    window: str,
    latencies: Sequence[float],
    failing: int,
    concurrency: int,
) -> None:
    """Whatever reads the memory makes, whichever order the calls end in, and whatever fails."""
    check({**options, "memory": (memory, "none")}, window, latencies, failing=failing, concurrency=concurrency)


@pytest.mark.slow
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    options=OPTIONS,
    memory=MEMORIES,
    window=st.sampled_from(WINDOWS),
    latencies=LATENCIES,
    failing=st.sampled_from([0, 0, 5, 17]),
    concurrency=st.sampled_from([1, 2, 8, 64]),
)
def test_no_schedule_shows_at_length(
    options: Mapping[str, Any],
    memory: str,
    window: str,
    latencies: Sequence[float],
    failing: int,
    concurrency: int,
) -> None:
    """The same, for longer."""
    check({**options, "memory": (memory,)}, window, latencies, failing=failing, concurrency=concurrency)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize(
    "memory",
    ["reasoningbank", "synapse", "awm-original", "dynamic-cheatsheet:rs", "remem", "reflexion", "ace", "random"],
)
def test_built_in_memories_come_out_the_same(tmp_path: Path, memory: str, window: str) -> None:
    plan = prepare(model="sim/learner:latency=0.1", memory=(memory,), limit=12, scaling=("parallel:2",))
    plain, slow = measured(plan, "off", Chances(), tmp_path / "plain")
    other, quick = measured(plan, window, Chances(), tmp_path / "other")
    with plain, other:
        assert records(other) == records(plain)
        assert quick <= slow + 1e-6


def test_the_property_is_not_empty(tmp_path: Path) -> None:
    """The world above has tries that stand and tries that are thrown away, operations of every kind, and hits."""
    plan = prepare(
        AheadPlugin(), env="walk", model="test/hashing", memory=("everything-steps:program=3,writes=4",), orders=3
    )
    store, _ = measured(plan, "3", Chances((0.1, 0.5, 0.2, 0.9, 0.05)), tmp_path)
    with store:
        found = records(store)
        waste = noted(store)
        spared = [record for record in store.records(store.manifest.runs[0].id) if not record.notes.get(WASTE[0])]
    assert {op.op for record in found for op in record.ops} == {
        "add",
        "update",
        "delete",
        "link",
        "score",
        "put_document",
    }
    assert waste["discarded_rollouts"] > 0
    assert len(spared) > 1
    assert {event.phase for record in found for event in record.recalls} == {"task", "step"}
    assert any(event.recall.items for record in found for event in record.recalls)
    assert waste["recalled_oddly"] > 0 < waste["absorbed_oddly"]
