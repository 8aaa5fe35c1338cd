"""Whatever is changed in a store shows."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from edits import edit, everything
from rbsuite.errors import StoreError
from rbsuite.record import Condition, RunInfo
from rbsuite.seeds import rng
from rbsuite.store import ExperimentStore, experiment_digest
from rbsuite.store.checking import check_experiment
from rbsuite.store.experiment import FILE_NAME

EDITS = 200


@pytest.fixture
def kept(tmp_path: Path, samples: ModuleType) -> Path:
    """An experiment with everything: a finished run that was taken back once, one with a seed, templates."""
    directory = tmp_path / "kept"
    first = samples.record(0, samples.GENESIS)
    with ExperimentStore.create(directory, samples.manifest(6), {samples.OFF: first.ops}) as store:
        store.note_templates({("", "judge/self.j2"): "ab" * 32})
        for stop in (5, 6):
            version, state = store.state(samples.RUN)
            for record in samples.records(stop, start=version, previous=state):
                store.commit(samples.RUN, record)
            if stop == 5:
                assert store.rewind(samples.RUN, 3) == 2
        store.mark_finished(samples.RUN)
    return directory


def test_no_edit_that_changes_anything_goes_unnoticed(kept: Path, tmp_path: Path) -> None:
    assert check_experiment(kept).findings == ()
    before, chance, unnoticed = everything(kept), rng("edits"), []
    for number in range(EDITS):
        copy = tmp_path / str(number)
        copy.mkdir()
        shutil.copyfile(kept / FILE_NAME, copy / FILE_NAME)
        try:
            what = edit(copy / FILE_NAME, chance)
        except sqlite3.IntegrityError:
            continue
        findings = check_experiment(copy).findings
        assert not any("\n" in finding for finding in findings)
        if not findings:
            unnoticed.append(what)
            assert everything(copy) == before, what
        shutil.rmtree(copy)
    allowed = ("discarded.", "blob.data", "run.finished")
    assert [what for what in unnoticed if not what.startswith(allowed)] == []


@pytest.mark.parametrize(
    ("sql", "finding"),
    [
        ("UPDATE rollout SET score = 0 WHERE ordinal = 1", "the record was changed"),
        ("UPDATE rollout SET score = 0 WHERE ordinal = 1", "a column for people differs"),
        ("DELETE FROM rollout WHERE ordinal = 0", "the record was changed"),
        ("DELETE FROM task WHERE position = 5", "marked as finished, and has 5 of 6"),
        ("DELETE FROM task WHERE position = 2", "5 tasks are stored, and the newest says 6"),
        ("DELETE FROM act", "position 3: the record was changed"),
        ("UPDATE run SET memory = 'none'", "its row"),
        ("DROP VIEW v_ops", "the view v_ops was changed"),
        ("DELETE FROM blob", "cannot be read"),
        ("UPDATE op SET payload = replace(payload, 'Look before acting', 'Do not look')", "the log of run"),
    ],
)
def test_findings_say_where(kept: Path, sql: str, finding: str) -> None:
    with closing(sqlite3.connect(kept / FILE_NAME)) as connection, connection:
        connection.execute(sql)
    assert any(finding in line for line in check_experiment(kept).findings)


def test_what_was_taken_back_is_kept_and_said(kept: Path, samples: ModuleType) -> None:
    report = check_experiment(kept)
    assert [(act.kind, act.position, act.tasks) for act in report.acts] == [("rewind", 3, 2)]
    with ExperimentStore.open(kept) as store:
        assert list(store.records(samples.RUN)) == list(samples.records(6))
        assert store.rewind(samples.RUN, 6) == 0
        assert store.run_finished(samples.RUN)
        assert store.rewind(samples.RUN, 1, kind="retry-failed") == 5
        assert not store.run_finished(samples.RUN)
        assert store.rewind(samples.RUN, 0) == 1
        with pytest.raises(StoreError, match="cannot go back to 4"):
            store.rewind(samples.RUN, 4)
        for record in samples.records(3):
            store.commit(samples.RUN, record)
        assert list(store.audit()) == []
        with closing(sqlite3.connect(store.path)) as connection:
            discarded = connection.execute("SELECT kind, position FROM v_discarded").fetchall()
        assert discarded == [("rewind", 3), ("rewind", 4), *(("retry-failed", n) for n in range(1, 6)), ("rewind", 0)]


def test_a_run_is_taken_back_whole_or_not_at_all(kept: Path, samples: ModuleType) -> None:
    with closing(sqlite3.connect(kept / FILE_NAME)) as connection, connection:
        connection.execute("CREATE TRIGGER sabotage BEFORE DELETE ON recall BEGIN SELECT RAISE(ABORT, 'sabotage'); END")
    with ExperimentStore.open(kept) as store:
        with pytest.raises(StoreError, match="sabotage"):
            store.rewind(samples.RUN, 2)
        assert store.run_finished(samples.RUN)
        assert list(store.records(samples.RUN)) == list(samples.records(6))
        assert len(store.acts()) == 1
    assert check_experiment(kept).findings == ("the trigger sabotage is not as rbsuite makes it",)


def test_digest_is_that_of_an_undisturbed_run(kept: Path, tmp_path: Path, samples: ModuleType) -> None:
    seeds: Mapping[str, Any] = {samples.OFF: samples.record(0, samples.GENESIS).ops}
    with ExperimentStore.create(tmp_path / "calm", samples.manifest(6), seeds) as store:
        for record in samples.records(6):
            store.commit(samples.RUN, record)
        assert experiment_digest(store) == check_experiment(kept).digest


def test_numbers_that_sqlite_keeps_otherwise(tmp_path: Path, samples: ModuleType) -> None:
    """An experiment of nothing but corner cases of numbers and texts is not said to be changed."""
    run = RunInfo("r", Condition("none", "single", "a", "m", "self", temperature="0.5"), 0, "seeded", 2**62, ())
    with ExperimentStore.create(tmp_path / "e", samples.made_of([run], {"x": -0.0, "y": "\ud800é"})) as store:
        assert list(store.audit()) == []
