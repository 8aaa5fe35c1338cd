"""Creating, opening, locking and closing a store, and what is said when that cannot be done."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest

from rbsuite.errors import StoreError
from rbsuite.oplog import GENESIS
from rbsuite.record import Condition, RunInfo
from rbsuite.store import ExperimentStore
from rbsuite.store.schema import MIGRATIONS, SCHEMA_VERSION, create_tables, migrate, stored_version

FILE = "experiment.sqlite"


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A directory that must not be written until a test gives itself the permission."""
    place = tmp_path / "locked"
    place.mkdir()
    place.chmod(0o555)
    if os.access(place, os.W_OK):
        pytest.skip("permissions do not bind the superuser")
    yield place
    place.chmod(0o755)


def assert_one_line(error: StoreError) -> None:
    assert "\n" not in str(error)
    assert error.remedy


def test_manifest_survives(tmp_path: Path, samples: ModuleType) -> None:
    manifest = samples.manifest(3)
    with ExperimentStore.create(tmp_path / "a" / "b", manifest) as store:
        assert store.manifest == manifest
    with ExperimentStore.open(tmp_path / "a" / "b") as store:
        assert store.manifest == manifest
        assert not store.readonly


def test_closed_store_is_one_file_and_its_locks(filled: ExperimentStore) -> None:
    filled.close()
    filled.close()
    assert sorted(path.name for path in filled.directory.iterdir()) == [FILE, "locks"]


def test_use_after_close_is_an_error_in_our_words(filled: ExperimentStore, samples: ModuleType) -> None:
    filled.close()
    with pytest.raises(StoreError, match="closed"):
        filled.committed(samples.RUN)


def test_create_refuses_a_directory_that_holds_a_store(store: ExperimentStore, samples: ModuleType) -> None:
    store.close()
    before = store.path.read_bytes()
    with pytest.raises(StoreError, match="already contains an experiment") as caught:
        ExperimentStore.create(store.directory, samples.manifest(1))
    assert_one_line(caught.value)
    assert store.path.read_bytes() == before


def test_create_refuses_a_directory_of_other_things(tmp_path: Path, samples: ModuleType) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"is not empty and contains no experiment: notes\.txt"):
        ExperimentStore.create(tmp_path, samples.manifest(1))
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_create_replaces_a_draft(tmp_path: Path, samples: ModuleType) -> None:
    (tmp_path / f"{FILE}.new").write_text("left by a process that died")
    ExperimentStore.create(tmp_path, samples.manifest(1)).close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [FILE, "locks"]


def test_failed_create_leaves_no_store_and_no_lock(tmp_path: Path, samples: ModuleType) -> None:
    run = samples.manifest(1).runs[0]
    with pytest.raises(StoreError, match="more than once"):
        ExperimentStore.create(tmp_path, samples.made_of([run, run]))
    with pytest.raises(StoreError, match=r"manifest\.facts\['x'\] is nan"):
        ExperimentStore.create(tmp_path, samples.made_of([], {}, {"x": float("nan")}))
    ExperimentStore.create(tmp_path, samples.manifest(1)).close()


@pytest.mark.parametrize("below", ["", "deeper"])
def test_create_where_a_file_stands(tmp_path: Path, samples: ModuleType, below: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="is not a directory") as caught:
        ExperimentStore.create(tmp_path / "file" / below, samples.manifest(1))
    assert_one_line(caught.value)


def test_create_where_nothing_may_be_written(locked: Path, samples: ModuleType) -> None:
    for place in (locked, locked / "new"):
        with pytest.raises(StoreError, match="Permission denied") as caught:
            ExperimentStore.create(place, samples.manifest(1))
        assert_one_line(caught.value)


def test_read_only_directory_can_be_read(locked: Path, samples: ModuleType) -> None:
    locked.chmod(0o755)
    with ExperimentStore.create(locked, samples.manifest(2)) as store:
        store.commit(samples.RUN, samples.record(0, GENESIS))
    store.path.chmod(0o444)
    locked.chmod(0o555)
    with ExperimentStore.open(locked, readonly=True) as store:
        assert store.record(samples.RUN, 0) == samples.record(0, GENESIS)
    assert sorted(path.name for path in locked.iterdir()) == [FILE, "locks"]


def test_read_only_directory_with_a_log_that_is_needed(locked: Path, samples: ModuleType) -> None:
    locked.chmod(0o755)
    with ExperimentStore.create(locked, samples.manifest(2)) as store:
        store.commit(samples.RUN, samples.record(0, GENESIS))
        log = (locked / f"{FILE}-wal").read_bytes()
    (locked / f"{FILE}-wal").write_bytes(log)
    locked.chmod(0o555)
    with pytest.raises(StoreError, match=r"cannot be (opened|written)") as caught:
        ExperimentStore.open(locked, readonly=True)
    assert_one_line(caught.value)


