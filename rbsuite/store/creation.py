"""Making the file of an experiment: its contents are prepared first, then the file appears whole or not at all."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rbsuite.errors import StoreError
from rbsuite.experience import MemoryOp
from rbsuite.files import sync_directory
from rbsuite.oplog import origin
from rbsuite.record import Condition, Manifest, RunInfo
from rbsuite.scrub import scrub, scrub_text
from rbsuite.store.codec import pack
from rbsuite.store.database import guarded, open_connection
from rbsuite.store.leftovers import ENDINGS, new_mark, refuse_leftovers
from rbsuite.store.links import manifest_hash, run_link
from rbsuite.store.redaction import hidden
from rbsuite.store.rows import Row, decode_manifest, encode_manifest, op_row, run_row
from rbsuite.store.schema import ORDINALS, POSITIONS, create_tables
from rbsuite.store.sealing import META as SEAL_ENTRY
from rbsuite.store.sealing import TABLE as SEALED_TABLE
from rbsuite.store.sealing import Seal, linked, seed_id
from rbsuite.store.writer import unstorable


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A run in the file before its first task: its row, the rows of its seed, and the seed itself if it is to be sealed."""

    row: Row
    seed: tuple[Row, ...]
    whole: tuple[MemoryOp, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedStore:
    """The contents of a new file: the manifest without secrets, the same as text, and the runs."""

    clean: Manifest
    manifest: str
    runs: tuple[PlannedRun, ...]
    seal: Seal | None = None


def _without_secrets(manifest: Manifest) -> Manifest:
    runs = tuple(
        replace(
            info,
            condition=Condition(**{name: scrub_text(value) for name, value in asdict(info.condition).items()}),
        )
        for info in manifest.runs
    )
    return Manifest(scrub(manifest.config), scrub(manifest.facts), runs)


def _manifest_text(manifest: Manifest) -> str:
    ids = [info.id for info in manifest.runs]
    if len(set(ids)) < len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        raise StoreError(f"the manifest has the run {twice!r} more than once.", "Give each run an id of its own.")
    if any(len(info.tasks) >= POSITIONS for info in manifest.runs):
        raise StoreError(f"the manifest has a run of {POSITIONS} or more tasks.", "Split it into several experiments.")
    try:
        text = encode_manifest(manifest)
        decode_manifest(text)  # what could not be read again
    except (ValueError, TypeError) as error:
        where = unstorable(manifest, "manifest") or str(error)
        raise StoreError(f"the manifest cannot be stored: {where}.", "Give plain data with finite numbers.") from error
    return text


def plan(manifest: Manifest, seeds: Mapping[str, Sequence[MemoryOp]], seal: Seal | None = None) -> PlannedStore:
    """Prepare what to write, without secrets.

    Args:
        manifest: the manifest of the experiment.
        seeds: by run id, the operations that form version 0 of its bank.
        seal: encrypts the texts of a confined experiment.

    Raises:
        StoreError: run ids repeat, a seed belongs to no run, or something is not plain data.
    """
    clean = _without_secrets(manifest)
    text = _manifest_text(clean)
    for run_id in seeds.keys() - {info.id for info in clean.runs}:
        raise StoreError(f"there is a seed for {run_id!r}, which is not a run.", "Give seeds for runs of the manifest.")
    sealed = seal is not None
    runs = tuple(_planned(info, tuple(seeds.get(info.id, ())), sealed=sealed) for info in clean.runs)
    return PlannedStore(clean, text, runs, seal)


def _planned(info: RunInfo, seed: tuple[MemoryOp, ...], *, sealed: bool) -> PlannedRun:
    if len(seed) >= ORDINALS:
        raise StoreError(f"the seed of run {info.id!r} has {ORDINALS} or more operations.", "Seed it with fewer.")
    try:
        row = run_row(info, origin(seed))
        if sealed:
            return PlannedRun(row, tuple(op_row(op) for op in hidden(seed)), seed)
        return PlannedRun(row, tuple(op_row(op) for op in seed))
    except (ValueError, TypeError) as error:
        where = unstorable(seed, "seed") or str(error)
        raise StoreError(
            f"the seed of run {info.id!r} cannot be stored: {where}.", "Give plain data with finite numbers."
        ) from error


def make_home(home: Path, own: Collection[str]) -> tuple[Path, ...]:
    """Make the directory of an experiment; an existing one must be empty, so that an experiment does not mix with other files.

    Args:
        home: the directory.
        own: the name prefixes of an experiment's own files; another process may already have started to make them.

    Returns:
        The directories that were made, the innermost first.

    Raises:
        StoreError: it is not a directory, cannot be made, or contains something else.
    """
    made = [place for place in (home, *home.parents) if not place.exists()]
    try:
        home.mkdir(parents=True, exist_ok=True)
        foreign = sorted(entry.name for entry in home.iterdir() if not entry.name.startswith(tuple(own)))
    except (FileExistsError, NotADirectoryError) as error:
        raise StoreError(f"{home} is not a directory.", "Choose another directory for the experiment.") from error
    except OSError as error:
        raise StoreError(
            f"{home} cannot be created: {error.strerror}.", "Choose a directory that you may write to."
        ) from error
    if foreign:
        shown = ", ".join(foreign[:3]) + (f" and {len(foreign) - 3} more" if len(foreign) > 3 else "")
        raise StoreError(
            f"{home} is not empty and contains no experiment: {shown}.", "Choose an empty or a new directory."
        )
    return tuple(made)


def unmake(path: Path | None, locks: Path, made: Sequence[Path]) -> None:
    """Remove what was made for an experiment, unless something else has been added to it.

    Args:
        path: the database; ``None``: there is none yet, and any log beside it belongs to another.
        locks: the directory of the locks, none of which is held.
        made: the directories, the innermost first.
    """
    if path is not None:
        _remove(path)
    shutil.rmtree(locks, ignore_errors=True)
    with suppress(OSError):
        for directory in made:
            directory.rmdir()


def build(path: Path, draft: PlannedStore) -> None:
    """Make the database under another name and rename it; the caller ensures that nobody else does.

    Raises:
        StoreError: it already exists, or it cannot be written.
    """
    if path.exists():
        raise StoreError(f"{path.parent} already contains an experiment.", "Resume it, or choose another directory.")
    refuse_leftovers(path)
    new = path.with_name(f"{path.name}.new")
    try:
        _remove(new)
        with guarded(new), closing(open_connection(f"{new.absolute().as_uri()}?mode=rwc")) as connection:
            _fill(connection, draft)
        new.rename(path)
        sync_directory(path.parent)
    except OSError as error:
        raise StoreError(f"{path} cannot be created: {error.strerror}.", "Choose another directory.") from error
    finally:
        _remove(new)


def _fill(connection: sqlite3.Connection, draft: PlannedStore) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    new_mark(connection)
    connection.execute("BEGIN IMMEDIATE")
    create_tables(connection)
    if draft.seal is not None:
        connection.execute(SEALED_TABLE)
        connection.execute("INSERT INTO meta VALUES (?, ?)", (SEAL_ENTRY, draft.seal.name))
    signed = manifest_hash(draft.manifest)
    connection.executemany(
        "INSERT INTO meta VALUES (?, ?)", [("manifest", pack(draft.manifest)), ("manifest_hash", signed)]
    )
    insert_runs(connection, draft, draft.runs, signed)
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def insert_runs(
    connection: sqlite3.Connection, draft: PlannedStore, runs: Sequence[PlannedRun], signed: str, first: int = 0
) -> None:
    """Insert runs with their seeds, inside the caller's transaction.

    Args:
        connection: a connection to the store.
        draft: the store they belong to.
        runs: the runs.
        signed: the hash of the manifest, or of the addition that adds them.
        first: the number of the first run.
    """
    for index, run in enumerate(runs, first):
        parts = [(index * ORDINALS + ordinal, index, *row) for ordinal, row in enumerate(run.seed)]
        row = (index, *run.row)
        sealed = []
        if draft.seal is not None and run.whole:
            sealed = [(seed_id(index), draft.seal.close(seed_id(index), run.whole))]
        connection.execute(
            "INSERT INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
            (*row, run_link(signed, row, [*parts, *map(linked, sealed)])),
        )
        if sealed:
            connection.executemany("INSERT INTO sealed VALUES (?, ?)", sealed)
        connection.executemany("INSERT INTO seed VALUES (?, ?, ?, ?, ?)", parts)


def _remove(path: Path) -> None:
    for suffix in ("", *ENDINGS):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).unlink()
