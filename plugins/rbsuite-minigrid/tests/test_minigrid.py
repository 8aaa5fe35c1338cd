"""BabyAI as an environment of rbsuite. Skipped where minigrid is not installed."""

from __future__ import annotations

import asyncio
import importlib
import re
import shlex
from pathlib import Path

import pytest

import rbsuite
from rbsuite.cli import run
from rbsuite.testing import check_plugin, require_kept

pytest.importorskip(
    "minigrid", reason="minigrid is not installed (uv run --group minigrid pytest plugins/rbsuite-minigrid)"
)
pytestmark = pytest.mark.filterwarnings(
    "ignore::UserWarning", "ignore::DeprecationWarning"
)  # those of pygame's imports


@pytest.fixture(scope="module")
def babyai() -> rbsuite.Environment:
    return importlib.import_module("rbsuite_minigrid.environment").BabyAI()


def test_the_package_is_short() -> None:
    package = Path(str(importlib.import_module("rbsuite_minigrid").__file__)).parent
    lines = [line for path in package.glob("*.py") for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(lines) < 120


def test_the_bot_solves_every_task_and_doing_nothing_none(babyai: rbsuite.Environment) -> None:
    for task in babyai.tasks("sample"):
        solution = babyai.solution(task)
        assert solution is not None
        grade, _ = asyncio.run(rbsuite.play_actions(babyai, task, solution.actions, ()))
        assert grade.score == 1.0, task.id
        grade, _ = asyncio.run(rbsuite.play_actions(babyai, task, [rbsuite.Action()], ()))
        assert grade.score == 0.0, task.id


def test_the_view_is_told_in_words(babyai: rbsuite.Environment) -> None:
    task = babyai.tasks("sample").by_id["GoToRedBall/0"]
    solution = babyai.solution(task)
    assert solution is not None
    _, seen = asyncio.run(rbsuite.play_actions(babyai, task, solution.actions, ()))
    assert seen[0].text.startswith("Instruction: go to the red ball.\nYou carry nothing.\nYou see:\n- ")
    assert seen[0].choices[2] == "go forward"
    assert "- red ball: 1 ahead" in seen[-1].text
    assert len({observation.text for observation in seen}) > 3


def test_the_same_seed_and_actions_give_the_same_texts(babyai: rbsuite.Environment) -> None:
    task = babyai.tasks("test").tasks[-1]
    solution = babyai.solution(task)
    assert solution is not None
    first, second = (asyncio.run(rbsuite.play_actions(babyai, task, solution.actions, ()))[1] for _ in range(2))
    assert first == second


def test_the_rules_of_the_kit_are_kept() -> None:
    found = check_plugin("minigrid")
    require_kept(found)
    silent = {"templates", "tool-schemas", "fork", "truth-hidden", "truth-after-failure"}  # a seed is no answer
    assert {one.rule for one in found if one.outcome == "not tried"} == silent


def test_what_the_guide_shows_runs_and_gives_its_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    guide = (Path(__file__).parents[3] / "docs" / "write-a-plugin.md").read_text(encoding="utf-8")
    [block] = re.findall(
        r"^<!-- run by: plugins/rbsuite-minigrid/[^\n]* -->\n```sh\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL
    )
    monkeypatch.chdir(tmp_path)
    for line in block.splitlines():
        assert run(shlex.split(line.partition(" rbsuite ")[2])) == 0, line
    shown = capsys.readouterr().out
    assert "30 of 30 reference solutions score 1" in shown
    for figure in ("16.7", "30.0", "+13.3 points [+3.6, +23.1]"):
        assert figure in shown
        assert figure.replace("+", "") in guide.replace("\n", " ")
    with rbsuite.Experiment.open(next(path.parent for path in tmp_path.rglob("experiment.sqlite"))) as experiment:
        assert {row.end for row in experiment.rollouts()} <= {"finished", "max_steps"}
