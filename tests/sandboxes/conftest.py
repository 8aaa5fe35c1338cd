"""A podman of our own: it records how it is called, and runs containers as bubblewraps. No real engine is met."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

FAKE = '''#!{python}
import json, os, subprocess, sys, shutil
from pathlib import Path

state, call = Path({state!r}), sys.argv[1:]
with (state / "calls.jsonl").open("a") as record:
    record.write(json.dumps(call) + "\\n")

def container(name):
    return state / name

def bwrap(name, program, variables, network):
    # Every program runs in a process namespace of its own: it may kill all that it sees.
    return ["bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--cap-drop", "ALL", "--new-session",
        "--die-with-parent", "--clearenv", *(["--unshare-net"] if network == "none" else []), "--setenv", "PATH", "/usr/bin:/bin",
        "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
        "--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/home/agent",
        "--bind", str(container(name) / "work"), "/testbed", "--remount-ro", "/",
        *(part for one in variables for part in ("--setenv", *one.split("=", 1))), "--", *program]

if call[0] == "run":
    if "no-such-image" in call:
        sys.exit("Error: no-such-image: manifest unknown")
    name = call[call.index("--name") + 1]
    (container(name) / "work").mkdir(parents=True)
    (container(name) / "network").write_text(call[call.index("--network") + 1] if "--network" in call else "host")
    (container(name) / "work" / "from-image").touch()
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
'''


@pytest.fixture
def fake_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[list[str]]]:
    """Puts it on the path as podman and docker; gives the calls so far."""
    state, programs = tmp_path / "state", tmp_path / "bin"
    state.mkdir()
    programs.mkdir()
    for name in ("podman", "docker"):
        program = programs / name
        program.write_text(FAKE.format(python=sys.executable, state=str(state)), encoding="utf-8")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")

    def calls() -> list[list[str]]:
        path = state / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    return calls
