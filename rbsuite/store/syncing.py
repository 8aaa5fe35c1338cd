"""Writing a store's log to disk from a thread, so that no commit waits for it."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

from rbsuite.errors import StoreError

SYNC_SECONDS = 0.1
"""The minimum time between two syncs."""


class LogSync:
    """Writes commits to disk soon afterwards: immediately if the last sync was :data:`SYNC_SECONDS` ago, otherwise when it was.

    SQLite itself syncs before it moves the log into the file and when the file is closed.

    Args:
        path: the database file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log = path.with_name(f"{path.name}-wal")
        self._failed: OSError | None = None
        self._committed = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self) -> None:
        """Note that a transaction was committed."""
        if not self._committed.is_set():
            self._committed.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="rbsuite-sync", daemon=True)
            self._thread.start()

    def check(self) -> None:
        """Check that all syncs have succeeded so far.

        Raises:
            StoreError: a sync failed; what was committed since may be lost in a power cut.
        """
        if self._failed is not None:
            raise StoreError(
                f"{self._path}: what was committed could not be written to the disk ({self._failed.strerror}).",
                "Check the disk and run the same command again.",
            ) from self._failed

    def close(self) -> None:
        """End the thread; closing the database writes what it has not written."""
        self._closing.set()
        self._committed.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while self._committed.wait() and not self._closing.is_set():
            self._committed.clear()
            try:
                self._sync()
            except OSError as error:
                self._failed = error
                return
            self._closing.wait(SYNC_SECONDS)

    def _sync(self) -> None:
        with suppress(FileNotFoundError):  # no log: everything is in the file
            descriptor = os.open(self._log, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
