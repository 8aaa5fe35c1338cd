"""``rbsuite eval`` on the toy environment: what it prints, where it writes, and how it is stopped and gone on with."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import altered
from experiments import core_plugins, measure
from rbsuite.cli import command
from rbsuite.errors import Interrupted, RbsuiteError
from rbsuite.record import TaskRecord
from rbsuite.specs import ModelSpec
from rbsuite.store import ExperimentStore, experiment_digest
from toy import ToyPlugin

SUPPORT = Path(__file__).parents[1] / "support"
ESCAPE = re.compile(r"\x1b\[")


@pytest.fixture(autouse=True)
def _toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The current directory is the test's own."""
    monkeypatch.chdir(tmp_path)


def invoke(*arguments: str) -> Result:
    plugins = core_plugins(ToyPlugin(models=[altered.recording()]))
    return CliRunner().invoke(command, ["eval", *arguments], obj=plugins, catch_exceptions=True)


def evaluate(*arguments: str) -> Result:
    return invoke("--env", "toy", *arguments)


def document(result: Result) -> dict[str, Any]:
    assert result.exception is None, result.exception
    return dict(json.loads(result.stdout))


def test_json_is_one_document_on_stdout_and_nothing_else() -> None:
    result = evaluate("--memory", "none,reasoningbank,awm", "--orders", "2", "--json", "--out", "here")
    shown = document(result)
    assert result.stderr == ""
    assert {"experiment", "env", "split", "simulated", "conditions", "comparisons", "digest"} <= set(shown)
    assert (shown["env"], shown["split"], shown["simulated"], shown["experiment"]) == ("toy", "all", True, "here")
    assert [condition["memory"] for condition in shown["conditions"]] == ["none", "reasoningbank", "awm"]
    for condition in shown["conditions"]:
        assert {"memory", "scaling", "model", "n_tasks", "orders", "mean", "ci95"} <= set(condition)
        assert (condition["scaling"], condition["model"]) == ("single", "sim/learner")
        assert (condition["n_tasks"], condition["orders"], condition["committed"]) == (24, 2, 48)
        assert condition["ci95"][0] < condition["mean"] < condition["ci95"][1]
    for comparison in shown["comparisons"]:
        assert {"a", "b", "difference", "ci95", "p_value"} <= set(comparison)
        assert comparison["b"] == "none x single"
        assert comparison["ci95"][0] < comparison["difference"] < comparison["ci95"][1]
        assert 0 <= comparison["p_value"] <= 1
    with ExperimentStore.open("here", readonly=True) as store:
        assert shown["digest"] == experiment_digest(store)


def test_one_task_bounds_a_success_rate_and_no_difference() -> None:
    shown = document(evaluate("--limit", "1", "--orders", "1", "--json"))
    low, high = shown["conditions"][0]["ci95"]
    assert high - low == pytest.approx(0.975)
    assert shown["comparisons"][0]["ci95"] is None
    assert shown["comparisons"][0]["p_value"] is None


def test_tables_name_every_condition_and_say_simulated() -> None:
    result = evaluate("--memory", "none,reasoningbank:k=3,items=2", "--orders", "1")
    assert result.exception is None
    assert not ESCAPE.search(result.output)
    assert "(simulated)" in result.stdout.splitlines()[0]
    assert "these figures say nothing about a real model" in result.stdout
    assert "reasoningbank:k=3,items=2" in result.stdout.replace("\n", "")
    assert "conditional on this order" in result.stdout
    assert re.search(r"Experiment: experiments/toy-all-[0-9a-f]{10}", result.stdout)
    [home] = Path("experiments").iterdir()
    with ExperimentStore.open(home, readonly=True) as store:
        assert all(store.run_finished(info.id) for info in store.manifest.runs)


def test_same_command_again_shows_the_same_and_asks_no_model() -> None:
    arguments = ("--model", "sim/recording", "--limit", "6", "--orders", "1", "--json")
    first = document(evaluate(*arguments))
    altered.Recording.requests.clear()
    assert document(evaluate(*arguments)) == first
    assert altered.Recording.requests == []
    assert document(evaluate(*arguments, "--seed", "1"))["experiment"] != first["experiment"]


def test_from_goes_on_in_the_same_place_and_copies_elsewhere() -> None:
    first = document(evaluate("--memory", "none,awm", "--orders", "1", "--json", "--out", "first"))

    def again(*arguments: str) -> Result:
        return invoke("--from", "first", "--json", *arguments)

    assert document(again()) == first
    copied = document(again("--out", "copy"))
    assert copied == {**first, "experiment": "copy"}
    other = document(again("--seed", "7"))
    assert other["experiment"].startswith("experiments")
    assert other["digest"] != first["digest"]
    assert [condition["memory"] for condition in other["conditions"]] == ["none", "awm"]


def test_options_come_from_a_file_and_the_command_line_wins() -> None:
    Path("e.toml").write_text('memory = ["none", "awm"]\norders = 1\nlimit = 3\n', encoding="utf-8")
    shown = document(evaluate("--config", "e.toml", "--limit", "5", "--json"))
    assert [condition["memory"] for condition in shown["conditions"]] == ["none", "awm"]
    assert (shown["conditions"][0]["n_tasks"], shown["conditions"][0]["orders"]) == (5, 1)


