"""BabyAI as an environment of rbsuite. Skipped where minigrid is not installed."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path

import pytest

import rbsuite
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


def test_an_experiment_runs(tmp_path: Path) -> None:
    options = {"memory": ["none", "reasoningbank"], "orders": 1, "domain": "GoToLocal"}
    with rbsuite.evaluate("minigrid", out=tmp_path / "out", **options) as experiment:
        assert experiment.complete
        assert [row.tasks for row in experiment.results] == [5, 5]
        assert {row.end for row in experiment.rollouts()} <= {"finished", "max_steps"}
