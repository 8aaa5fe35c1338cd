"""The SQLite file of a store: opening it, transactions, and SQLite's errors in rbsuite's words."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rbsuite.errors import StoreError
from rbsuite.store.leftovers import MARKED_EVERY, refuse_foreign_log
from rbsuite.store.schema import OLDEST_VERSION, SCHEMA_VERSION, lacking, migrate, stored_version
from rbsuite.store.syncing import LogSync

BUSY_SECONDS = 10.0
"""How long to wait for another program that locks the database."""

CLOSING_SECONDS = 1.0
"""How long to wait at the end for readers that keep the log from being moved into the file; it need not be moved."""

CHECKPOINT_EVERY = 20 * MARKED_EVERY
"""After so many transactions what is in the log is moved into the file."""

LOOK_SECONDS = 0.1
"""How long a commit relies on the file being where it was."""

_REMEDIES = (
    ("SQLITE_FULL", "the disk is full.", "Free some space and run the same command again; what was committed is safe."),
    ("SQLITE_READONLY", "it cannot be written.", "Check the permissions of the file and its directory."),
    (
        "SQLITE_IOERR",
        "reading or writing failed.",
        "Check the disk and run the same command again; what was committed is safe.",
    ),
    ("SQLITE_BUSY", "another program keeps it locked.", "Close that program and run the same command again."),
    ("SQLITE_CANTOPEN", "it cannot be opened.", "Check the permissions of the file and its directory."),
    ("SQLITE_NOTADB", "it is not an experiment store.", "Give the directory of an experiment."),
    ("SQLITE_CORRUPT", "it is damaged.", "Restore it from a copy, or try the sqlite3 program's .recover."),
)


def store_error(error: sqlite3.Error, path: Path) -> StoreError:
    """The user-facing error for an SQLite error."""
    name = getattr(error, "sqlite_errorname", "") or ""
    for prefix, what, remedy in _REMEDIES:
        if name.startswith(prefix):
            return StoreError(f"{path}: {what} ({error})", remedy)
    return StoreError(f"{path}: {error}.", "Restore the file from a copy if this happens again.")


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turns SQLite's errors into :class:`StoreError`."""
    try:
        yield
    except sqlite3.Error as error:
        raise store_error(error, path) from error
    except UnicodeDecodeError as error:  # it names a table or column by what stands in a damaged file
        raise StoreError(
            f"{path}: it is damaged.", "Restore it from a copy, or try the sqlite3 program's .recover."
        ) from error


class Database:
    """A connection shared by threads: each statement or transaction runs under one lock, and no cursor stays open.

    Args:
        path: the existing database file.
        readonly: whether to open it only for reading, which needs no write permission.
        alone: whether no other process writes; only then is an older store migrated.

    Raises:
        StoreError: there is no store, it is damaged or from a later version, or another database's log lies beside it.
    """

    def __init__(self, path: Path, *, readonly: bool, alone: bool = True) -> None:
        self.path = path
        self._name = str(path)
        self.readonly = readonly
        self._lock = threading.RLock()
        self._sync: LogSync | None = None
        self._commits = 0
        self._looked = -LOOK_SECONDS
        try:
            refuse_foreign_log(path)
            found = path.stat()
            self._place = found.st_dev, found.st_ino
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error
        with guarded(path):
            if readonly:
                self._connection = _connect_readonly(path)
            else:
                self._connection = open_connection(f"{path.absolute().as_uri()}?mode=rw")
            try:
                if not readonly:
                    self._connection.execute("PRAGMA synchronous = NORMAL")
                    self._connection.execute("PRAGMA wal_autocheckpoint = 0")
                _check_version(self._connection, path, may_migrate=alone and not readonly)
                (self._mark,) = self._connection.execute("PRAGMA user_version").fetchone()
            except BaseException:
                self._connection.close()
                raise

    def survive_power_cuts(self) -> None:
        """From now on write commits to disk promptly (see :class:`LogSync`) instead of when SQLite's log has grown.

        In both cases a power cut may undo the last commits, but never part of one: those of a fraction of a second, or of minutes.
        """
        self._sync = self._sync or LogSync(self.path)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._lock, guarded(self.path):
            return self._connection.execute(sql, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction: everything done with the connection is committed, or nothing."""
        with self._lock, guarded(self.path):
            if time.monotonic() > self._looked + LOOK_SECONDS:
                self.still_there()
            if self._sync is not None:
                self._sync.check()
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                if self._commits % MARKED_EVERY == 0:
                    self._connection.execute(f"PRAGMA user_version = {self._mark}")
                self._connection.execute("COMMIT")
                self._commits += 1
                if self._commits % CHECKPOINT_EVERY == 0:  # then the log may begin anew: with a mark
                    self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
                if self._sync is not None:
                    self._sync.note()
            except BaseException:
                # After some errors, e.g. a full disk, SQLite has already rolled back.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def is_there(self) -> bool:
        """Whether the file is still under its name."""
        try:
            found = os.stat(self._name)  # noqa: PTH116  # a third of the time
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._place

    def still_there(self) -> None:
        """Check that the file is still under its name: SQLite would keep writing to a removed file, and everything would be lost.

        Raises:
            StoreError: it is not.
        """
        if self.is_there():
            self._looked = time.monotonic()
            return
        raise StoreError(
            f"{self.path} was removed or replaced while it was being written.",
            "Put it back if you can, or begin again in another directory; nothing more is written.",
        )

    def close(self) -> None:
        """Move the contents of the log into the file and close; may be called again.

        Raises:
            StoreError: earlier commits could not be written to disk, or the file is no longer there.
        """
        with self._lock:
            if self._sync is not None:
                self._sync.close()
            if not self.readonly:
                # A reader may be using the log, and a closed connection has none: the log stays valid, so neither matters.
                with suppress(sqlite3.Error):
                    self._connection.execute(f"PRAGMA busy_timeout = {round(1000 * CLOSING_SECONDS)}")
                    self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._connection.close()
            if self._sync is not None:
                self._sync.check()
            if self._commits:
                self._commits = 0
                self.still_there()


def open_connection(address: str) -> sqlite3.Connection:
    """A connection in autocommit mode that any thread may use."""
    return sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _connect_readonly(path: Path) -> sqlite3.Connection:
    address = path.absolute().as_uri()
    connection = open_connection(f"{address}?mode=ro")
    try:
        connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.DatabaseError as error:
        connection.close()
        log = path.with_name(f"{path.name}-wal")
        # Without a log, the file contains everything, and nobody can be writing it.
        if not error.sqlite_errorname.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")) or _size(log) > 0:
            raise
        return open_connection(f"{address}?mode=ro&immutable=1")
    return connection


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _check_version(connection: sqlite3.Connection, path: Path, *, may_migrate: bool) -> None:
    version = stored_version(connection, path)
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{path} has schema version {version}; this rbsuite knows {SCHEMA_VERSION}.", "Upgrade rbsuite to read it."
        )
    if version < OLDEST_VERSION:
        raise StoreError(
            f"{path} has schema version {version}, which an unreleased rbsuite wrote.",
            "Run the experiment again in another directory.",
        )
    if version < SCHEMA_VERSION:
        if not may_migrate:
            raise StoreError(
                f"{path} has the older schema version {version}.",
                "Open it once for writing, in a single process, to migrate it.",
            )
        migrate(connection, path)
    if missing := lacking(connection):
        raise StoreError(
            f"{path} has schema version {SCHEMA_VERSION} without {missing}: it was made by an unreleased rbsuite.",
            "Run the experiment again in another directory.",
        )