def test_writing_where_only_reading_is_allowed(locked: Path, samples: ModuleType) -> None:
    locked.chmod(0o755)
    ExperimentStore.create(locked, samples.manifest(2)).close()
    (locked / FILE).chmod(0o444)
    with ExperimentStore.open(locked) as store, pytest.raises(StoreError, match="cannot be written") as caught:
        store.commit(samples.RUN, samples.record(0, GENESIS))
    assert_one_line(caught.value)
    (locked / "locks" / "alone").chmod(0o444)
    with pytest.raises(StoreError, match="read-only"):
        ExperimentStore.open(locked)


def damage(content: bytes) -> Callable[[Path], None]:
    def write(directory: Path) -> None:
        (directory / FILE).write_bytes(content)

    return write


def foreign(directory: Path) -> None:
    with closing(sqlite3.connect(directory / FILE)) as connection:
        connection.execute("CREATE TABLE other (x)")
        connection.commit()


@pytest.mark.parametrize(
    "make", [damage(b""), damage(b"text " * 1000), foreign], ids=["empty", "text", "other database"]
)
@pytest.mark.parametrize("readonly", [False, True])
def test_foreign_files_are_refused_twice_alike(tmp_path: Path, make: Callable[[Path], None], readonly: bool) -> None:
    make(tmp_path)
    for _ in range(2):  # the first refusal has given the lock back
        with pytest.raises(StoreError, match="not an experiment store") as caught:
            ExperimentStore.open(tmp_path, readonly=readonly)
        assert_one_line(caught.value)


@pytest.mark.parametrize("readonly", [False, True])
def test_damaged_store_is_refused_or_read_with_a_clear_error(
    filled: ExperimentStore, samples: ModuleType, readonly: bool
) -> None:
    filled.close()
    content = bytearray(filled.path.read_bytes())
    content[4096:] = b"\x55" * (len(content) - 4096)
    filled.path.write_bytes(content)
    with pytest.raises(StoreError) as caught, ExperimentStore.open(filled.directory, readonly=readonly) as store:
        list(store.records(samples.RUN))
    assert_one_line(caught.value)


def test_damaged_record_is_named(filled: ExperimentStore, samples: ModuleType) -> None:
    with closing(sqlite3.connect(filled.path)) as connection:
        connection.execute(
            "UPDATE trajectory SET body = x'00' WHERE id IN (SELECT rollout.id FROM rollout JOIN task ON task.id = task WHERE position = 3)"
        )
        connection.commit()
    with pytest.raises(StoreError, match=r"run 'reasoningbank/single/order-0' was changed at position 3"):
        list(filled.records(samples.RUN))


