"""What a sandbox is: a work directory and commands that run in it, cut off from the machine.

Every backend keeps eleven rules, and :mod:`rbsuite.testing.sandboxes` checks them:

1. No command runs on the host itself, unless the user passed ``--unsafe-local``.
2. A command sees the environment variables that the set-up names, and none of the host's.
3. There is no network.
4. Processes, users and interprocess communication are its own; it has no capabilities, gets no new privileges and no terminal, and ends
   with the process that started it.
5. System files are read-only, temporary files and the home directory are its own; one directory is writable: the work directory.
6. Memory, file size, processor time, open files and core dumps are limited, as is the number of processes if the system allows it.
7. A command has a time limit, after which it and everything it started are killed; what it left in the background is killed when it ends.
8. A limited amount of its output is kept, head and tail; its input is closed.
9. A sandbox contains only what its set-up put there. Hidden tests are put into a sandbox of their own.
10. The work directory has a size limit.
11. The backend is named in every result, and ``rbsuite doctor`` says which ones are available.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rbsuite.errors import EnvironmentFailure

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
HOME = "/home/agent"
"""The home directory inside a sandbox."""


@dataclass(frozen=True, slots=True)
class CommandLimits:
    """What commands may use.

    Attributes:
        seconds: wall time of a command without a limit of its own.
        cpu_seconds: processor time of one process.
        memory: bytes of address space of one process; for a container, of the whole container.
        file_size: bytes of one file.
        open_files: files that one process may have open.
        processes: processes of a container; elsewhere, of the user, which the system does not enforce for root.
        output: bytes of a command's output that are kept.
        disk: bytes of the work directory, checked every second and after each command.
        scratch: bytes of temporary files.
        read: bytes of a file that :meth:`Sandbox.read` returns.
    """

    seconds: float = 60.0
    cpu_seconds: int = 300
    memory: int = 4 * GIB
    file_size: int = 256 * MIB
    open_files: int = 1024
    processes: int = 1024
    output: int = 10 * MIB
    disk: int = 2 * GIB
    scratch: int = 256 * MIB
    read: int = 100 * MIB


@dataclass(frozen=True, slots=True)
class Setup:
    """What a sandbox starts with.

    Attributes:
        workspace: a directory on this machine that is copied as the work directory; ``None``: what the image has there, or nothing.
        image: the container image, for backends that take one.
        workdir: the path of the work directory inside.
        environment: variables in addition to those that every command has.
        shown: directories on this machine, such as an interpreter's, that are visible read-only at their own paths; not used in containers.
        network: whether the network can be reached, against rule 3; for the preparation of an image, never for an agent.
        writable_root: whether a container may change its own copy of the image, for example if tests install the package.
        limits: what commands may use.
    """

    workspace: Path | None = None
    image: str = ""
    workdir: str = "/testbed"
    environment: Mapping[str, str] = field(default_factory=dict)
    shown: tuple[Path, ...] = ()
    network: bool = False
    writable_root: bool = False
    limits: CommandLimits = CommandLimits()


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """The outcome of a command.

    Attributes:
        code: exit code; negative for a signal.
        output: standard output and error together, in order of arrival; what is not UTF-8 is replaced.
        timed_out: it was killed at its time limit.
        left_out: bytes of the output's middle that were not kept.
        over_disk: the work directory is larger than allowed; a command that was still running was killed.
    """

    code: int
    output: str
    timed_out: bool = False
    left_out: int = 0
    over_disk: bool = False


class Sandbox(Protocol):
    """A work directory in which commands run, one at a time.

    Attributes:
        backend: name of the backend.
        workdir: the work directory, as commands see it.
    """

    backend: str
    workdir: str

    async def exec(self, command: str | Sequence[str], *, seconds: float | None = None) -> CommandOutcome:
        """Run a command in the work directory, without stopping the event loop.

        Args:
            command: a text for bash, or a program and its arguments.
            seconds: its time limit; ``None``: that of the set-up.

        Raises:
            EnvironmentFailure: the sandbox itself failed.
        """

    async def read(self, path: str) -> bytes:
        """The content of a file, read inside the sandbox, so that a link cannot lead out of it.

        Raises:
            FileNotFoundError: there is no such file, or it cannot be read.
            EnvironmentFailure: it is larger than allowed, or the sandbox failed.
        """

    async def write(self, path: str, data: bytes) -> None:
        """Write a file, from inside the sandbox.

        Raises:
            EnvironmentFailure: it cannot be written.
        """

    async def fork(self) -> Sandbox:
        """A sandbox of its own with a copy of the work directory; what happens in one is not seen in the other.

        Raises:
            EnvironmentFailure: the sandbox failed.
        """

    async def close(self) -> None:
        """Stop it and remove its work directory. Closing twice is allowed."""


class Backend(Protocol):
    """A way to run sandboxes.

    Attributes:
        name: e.g. ``"bwrap"``.
        isolates: whether it keeps all the rules; if not, only ``--unsafe-local`` chooses it.
    """

    name: str
    isolates: bool

    def missing(self) -> str:
        """What is missing and how to get it, on one line; empty if sandboxes are available. This is checked only once."""

    def gaps(self) -> str:
        """Which of the rules are not kept, on one line; empty if all are."""

    async def start(self, setup: Setup) -> Sandbox:
        """A new sandbox.

        Raises:
            EnvironmentFailure: it cannot be started.
        """


def variables(setup: Setup, *, path: str, home: str) -> dict[str, str]:
    """All environment variables of a command: none of the host's, plus settings that make runs reproducible."""
    return {
        "PATH": path,
        "HOME": home,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "TERM": "dumb",
        "PAGER": "cat",
        "MANPAGER": "cat",
        "GIT_PAGER": "cat",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "agent",
        "GIT_AUTHOR_EMAIL": "agent@example.org",
        "GIT_COMMITTER_NAME": "agent",
        "GIT_COMMITTER_EMAIL": "agent@example.org",
        "PIP_PROGRESS_BAR": "off",
        "TQDM_DISABLE": "1",
        "PYTHONHASHSEED": "0",
        **setup.environment,
    }


