"""Sandboxes run by podman or docker, through their command lines: one container each, made from an image of the user's."""

from __future__ import annotations

import asyncio
import os
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache

from rbsuite.errors import EnvironmentFailure
from rbsuite.sandboxes.base import HOME, CommandOutcome, Sandbox, Setup, limited, over_disk, variables
from rbsuite.sandboxes.inside import FilesFromInside
from rbsuite.sandboxes.running import Ran, run

_STARTING = 600.0
"""Seconds that an engine has to start a container; its image may have to be fetched first."""
_LIFE = 24 * 3600
"""Seconds after which a container that nobody stopped exits on its own."""
_TOLD = 4096
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NO_INPUT = b""
_UNPACK = 'shopt -s dotglob nullglob && rm -rf -- "$1"/* && tar -C "$1" --no-same-owner -xf -'
"""Bash, since images have it for agents' commands and need not have anything else."""
_INSTALL = {
    "podman": "Install podman (Debian, Ubuntu: apt install podman; Fedora: dnf install podman)",
    "docker": "Install Docker Engine (docs.docker.com/engine/install), and start its service",
}


class Engine:
    """The backend for one of the two engines, which take the same options. See :class:`rbsuite.sandboxes.base.Backend`.

    Args:
        name: ``podman`` or ``docker``.
    """

    isolates = True

    def __init__(self, name: str) -> None:
        self.name = name

    def missing(self) -> str:
        """What is missing: the program, or the service behind it."""
        return _missing(self.name)

    def gaps(self) -> str:
        """None."""
        return ""

    async def start(self, setup: Setup) -> Sandbox:
        """A new container with the set-up's workspace.

        Raises:
            EnvironmentFailure: the image does not exist, or the engine refuses.
        """
        if not setup.image:
            raise EnvironmentFailure(f"{self.name} needs an image.", "Name one with the environment's option image.")
        container = Container(self.name, setup)
        try:
            await container.begin()
            if setup.workspace is not None:
                await container.fill(["tar", "-C", str(setup.workspace), "-cf", "-", "."])
        except BaseException:
            await container.close()
            raise
        return container


