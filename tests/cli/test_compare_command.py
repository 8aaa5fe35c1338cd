"""``rbsuite compare``: what belongs together, what is shown, and what is refused."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import altered
from experiments import measure, prepare
from experiments import run as run_experiment
from rbsuite.cli import run
from rbsuite.cli.compare import command
from rbsuite.errors import UnknownNameError, UsageError
from rbsuite.record import TaskRecord
from rbsuite.report.comparison import gather
from rbsuite.report.comparison_text import render
from rbsuite.statistics.summary import summarise
from rbsuite.store import ExperimentStore, experiment_digest
from rooms import RoomsPlugin
from toy import ToyPlugin

MEMORIES = ("none", "reasoningbank", "awm")


def compare(*arguments: object) -> str:
    result: Result = CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("compare") / "e"
    measure(directory, memory=MEMORIES, orders=3).close()
    return directory


def test_everything_is_shown_within_80_columns(experiment: Path) -> None:
    text = compare(experiment)
    for shown in (
        "toy all: 24 tasks, sim/learner (simulated)",
        "B - A (simulated): reasoningbank x single - none x single",
        "24 tasks, 3 orders",
        "Holm over 2 comparisons",
        "detectable",
        "by order",
        "order effect",
        "second half",
        "t over tasks",
        "BCa over tasks",
        "t over 3 groups",
        "t over orders",
        "stratified by group",
        "bootstrap, tasks and orders",
        "along the stream",
        "by group",
        "By domain",
        "Judge against the environment's score",
        "tasks with recall",
        "memory/acting",
        "Simulated: the model is a simulation",
    ):
        assert shown in text, shown
    wide = [line for line in text.splitlines() if len(line) > 80 and not line.startswith("Experiment: ")]
    assert wide == []


def test_json_is_one_document_with_the_same_figures(experiment: Path) -> None:
    document = json.loads(compare(experiment, "--json"))
    with ExperimentStore.open(experiment, readonly=True) as store:
        summary = summarise(store)
        assert document["experiments"][0]["digest"] == experiment_digest(store)
    assert document["simulated"] is True
    assert [one["memory"] for one in document["conditions"]] == list(MEMORIES)
    for shown, one in zip(document["comparisons"], summary.comparisons, strict=True):
        assert shown["difference"] == one.difference.mean
        assert tuple(shown["ci95"]) == one.difference.interval
        assert (shown["p_value"], shown["p_holm"]) == (one.p_value, one.p_holm)
        assert [window["cells"] for window in shown["learning_curve"]] == [12, 15, 15, 15, 15]
        assert [group["name"] for group in shown["groups"]] == ["apples", "bridges", "clouds"]
        assert sum(group["cells"] for group in shown["groups"]) == 72
        assert len(shown["orders_spread"]["differences"]) == 3
        assert shown["mcnemar"] is None
    on = document["conditions"][1]
    assert on["passes"][0]["k"] == 1
    assert on["memory_use"]["items_added"] > 0
    assert on["memory_use"]["injected_tokens_a_task_estimated"] > 0
    assert document["conditions"][0]["memory_use"]["items_added"] == 0
    total = sum(on["cost_of"][part]["tokens"] for part in ("acting", "memory", "judging_and_selecting"))
    assert total == round(on["tokens_per_task"] * 72)


def test_one_order_is_labelled_conditional_and_tested_exactly(tmp_path: Path) -> None:
    measure(tmp_path / "e", memory=("none", "reasoningbank")).close()
    text = compare(tmp_path / "e")
    assert "24 tasks, 1 order; conditional on this order" in text
    assert "exact p" in text
    assert "bootstrap, orders" not in text
    assert json.loads(compare(tmp_path / "e", "--json"))["comparisons"][0]["conditional_on_order"] is True


def test_groups_are_left_out_where_the_store_does_not_hold_them(experiment: Path) -> None:
    with ExperimentStore.open(experiment, readonly=True) as store:
        store.manifest = replace(store.manifest, facts=store.manifest.identity)
        text = render(gather([store]))
    assert "groups and domains are unknown" in text
    assert "by group" not in text


def test_another_baseline(experiment: Path) -> None:
    comparisons = json.loads(compare(experiment, "--baseline", "awm", "--json"))["comparisons"]
    assert [one["b"] for one in comparisons] == ["awm x single"] * 2
    with pytest.raises(UnknownNameError, match="reasoningbank"):
        compare(experiment, "--baseline", "resoningbank")


def test_experiments_are_put_together(experiment: Path, tmp_path: Path) -> None:
    measure(tmp_path / "more", memory=("none", "synapse"), orders=3).close()
    text = compare(experiment, tmp_path / "more")
    assert "synapse x single - none x single" in text
    assert "Holm over 3 comparisons" in text
    assert "the first experiment's runs" in " ".join(text.split())


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"limit": 12}, "task set"), ({"env": "edited"}, "environment toy and edited")],
    ids=["tasks", "environment"],
)
def test_experiments_on_other_tasks_are_refused(
    experiment: Path, tmp_path: Path, options: dict[str, Any], reason: str
) -> None:
    plugin = ToyPlugin(environments=[altered.environment("edited", altered.Edited)])
    measure(tmp_path / "other", plugin, **options).close()
    with pytest.raises(UsageError, match=reason) as error:
        compare(experiment, tmp_path / "other")
    assert "\n" not in str(error.value)


def test_an_experiment_is_not_compared_with_itself(experiment: Path) -> None:
    with pytest.raises(UsageError, match="named twice"):
        compare(experiment, experiment)


def test_experiments_that_share_no_stream_are_refused(tmp_path: Path) -> None:
    measure(tmp_path / "a", memory=("reasoningbank",), seed=1).close()
    measure(tmp_path / "b", memory=("awm",), seed=2).close()
    with pytest.raises(UsageError, match="share no stream"):
        compare(tmp_path / "a", tmp_path / "b")


def test_runs_of_memory_off_need_no_partner(tmp_path: Path) -> None:
    measure(tmp_path / "a", memory=("none",), seed=1, orders=2).close()
    measure(tmp_path / "b", memory=("awm",), seed=2, orders=3).close()
    [found] = json.loads(compare(tmp_path / "a", tmp_path / "b", "--json"))["comparisons"]
    assert (found["runs"], found["exchangeable"], found["orders"]) == ([3, 2], [False, True], 3)
    assert "3 and 2 runs" in compare(tmp_path / "a", tmp_path / "b")


def test_what_else_differs_is_noted(tmp_path: Path) -> None:
    measure(tmp_path / "a", memory=("none",)).close()
    measure(tmp_path / "b", memory=("awm",), temperature=0.5, max_steps=2).close()
    text = " ".join(compare(tmp_path / "a", tmp_path / "b").split())
    assert "awm x single (0.5)" in text
    assert "differ in max-steps" in text


@pytest.mark.parametrize("commits", [1, 60])
def test_an_unfinished_experiment_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commits: int) -> None:
    commit, done = ExperimentStore.commit, itertools.count(1)

    def commit_and_stop(store: ExperimentStore, run_id: str, record: TaskRecord) -> bool:
        commit(store, run_id, record)
        if next(done) == commits:
            raise RuntimeError("stop")
        return True

    with monkeypatch.context() as patch:
        patch.setattr(ExperimentStore, "commit", commit_and_stop)
        with pytest.raises(RuntimeError, match="stop"):
            measure(tmp_path / "e", concurrency=1, memory=("none", "awm"), orders=2)
    text = compare(tmp_path / "e")
    assert "is not finished" in text
    document = json.loads(compare(tmp_path / "e", "--json"))
    assert document["comparisons"][0]["finished"] is False


def test_several_rollouts_a_task(tmp_path: Path) -> None:
    plugin = ToyPlugin(scalings=[altered.THREE])
    options: dict[str, Any] = {"memory": ("none", "reasoningbank"), "scaling": ("three",), "orders": 2}
    measure(tmp_path / "e", plugin, **options).close()
    text = compare(tmp_path / "e")
    assert "pass@k (any of k)" in text
    assert "conditional on these 2 orders (two do not say how orders differ)" in " ".join(text.split())


def test_a_single_condition_has_nothing_to_compare(tmp_path: Path) -> None:
    measure(tmp_path / "e", memory=("none",)).close()
    assert "there is nothing to compare" in compare(tmp_path / "e")


def test_a_missing_experiment_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_runs_that_cannot_be_told_apart_are_refused(tmp_path: Path) -> None:
    measure(tmp_path / "a", memory=("none", "awm")).close()
    measure(tmp_path / "b", memory=("none", "awm"), max_steps=2).close()
    with pytest.raises(UsageError, match=r"awm x single was run on the same streams with other options: max-steps"):
        compare(tmp_path / "a", tmp_path / "b")


def test_what_the_final_bank_changes_on_early_tasks_is_shown(tmp_path: Path) -> None:
    measure(tmp_path / "e", memory=("none", "awm"), orders=2, probe=4).close()
    assert "run again on the final bank" in compare(tmp_path / "e")
    [comparison] = json.loads(compare(tmp_path / "e", "--json"))["comparisons"]
    assert comparison["final_bank_gain_on_early_tasks"]["mean"] is not None


def test_two_backends_of_a_benchmark_are_never_compared(tmp_path: Path) -> None:
    for name in ("rooms", "rooms-other"):
        run_experiment(prepare(RoomsPlugin(), env=name, memory=("none",), limit=2), tmp_path / name).close()
    with pytest.raises(UsageError, match=r"environment rooms\[toy\] and rooms\[other\]"):
        compare(tmp_path / "rooms", tmp_path / "rooms-other")