def test_own_prompts_are_compared_with_the_built_in_ones(tmp_path: Path) -> None:
    own = tmp_path / "own" / "judge" / "self.j2"
    own.parent.mkdir(parents=True)
    own.write_text("{{ transcript }}")
    shown = document(evaluate("--memory", "none", "--orders", "1", "--prompts", ",own", "--json"))
    assert [condition["prompts"] for condition in shown["conditions"]] == ["", "own"]
    assert len(shown["comparisons"]) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--memory", "nnone"], ["unknown memory 'nnone'", "'none'"]),
        (["--orders", "0"], ["command line", "orders", "at least 1"]),
        (["--temperature", "nan"], ["temperature", "not a number"]),
        (["--config", "no.toml"], ["no.toml"]),
        (["--domain", "pears"], ["domain of toy", "apples"]),
        (["--index", "hsnw"], ["index", "hnsw"]),
        (["--from", "nowhere"], ["nowhere"]),
    ],
)
def test_mistake_is_one_line_and_writes_nothing(arguments: list[str], words: list[str]) -> None:
    result = evaluate(*arguments)
    assert isinstance(result.exception, RbsuiteError)
    message = str(result.exception)
    assert [word for word in words if word not in message] == []
    assert "\n" not in message
    assert list(Path().iterdir()) == []


def test_another_experiment_in_the_place_is_refused_with_the_difference() -> None:
    document(evaluate("--limit", "2", "--orders", "1", "--json", "--out", "here"))
    result = evaluate("--limit", "3", "--orders", "1", "--json", "--out", "here")
    assert isinstance(result.exception, RbsuiteError)
    assert "limit: 2 there, 3 here" in str(result.exception)
    assert result.stdout == ""


PROGRAM = """
import sys, time
from contextlib import closing
from pathlib import Path
from experiments import core_plugins
from rbsuite.cli import main
from rbsuite.store import ExperimentStore
from toy import ToyPlugin

commit = ExperimentStore.commit

def slow(*arguments):
    commit(*arguments)
    Path("ready").touch()
    time.sleep(0.1)

ExperimentStore.commit = slow
main(sys.argv[1:], core_plugins(ToyPlugin()))
"""


@pytest.mark.parametrize("quiet", [[], ["--json"]])
def test_interrupt_ends_with_130_and_says_how_to_go_on(tmp_path: Path, quiet: list[str]) -> None:
    arguments = ["eval", "--env", "toy", "--orders", "2", "--out", "stopped", *quiet]
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(SUPPORT), os.environ.get("PYTHONPATH", "")])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30
    while not Path("ready").exists() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert out == ""
    assert err.splitlines()[-1].endswith("Resume with: rbsuite eval --from stopped")
    assert "Traceback" not in err
    assert not ESCAPE.search(err)
    with ExperimentStore.open("stopped", readonly=True) as store:
        committed = sum(store.committed(info.id) for info in store.manifest.runs)
    assert 0 < committed < 96
    resumed = invoke("--from", "stopped", "--json")
    with measure(tmp_path / "undisturbed", orders=2) as store:
        assert document(resumed)["digest"] == experiment_digest(store)


def test_interrupted_says_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rbsuite.run.executors.run_experiment", interrupted)
    result = evaluate("--json", "--out", "here")
    assert isinstance(result.exception, Interrupted)
    assert result.exception.exit_code == 130
    assert "rbsuite eval --from here" in str(result.exception)


def test_factors_are_given_with_commas_and_every_combination_is_a_condition() -> None:
    arguments = (
        "--memory",
        "none",
        "--temperature",
        "0,0.7",
        "--judge",
        "self,noisy:0.8",
        "--limit",
        "3",
        "--orders",
        "1",
    )
    shown = document(evaluate(*arguments, "--json"))
    labels = [condition["condition"] for condition in shown["conditions"]]
    assert labels == [
        f"none x single x {judge} x temperature {temperature}"
        for judge in ("self", "noisy:0.8")
        for temperature in ("0", "0.7")
    ]
    first, warmer, noisy, both = labels
    compared = [(comparison["a"], comparison["b"]) for comparison in shown["comparisons"]]
    assert compared == [(noisy, first), (both, warmer), (warmer, first), (both, noisy)]


def test_going_on_is_said(tmp_path: Path) -> None:
    commit = ExperimentStore.commit

    def stopping(store: ExperimentStore, run: str, record: TaskRecord) -> None:
        commit(store, run, record)
        if record.position == 4:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ExperimentStore, "commit", stopping)
        with pytest.raises(KeyboardInterrupt):
            measure(tmp_path / "here", orders=1, concurrency=1)
    result = invoke("--from", "here")
    assert result.exception is None
    assert "Resuming: 5 tasks are committed." in result.stderr
    assert "Resuming" not in result.stdout


