"""Files that the command line names and nobody has checked: one line and exit code 2, nothing waited for, nothing written."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from experiments import core_plugins
from rbsuite.cli import run
from rbsuite.hookspecs import hookimpl
from rbsuite.specs import EnvironmentSpec, Split
from rbsuite.task import TaskSet
from toy import TOY, Toy, ToyPlugin


class Empty(Toy):
    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        return TaskSet("toy", split, ())


class EmptyPlugin(ToyPlugin):
    @hookimpl
    def rbsuite_environments(self) -> list[EnvironmentSpec]:
        return [replace(TOY, factory=f"{__name__}:Empty")]


class Odd(Toy):
    value: object = None

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        first, second, *others = super().tasks(split, domain=domain, data=data)
        return TaskSet("toy", split, (first, replace(second, payload={"a": [self.value]}), *others))


class OddPlugin(ToyPlugin):
    @hookimpl
    def rbsuite_environments(self) -> list[EnvironmentSpec]:
        return [replace(TOY, factory=f"{__name__}:Odd")]


def refused(capsys: pytest.CaptureFixture[str], *arguments: str, plugin: object | None = None) -> str:
    before = set(Path.cwd().rglob("*"))
    assert run(arguments, core_plugins(plugin or ToyPlugin())) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert set(Path.cwd().rglob("*")) == before
    assert len(line) < 400
    return line


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("orders = 1000000000", "orders = 1000000000 is out of range"),
        (f"seed = {'9' * 4_000}", "is out of range"),
        (f"seed = {'9' * 5_000}", "is not valid TOML"),
        (f"temperature = {'9' * 4_000}", "is out of range"),
        *((f"{name} = 0x{'f' * 5_000}", "is not valid TOML") for name in ("orders", "max_steps", "concurrency", "env")),
        (f"tasks = [['a', [0x{'f' * 5_000}]]]", "is not valid TOML"),
        ("temperature = nan", "is not a number"),
        (f"memory = {'[' * 5_000}", "is not valid TOML"),
        (f"memory = {'[' * 150}{']' * 150}", "levels deep"),
        (f"env = {'[' * 60}{']' * 60}", "env = a list is not text"),
        ("env = 'toy'\nconcurrency = 1e999", "--concurrency"),
        ("env = 'toy'\nconcurrency = [[1]]", "--concurrency"),
        ("env = 'toy'\nquiet = 'perhaps'", "--quiet"),
        ("env = 'toy'\nout = [1, 2]", "--out"),
        ("env = 'toy'\nspeculate = {a = 1}", "--speculate"),
    ],
)
def test_config(content: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "options.toml").write_text(content)
    assert words in refused(capsys, "eval", "--config", "options.toml")


_LONG = "9" * 5_000


@pytest.mark.parametrize("number", [_LONG, "9" * 30, "\u0663", "-1", "\u00b2"])
@pytest.mark.parametrize("before", ["--stream=batch:", "--executor=processes:", "--warm-start=e1@", "--speculate="])
def test_a_number_that_is_none(before: str, number: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert before.strip("-").partition("=")[0] in refused(
        capsys, "eval", "--env", "toy", "--quiet", f"{before}{number}"
    )


@pytest.mark.parametrize(
    "argument",
    [
        *(
            f"--{name}={_LONG}"
            for name in ("limit", "orders", "looks", "concurrency", "env", "split", "domain", "judge")
        ),
        *(f"--{name}={_LONG}" for name in ("tasks", "memory", "agent", "scaling", "embedder", "protocol", "model")),
        f"--memory=reasoningbank:k={_LONG}",
        f"--scaling=parallel:{_LONG}",
        f"--{_LONG}",
    ],
)
def test_a_long_argument_is_shown_shortened(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    refused(capsys, "eval", *([] if "--env" in argument else ["--env", "toy"]), "--quiet", argument)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("http://user:hunter2@127.0.0.1:9/x", "[redacted]@127.0.0.1:9/x' is an address, not a path"),
        ("HTTPS:/user:hunter2@h", "is an address, not a path"),
        (f"s3://user:hunter2{'9' * 200}@h", "is an address, not a path"),
        ("x" * 5_000, "is too long for a path"),
        ("x/" * 4_000, "is too long for a path"),
    ],
)
@pytest.mark.parametrize(
    "command",
    [
        *(
            f"eval --env toy --{name}"
            for name in ("data", "prompts", "from", "config", "log", "out", "cache", "warm-start")
        ),
        "env toy --data",
        "verify --env toy --data",
        "data import toy --from",
        "data import toy --from . --python",
        "view",
        "show",
        "check",
        "compare",
        "report --out",
        "export --out",
        "memory list",
        "cache explain",
        "leaderboard validate",
        "plugin new x --kind memory --into",
    ],
)
def test_a_place_that_is_no_path(command: str, place: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, *command.split(), place)
    assert words in line
    assert "hunter2" not in line


@pytest.mark.parametrize("option", ["data", "prompts", "out", "log", "cache"])
def test_an_address_in_a_config_is_no_path(option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "options.toml").write_text(f"env = 'toy'\n{option} = 'http://user:hunter2@h/x'")
    line = refused(capsys, "eval", "--config", "options.toml")
    assert "is an address, not a path" in line
    assert "hunter2" not in line


@pytest.mark.parametrize("command", ["eval --env toy --quiet", "eval --env toy --dry-run", "verify --env toy"])
def test_data_that_nobody_would_read(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    class Bundled(ToyPlugin):
        @hookimpl
        def rbsuite_environments(self) -> list[EnvironmentSpec]:
            return [replace(TOY, splits=(Split("all", "all", bundled=True), Split("more", "more")))]

    line = refused(capsys, *command.split(), "--data", "/nowhere", plugin=Bundled())
    assert "toy: the split 'all' takes no --data. Name a split that does: more." in line


@pytest.mark.parametrize("place", ["http://user:hunter2@h", "x" * 5_000])
def test_plugin_check_of_no_path(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plugin", "check", place], core_plugins(ToyPlugin())) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "hunter2" not in line
    assert len(line) < 600


@pytest.mark.parametrize("names", ["", ",,,", " , "])
def test_tasks_that_name_nothing(names: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--tasks names nothing" in refused(capsys, "eval", "--env", "toy", "--quiet", "--tasks", names)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: path.mkdir()])
def test_config_that_is_no_file(
    make: Callable[[Path], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path / "options.toml")
    assert "options.toml is not a regular file" in refused(capsys, "eval", "--config", "options.toml")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (os.mkfifo, "not a regular file"),
        (lambda path: path.symlink_to("/etc/hostname"), "points outside"),
        (lambda path: path.symlink_to("/dev/zero"), "points outside"),
        (lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_WRONLY), 1 << 40), "larger than 1 MiB"),
        (lambda path: path.write_bytes(b"\xff"), "UTF-8"),
        (lambda path: path.write_text("{% for"), "self.j2"),
        (lambda path: path.write_text("{{" + "(" * 5_000 + "}}"), "self.j2"),
        (lambda path: path.write_text("{{ " + "9" * 5_000 + " }}"), "self.j2"),
    ],
)
@pytest.mark.parametrize(
    "arguments",
    [
        ["eval", "--env", "toy", "--limit", "1", "--orders", "1", "--quiet", "--prompts", "own"],
        ["prompts", "show", "judge/self.j2", "--prompts", "own", "--env", "toy"],
    ],
)
def test_prompts(
    make: Callable[[Path], None],
    words: str,
    arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "own" / "judge").mkdir(parents=True)
    make(tmp_path / "own" / "judge" / "self.j2")
    assert words in refused(capsys, *arguments)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), b"x", {1, "a"}])
@pytest.mark.parametrize("command", ["eval --env toy --quiet", "eval --env toy --dry-run", "env toy"])
def test_a_task_without_a_json_form(
    value: object, command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Odd, "value", value)
    line = refused(capsys, *command.split(), plugin=OddPlugin())
    assert "environment 'toy': task '" in line


def test_no_tasks(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["eval", "--env", "toy"], ["verify", "--env", "toy"]):
        assert "there are no tasks" in refused(capsys, *arguments, plugin=EmptyPlugin())
