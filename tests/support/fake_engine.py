"""A podman and docker of our own: it records how it is called, and runs containers as bubblewraps. No real engine is met."""

from __future__ import annotations

import json
import sys
from pathlib import Path

FAKE = """#!{python}
import json, os, subprocess, sys, shutil
from pathlib import Path

state, call = Path({state!r}), sys.argv[1:]
with (state / "calls.jsonl").open("a") as record:
    record.write(json.dumps(call) + "\\n")

def container(name):
    return state / name

def bwrap(name, program, variables, network):
    # Every program runs in a process namespace of its own: it may kill all that it sees.
    return ["/usr/bin/bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--cap-drop", "ALL", "--new-session",
        "--die-with-parent", "--clearenv", *(["--unshare-net"] if network == "none" else []), "--setenv", "PATH", "/usr/bin:/bin",
        "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
        "--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev",
        "--bind", str(container(name) / "tmp"), "/tmp", "--tmpfs", "/home/agent",
        "--bind", str(container(name) / "work"), "/testbed", "--remount-ro", "/",
        *(part for one in variables for part in ("--setenv", *one.split("=", 1))), "--", *program]

if call[0] == "run":
    if "no-such-image" in call:
        sys.exit("Error: no-such-image: manifest unknown")
    name = call[call.index("--name") + 1]
    (container(name) / "tmp").mkdir(parents=True)
    if (state / "image").is_dir():
        shutil.copytree(state / "image", container(name) / "work", symlinks=True)
    else:
        (container(name) / "work").mkdir()
    (container(name) / "network").write_text(call[call.index("--network") + 1] if "--network" in call else "host")
elif call[0] == "exec":
    rest, variables = call[1:], []
    while rest[0].startswith("--"):
        if rest.pop(0) == "--env":
            variables.append(rest.pop(0))
    name = rest.pop(0)
    if "kill -KILL -1" in rest:
        for one in (container(name)).glob("*.pid"):
            try:
                os.kill(int(one.read_text()), 9)
            except (ProcessLookupError, ValueError):
                pass
        sys.exit(0)
    command = bwrap(name, rest, variables, (container(name) / "network").read_text())
    # An engine's program is not the parent of what runs in a container.
    process = subprocess.Popen(command, start_new_session=True)
    (container(name) / f"{{process.pid}}.pid").write_text(str(process.pid))
    sys.exit(process.wait())
elif call[0] == "rm":
    shutil.rmtree(container(call[-1]), ignore_errors=True)
"""


class FakeEngine:
    """Programs of both names in a directory of their own.

    Args:
        place: an empty directory.
    """

    def __init__(self, place: Path) -> None:
        self.state, self.programs = place / "state", place / "bin"
        for directory in (self.state, self.programs):
            directory.mkdir(parents=True)
        for name in ("podman", "docker"):
            program = self.programs / name
            program.write_text(FAKE.format(python=sys.executable, state=str(self.state)), encoding="utf-8")
            program.chmod(0o755)

    @property
    def path(self) -> str:
        """What PATH must be."""
        return f"{self.programs}:/usr/bin:/bin"

    @property
    def image(self) -> Path:
        """The directory that every image has as its work directory, where it is made."""
        return self.state / "image"

    def calls(self) -> list[list[str]]:
        """The calls so far."""
        path = self.state / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
