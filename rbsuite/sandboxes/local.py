"""No sandbox: commands run on the machine itself, in a copy of the workspace, for whoever says ``--unsafe-local``.

Of the rules it keeps those on environment variables, links, time, output, sizes of files and of the work directory, and copies. Commands
can read and change whatever the user can, and reach the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rbsuite.errors import EnvironmentFailure
from rbsuite.sandboxes.base import Setup, limited, variables
from rbsuite.sandboxes.bwrap import search_path
from rbsuite.sandboxes.directories import DirectorySandbox


class LocalSandbox(DirectorySandbox):
    """A directory without walls. The work directory is where it is, so ``workdir`` is not that of the set-up."""

    backend = "local"

    def __init__(self, setup: Setup, place: Path) -> None:
        super().__init__(setup, place)
        self.workdir = str(self.directory)

    def program(self, command: str | Sequence[str]) -> list[str]:
        """The command behind its limits."""
        return limited(self._setup.limits, self.workdir, command)

    async def read(self, path: str) -> bytes:
        """See :class:`rbsuite.sandboxes.base.Sandbox`."""
        if self._leads_out(path):
            raise FileNotFoundError(f"{path} leads out of the work directory")
        return await super().read(path)

    async def write(self, path: str, data: bytes) -> None:
        """See :class:`rbsuite.sandboxes.base.Sandbox`."""
        if self._leads_out(path):
            raise EnvironmentFailure(f"{path} leads out of the work directory.", "It is not written.")
        await super().write(path, data)

    def _leads_out(self, path: str) -> bool:
        """Whether a name in the work directory stands for a place outside: then a link does that, and the agent has made it."""
        named, work = self.directory / path, self.directory
        return named.is_relative_to(work) and not named.resolve().is_relative_to(work.resolve())

    def variables(self) -> dict[str, str]:
        """What the command sees; its home directory is the sandbox's."""
        home = self._place / "home"
        home.mkdir(exist_ok=True)
        return variables(self._setup, path=search_path(self._setup.shown), home=str(home))


class Local:
    """The backend. See :class:`rbsuite.sandboxes.base.Backend`."""

    name = "local"
    isolates = False

    def missing(self) -> str:
        """Nothing."""
        return ""

    async def start(self, setup: Setup) -> LocalSandbox:
        """A copy of the workspace. The image of the set-up is not used."""
        return await LocalSandbox.begin(setup)