def test_every_option_may_stand_in_the_file_and_the_command_line_wins(tmp_path: Path) -> None:
    Path("exp.toml").write_text(
        'env = "toy"\nmemory = ["none", "awm"]\norders = 1\nlimit = 4\nconcurrency = 2\nspeculate = "off"\nout = "there"\njson = true\n'
    )
    shown = document(invoke("--config", "exp.toml"))
    assert (shown["experiment"], [c["memory"] for c in shown["conditions"]]) == ("there", ["none", "awm"])
    other = ["--config", "exp.toml", "--out", "elsewhere", "--limit", "3"]
    shown = document(invoke(*other))
    assert (shown["experiment"], shown["conditions"][0]["n_tasks"]) == ("elsewhere", 3)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("concurency = 2", "concurrency"),
        ('concurrency = "many"', "concurrency"),
        ('limit = "x"', "limit"),
        ('json = "yes"', "--json cannot be a str"),
        ("out = 3", "--out cannot be an int"),
        ("concurrency = true", "--concurrency cannot be True"),
    ],
)
def test_a_wrong_line_in_the_file_is_named(line: str, says: str) -> None:
    Path("exp.toml").write_text(f'env = "toy"\n{line}\n')
    result = invoke("--config", "exp.toml")
    assert result.exit_code != 0
    assert says in f"{result.exception} {result.output}"


def shaky(*arguments: str) -> Result:
    models = [ModelSpec("sim/outages", "altered", "altered:Outages", simulated=True), altered.failing()]
    plugin = ToyPlugin(environments=[altered.environment("shaky", altered.Shaky)], models=models)
    return CliRunner().invoke(command, ["eval", *arguments], obj=core_plugins(plugin), standalone_mode=False)


def test_everything_failed_is_said_and_can_be_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(altered.Shaky, "down", True)
    options = ("--env", "shaky", "--orders", "1", "--retries", "9", "--out", "e", "--quiet")
    failed = shaky(*options)
    assert failed.return_value == 1
    assert failed.stderr.splitlines()[-1].startswith(
        "rbsuite: every rollout failed: the environment raised RuntimeError"
    )
    assert "rbsuite eval --from e --retry-failed" in failed.stderr
    assert shaky("--from", "e").return_value == 1
    monkeypatch.setattr(altered.Shaky, "down", False)
    again = shaky("--from", "e", "--retry-failed")
    assert again.exception is None
    assert again.return_value is None
    assert "Taken back: 48 tasks" in again.stderr
    back = shaky("--from", "e", "--rewind", "none/single/order-0@20", "--json")
    assert json.loads(back.stdout)["conditions"][0]["committed"] == 24
    for number in ("9" * 5_000, "\u0663"):
        assert "is not RUN@T" in str(shaky("--from", "e", "--rewind", f"none/single/order-0@{number}").exception)
    refused = shaky("--from", "e", "--retry-failed", "--seed", "1")
    assert "can only be combined with --from EXPERIMENT" in str(refused.exception)


def test_an_outage_exits_with_its_own_code_and_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(altered.Outages, "left", 0)
    paused = shaky("--env", "toy", "--model", "sim/outages", "--orders", "1", "--out", "e", "--quiet")
    assert isinstance(paused.exception, RbsuiteError)
    assert paused.exception.exit_code == 3
    assert "Resume with: rbsuite eval --from e" in str(paused.exception)
    monkeypatch.setattr(altered.Outages, "left", float("inf"))
    assert shaky("--from", "e", "--quiet").exception is None


@pytest.mark.parametrize("purpose", ["judge", "memory"])
def test_a_judge_or_memory_that_is_never_answered_pauses_the_run(
    purpose: str, caplog: pytest.LogCaptureFixture
) -> None:
    options = ("--env", "toy", "--orders", "1", "--limit", "3", "--quiet", "--model", f"sim/failing:{purpose}")
    paused = shaky(*options, "--out", "e")
    assert isinstance(paused.exception, RbsuiteError)
    assert paused.exception.exit_code == 3
    assert f"no call for the purpose '{purpose}' was answered: the provider is down." in str(paused.exception)
    counted = shaky(*options, "--out", "e", "--outage", "commit")
    assert counted.exception is None
    assert f"{purpose} calls failed" in counted.stdout
    assert f"a call for the purpose '{purpose}' failed: the provider is down." in caplog.text


def test_check_says_what_was_changed() -> None:
    shown = document(evaluate("--limit", "3", "--orders", "1", "--json", "--out", "e"))

    def check(*arguments: str) -> Result:
        return CliRunner().invoke(command, ["check", "e", *arguments], standalone_mode=False)

    assert f"e: 6 tasks as they were written; digest {shown['digest']}" in check().stdout
    assert check("--digest", shown["digest"]).return_value is None
    assert check("--digest", "0" * 64).return_value == 1
    for wanted in ("", shown["digest"][:11], "x" * 64):
        assert "is no digest" in str(check("--digest", wanted).exception)
    with closing(sqlite3.connect("e/experiment.sqlite")) as connection, connection:
        connection.execute("UPDATE rollout SET score = 1 - score WHERE task = 0")
    changed = check()
    assert changed.return_value == 1
    assert "run none/single/order-0, position 0: the record was changed" in changed.stdout
