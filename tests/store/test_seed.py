"""A bank that does not start empty: its first operations are stored with the run and covered by chain, digest and export."""

from __future__ import annotations

import io
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from rbsuite.errors import StoreError
from rbsuite.experience import MemoryOp
from rbsuite.oplog import GENESIS, chain, origin
from rbsuite.store import ExperimentStore, experiment_digest, export_jsonl, run_digest


@pytest.fixture
def seed(samples: ModuleType) -> tuple[MemoryOp, ...]:
    """Operations of another bank."""
    return tuple(op for record in samples.records(3) for op in record.ops)


def made(place: Path, samples: ModuleType, seed: tuple[MemoryOp, ...]) -> ExperimentStore:
    return ExperimentStore.create(place, samples.manifest(4), seeds={samples.RUN: seed})


def test_seed_survives_and_starts_the_chain(tmp_path: Path, samples: ModuleType, seed: tuple[MemoryOp, ...]) -> None:
    with made(tmp_path, samples, seed) as store:
        assert store.state(samples.RUN) == (0, chain(GENESIS, 0, seed))
        assert store.state(samples.OFF) == (0, GENESIS)
    with ExperimentStore.open(tmp_path) as store:
        assert store.seed_ops(samples.RUN) == seed
        assert store.seed_ops(samples.OFF) == ()
        assert store.start_hash(samples.RUN) == origin(seed) != GENESIS
        for record in samples.records(4, previous=origin(seed)):
            assert store.commit(samples.RUN, record)
        assert store.verify_chain(samples.RUN) == store.state(samples.RUN)[1]
        assert [version for version, _ in store.ops(samples.RUN)] == [1, 1, 2, 2, 3, 3, 4, 4]


def test_commit_must_continue_the_seed(tmp_path: Path, samples: ModuleType, seed: tuple[MemoryOp, ...]) -> None:
    with made(tmp_path, samples, seed) as store:
        with pytest.raises(StoreError, match="does not continue the chain"):
            store.commit(samples.RUN, samples.record(0, GENESIS))
        assert store.commit(samples.OFF, samples.record(0, GENESIS, run=samples.OFF))


def test_digest_covers_the_seed(tmp_path: Path, samples: ModuleType, seed: tuple[MemoryOp, ...]) -> None:
    with made(tmp_path / "a", samples, seed) as one, made(tmp_path / "b", samples, seed[:1]) as other:
        assert experiment_digest(one) != experiment_digest(other)
        assert run_digest(one, samples.OFF) == run_digest(other, samples.OFF)
    with (
        made(tmp_path / "c", samples, ()) as none,
        ExperimentStore.create(tmp_path / "d", samples.manifest(4)) as plain,
    ):
        assert experiment_digest(none) == experiment_digest(plain)


@pytest.mark.parametrize("change", ["payload = replace(payload, 'Lesson', 'Lessen')", "run = 0, id = id - 1048576"])
def test_changed_seed_shows(tmp_path: Path, samples: ModuleType, seed: tuple[MemoryOp, ...], change: str) -> None:
    made(tmp_path, samples, seed).close()
    with closing(sqlite3.connect(tmp_path / "experiment.sqlite")) as connection, connection:
        assert connection.execute(f"UPDATE seed SET {change}").rowcount == len(seed)
    with (
        ExperimentStore.open(tmp_path) as store,
        pytest.raises(StoreError, match=f"{samples.RUN}.* was changed in its seed"),
    ):
        store.verify_chain(samples.RUN)


def test_views_and_export_show_the_seed(tmp_path: Path, samples: ModuleType, seed: tuple[MemoryOp, ...]) -> None:
    with made(tmp_path, samples, seed) as store:
        store.commit(samples.RUN, samples.record(0, origin(seed)))
        lines = io.StringIO()
        export_jsonl(store, lines)
    runs = [line for line in map(json.loads, lines.getvalue().splitlines()) if line["type"] == "run"]
    assert [len(run["seed_ops"]) for run in runs] == [0, len(seed)]
    with closing(sqlite3.connect(tmp_path / "experiment.sqlite")) as connection:
        rows = connection.execute("SELECT run_id, version, position, target FROM v_ops").fetchall()
    assert rows[: len(seed)] == [(samples.RUN, 0, None, f"item-{i // 2 if i % 2 == 0 else 0}") for i in range(6)]
    assert [row[1:3] for row in rows[len(seed) :]] == [(1, 0), (1, 0)]


def test_seed_that_cannot_be_stored(tmp_path: Path, samples: ModuleType, seed: tuple[MemoryOp, ...]) -> None:
    with pytest.raises(StoreError, match=r"'other'.*not a run"):
        ExperimentStore.create(tmp_path, samples.manifest(1), seeds={"other": seed})
    broken = replace(seed[1], counters={"helpful": float("nan")})
    with pytest.raises(StoreError, match=r"seed\[1\]\.counters\['helpful'\] is nan"):
        ExperimentStore.create(tmp_path, samples.manifest(1), seeds={samples.RUN: (seed[0], broken)})
    assert list(tmp_path.iterdir()) == []