class Container(FilesFromInside):
    """A running container. Its work directory is a volume of its own, which starts with what the image has there.

    Args:
        engine: name of the engine's program.
        setup: what it starts with.
    """

    def __init__(self, engine: str, setup: Setup) -> None:
        self.backend = engine
        self.workdir = setup.workdir
        self._setup = setup
        self._name = f"rbsuite-{secrets.token_hex(8)}"
        self._turn = asyncio.Lock()
        self._open = True

    async def begin(self) -> None:
        """Start it. Process 1 only waits, so that all others can be killed without ending the container."""
        setup, limits = self._setup, self._setup.limits
        options = [
            # Process 1 ignores other signals, and an engine waits 10 s before it kills it.
            *("run", "--detach", "--rm", "--name", self._name, "--label", "rbsuite=sandbox", "--stop-signal", "KILL"),
            *([] if setup.network else ["--network", "none"]),
            *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--ipc", "private", "--hostname", "sandbox"),
            *([] if setup.writable_root else ["--read-only"]),
            *("--tmpfs", f"/tmp:rw,exec,mode=1777,size={limits.scratch}"),
            *("--tmpfs", f"{HOME}:rw,exec,mode=1777,size={limits.scratch}"),
            *("--mount", f"type=volume,destination={setup.workdir}"),
            *("--pids-limit", str(limits.processes), "--memory", str(limits.memory)),
            *("--ulimit", f"nofile={limits.open_files}:{limits.open_files}", "--ulimit", "core=0:0"),
            # podman's own default may be more than it is allowed to set.
            *("--ulimit", f"nproc={limits.processes}:{limits.processes}"),
            *("--workdir", setup.workdir, "--entrypoint", "sleep", setup.image, str(_LIFE)),
        ]
        started = await self._engine(options, seconds=_STARTING)
        if started.code:
            told = " ".join(started.output.decode("utf-8", "replace").split())[-300:]
            raise EnvironmentFailure(
                f"{self.backend} cannot start a container of {setup.image}: {told}.", "Run: rbsuite doctor"
            )

    async def exec(self, command: str | Sequence[str], *, seconds: float | None = None) -> CommandOutcome:
        """See :class:`rbsuite.sandboxes.base.Sandbox`."""
        limits = self._setup.limits
        ran = await self._run(command, seconds or limits.seconds, limits.output)
        over = await self._over_disk()
        return CommandOutcome(ran.code, ran.output.decode("utf-8", "replace"), ran.timed_out, ran.left_out, over)

    async def fork(self) -> Container:
        """See :class:`rbsuite.sandboxes.base.Sandbox`. The work directory is copied; everything else comes from the image again."""
        twin = Container(self.backend, self._setup)
        try:
            if await self._over_disk():
                raise over_disk(self._setup.limits)
            await twin.begin()
            async with self._turn:
                await twin.fill([self.backend, "exec", self._name, "tar", "-C", self.workdir, "-cf", "-", "."])
        except BaseException:
            await twin.close()
            raise
        return twin

    async def fill(self, source: Sequence[str]) -> None:
        """Replace the work directory's content by what a program packs.

        Raises:
            EnvironmentFailure: it does not fit, or the program failed.
        """
        unpack = [self.backend, "exec", "--interactive", self._name, "bash", "-c", _UNPACK, "unpack", self.workdir]
        pipe = ["bash", "-o", "pipefail", "-c", f"{shlex.join(source)} | {shlex.join(unpack)}"]
        ran = await run(pipe, environment=_engine_variables(), seconds=_STARTING, output=_TOLD)
        if ran.code:
            told = " ".join(ran.output.decode("utf-8", "replace").split())[-200:]
            raise EnvironmentFailure(f"the sandbox's work directory cannot be filled: {told}.", "Free some space.")

    async def close(self) -> None:
        """See :class:`rbsuite.sandboxes.base.Sandbox`."""
        if self._open:
            self._open = False
            await self._engine(["rm", "--force", "--volumes", self._name], seconds=60.0)

    async def _run(self, command: str | Sequence[str], seconds: float, output: int, *, given: bytes = _NO_INPUT) -> Ran:
        if not self._open:
            raise EnvironmentFailure("the sandbox is closed.", "Start another one.")
        environment = variables(self._setup, path=_PATH, home=HOME)
        # The image's own variables are part of it (a conda environment's path is set there), so PATH is left to the image.
        named = [part for name, value in environment.items() if name != "PATH" for part in ("--env", f"{name}={value}")]
        program = limited(self._setup.limits, self.workdir, command, alone=True)
        async with self._turn:
            ran = await self._engine(
                ["exec", *(["--interactive"] if given else []), *named, self._name, *program],
                seconds=seconds,
                output=output,
                given=given,
            )
            if ran.timed_out:  # what the engine's own program started keeps running without it
                await self._engine(["exec", self._name, "bash", "-c", "kill -KILL -1"], seconds=60.0)
        return ran

    async def _over_disk(self) -> bool:
        ran = await self._run(["du", "-s", "-B1", "--", self.workdir], 60.0, _TOLD)
        size = ran.output.split(b"\t", 1)[0].strip().splitlines()[-1:]
        return bool(size) and size[0].isdigit() and int(size[0]) > self._setup.limits.disk

    async def _engine(
        self, options: Sequence[str], *, seconds: float, output: int = _TOLD, given: bytes = _NO_INPUT
    ) -> Ran:
        try:
            return await run(
                [self.backend, *options], environment=_engine_variables(), seconds=seconds, output=output, given=given
            )
        except OSError as error:
            problem = f"{self.backend} cannot be run: {error.strerror or error}."
            raise EnvironmentFailure(problem, "Run: rbsuite doctor") from None


def _engine_variables() -> dict[str, str]:
    """The variables of this machine that the engine's own program needs; containers see none of them."""
    names = ("PATH", "HOME", "USER", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "TMPDIR")
    own = ("DOCKER_", "CONTAINER_", "CONTAINERS_")
    return {name: value for name, value in os.environ.items() if name in names or name.startswith(own)}


@cache
def _missing(name: str) -> str:
    if shutil.which(name) is None:
        return f"{name} is not installed. {_INSTALL[name]}"
    try:
        told = subprocess.run(
            [name, "info"], capture_output=True, text=True, check=False, timeout=30, env=_engine_variables()
        )
    except subprocess.TimeoutExpired:
        return f"{name} did not answer within 30 s. Start its service"
    if told.returncode == 0:
        return ""
    return f"{name} is installed but does not work ({' '.join(told.stderr.split())[-120:]}). {_INSTALL[name]}"
