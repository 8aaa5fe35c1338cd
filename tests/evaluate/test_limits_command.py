"""``rbsuite eval`` with limits: how it stops and goes on, what it says of ends and cost, and what it says before it begins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from counters import CountersPlugin
from experiments import core_plugins, prepare
from rbsuite.cli import command
from rbsuite.errors import LimitReached, RbsuiteError
from rbsuite.run.config import read_toml
from rbsuite.store import ExperimentStore
from toy import ToyPlugin


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments), obj=core_plugins(ToyPlugin(), CountersPlugin()))


def evaluate(*arguments: str) -> Result:
    return invoke("eval", "--env", "toy", "--orders", "1", "--quiet", *arguments)


def test_a_limit_stops_with_one_line_and_the_same_command_with_a_higher_one_goes_on() -> None:
    whole = json.loads(evaluate("--json", "--out", "whole").stdout)
    stopped = evaluate("--json", "--out", "here", "--max-calls", "40")
    assert isinstance(stopped.exception, LimitReached)
    assert stopped.exception.exit_code == 3
    assert stopped.stdout == ""
    said = str(stopped.exception)
    assert "\n" not in said
    assert "stopped: --max-calls is reached (40 calls)" in said
    assert "rbsuite eval --from here" in said
    assert isinstance(invoke("eval", "--from", "here", "--max-calls", "41").exception, LimitReached)
    done = evaluate("--json", "--out", "here", "--max-calls", "1000")
    assert json.loads(done.stdout)["digest"] == whole["digest"]
    assert evaluate("--out", "here", "--max-calls", "1").exception is None, "what is finished is shown"


def test_a_limit_before_the_first_task_keeps_what_was_spent() -> None:
    for calls in (1, 1):
        assert isinstance(evaluate("--out", "here", "--max-calls", "1").exception, LimitReached)
        with ExperimentStore.open("here", readonly=True) as store:
            assert store.spent().calls == calls


def test_limits_and_models_stand_in_a_file(tmp_path: Path) -> None:
    text = """
    env = "toy"
    orders = 1
    max-cost = 2.5
    max-calls = 7
    call-time = "agent=60"
    rollout-max-calls = 3
    """
    (tmp_path / "e.toml").write_text(text, encoding="utf-8")
    stopped = invoke("eval", "--config", "e.toml", "--quiet")
    assert "--max-calls is reached (7 calls)" in str(stopped.exception)


def test_a_model_may_be_a_table(tmp_path: Path) -> None:
    text = 'model = ["openai/y", {name = "openai/x:8b", max-tokens = 20, body = {top_k = 5}}]\njudge-model = {name = "sim/learner"}\n'
    (tmp_path / "e.toml").write_text(text, encoding="utf-8")
    config = prepare(**read_toml(tmp_path / "e.toml")).config
    assert config.model == ("openai/y", "openai/x:8b:max_tokens=20,body.top_k=5")
    assert config.judge_model == "sim/learner"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--max-calls", "0"),
        ("--max-cost", "nan"),
        ("--max-time", "-1"),
        ("--call-time", "agent=x"),
        ("--reply-tokens", "agnt=5"),
        ("--rollout-max-cost", "-1"),
    ],
)
def test_what_is_no_limit_is_refused(arguments: tuple[str, ...]) -> None:
    result = evaluate(*arguments)
    assert result.exit_code == 2 or isinstance(result.exception, RbsuiteError)
    assert not Path("experiments").exists()


def test_every_end_has_its_reason() -> None:
    options = [
        "--env",
        "counted:turns=4",
        "--model",
        "test/saying",
        "--limit",
        "3",
        "--orders",
        "1",
        "--memory",
        "none",
    ]
    short = invoke("eval", *options, "--rollout-max-calls", "2", "--quiet", "--out", "short")
    assert (
        "none x single: budget 3: the rollout has taken 2 calls (--rollout-max-calls). (first on task n/"
        in short.stdout
    )
    shown = json.loads(invoke("eval", "--from", "short", "--json").stdout)
    [condition] = shown["conditions"]
    assert condition["ends"] == {"budget": 3}
    [reason] = condition["end_reasons"]["budget"]
    assert (reason["reason"], reason["count"]) == ("the rollout has taken 2 calls (--rollout-max-calls).", 3)
    assert reason["first_task"].startswith("n/")
    invoke("eval", *options, "--agent", "mumbling", "--quiet", "--out", "mumbled")
    compared = invoke("compare", "mumbled").stdout
    assert "A parse_errors  the model mumbled. (first on task n/" in compared
    cut = json.loads(invoke("eval", *options, "--max-steps", "1", "--json").stdout)["conditions"][0]
    assert cut["end_reasons"]["max_steps"][0]["reason"]


class TestDryRun:
    def shown(self, *arguments: str) -> dict[str, Any]:
        result = evaluate("--dry-run", "--json", *arguments)
        assert result.exception is None, result.exception
        return dict(json.loads(result.stdout))

    def test_it_writes_nothing_and_is_near_what_the_experiment_takes(self) -> None:
        estimated = self.shown("--out", "here")
        assert not any(Path.cwd().iterdir())
        taken = json.loads(evaluate("--json", "--out", "here").stdout)
        for guess, fact in zip(estimated["conditions"], taken["conditions"], strict=True):
            assert guess["condition"] == fact["condition"]
            assert guess["total"]["calls"] / 24 == pytest.approx(fact["calls_per_task"], rel=0.25)
            tokens = guess["total"]["input_tokens"] + guess["total"]["output_tokens"]
            assert tokens / 24 == pytest.approx(fact["tokens_per_task"], rel=0.25)
            assert guess["total"]["cost"] == 0
            assert "simulated learner on 8 tasks" in guess["estimated_from"]

    def test_prices_that_nobody_knows_are_unknown(self) -> None:
        shown = self.shown("--model", "openai/nobody-knows-it")
        assert shown["total"]["calls"] > 0
        assert shown["total"]["cost"] is None
        assert "unknown" in evaluate("--dry-run", "--model", "openai/nobody-knows-it").stdout

    def test_it_shows_no_password(self) -> None:
        told = evaluate("--dry-run", "--model", "openai/x:api_base=http://me:s3cr3t@h:1").stdout
        assert "http://***@h:1" in told
        assert "s3cr3t" not in told

    def test_prices_that_are_set_are_used(self) -> None:
        shown = self.shown("--model", "openai/x:input_price=1,output_price=100", "--judge-model", "sim/learner")
        for one in shown["conditions"]:
            agent = one["usage"]["agent"]
            assert agent["cost"] == pytest.approx((agent["input_tokens"] + 100 * agent["output_tokens"]) / 1e6)
            assert one["usage"]["judge"]["cost"] == 0

    def test_rollouts_that_are_there_are_what_it_is_estimated_from(self) -> None:
        evaluate("--limit", "4", "--out", "small")
        result = invoke("eval", "--from", "small", "--limit", "20", "--dry-run", "--json")
        small = json.loads(invoke("eval", "--from", "small", "--json").stdout)
        for guess, fact in zip(json.loads(result.stdout)["conditions"], small["conditions"], strict=True):
            assert (guess["tasks"], guess["estimated_from"]) == (20, "the rollouts of small")
            assert guess["total"]["calls"] == round(fact["calls_per_task"] * 20)

    def test_what_is_done_is_not_estimated_again(self) -> None:
        evaluate("--out", "here", "--max-calls", "60")
        shown = self.shown("--out", "here")
        with ExperimentStore.open("here", readonly=True) as store:
            done = {run.condition.label: store.committed(run.id) for run in store.manifest.runs}
        assert sum(done.values()) > 0
        assert {one["condition"]: one["tasks"] for one in shown["conditions"]} == {
            name: 24 - n for name, n in done.items()
        }
