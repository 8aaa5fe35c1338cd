from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from rbsuite.data.staging import staged
from rbsuite.errors import Interrupted

CHILD = """
import sys, time
from pathlib import Path
from rbsuite.data.staging import staged
with staged(Path(sys.argv[1])) as stage:
    (stage.new / "file").write_text("new")
    print("ready", flush=True)
    time.sleep(60)
    stage.publish()
"""


def start_child(target: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(target)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_leaves_the_old_directory_and_nothing_else(tmp_path: Path, kit: Any, number: signal.Signals) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "file").write_text("old")
    child = start_child(target)
    child.send_signal(number)
    _, errors = child.communicate(timeout=20)
    assert child.returncode != 0
    assert "KeyboardInterrupt" in errors or number.name in errors
    assert kit.tree(tmp_path) == ["target", "target/file"]
    assert (target / "file").read_text() == "old"


def test_what_a_kill_leaves_is_cleared_by_the_next_use(tmp_path: Path, kit: Any) -> None:
    target = tmp_path / "target"
    child = start_child(target)
    child.kill()
    child.communicate(timeout=20)
    assert not target.exists()
    with staged(target) as stage:
        stage.publish()
    assert kit.tree(tmp_path) == ["target"]


def test_a_kill_between_the_two_renames_is_put_right(tmp_path: Path, kit: Any) -> None:
    target = tmp_path / "target"
    old = tmp_path / ".target.staging" / "old"
    old.mkdir(parents=True)
    (old / "file").write_text("old")
    with pytest.raises(RuntimeError), staged(target):
        raise RuntimeError
    assert (target / "file").read_text() == "old"
    assert kit.tree(tmp_path) == ["target", "target/file"]


def test_a_failed_second_rename_brings_the_old_directory_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "file").write_text("old")
    rename = Path.rename

    def fail_for_new(self: Path, other: Path) -> Path:
        if self.name == "new":
            raise OSError(5, "Input/output error")
        return rename(self, other)

    monkeypatch.setattr(Path, "rename", fail_for_new)
    with pytest.raises(OSError, match="Input/output"), staged(target) as stage:
        stage.publish()
    assert (target / "file").read_text() == "old"


def test_a_signal_while_publishing_is_delivered_after_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "target"
    target.mkdir()
    rename = Path.rename

    def rename_and_interrupt(self: Path, other: Path) -> Path:
        os.kill(os.getpid(), signal.SIGINT)
        return rename(self, other)

    def replace(patch: pytest.MonkeyPatch) -> None:
        with staged(target) as stage:
            patch.setattr(Path, "rename", rename_and_interrupt)
            (stage.new / "file").write_text("new")
            stage.publish()

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        replace(patch)
    assert (target / "file").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_handlers_are_restored_and_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with staged(tmp_path / "target") as stage:
            os.kill(os.getpid(), signal.SIGHUP)
            stage.publish()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_termination_is_an_error_of_the_tree(tmp_path: Path) -> None:
    with pytest.raises(Interrupted, match="stopped by SIGTERM") as caught, staged(tmp_path / "target"):
        signal.raise_signal(signal.SIGTERM)
    assert caught.value.exit_code == 128 + signal.SIGTERM


def test_replacements_wait_for_each_other(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "target"
    inside = 0
    most = 0

    def replace(content: str) -> None:
        nonlocal inside, most
        with staged(target) as stage:
            inside += 1
            most = max(most, inside)
            (stage.new / "file").write_text(content)
            time.sleep(0.02)
            inside -= 1
            if content != "fail":
                stage.publish()

    threads = [threading.Thread(target=replace, args=(content,)) for content in ("fail", "x", "fail", "y", "fail")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == 1
    assert (target / "file").read_text() in ("x", "y")


def test_only_a_directory_is_replaced_and_a_link_to_one_stays(tmp_path: Path, kit: Any) -> None:
    elsewhere, link, fifo = tmp_path / "elsewhere", tmp_path / "link", tmp_path / "fifo"
    elsewhere.mkdir()
    (elsewhere / "old").touch()
    link.symlink_to("elsewhere")
    os.mkfifo(fifo)
    with staged(link) as stage:
        (stage.new / "new").touch()
        stage.publish()
    assert link.is_symlink()
    assert kit.tree(elsewhere) == ["new"]
    with pytest.raises(NotADirectoryError), staged(fifo):
        pass
    assert fifo.is_fifo()
