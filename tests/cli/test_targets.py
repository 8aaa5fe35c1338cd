"""Every command that writes to where the user says: what is no file there is never replaced."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from experiments import core_plugins, measure
from rbsuite.cli import run
from rbsuite.environments.rescorer import Rescorer
from rbsuite.hookspecs import hookimpl
from rbsuite.specs import EnvironmentSpec
from rbsuite.trajectory import Grade
from toy import TOY, ToyPlugin

RESCORERS = {"again": Rescorer("again/1", lambda trajectory: Grade(0.0))}


class Plugin(ToyPlugin):
    @hookimpl
    def rbsuite_environments(self) -> list[EnvironmentSpec]:
        return [replace(TOY, rescorers=f"{__name__}:RESCORERS")]


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("targets") / "experiment"
    measure(place, Plugin(), memory=("none", "reasoningbank"), limit=3).close()
    return place


@pytest.mark.parametrize("kind", ["fifo", "socket", "full", "directory", "looped"])
@pytest.mark.parametrize(
    "line",
    [
        "memory export EXPERIMENT --out TARGET",
        "rescore EXPERIMENT --as again --out TARGET",
        "eval --env toy --limit 1 --orders 1 --quiet --out fresh --log TARGET",
        "eval --env toy --limit 1 --orders 1 --quiet --out TARGET",
    ],
)
def test_a_special_file_is_not_replaced(
    line: str,
    kind: str,
    experiment: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    plugins = core_plugins(Plugin())
    monkeypatch.setattr("rbsuite.plugins.load_plugins", lambda extra=(): plugins)
    target = tmp_path / "target"
    if kind == "fifo":
        os.mkfifo(target)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as one:
            one.bind("target")
    elif kind == "directory":
        target.mkdir()
        (target / "own").touch()
    else:
        target.symlink_to({"full": "/dev/full", "looped": "target"}[kind])
    before = target.lstat()
    arguments = [{"EXPERIMENT": str(experiment), "TARGET": str(target)}.get(word, word) for word in line.split()]
    code = run(arguments, plugins)
    assert os.path.samestat(before, target.lstat())
    told = capsys.readouterr().err.splitlines()
    if kind == "full" and "--log" in line:  # an observer that fails does not stop a run
        assert code == 0
        assert "No space left on device" in caplog.text
    else:
        assert (code, len(told)) == (2, 1), told
        assert str(target) in told[0]
    assert {path.name for path in tmp_path.iterdir()} <= {"target", "fresh"}