@pytest.mark.parametrize("readonly", [False, True])
def test_missing_store(tmp_path: Path, readonly: bool) -> None:
    (tmp_path / "file").write_text("")
    for place, what in (
        (tmp_path / "nowhere", "no experiment"),
        (tmp_path, "no experiment"),
        (tmp_path / "file", "is a file"),
    ):
        with pytest.raises(StoreError, match=what) as caught:
            ExperimentStore.open(place, readonly=readonly)
        assert_one_line(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("readonly", [False, True])
def test_later_schema_version_is_refused(store: ExperimentStore, readonly: bool) -> None:
    store.close()
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE key = 'schema_version'", (str(SCHEMA_VERSION + 1),))
        connection.commit()
    with pytest.raises(StoreError, match="Upgrade rbsuite") as caught:
        ExperimentStore.open(store.directory, readonly=readonly)
    assert_one_line(caught.value)


def test_second_writer_is_told_who_writes(store: ExperimentStore) -> None:
    with pytest.raises(StoreError, match=f"being written by process {os.getpid()}") as caught:
        ExperimentStore.open(store.directory)
    assert_one_line(caught.value)
    code = "import sys; from rbsuite.store import ExperimentStore; ExperimentStore.open(sys.argv[1])"
    other = subprocess.run(
        [sys.executable, "-c", code, str(store.directory)], capture_output=True, text=True, timeout=60, check=False
    )
    assert other.returncode != 0
    assert f"being written by process {os.getpid()}" in other.stderr
    store.close()
    ExperimentStore.open(store.directory).close()


def test_reader_sees_what_is_committed_while_another_writes(filled: ExperimentStore, samples: ModuleType) -> None:
    with ExperimentStore.open(filled.directory, readonly=True) as reader:
        assert reader.committed(samples.RUN) == 5
        seen = reader.records(samples.RUN)
        assert next(seen).position == 0
        filled.commit(samples.RUN, samples.record(5, filled.state(samples.RUN)[1]))
        assert reader.committed(samples.RUN) == 6
        assert [record.position for record in seen] == [1, 2, 3, 4, 5]
        with pytest.raises(StoreError, match="read-only"):
            reader.commit(samples.RUN, samples.record(6, ""))
        with pytest.raises(StoreError, match="read-only"):
            reader.mark_finished(samples.RUN)


def test_copy_without_its_log_is_a_store(filled: ExperimentStore, samples: ModuleType, tmp_path: Path) -> None:
    filled.close()
    (tmp_path / "copy with ? and #").mkdir()
    shutil.copy(filled.path, tmp_path / "copy with ? and #" / FILE)
    with ExperimentStore.open(tmp_path / "copy with ? and #", readonly=True) as store:
        assert store.committed(samples.RUN) == 5


def test_secrets_do_not_enter(tmp_path: Path, samples: ModuleType) -> None:
    condition = Condition("none", "single", "tools", "openai/x[api_key=sk-in-ref]", "self")
    manifest = samples.made_of(
        [RunInfo("r", condition, 0, "native", 1, ("t",))],
        {"served": {"api_key": "sk-in-config"}, "url": "https://me:sk-in-url@host/v1"},
        {"headers": ["Authorization: Bearer sk-in-fact"]},
    )
    with ExperimentStore.create(tmp_path, manifest) as store:
        assert store.manifest.runs[0].condition.model == "openai/x[api_key=***]"
    assert b"sk-in" not in store.path.read_bytes()


def test_migration_keeps_a_copy(tmp_path: Path) -> None:
    path = tmp_path / FILE
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        create_tables(connection)
        newer = (
            *[lambda _: None] * len(MIGRATIONS),
            lambda c: c.execute("ALTER TABLE run ADD COLUMN extra") and None,
        )
        backup = migrate(connection, path, newer)
        assert backup is not None
        assert stored_version(connection, path) == SCHEMA_VERSION + 1
        assert connection.execute("SELECT extra FROM run").fetchall() == []
        assert migrate(connection, path, newer) is None
    with closing(sqlite3.connect(backup)) as copy:
        assert stored_version(copy, backup) == SCHEMA_VERSION


def drop_and_fail(connection: sqlite3.Connection) -> None:
    connection.execute("DROP TABLE op")
    raise ZeroDivisionError


def test_failed_migration_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / FILE
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        create_tables(connection)
        with pytest.raises(ZeroDivisionError):
            migrate(connection, path, (*[lambda _: None] * len(MIGRATIONS), drop_and_fail))
        assert stored_version(connection, path) == SCHEMA_VERSION
        assert connection.execute("SELECT count(*) FROM op").fetchone() == (0,)


def test_opening_an_older_store_migrates_it(
    filled: ExperimentStore, samples: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way of a store through an update, with a step that only this test has."""
    records = list(filled.records(samples.RUN))
    filled.close()

    def step(connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE template ADD COLUMN extra")

    steps = (*MIGRATIONS, step)
    monkeypatch.setattr("rbsuite.store.database.SCHEMA_VERSION", SCHEMA_VERSION + 1)
    monkeypatch.setattr("rbsuite.store.database.migrate", lambda connection, path: migrate(connection, path, steps))
    for choice in ({"readonly": True}, {"join": True}):
        with pytest.raises(StoreError, match=r"older schema version.*Open it once for writing") as caught:
            ExperimentStore.open(filled.directory, **choice)
        assert_one_line(caught.value)
    with ExperimentStore.open(filled.directory) as store:
        assert list(store.records(samples.RUN)) == records
    assert (filled.directory / f"{FILE}.v{SCHEMA_VERSION}.backup").exists()
    with ExperimentStore.open(filled.directory, readonly=True) as store:
        assert store.committed(samples.RUN) == 5


def test_store_from_before_the_chain_over_records_is_refused(store: ExperimentStore) -> None:
    store.close()
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'schema_version'")
        connection.commit()
    with pytest.raises(StoreError, match=r"schema version 1, which an unreleased rbsuite wrote") as caught:
        ExperimentStore.open(store.directory)
    assert_one_line(caught.value)


@pytest.mark.parametrize("readonly", [False, True])
def test_store_of_an_unreleased_schema_is_refused(store: ExperimentStore, readonly: bool) -> None:
    """Its version is the same, its tables are not."""
    store.close()
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("ALTER TABLE task DROP COLUMN head")
        connection.commit()
    with pytest.raises(StoreError, match=r"without task\.head: it was made by an unreleased rbsuite") as caught:
        ExperimentStore.open(store.directory, readonly=readonly)
    assert_one_line(caught.value)
