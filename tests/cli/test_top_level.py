"""The command as a whole: cheap help, one-line errors, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, NoReturn

import click
import pytest

from rbsuite import __version__
from rbsuite.cli import COMMANDS, EXIT_BROKEN_PIPE, Lazy, LazyGroup, command, run
from rbsuite.errors import Interrupted, StoreError

HEAVY = (
    "numpy",
    "litellm",
    "datasets",
    "gymnasium",
    "rich.console",
    "pluggy",
    "jinja2",
    "sqlite3",
    "asyncio",
    "rbsuite.plugins",
)


def rbsuite(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    code = "from rbsuite.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, **options
    )


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], []])
def test_help_and_version_import_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import json, sys; from rbsuite.cli import run; run(sys.argv[1:]);"
        "print(); print(json.dumps([sorted(sys.modules), sys.argv]))"
    )
    run_ = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    modules = set(json.loads(run_.stdout.splitlines()[-1])[0])
    assert "rbsuite.cli" in modules
    assert not modules.intersection(HEAVY)
    assert not modules.intersection(entry.module for entry in COMMANDS.values())


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert [line.split()[0] for line in shown.partition("Commands:\n")[2].splitlines() if line[2:3].strip()] == list(
        COMMANDS
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_loads_and_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    loaded = command.get_command(click.Context(command), name)
    assert loaded is not None
    assert loaded.name == name
    assert run([name, "--help"]) == 0
    assert f"Usage: rbsuite {name}" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    shown = f"rbsuite {__version__}\n"
    assert capsys.readouterr().out == shown
    assert (
        subprocess.run([sys.executable, "-m", "rbsuite", "--version"], capture_output=True, text=True).stdout == shown
    )


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["evl"], "Did you mean 'eval'?"),
        (["doctr", "--json"], "Did you mean 'doctor'?"),
        (["zzz"], "Commands: eval, list"),
        (["--vrsion"], "--version"),
        (["list", "--jsn"], "--json"),
        (["env"], "Missing argument"),
    ],
)
def test_usage_errors_suggest_and_exit_2(arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert hint in captured.err
    assert captured.out == ""


def test_errors_of_the_contract_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "memoris"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("rbsuite: error: unknown kind 'memoris'. Did you mean 'memories'")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (KeyboardInterrupt(), 130, "rbsuite: error: interrupted.\n"),
        (Interrupted("stopped.", "Run it again to go on."), 130, "rbsuite: error: stopped. Run it again to go on.\n"),
        (StoreError("the store is full."), 2, "rbsuite: error: the store is full.\n"),
    ],
)
def test_exit_codes(
    error: BaseException, code: int, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> NoReturn:
        raise error

    monkeypatch.setattr("rbsuite.plugins.load_plugins", fail)
    assert run(["list"]) == code
    assert capsys.readouterr().err == line


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> NoReturn:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("rbsuite.plugins.load_plugins", fail)
    with pytest.raises(ZeroDivisionError):
        run(["list"])


def test_a_command_that_cannot_be_imported_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("rbsuite.cli.command", LazyGroup("rbsuite", lazy={"gone": Lazy("rbsuite.cli.gone", "")}))
    assert run(["gone"]) == 2
    assert capsys.readouterr().err.startswith("rbsuite: error: the command 'gone' cannot be loaded: No module named")


def test_exit_code_of_a_command_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rbsuite.cli.doctor.CHECKS", {"broken": lambda: 1 / 0})
    assert run(["doctor"]) == 1


def test_closed_pipe_is_quiet() -> None:
    code = "from rbsuite.cli import main; main()"
    arguments = [sys.executable, "-c", code, "list", "models", "--json"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == EXIT_BROKEN_PIPE


def test_terminal_without_the_characters_does_not_end_a_command() -> None:
    from os import environ

    done = rbsuite(
        "prompts", "show", "agent/memory.j2", "--var", "memory=☃", env={**environ, "PYTHONIOENCODING": "latin-1"}
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u2603" in done.stdout


def test_process_prints_errors_on_stderr() -> None:
    done = rbsuite("env", "no-such-environment")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("rbsuite: error: unknown environment 'no-such-environment'.")
