"""A directory that is replaced as a whole or not at all.

The new content is made in a hidden workspace next to the target and renamed into place at the end. An error, an
interrupt or a termination signal leaves the old directory and no workspace. What a ``kill -9`` leaves behind is cleaned
up by the next use of :func:`staged` on the same target: between the two renames, the old directory is in the workspace,
from which it is moved back.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rbsuite.errors import Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _SignalGuard:
    """Turns termination signals into exceptions, or holds them back while a step must not be interrupted."""

    def __init__(self) -> None:
        self._holding = False
        self._held: int | None = None

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Handle the signals for the duration of a block; one that was held back is delivered when it ends."""
        if threading.current_thread() is not threading.main_thread():
            yield  # Python delivers signals to the main thread only.
            return
        # A signal that is ignored (nohup) stays ignored; one handled outside Python (None) cannot be restored.
        found = {number: signal.getsignal(number) for number in _SIGNALS}
        ours = [number for number, handler in found.items() if handler not in (signal.SIG_IGN, None)]
        try:
            for number in ours:
                signal.signal(number, self._handle)
            yield
        finally:
            for number in ours:
                signal.signal(number, found[number])
            if self._held is not None:
                signal.raise_signal(self._held)

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Hold signals back during a block, and from then on."""
        self._holding = True
        yield

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._holding:
            self._held = number
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
        else:
            stopped = Interrupted(
                f"stopped by {signal.Signals(number).name}; nothing was changed.", "Run the command again."
            )
            stopped.exit_code = 128 + number
            raise stopped


@dataclass(frozen=True, slots=True)
class Staging:
    """The workspace of one replacement.

    Attributes:
        target: the directory to be replaced.
        new: an existing, empty directory; it becomes the target.
        scratch: an existing, empty directory for intermediate files; removed at the end.
    """

    target: Path
    new: Path
    scratch: Path
    _guard: _SignalGuard

    def publish(self) -> None:
        """Put ``new`` in the target's place, as the last step of the replacement.

        Raises:
            OSError: a rename failed; the old directory stays.
        """
        with self._guard.holding():
            if self.target.exists() or self.target.is_symlink():
                self.target.rename(_old(self.target))
            self.new.rename(self.target)


@contextmanager
def staged(target: Path) -> Iterator[Staging]:
    """A workspace to make a new ``target`` in; it takes effect only if :meth:`Staging.publish` is called.

    Replacements in the same parent directory wait for each other (a lock on that directory). Parent directories that
    had to be created for it are removed again if they stay empty.

    A target that is a link to a directory stays one: the directory behind it is replaced.

    Raises:
        OSError: the workspace cannot be made, or the target is not a directory.
        Interrupted: a termination signal came before the new directory was published.
    """
    target = Path(os.path.realpath(target)) if target.is_symlink() else target
    if target.exists() and not target.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(target))
    guard = _SignalGuard()
    with guard.installed(), _locked(target.parent):
        _recover(target)
        workspace = _workspace(target)
        try:
            stage = Staging(target, workspace / "new", workspace / "scratch", guard)
            stage.new.mkdir(parents=True)
            stage.scratch.mkdir()
            yield stage
        finally:
            with guard.holding():
                _recover(target)


def _workspace(target: Path) -> Path:
    return target.with_name(f".{target.name}.staging")


def _old(target: Path) -> Path:
    return _workspace(target) / "old"


def _recover(target: Path) -> None:
    """Remove the workspace; if the old directory is in it and no new one took its place, move it back first."""
    old = _old(target)
    if (old.exists() or old.is_symlink()) and not target.exists():
        old.rename(target)
    shutil.rmtree(_workspace(target), ignore_errors=True)


@contextmanager
def existing(directory: Path) -> Iterator[None]:
    """Create a directory and its parents for the duration of a block; those that were created and stay empty are removed at
    its end.

    Raises:
        OSError: it cannot be created.
    """
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for path in missing:
            try:
                path.rmdir()
            except FileNotFoundError:
                continue  # Not created, or removed by another process that shared it.
            except OSError:
                break  # In use.


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    with existing(directory):
        descriptor = _lock(directory)
        try:
            yield
        finally:
            os.close(descriptor)


def _lock(directory: Path) -> int:
    """Lock a directory; returns the open descriptor that holds the lock.

    The previous holder of the lock may have removed the directory: then the lock is on a removed directory and is taken
    again, on a new one.
    """
    while True:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(descriptor), directory.stat()):
                return descriptor
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
