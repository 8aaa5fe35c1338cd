"""The plugin at work: verified, compared, judged by the truth, and summed up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import rbsuite
from rbsuite.cli import run
from rbsuite.store import ExperimentStore
from rbsuite_agentehr.__main__ import main
from rbsuite_agentehr.environment import AgentEhr
from rbsuite_agentehr.episode import QUESTIONS
from rbsuite_agentehr.figures import figures
from rbsuite_agentehr.hospital.courses import TASKS
from rbsuite_agentehr.plugin import rbsuite_environments


def test_plans_reach_everything_and_floors_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--env", "agentehr", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["tasks"], shown["solved"], shown["floor"]) == (60, 60, 0)
    guessed = sum(counts["majority"] for counts in shown["domains"].values())
    assert guessed == 10
    assert any("10 of 60" in note for note in rbsuite_environments()[0].notes)


def test_every_trap_has_words_and_every_question_is_asked() -> None:
    environment = AgentEhr()
    tasks = environment.tasks("sample")
    found = [trap.skill for task in tasks for trap in environment.mistakes(task)]
    assert set(found) == set(environment.lessons())
    assert rbsuite_environments()[0].domains == TASKS == tuple(QUESTIONS)
    assert not tasks.private


def test_memory_helps_and_the_judge_is_told_the_answer(tmp_path: Path) -> None:
    """AgentEHR's own agent: feedback from ground truth, the three nearest experiences of a similarity of 0.5 at least."""
    rbsuite.evaluate(
        "agentehr",
        memory=("none", "reasoningbank:k=3,similarity=0.5"),
        judge=("gold-threshold",),
        orders=1,
        out=tmp_path / "x",
    ).close()
    with ExperimentStore.open(tmp_path / "x", readonly=True) as store:
        assert store.manifest.facts["judge_sees_ground_truth"]
        found = figures(store)
        verdicts = []
        for info in store.manifest.runs:
            for record in store.records(info.id):
                for rollout in record.rollouts:
                    assert rollout.verdict is not None
                    assert rollout.trajectory.grade is not None
                    verdicts.append(
                        (rollout.verdict.source, rollout.verdict.label == "success", rollout.trajectory.grade)
                    )
    assert {source for source, _, _ in verdicts} == {"gold-threshold"}
    assert all(said == (grade.truth["combined"] >= 0.2) == (grade.score == 1.0) for _, said, grade in verdicts)
    without, with_memory = (one["all"] for one in found.values())
    assert with_memory["avg@k"] > without["avg@k"] + 0.05
    assert with_memory["tool_error_rate"] == with_memory["tool_errors"] / with_memory["tool_calls"]
    assert with_memory["errors_per_episode"] == with_memory["tool_errors"] / 60


def test_figures_of_several_rollouts_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "x"
    rbsuite.evaluate("agentehr", memory=("none",), scaling=("parallel:3",), orders=1, limit=12, out=place).close()
    assert main([str(place), "--json"]) == 0
    one = json.loads(capsys.readouterr().out)["none x parallel:3"]["all"]
    assert one["k"] == len(one["best@k"]) == 3
    assert one["avg@k"] == pytest.approx(one["best@k"][0])
    assert one["max@k"] == pytest.approx(one["best@k"][2])
    assert main([str(place)]) == 0
    assert "best@1..3" in capsys.readouterr().out
    assert main([str(tmp_path / "nowhere")]) == 2


def test_what_it_prints_is_inert(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main([str(tmp_path / "no\x1b[2Jwhere")]) == 2
    assert "\x1b" not in capsys.readouterr().err
