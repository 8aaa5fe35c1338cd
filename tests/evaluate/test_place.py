"""Where ``rbsuite eval`` puts an experiment: nothing is strewn among other files, and a start that fails leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments import core_plugins
from rbsuite.cli import run
from rbsuite.specs import MemorySpec, ModelSpec
from rbsuite.store import ExperimentStore
from toy import ToyPlugin


class Broken:
    def __init__(self) -> None:
        raise ValueError("no memory")


class NoReply:
    name = "no-reply"

    async def complete(self, request: object) -> None:
        return None

    async def aclose(self) -> None:
        return None


def evaluate(*arguments: str) -> int:
    plugins = core_plugins(
        ToyPlugin(
            memories=[MemorySpec("broken", "x", f"{__name__}:Broken"), MemorySpec("gone", "x", "no_such_module:X")],
            models=[ModelSpec("no-reply", "x", f"{__name__}:NoReply")],
        )
    )
    return run(["eval", "--env", "toy", "--limit", "3", "--orders", "1", "--quiet", *arguments], plugins)


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def everything() -> list[str]:
    return sorted(str(path) for path in Path().rglob("*"))


@pytest.mark.parametrize(
    "options",
    [
        ["--memory", "none,broken"],
        ["--memory", "none,gone"],
        ["--model", "no-reply"],
        ["--speculate", "far"],
        ["--probe", "99"],
        ["--warm-start", "nowhere"],
        ["--prompts", "nowhere"],
    ],
)
@pytest.mark.parametrize("out", ["deep/er/out", ""])
def test_a_start_that_fails_leaves_nothing_behind(
    options: list[str], out: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(*options, *(["--out", out] if out else [])) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert everything() == []


def test_an_empty_directory_that_was_there_stays() -> None:
    Path("out").mkdir()
    assert evaluate("--model", "no-reply", "--out", "out") == 2
    assert everything() == ["out"]
    assert evaluate("--out", "out") == 0


def test_a_failure_later_on_keeps_what_was_committed() -> None:
    assert evaluate("--out", "out") == 0
    assert evaluate("--out", "out", "--memory", "none,broken") == 2
    with ExperimentStore.open("out", readonly=True) as store:
        assert all(store.run_finished(info.id) for info in store.manifest.runs)


def test_a_directory_of_other_things_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("home").mkdir()
    for name in ("thesis.tex", "a", "b", "c"):
        Path("home", name).touch()
    before = everything()
    assert evaluate("--out", "home") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "home is not empty and contains no experiment: a, b, c and 1 more." in line
    assert everything() == before


def test_more_probes_than_tasks_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate("--probe", "99") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "--probe 99 is more than the number of tasks, 3." in line
    assert evaluate("--probe", "3", "--out", "out") == 0
