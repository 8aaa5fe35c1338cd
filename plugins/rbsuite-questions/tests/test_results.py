"""Experiments on questions: they run with every scaling, say what read the answers, and can be graded again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import rbsuite
from quiz import QuizPlugin, quiz_plugins
from rbsuite.cli import command
from rbsuite.errors import RbsuiteError, UsageError
from rbsuite.hookspecs import hookimpl
from rbsuite.jsonable import plain
from rbsuite.report.comparison import check_alike, gather
from rbsuite.report.comparison_json import document
from rbsuite.report.comparison_text import render as render_comparison
from rbsuite.report.results import render
from rbsuite.specs import Apart, EnvironmentSpec
from rbsuite.statistics.rescoring import rescore
from rbsuite.statistics.summary import summarise
from rbsuite.store import ExperimentStore
from rbsuite_questions.grading import CHOICE_RESCORERS


@pytest.fixture(autouse=True)
def _only_the_quiz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rbsuite.plugins.load_plugins", lambda extra=(): quiz_plugins())


def made(home: Path, env: str, *plugins: object, **options: Any) -> ExperimentStore:
    """A finished experiment, open for reading."""
    rbsuite.evaluate(
        env, plugins=quiz_plugins(*plugins), out=home, **{"orders": 1, "memory": ("none",), **options}
    ).close()
    return ExperimentStore.open(home, readonly=True)


@pytest.fixture(scope="module")
def capitals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExperimentStore]:
    options = {"memory": ("none", "reasoningbank"), "scaling": ("parallel:3",), "orders": 2, "selector": "majority"}
    with made(tmp_path_factory.mktemp("capitals") / "x", "capitals", **options) as store:
        yield store


@pytest.mark.parametrize("scaling", ["single", "parallel:3", "sequential:3"])
def test_memories_and_scalings_work_on_questions(scaling: str, tmp_path: Path) -> None:
    options = {"memory": ("none", "reasoningbank"), "scaling": (scaling,), "selector": "majority"}
    with made(tmp_path / "x", "sums", **options) as store:
        ends = {row.end for info in store.manifest.runs for row in store.results(info.id)}
    assert ends == {"finished"}


def test_the_users_template_replaces_the_instructions(tmp_path: Path) -> None:
    (tmp_path / "p" / "question").mkdir(parents=True)
    (tmp_path / "p" / "question" / "boxed.j2").write_text("Just say {{ closing }}.", encoding="utf-8")
    with made(tmp_path / "x", "sums", prompts=(str(tmp_path / "p"),), limit=1) as store:
        (record,) = store.records(store.manifest.runs[0].id)
    first = record.rollouts[0].trajectory.steps[0].observation
    assert first.messages[0].text == "Just say \\boxed{N}."


def test_results_say_what_read_the_answers_and_what_could_not_be_read(capitals: ExperimentStore) -> None:
    summary = summarise(capitals)
    first = summary.conditions[0]
    rows = [
        row
        for info in capitals.manifest.runs
        if info.condition == first.condition
        for row in capitals.results(info.id)
        if row.selected
    ]
    assert first.measures["unparsed"].mean == pytest.approx(sum(row.measures["unparsed"] for row in rows) / 10)
    for text in (render(capitals, summary), render_comparison(gather([capitals]))):
        assert "reader rbsuite/3, shots 0, chance 0.25" in " ".join(text.split())
        assert "unparsed" in text
        assert "maj@" in text
    found = plain(document(gather([capitals])))["conditions"][0]
    assert {"k", "avg@k", "maj@k", "pass@k", "mean_of_domains"} == set(found["all_rollouts"])
    assert found["measures"]["unparsed"]["mean"] == first.measures["unparsed"].mean
    means = [one["success"]["mean"] for one in found["domains"]]
    assert found["all_rollouts"]["mean_of_domains"] == pytest.approx(sum(means) / 2)


def test_what_different_readers_read_is_not_put_together(tmp_path: Path, capitals: ExperimentStore) -> None:
    with (
        made(tmp_path / "y", "capitals:reader=inspect", limit=1) as other,
        pytest.raises(UsageError, match="cannot be compared"),
    ):
        check_alike([capitals, other])


def test_the_same_reader_reads_the_same(capitals: ExperimentStore) -> None:
    for found in rescore(capitals, CHOICE_RESCORERS["rbsuite"]):
        assert (found.changes, found.rollouts) == ([], 30)
        assert found.old == found.new
        assert found.old_measures == found.new_measures


def test_another_reader_reads_otherwise(capitals: ExperimentStore) -> None:
    for found in rescore(capitals, CHOICE_RESCORERS["lm-eval-strict"]):
        assert found.changes
        assert found.new_measures["unparsed"] >= found.old_measures["unparsed"]
        for change in found.changes:
            assert change.new.score == float(change.new.truth["answered"] == change.old.truth["gold"])


def shell(*arguments: str) -> str:
    result = CliRunner().invoke(command, list(arguments))
    if result.exception is not None:
        raise result.exception
    return result.stdout


def contents(home: Path) -> Sequence[Path]:
    return sorted(home.iterdir())


def test_rescore_command(capitals: ExperimentStore, tmp_path: Path) -> None:
    home = str(capitals.directory)
    before = contents(capitals.directory)
    shown = json.loads(shell("rescore", home, "--as", "lm-eval", "--json"))
    assert (shown["environment"]["reader"], shown["as"]) == ("rbsuite/3", CHOICE_RESCORERS["lm-eval"].id)
    assert [one["memory"] for one in shown["conditions"]] == ["none", "reasoningbank"]
    text = shell("rescore", home, "--reader", "lm-eval", "--out", str(tmp_path / "again.json"))
    assert "capitals (reader rbsuite/3); graded again as lm-eval/" in text
    assert json.loads((tmp_path / "again.json").read_text(encoding="ascii")) == shown
    assert contents(capitals.directory) == before
    with pytest.raises(RbsuiteError, match="unknown convention of capitals 'lm-evil'"):
        shell("rescore", home, "--as", "lm-evil")
    with pytest.raises(RbsuiteError, match="unknown convention of capitals 'math-verify'"):
        shell("rescore", home, "--as", "math-verify")


class Halved:
    """The capitals, half of them reported separately."""

    @hookimpl
    def rbsuite_environments(self) -> list[EnvironmentSpec]:
        (spec,) = (one for one in QuizPlugin().rbsuite_environments() if one.name == "capitals")
        return [replace(spec, domains=("d0", "d1"), apart=(Apart("d1", "These lie far away."),))]


def test_domains_reported_separately_are_rescored_by_themselves(tmp_path: Path) -> None:
    with made(tmp_path / "x", "capitals", Halved()) as store:
        whole, aside = summarise(store), rescore(store, CHOICE_RESCORERS["rbsuite"])
    assert [(one.domain, one.rollouts) for one in aside] == [("", 3), ("d1", 2)]
    assert aside[0].old.mean == whole.conditions[0].success.mean
    assert aside[1].old.mean == whole.apart[0].conditions[0].success.mean
    shown = json.loads(shell("rescore", str(tmp_path / "x"), "--as", "inspect", "--json"))
    assert [(one["domain"], one["rollouts"]) for one in shown["conditions"]] == [("", 3), ("d1", 2)]
    assert "* d1 is reported separately: These lie far away." in shell(
        "rescore", str(tmp_path / "x"), "--as", "inspect"
    )
