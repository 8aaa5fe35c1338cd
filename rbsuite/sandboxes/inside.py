"""Files of a sandbox, read and written by programs that run inside it, so that nothing on this machine can be reached through a link."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from rbsuite.errors import EnvironmentFailure
from rbsuite.sandboxes.base import Setup
from rbsuite.sandboxes.running import Ran

SECONDS = 600.0
"""How long a copy in or out may take."""
_TOLD = 4096


class FilesFromInside(ABC):
    """Reads and writes for a sandbox that runs commands."""

    _setup: Setup

    @abstractmethod
    async def _run(self, command: str | Sequence[str], seconds: float, output: int, *, given: bytes = b"") -> Ran:
        """Run a command inside.

        Args:
            command: a line for bash, or a program with its arguments.
            seconds: its time limit.
            output: bytes of its output that are kept.
            given: its standard input.
        """

    async def read(self, path: str) -> bytes:
        """See :class:`rbsuite.sandboxes.base.Sandbox`."""
        most = self._setup.limits.read
        ran = await self._run(["cat", "--", path], SECONDS, 2 * most)
        if ran.code:
            raise FileNotFoundError(f"{path} cannot be read in the sandbox")
        if len(ran.output) > most:
            raise EnvironmentFailure(f"{path} has more than {most:,} bytes.", "It is not read.")
        return ran.output

    async def write(self, path: str, data: bytes) -> None:
        """See :class:`rbsuite.sandboxes.base.Sandbox`."""
        script = 'mkdir -p -- "$(dirname -- "$1")" && cat > "$1"'
        ran = await self._run(["bash", "-c", script, "write", path], SECONDS, _TOLD, given=data)
        if ran.code:
            raise EnvironmentFailure(f"{path} cannot be written in the sandbox.", "Check its set-up and its limits.")
