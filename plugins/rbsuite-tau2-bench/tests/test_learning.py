"""The sample end to end: every reference solves, and what was learnt helps the simulated learner, on the phone too."""

from __future__ import annotations

from pathlib import Path

import pytest

import rbsuite
from rbsuite.cli import run


def test_all_references_of_the_sample_score(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--env", "tau2-bench"]) == 0
    shown = capsys.readouterr().out
    assert "50 of 50" in shown
    for domain, tasks in {"retail": 12, "airline": 13, "telecom": 17, "mock": 8}.items():
        assert f"{domain}: references {tasks}/{tasks}, doing nothing 0/{tasks}" in shown


def test_a_memory_helps_where_the_user_has_to_act_and_all_reports_say_what_was_scored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"domain": "telecom", "model": "sim/learner", "orders": 3, "memory": ["none", "reasoningbank"]}
    with rbsuite.evaluate("tau2-bench", out=tmp_path / "run", **options) as experiment:
        means = {result.memory: result.success for result in experiment.results}
        rollouts = list(experiment.rollouts())
    assert means["reasoningbank"] > means["none"]
    steps = [step for one in rollouts for step in one.trajectory.steps]
    assert any(step.actor == "user" and step.action.calls for step in steps)
    path, page = str(tmp_path / "run"), tmp_path / "page.html"
    assert run(["report", path, "--out", str(page)]) == 0
    assert ", nl assertions not scored</p>" in page.read_text("utf-8")
    for command in (["compare", path], ["show", path, "telecom/sample/data-airplane"], ["compare", path, "--json"]):
        assert run(command) == 0
        assert "nl assertions not scored" in " ".join(
            capsys.readouterr().out.replace("_", " ").replace('": "', " ").split()
        )