_LIMITED = (
    "ulimit -c 0; ulimit -v $1; ulimit -f $2; ulimit -t $3; ulimit -n $4; ulimit -u $5; shift 5; "
    'cd -- "$1" || exit 125; shift; exec 2>&3 3>&-; "$@"; code=$?; '
)
_AFTER = {True: "kill -KILL -1 2>/dev/null; exit $code", False: "exit $code"}


def limited(limits: CommandLimits, workdir: str, command: str | Sequence[str], *, alone: bool = False) -> list[str]:
    """A command with its limits, which are set inside the sandbox: nothing can set them safely before the process exists.

    Args:
        limits: the limits. One that the system already keeps tighter stays as it is.
        workdir: where the command starts.
        command: a text for bash, or a program and its arguments.
        alone: whether no other processes of the sandbox may live on, so that all are killed when the command ends.
    """
    given = [limits.memory // KIB, limits.file_size // KIB, limits.cpu_seconds, limits.open_files, limits.processes]
    inner = ["bash", "-c", command] if isinstance(command, str) else list(command)
    # The shell's own complaints (a limit that cannot be set) are not output of the command.
    script = f"exec 3>&2 2>/dev/null; {_LIMITED}{_AFTER[alone]}"
    return ["bash", "-c", script, "sandbox", *map(str, given), workdir, *inner]


def over_disk(limits: CommandLimits) -> EnvironmentFailure:
    """The error for a work directory that is too large to be copied or read."""
    return EnvironmentFailure(
        f"the work directory of the sandbox has more than {limits.disk:,} bytes.", "Nothing is copied from it."
    )
