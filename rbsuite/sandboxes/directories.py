"""Sandboxes whose work directory is a directory on this machine: how it is copied, measured and removed.

What an agent left there is treated as hostile: it is never followed, run or read as configuration here. So git is not run on it, and files
are read and written from inside (:class:`rbsuite.sandboxes.base.Sandbox`).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import tempfile
from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from rbsuite.errors import EnvironmentFailure
from rbsuite.sandboxes.base import CommandOutcome, Setup, over_disk
from rbsuite.sandboxes.inside import FilesFromInside
from rbsuite.sandboxes.running import Ran, run

_COPY_SECONDS = 600.0
_NO_INPUT = b""


class DirectorySandbox(FilesFromInside):
    """A sandbox over a directory on this machine. See :class:`rbsuite.sandboxes.base.Sandbox`.

    Args:
        setup: what it starts with.
        place: the directory that contains the work directory, accessible to this user only; it belongs to the sandbox.
    """

    backend: str

    def __init__(self, setup: Setup, place: Path) -> None:
        self._setup = setup
        self._place = place
        self._turn = asyncio.Lock()
        self.workdir = setup.workdir

    @classmethod
    async def begin(cls, setup: Setup) -> Self:
        """A sandbox with a copy of the set-up's workspace.

        Raises:
            EnvironmentFailure: there is no room for it.
        """
        place = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="rbsuite-sandbox-"))
        sandbox = cls(setup, place)
        try:
            if setup.workspace is None:
                (place / "work").mkdir()
            else:
                await copy_tree(setup.workspace, place / "work")
        except BaseException:
            await sandbox.close()
            raise
        return sandbox

    @property
    def directory(self) -> Path:
        """The work directory on this machine."""
        return self._place / "work"

    @abstractmethod
    def program(self, command: str | Sequence[str]) -> list[str]:
        """The program that this machine runs for a command."""

    @abstractmethod
    def variables(self) -> dict[str, str]:
        """Its environment variables."""

    async def exec(self, command: str | Sequence[str], *, seconds: float | None = None) -> CommandOutcome:
        """See :class:`rbsuite.sandboxes.base.Sandbox`."""
        limits = self._setup.limits
        ran = await self._run(command, seconds or limits.seconds, limits.output, stop=self._too_large)
        over = ran.stopped or await asyncio.to_thread(self._too_large)
        return CommandOutcome(ran.code, ran.output.decode("utf-8", "replace"), ran.timed_out, ran.left_out, over)

    async def fork(self) -> Self:
        """See :class:`rbsuite.sandboxes.base.Sandbox`."""
        if await asyncio.to_thread(self._too_large):
            raise over_disk(self._setup.limits)
        place = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="rbsuite-sandbox-"))
        twin = type(self)(self._setup, place)
        try:
            async with self._turn:
                await copy_tree(self.directory, twin.directory)
        except BaseException:
            await twin.close()
            raise
        return twin

    async def close(self) -> None:
        """See :class:`rbsuite.sandboxes.base.Sandbox`."""
        await asyncio.to_thread(remove_tree, self._place)

    def _too_large(self) -> bool:
        return larger_than(self.directory, self._setup.limits.disk)

    async def _run(
        self,
        command: str | Sequence[str],
        seconds: float,
        output: int,
        *,
        given: bytes = _NO_INPUT,
        stop: Callable[[], bool] | None = None,
    ) -> Ran:
        if not self.directory.is_dir():
            raise EnvironmentFailure("the sandbox is closed.", "Start another one.")
        async with self._turn:
            try:
                return await run(
                    self.program(command),
                    environment=self.variables(),
                    seconds=seconds,
                    output=output,
                    given=given,
                    directory=self.directory,
                    stop=stop,
                )
            except OSError as error:
                problem = f"the sandbox ({self.backend}) cannot start: {error.strerror or error}."
                raise EnvironmentFailure(problem, "Run: rbsuite doctor") from None


async def copy_tree(source: Path, target: Path) -> None:
    """Copy a directory. Blocks are shared if the file system can (reflinks); links are copied as links; hard links are not kept, so
    that the copy shares no file with the source.

    Raises:
        EnvironmentFailure: it cannot be copied.
    """
    copied = await run(
        ["cp", "-R", "-P", "--preserve=mode,timestamps", "--reflink=auto", "--", str(source), str(target)],
        environment={"PATH": os.defpath, "LC_ALL": "C"},
        seconds=_COPY_SECONDS,
        output=4096,
    )
    if copied.code:
        told = " ".join(copied.output.decode("utf-8", "replace").split())[:200]
        raise EnvironmentFailure(f"the sandbox's work directory cannot be copied: {told}.", "Free some space.")


def larger_than(directory: Path, most: int) -> bool:
    """Whether a directory takes more than ``most`` bytes. A file counts by its blocks; links are not followed."""
    total, waiting = 0, [directory]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:  # removed in the meantime, or not accessible to its owner
            continue
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            total += status.st_blocks * 512
            if stat.S_ISDIR(status.st_mode):
                waiting.append(Path(entry.path))
        if total > most:
            return True
    return False


def remove_tree(directory: Path) -> None:
    """Remove a directory, even if parts of it are not accessible to their owner."""
    shutil.rmtree(directory, ignore_errors=True)
    if not directory.exists():
        return
    for path, names, _ in os.walk(directory):  # from the top, without following links
        for name in names:
            if not (inner := Path(path, name)).is_symlink():
                inner.chmod(0o700)
    shutil.rmtree(directory, ignore_errors=True)
