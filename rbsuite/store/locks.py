"""Which process may write what: one process alone or several that joined, with each run written by one of them at a time.

All locks are files in the directory ``locks`` of an experiment, held with ``flock``, so that a process that dies releases all of its locks.

``alone`` Held by a process that did not ask to join; a second such process is refused. ``joined`` Shared by the processes that joined. A
process that starts alone holds it for a moment, to check that nobody has joined; later processes may join.
``creating``
    Held while the experiment is made.
``run-N``
    Held by the process that works on the N-th run.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rbsuite.errors import StoreError

DIRECTORY = "locks"
"""The directory of the lock files, in the experiment's directory."""

PATIENCE_SECONDS = 10.0
"""How long to wait for locks that others hold only for a moment."""

_REMEDY = "Wait for it or stop it, or take other runs of it: rbsuite eval --join."


class FileLock:
    """A locked file; made by :meth:`take`, held until :meth:`release` or the end of the process.

    Args:
        descriptor: the descriptor of the locked file.
    """

    def __init__(self, descriptor: int) -> None:
        self._fd = descriptor

    @classmethod
    def take(cls, path: Path, *, shared: bool = False) -> FileLock | None:
        """Lock a file, which is made if missing and never removed. The id of an exclusive holder is written into it if possible.

        Args:
            path: the file.
            shared: lock it together with others that share it.

        Returns:
            ``None`` if another process (or another store in this process) holds it.

        Raises:
            StoreError: the file cannot be made.
        """
        try:
            path.parent.mkdir(exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreError(
                f"{path.parent.parent} cannot be written: {error.strerror}.",
                "Choose another directory, or open it read-only.",
            ) from error
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        if not shared:
            with suppress(OSError):  # on a full disk the lock still holds; only its holder's id is missing
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Release it; may be called again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def holder(path: Path) -> str:
    """The id of the process that last wrote a lock file; ``unknown`` if it cannot be determined."""
    try:
        return path.read_text(encoding="ascii", errors="replace").strip() or "unknown"
    except OSError:
        return "unknown"


class Locks:
    """The locks held by one writing store.

    Args:
        home: the existing directory of the experiment.
        join: work alongside other processes instead of alone.

    Raises:
        StoreError: this process must be alone but another one is at work, or the lock files cannot be made.
    """

    def __init__(self, home: Path, *, join: bool) -> None:
        self.joined = join
        self._home = home
        self._place = home / DIRECTORY
        self._runs: dict[int, FileLock] = {}
        self._presence = self._wait("joined", shared=True) if join else self._alone()

    @contextmanager
    def creating(self) -> Iterator[None]:
        """Keep others from making an experiment in the directory meanwhile."""
        lock = self._wait("creating")
        try:
            yield
        finally:
            lock.release()

    def claim(self, run: int) -> bool:
        """Claim a run, by its number, unless another process has it; also ``True`` if this one already had it."""
        if run not in self._runs:
            lock = FileLock.take(self._place / f"run-{run}")
            if lock is None:
                return False
            self._runs[run] = lock
        return True

    def release(self, run: int) -> None:
        """Let others claim a run; nothing happens if this process does not have it."""
        lock = self._runs.pop(run, None)
        if lock is not None:
            lock.release()

    def holder(self, run: int) -> str:
        """The id of the process that last claimed a run."""
        return holder(self._place / f"run-{run}")

    def close(self) -> None:
        """Release everything; may be called again."""
        for run in list(self._runs):
            self.release(run)
        self._presence.release()

    def _alone(self) -> FileLock:
        presence = FileLock.take(self._place / "alone")
        if presence is None:
            who = f"process {holder(self._place / 'alone')}"
            raise StoreError(f"{self._home} is being written by {who}.", _REMEDY)
        try:
            nobody = FileLock.take(self._place / "joined")
        except BaseException:
            presence.release()
            raise
        if nobody is None:
            presence.release()
            raise StoreError(f"{self._home} is being written by processes that joined it.", _REMEDY)
        nobody.release()
        return presence

    def _wait(self, name: str, *, shared: bool = False) -> FileLock:
        """Wait for a lock that others hold only for a moment."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (lock := FileLock.take(self._place / name, shared=shared)) is None:
            if time.monotonic() > deadline:
                raise StoreError(f"{self._home}: another process holds {name!r} and does not release it.", "Stop it.")
            time.sleep(0.01)
        return lock
