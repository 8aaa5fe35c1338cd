"""Sandboxes run by bubblewrap: user, process, network and mount namespaces of their own, without root and without images."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from rbsuite.sandboxes.base import HOME, Setup, limited, variables
from rbsuite.sandboxes.directories import DirectorySandbox

_SHARED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_ETC = ("/etc/ld.so.cache", "/etc/alternatives")
INSTALL = "Install bubblewrap (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap)"


class BwrapSandbox(DirectorySandbox):
    """A sandbox in which every command runs in a bubblewrap of its own over the same work directory."""

    backend = "bwrap"

    def program(self, command: str | Sequence[str]) -> list[str]:
        """The command inside its namespaces."""
        setup = self._setup
        inner = limited(setup.limits, setup.workdir, command)
        scratch = str(setup.limits.scratch)
        return [
            *_isolation(setup.network),
            *_system(setup.shown),
            *("--proc", "/proc", "--dev", "/dev", "--size", scratch, "--tmpfs", "/dev/shm", "--remount-ro", "/dev"),
            *("--size", scratch, "--tmpfs", "/tmp", "--size", scratch, "--tmpfs", HOME),
            *("--bind", str(self.directory), setup.workdir, "--remount-ro", "/"),
            *("--chdir", setup.workdir, "--", *inner),
        ]

    def variables(self) -> dict[str, str]:
        """What the command sees; bubblewrap itself needs nothing."""
        return variables(self._setup, path=search_path(self._setup.shown), home=HOME)


class Bwrap:
    """The backend. See :class:`rbsuite.sandboxes.base.Backend`."""

    name = "bwrap"
    isolates = True

    def missing(self) -> str:
        """What is missing: the program, or the right to make namespaces."""
        return _missing()

    def gaps(self) -> str:
        """None."""
        return ""

    async def start(self, setup: Setup) -> BwrapSandbox:
        """A new sandbox. The image of the set-up is not used."""
        return await BwrapSandbox.begin(setup)


def interpreter() -> Path:
    """The directory of the Python that runs here, which may be made visible in a sandbox; not that of its virtual environment."""
    return Path(sys.base_prefix)


def search_path(shown: Sequence[Path]) -> str:
    """Where programs are searched for."""
    return ":".join([*(f"{path}/bin" for path in shown), "/usr/local/bin", "/usr/bin", "/bin"])


def _isolation(network: bool) -> list[str]:
    names = ["user", "pid", "ipc", "uts", *([] if network else ["net"])]
    return [
        str(_program()),
        *(f"--unshare-{name}" for name in names),
        "--unshare-cgroup-try",
        *("--uid", "1000", "--gid", "1000", "--hostname", "sandbox", "--cap-drop", "ALL"),
        *(["--disable-userns"] if _knows("--disable-userns") else []),
        *("--new-session", "--die-with-parent"),
    ]


def _system(shown: Sequence[Path]) -> list[str]:
    """The read-only parts of the machine: /usr, links into it, and what its programs cannot start without."""
    made = ["--ro-bind", "/usr", "/usr"]
    for name in _SHARED:
        path = Path("/", name)
        if path.is_symlink():
            made += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            made += ["--ro-bind", str(path), str(path)]
    for name in _ETC:
        made += ["--ro-bind-try", name, name]
    for path in shown:
        if not path.is_relative_to("/usr"):
            made += ["--ro-bind", str(path), str(path)]
    return made


@cache
def _program() -> str | None:
    return shutil.which("bwrap")


@cache
def _knows(option: str) -> bool:
    told = subprocess.run([str(_program()), "--help"], capture_output=True, text=True, check=False)
    return option in told.stdout + told.stderr


@cache
def _missing() -> str:
    if sys.platform != "linux":
        return "bubblewrap runs only on Linux. Use podman or docker"
    if _program() is None:
        return f"bwrap is not installed. {INSTALL}"
    trial = [*_isolation(network=False), *_system(()), "--proc", "/proc", "--dev", "/dev", "--", "/bin/true"]
    told = subprocess.run(trial, capture_output=True, text=True, check=False, env={"PATH": os.defpath})
    if told.returncode == 0:
        return ""
    return (
        f"bwrap cannot make a sandbox here ({' '.join(told.stderr.split())[:120]}). Allow user namespaces "
        "(Ubuntu: sysctl kernel.apparmor_restrict_unprivileged_userns=0; containers: --security-opt seccomp=unconfined), "
        "or use podman or docker"
    )
