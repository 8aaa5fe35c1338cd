"""Experiments with a simulated model behind a server come to what they come to in process, whatever the server does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import rbsuite
from rbsuite.errors import Outage, UsageError
from rbsuite.models.factory import make_model
from rbsuite.plugins import Plugins, load_plugins
from rbsuite.serve.faults import NONE, Faults

from .conftest import Serve

# litellm and pydantic warn about litellm's own code.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    return load_plugins()


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries follow at once."""
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        await real(0)

    monkeypatch.setattr("rbsuite.models.tries.asyncio.sleep", sleep)


def digest(plugins: Plugins, out: Path, model: str, **options: Any) -> str:
    settings = {"memory": ["none", "reasoningbank"], "scaling": ["single", "parallel:3"], "orders": 1, "limit": 2}
    with rbsuite.evaluate("tau-bench", plugins=plugins, out=out, model=model, **(settings | options)) as experiment:
        assert experiment.complete
        assert experiment.simulated
        for condition in experiment.summary().conditions:
            assert condition.committed == 2
        return experiment.digest


def test_faults_that_pass_change_nothing(serve: Serve, plugins: Plugins, tmp_path: Path, no_waits: None) -> None:
    url, faults = serve(["sim/learner"], plugins, Faults({"transient": 0.2}, seed=1))
    here = digest(plugins, tmp_path / "here", "sim/learner")
    assert digest(plugins, tmp_path / "there", f"sim/learner:server={url}") == here
    assert 0.1 < 1 - faults.met[NONE] / faults.met.total() < 0.3


@pytest.mark.slow
def test_a_server_without_faults_changes_nothing(serve: Serve, plugins: Plugins, tmp_path: Path) -> None:
    url, _ = serve(["sim/learner:known=0.6"], plugins)
    here = digest(plugins, tmp_path / "here", "sim/learner:known=0.6", limit=2)
    assert digest(plugins, tmp_path / "there", f"sim/learner:known=0.6,server={url}", limit=2) == here


def test_a_storm_pauses_and_the_same_command_goes_on(
    serve: Serve, plugins: Plugins, tmp_path: Path, no_waits: None
) -> None:
    options: dict[str, Any] = {"memory": ["none"], "scaling": ["single"], "domain": "airline"}
    url, faults = serve(["sim/learner"], plugins, Faults({"503": 0.6, "reset": 0.4}))
    model = f"sim/learner:server={url}"
    with pytest.raises(Outage, match=r"overloaded|onnection"):
        digest(plugins, tmp_path / "e", model, **options)
    faults.end()
    resumed = digest(plugins, tmp_path / "e", model, **options)
    assert resumed == digest(plugins, tmp_path / "here", "sim/learner", **options)


def test_a_refusal_ends_its_rollout_and_stays_in_the_denominator(
    serve: Serve, plugins: Plugins, tmp_path: Path, no_waits: None
) -> None:
    url, _ = serve(["sim/learner"], plugins, Faults({"refused-moderation": 0.3, "context-overflow": 0.2}))
    options: dict[str, Any] = {"memory": ["none"], "scaling": ["single"]}
    digest(plugins, tmp_path / "e", f"sim/learner:server={url}", **options)


def test_what_is_no_url_is_told(plugins: Plugins) -> None:
    with pytest.raises(UsageError, match="is not a URL"):
        make_model("sim/oracle:server=here", plugins)


def test_what_is_thought_before_a_lone_tag_is_neither_said_nor_heard(
    serve: Serve, plugins: Plugins, tmp_path: Path
) -> None:
    url, _ = serve(["sim/learner"], plugins, Faults({"thinking": 1.0}))
    options: dict[str, Any] = {"memory": ["none"], "scaling": ["single"], "orders": 1, "limit": 2, "user": "llm"}
    heard = []
    for place, model in (("here", "sim/learner"), ("there", f"sim/learner:server={url}")):
        with rbsuite.evaluate("tau-bench", plugins=plugins, out=tmp_path / place, model=model, **options) as experiment:
            [run] = experiment.runs
            trajectories = [record.rollouts[0].trajectory for record in experiment.records(run.id)]
        heard.append([(one.end, one.score, [step.action.text for step in one.steps]) for one in trajectories])
    assert heard[0] == heard[1]
    assert any("###STOP###" in step.action.thought for one in trajectories for step in one.steps)


@pytest.mark.parametrize(
    ("fault", "end", "words"),
    [
        ("null-content", "model_error", "the simulated user's model gave no usable reply"),
        ("length", "model_error", "cut at the limit of its length"),
        ("content-filter", "model_error", "withheld"),
    ],
)
def test_a_user_who_says_nothing_breaks_the_rollout_and_says_why(
    serve: Serve, plugins: Plugins, tmp_path: Path, fault: str, end: str, words: str
) -> None:
    url, _ = serve(["sim/learner"], plugins, Faults({fault: 1.0}))
    options: dict[str, Any] = {"memory": ["none"], "scaling": ["single"], "orders": 1, "limit": 1, "user": "llm"}
    with rbsuite.evaluate(
        "tau-bench",
        plugins=plugins,
        out=tmp_path,
        model="sim/learner",
        user_model=f"sim/learner:server={url}",
        **options,
    ) as experiment:
        [run] = experiment.runs
        [record] = experiment.records(run.id)
        trajectory = record.rollouts[0].trajectory
    assert (trajectory.end, trajectory.steps) == (end, ())
    assert words in trajectory.error
    assert "the simulated user's model" in trajectory.error
