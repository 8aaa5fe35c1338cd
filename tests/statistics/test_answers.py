"""Figures of what was read: unparsed share, votes, domains, chance; and reading again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rbsuite.run.setup import set_up

from experiments import core_plugins, measure, prepare, run
from quiz import QuizPlugin
from rbsuite.cli import command
from rbsuite.errors import RbsuiteError, UsageError
from rbsuite.hookspecs import hookimpl
from rbsuite.run.config import make_config
from rbsuite.specs import Apart, EnvironmentSpec
from rbsuite.statistics.answers import Answered
from rbsuite.statistics.intervals import over_tasks, wilson_estimate
from rbsuite.statistics.rescoring import rescore
from rbsuite.statistics.summary import summarise
from rbsuite.store import ExperimentStore
from rbsuite_questions.readers import get_reader

READINGS = st.lists(st.sampled_from([None, "A", "B", "C"]), min_size=1, max_size=6)


@pytest.fixture
def capitals(tmp_path: Path) -> Iterator[ExperimentStore]:
    options = {"env": "capitals", "memory": ("none", "reasoningbank"), "scaling": ("parallel:3",), "orders": 2}
    with run(prepare(QuizPlugin(), selector="majority", **options), tmp_path / "x") as store:
        yield store


def cell(readings: list[str | None], gold: str = "A", task: str = "t") -> Answered:
    return Answered(task, tuple(float(one == gold) for one in readings), tuple(readings), 0, 0.25)


@given(READINGS)
def test_a_vote_wins_with_the_most_voices_and_nothing_never_wins(readings: list[str | None]) -> None:
    found = cell(readings).majority
    voices = [one for one in readings if one is not None]
    if not voices:
        assert found == 0.0
        return
    counts = {one: voices.count(one) for one in voices}
    winner = max(counts, key=lambda one: (counts[one], -voices.index(one)))
    assert found == float(winner == "A")


def test_ties_go_to_the_first_seen() -> None:
    assert cell([None, "A", "B", "B", "A"]).majority == 1.0
    assert cell(["B", "A", "A", "B"]).majority == 0.0


def test_one_0_or_1_a_task_has_wilsons_interval() -> None:
    assert over_tasks([*((f"{n}", 1.0) for n in range(8)), ("last", 0.0)]) == wilson_estimate(8, 9)


def test_figures_of_a_condition(capitals: ExperimentStore) -> None:
    info = capitals.manifest.runs[0]
    found = summarise(capitals).answers[info.condition]
    assert found is not None
    scores = [
        [rollout.trajectory.score for rollout in record.rollouts]
        for one in capitals.manifest.runs
        if one.condition == info.condition
        for record in capitals.records(one.id)
    ]
    flat = [score or 0.0 for group in scores for score in group]
    assert (found.reader, found.k, found.rollouts) == ("rbsuite/1", 3, len(flat)) == ("rbsuite/1", 3, 30)
    assert found.average.mean == pytest.approx(sum(flat) / len(flat))
    assert found.passed.mean == pytest.approx(sum(any(group) for group in scores) / len(scores))
    assert found.chance == 0.25
    assert [(domain.name, domain.tasks) for domain in found.domains] == [("d0", 3), ("d1", 2)]
    assert found.domain_mean == pytest.approx(sum(domain.success.mean for domain in found.domains) / 2)


def test_nothing_is_said_where_nothing_is_read(tmp_path: Path) -> None:
    with measure(tmp_path / "toy", memory=("none",)) as store:
        summary = summarise(store)
        assert summary.about.reader == ""
        assert set(summary.answers.values()) == {None}


def test_the_same_reader_reads_the_same(capitals: ExperimentStore) -> None:
    for found in rescore(capitals, get_reader("rbsuite")):
        assert found.changes == []
        assert found.old == found.new
        assert found.old_unparsed == found.new_unparsed
        assert found.rollouts == 30


def test_another_reader_reads_otherwise(capitals: ExperimentStore) -> None:
    assert all(found.new_unparsed <= found.rollouts for found in rescore(capitals, get_reader("inspect")))
    for found in rescore(capitals, get_reader("mmlu-pro")):
        for change in found.changes:
            assert (change.old, change.old_score) != (change.new, change.new_score)
            assert change.new_score == float(change.new == change.gold)


def shell(*arguments: str) -> str:
    result = CliRunner().invoke(command, list(arguments))
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_rescore_command(capitals: ExperimentStore, tmp_path: Path) -> None:
    home = str(capitals.directory)
    before = (capitals.directory / "experiment.sqlite").exists() and sorted(capitals.directory.iterdir())
    shown = json.loads(shell("rescore", home, "--reader", "lm-eval", "--json"))
    assert (shown["old_reader"], shown["new_reader"]) == ("rbsuite/1", get_reader("lm-eval").id)
    assert [one["memory"] for one in shown["conditions"]] == ["none", "reasoningbank"]
    text = shell("rescore", home, "--reader", "lm-eval", "--out", str(tmp_path / "again.json"))
    assert "read by rbsuite/1, and again by lm-eval/" in text
    assert json.loads((tmp_path / "again.json").read_text(encoding="ascii")) == shown
    assert before == ((capitals.directory / "experiment.sqlite").exists() and sorted(capitals.directory.iterdir()))
    with pytest.raises(RbsuiteError, match="unknown reader"):
        shell("rescore", home, "--reader", "lm-evil")


class Halved:
    """The capitals, half of them reported separately."""

    @hookimpl
    def rbsuite_environments(self) -> list[EnvironmentSpec]:
        (spec,) = (one for one in QuizPlugin().rbsuite_environments() if one.name == "capitals")
        return [replace(spec, domains=("d0", "d1"), apart=(Apart("d1", "These lie far away."),))]


def test_domains_reported_separately_are_rescored_by_themselves(tmp_path: Path) -> None:
    config = make_config({"env": "capitals", "orders": 1}, {"memory": ("none",)})
    with run(set_up(config, core_plugins(Halved())), tmp_path / "x") as store:
        whole, aside = summarise(store), rescore(store, get_reader("rbsuite"))
    assert [(one.domain, one.rollouts) for one in aside] == [("", 3), ("d1", 2)]
    assert aside[0].old.mean == whole.conditions[0].success.mean
    assert aside[1].old.mean == whole.apart[0].conditions[0].success.mean
    answers = whole.answers[whole.conditions[0].condition]
    assert answers is not None
    assert (answers.rollouts, answers.domain_mean) == (3, answers.average.mean)
    shown = json.loads(shell("rescore", str(tmp_path / "x"), "--reader", "inspect", "--json"))
    assert [one["rollouts"] for one in shown["conditions"]] == [3]
    assert (shown["apart"][0]["domain"], shown["apart"][0]["conditions"][0]["rollouts"]) == ("d1", 2)
    text = shell("rescore", str(tmp_path / "x"), "--reader", "inspect")
    assert "none x single, d1 *" in text
    assert "d1 is reported separately: These lie far away." in text


def test_rescore_refuses_what_was_not_read(tmp_path: Path) -> None:
    measure(tmp_path / "toy", memory=("none",)).close()
    with pytest.raises(UsageError, match="no answers are read"):
        shell("rescore", str(tmp_path / "toy"), "--reader", "rbsuite")


def test_scores_stand_with_reader_unparsed_share_and_chance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rbsuite.plugins.load_plugins", lambda extra=(): core_plugins(QuizPlugin()))
    monkeypatch.chdir(tmp_path)
    arguments = ["--env", "capitals", "--reader", "inspect", "--orders", "2", "--scaling", "parallel:2", "--out", "x"]
    text = shell("eval", *arguments, "--quiet")
    assert "read by inspect/1, unparsed " in text
    assert "chance 25.0 %, avg@2 " in text
    shown = json.loads(shell("eval", *arguments, "--json"))
    answers = shown["conditions"][0]["answers"]
    assert {"reader", "unparsed_share", "avg@k", "maj@k", "pass@k", "chance", "size_weighted_mean"} <= set(answers)
    compared = shell("compare", "x")
    assert "Answers read by inspect/1" in compared
    assert json.loads(shell("compare", "x", "--json"))["conditions"][0]["answers"] == answers
    shell("eval", "--env", "capitals", "--orders", "2", "--out", "y", "--quiet")
    with pytest.raises(UsageError, match="cannot be compared"):
        shell("compare", "x", "y")
