"""Where the output cannot go: full, closed, a terminal that is gone, a directory that was removed. The exit code says so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rbsuite.cli import EXIT_OUTPUT_LOST

SUPPORT = str(Path(__file__).parents[1] / "support")
PROGRAM = f"""
import sys; sys.path.insert(0, {SUPPORT!r})
import time
from pathlib import Path
from experiments import core_plugins
from rbsuite.cli import main
from rbsuite.hookspecs import hookimpl
from toy import ToyPlugin

class Slow:
    @hookimpl
    def rbsuite_task_committed(self, record):
        Path("ready").touch()
        time.sleep(0.1)

main(sys.argv[1:], core_plugins(ToyPlugin(), Slow()))
"""
EVAL = ("eval", "--env", "toy", "--limit", "3", "--orders", "1", "--out", "made")


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def shell(redirection: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command with a redirection that only a shell can make."""
    line = f'exec "$0" -c "$1" "${{@:2}}" {redirection}'
    return subprocess.run(
        ["bash", "-c", line, sys.executable, PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments",
    [EVAL, (*EVAL, "--json"), ("list",), ("list", "--json"), ("--help",), ("eval", "--help"), ("--version",)],
)
def test_full_standard_output(arguments: tuple[str, ...]) -> None:
    done = shell(">/dev/full", *arguments)
    lines = [line for line in done.stderr.splitlines() if line.startswith("rbsuite: error")]
    assert done.returncode == EXIT_OUTPUT_LOST, done.stderr
    assert lines == done.stderr.splitlines()[-1:]
    assert "standard output cannot be written: No space left on device." in lines[0]
    assert "Traceback" not in done.stderr


def test_closed_standard_output_is_told_before_anything_is_done() -> None:
    done = shell(">&-", *EVAL)
    assert (done.returncode, done.stderr) == (
        EXIT_OUTPUT_LOST,
        "rbsuite: error: standard output is closed. Send it somewhere, if only to /dev/null.\n",
    )
    assert not Path("made").exists()


def test_standard_output_may_be_named_as_a_file() -> None:
    assert shell("", *EVAL).returncode == 0
    done = shell("", "report", "made", "--out", "/dev/stdout")
    assert (done.returncode, done.stdout[:15]) == (0, "<!doctype html>")


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "<&- 2>&-"])
def test_standard_error_that_cannot_be_written_stops_nothing(redirection: str) -> None:
    done = shell(redirection, *EVAL)
    assert done.returncode == 0
    assert "reasoningbank" in done.stdout
    assert shell(redirection, "list", "nosuch").returncode == 2


def test_nothing_can_be_written_anywhere() -> None:
    assert shell(">/dev/full 2>/dev/full", "list").returncode == EXIT_OUTPUT_LOST
    assert shell(">&- 2>&-", "list").returncode == EXIT_OUTPUT_LOST


@pytest.mark.parametrize("ignored", [False, True])
def test_terminal_that_is_gone(ignored: bool) -> None:
    """Without ``nohup`` the signal ends the run, in order; with it, the run goes on to its end, and its output has no place."""
    program = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" * ignored + PROGRAM
    master, slave = os.openpty()
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import os, fcntl, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n{program}",
            *EVAL,
        ],
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    deadline = time.monotonic() + 60
    while not Path("ready").exists() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.close(master)
    assert child.wait(60) == (EXIT_OUTPUT_LOST if ignored else 129)


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_directory_that_is_removed_in_mid_run(how: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "eval", "--env", "toy", "--orders", "3", "--out", "made", "--quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with child:
        deadline = time.monotonic() + 60
        while not Path("ready").exists() and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        Path("made").rename("moved")
        if how == "replaced":
            shutil.copytree("moved", "made")
        out, err = child.communicate(timeout=60)
    lines = [line for line in err.splitlines() if not line.startswith("observer ")]  # the slow one
    assert (child.returncode, out, len(lines)) == (2, "", 1), err
    assert "made/experiment.sqlite was removed or replaced while it was being written." in err


def test_current_directory_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    line = 'cd here && rmdir ../here && exec "$0" -c "$1" list'
    # Nothing else is imported: there Python 3.13.0 cannot even import its own socket module.
    program = "from rbsuite.cli import main; main()"
    done = subprocess.run(["bash", "-c", line, sys.executable, program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "rbsuite: error: the current directory no longer exists. Change to one that does.\n"
