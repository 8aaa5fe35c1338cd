"""A sandbox as good as this machine allows without another program, in a copy of the workspace, for those who pass ``--unsafe-local``.

If the kernel lets this user make namespaces (``walls``), all rules are kept. Elsewhere on Linux (``bare``), commands can read and change
the machine's files, reach the network and see other processes. On other systems (``open``), they also have the user's privileges,
and what they leave in the background may live on. See :mod:`rbsuite.sandboxes.enclosing`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from rbsuite.errors import EnvironmentFailure
from rbsuite.sandboxes.base import Setup, limited, variables
from rbsuite.sandboxes.bwrap import search_path
from rbsuite.sandboxes.directories import DirectorySandbox

Way = Literal["walls", "bare", "open"]
UNKEPT: Mapping[Way, frozenset[str]] = {
    "walls": frozenset(),
    "bare": frozenset(["unseen", "network", "processes", "system"]),
    "open": frozenset(["unseen", "network", "processes", "system", "privileges", "background"]),
}
"""The rules of :mod:`rbsuite.testing.sandboxes` that are, by design, not kept."""
_TOLD: Mapping[Way, str] = {
    "walls": "",
    "bare": "files of this machine can be read and changed, its processes seen, and the network reached: no namespaces can be made",
    "open": "commands can do what you can, and what they leave in the background may live on: only Linux has namespaces",
}
_ENCLOSING = Path(__file__).with_name("enclosing.py")


class LocalSandbox(DirectorySandbox):
    """A directory on this machine. Commands see it at its real path, so ``workdir`` is not that of the set-up."""

    backend = "local"

    def __init__(self, setup: Setup, place: Path) -> None:
        super().__init__(setup, place)
        self.workdir = str(self.directory)

    @property
    def way(self) -> Way:
        """How far commands are enclosed."""
        return way_here()

    def program(self, command: str | Sequence[str]) -> list[str]:
        """The command with its limits, enclosed as far as this machine allows."""
        setup = self._setup
        inner = limited(setup.limits, self.workdir, command)
        return inner if self.way == "open" else [*_enclosed(self.way, self._place, setup), *inner]

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
        """Whether a name in the work directory leads outside, which takes a link that the agent has made."""
        named, work = self.directory / path, self.directory
        return named.is_relative_to(work) and not named.resolve().is_relative_to(work.resolve())

    def variables(self) -> dict[str, str]:
        """What the command sees; its home directory is the sandbox's."""
        home, scratch = self._place / "home", self._place / "tmp"
        home.mkdir(exist_ok=True)
        scratch.mkdir(exist_ok=True)
        made = variables(self._setup, path=search_path(self._setup.shown), home=str(home))
        return made if self.way == "walls" else {"TMPDIR": str(scratch), **made}


class BareSandbox(LocalSandbox):
    """A sandbox as on a machine where namespaces cannot be made."""

    way = "bare"


class Local:
    """The backend. See :class:`rbsuite.sandboxes.base.Backend`."""

    name = "local"
    isolates = False

    def missing(self) -> str:
        """Nothing."""
        return ""

    def gaps(self) -> str:
        """Which rules it does not keep here."""
        return _TOLD[way_here()]

    async def start(self, setup: Setup) -> LocalSandbox:
        """A copy of the workspace. The image of the set-up is not used."""
        return await LocalSandbox.begin(setup)


def _enclosed(way: Way, place: Path, setup: Setup) -> list[str]:
    network = "open" if setup.network else "closed"
    shown = ":".join(map(str, setup.shown))
    return [sys.executable, "-I", "-S", str(_ENCLOSING), way, str(place), str(setup.limits.scratch), network, shown]


@cache
def way_here() -> Way:
    """How far commands can be enclosed on this machine."""
    if sys.platform != "linux":
        return "open"
    with tempfile.TemporaryDirectory(prefix="rbsuite-sandbox-") as place:
        for way in ("walls", "bare"):
            trial = [*_enclosed(way, Path(place), Setup()), "true"]
            told = subprocess.run(trial, capture_output=True, check=False, env={"PATH": os.defpath})
            if told.returncode == 0:
                return way
    return "open"
