"""``python -m rbsuite_swe``: whatever cannot be written is one line and exit code 2, and nothing is waited for."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rbsuite_swe.__main__ import main


def listen(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize(
    "make",
    [os.mkfifo, listen, Path.mkdir, lambda path: path.symlink_to("/dev/full"), lambda path: path.symlink_to("gone/x")],
)
@pytest.mark.parametrize("under", ["", "/x"])
def test_what_cannot_be_written_is_one_line(
    make: Callable[[Path], None],
    under: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    make(Path("out"))
    if under and Path("out").is_dir():
        pytest.skip("a file in a directory can be written")
    monkeypatch.setattr(sys, "argv", ["rbsuite_swe", "instances", "--out", f"out{under}"])
    assert main() == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"out{under} cannot be written: " in line
    assert [path.name for path in tmp_path.rglob("*")] == ["out"]


def test_instances_are_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["rbsuite_swe", "instances", "--out", str(tmp_path / "out.jsonl")])
    assert main() == 0
    assert len((tmp_path / "out.jsonl").read_text("utf-8").splitlines()) == 32
