"""The engine against what upstream was recorded to do: every message, state, score and verdict."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from rbsuite.cli import run
from rbsuite_acebench import Pack, agent_metrics, check, dialogue, replay
from rbsuite_acebench.cases import AGENT, CATEGORIES, NORMAL
from rbsuite_acebench.gold import gold_figures, gold_output, outputs_figures
from rbsuite_acebench.worlds import LANGUAGES

PACKS = os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).resolve().parents[4] / "shared" / "packs"
ROOT = Path(PACKS) / "acebench"
FIELDS = ("transcript", "process", "result", "crash", "score")

pytestmark = pytest.mark.skipif(not (ROOT / "records").is_dir(), reason=f"no acebench pack with records in {ROOT}")


@pytest.fixture(scope="module")
def pack() -> Pack:
    return Pack(ROOT)


@pytest.fixture(scope="module")
def runs() -> Sequence[dict[str, Any]]:
    return [record for name in AGENT for language in LANGUAGES for record in records(f"{name}_{language}")]


def records(name: str) -> Iterator[dict[str, Any]]:
    with (ROOT / "records" / f"{name}.jsonl").open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def differing(runs: Sequence[dict[str, Any]], pack: Pack) -> dict[str, int]:
    """How many records differ in a field."""
    found = dict.fromkeys(FIELDS, 0)
    for record in runs:
        ours = replay(record["language"], record["case_id"], record["script"], pack)
        for field in FIELDS:
            found[field] += ours[field] != record[field]
    return {field: count for field, count in found.items() if count}


def test_every_agent_record_is_met(pack: Pack, runs: Sequence[dict[str, Any]]) -> None:
    assert len(runs) == 379
    assert differing(runs, pack) == {}


def test_every_verdict_is_met(pack: Pack) -> None:
    seen = 0
    for language in LANGUAGES:
        for record in records(f"normal_checker_{language}"):
            verdict = {key: record["verdict"][key] for key in ("valid", "error_type")}
            assert check(language, record["id"], record["model_output"], pack) == verdict, record
            seen += 1
    assert seen == 2461


def test_a_search_that_goes_back_is_noticed(
    pack: Pack, runs: Sequence[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_metrics, "_greedy_match", agent_metrics._longest_match)
    assert differing(runs, pack).keys() == {"score"}


def test_a_comparison_of_all_keys_is_noticed(
    pack: Pack, runs: Sequence[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def all_keys(state: Any, truth: Any) -> list[str]:
        return [] if state == truth else ["they differ"]

    monkeypatch.setattr(agent_metrics, "_differences", all_keys)
    assert differing(runs, pack).keys() == {"score"}


def test_an_error_shown_as_a_text_is_noticed(
    pack: Pack, runs: Sequence[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = dialogue.execute
    monkeypatch.setattr(dialogue, "execute", lambda *calls, errors, clear: whole(*calls, errors="listed", clear=clear))
    assert "transcript" in differing(runs, pack)


@pytest.mark.parametrize("language", LANGUAGES)
def test_verify_gives_upstreams_own_scores_of_its_answers(
    language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["verify", "--env", f"acebench:language={language}", "--split", "test", "--data", str(ROOT), "--json"]
    assert run(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    wanted = json.loads((ROOT / "records" / "upstream_gold_scores.json").read_text(encoding="utf-8"))[language]
    assert wanted.keys() == set(CATEGORIES)
    for category, score in wanted.items():
        figures = score if isinstance(score, dict) else {"end_to_end": score}
        for name, value in figures.items():
            assert found["ceiling"][f"{category} {name}"] == value, (category, name)
    defects = json.loads((ROOT / "known_upstream_defects.json").read_text(encoding="utf-8"))
    refused = {name for name, _ in defects[f"normal_gold_rejected_{language}"]}
    assert {name.replace("/test/", "_") for name in found["beyond_reach"]} == refused
    assert found["solved"] == found["tasks"] - len(refused)


def test_env_shows_the_ceilings(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["env", "acebench", "--data", str(ROOT), "--no-floor"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Ceiling of test: the benchmark's own answers by its own figures" in shown
    assert "agent_multi_turn process 0.857" in shown


@pytest.mark.parametrize(
    ("language", "turn", "step"),
    [
        ("en", {"end_to_end": 0.7, "process": 0.948}, {"end_to_end": 0.5, "process": 1.0}),
        ("zh", {"end_to_end": 0.967, "process": 1.0}, {"end_to_end": 0.6, "process": 1.0}),
    ],
)
def test_fixed_repairs_what_it_says(pack: Pack, language: Any, turn: dict[str, float], step: dict[str, float]) -> None:
    starts = pack.starts(language)
    for category, figures in (("agent_multi_turn", turn), ("agent_multi_step", step)):
        assert gold_figures(pack.items(language, category), starts, "fixed") == figures


def test_every_category_is_graded_from_outputs(pack: Pack) -> None:
    for category in NORMAL:
        items = pack.items("en", category)
        outputs = [gold_output(item) for item in items]
        assert outputs_figures(items, ["no call"] * len(items))["end_to_end"] == 0
        assert outputs_figures(items, outputs)["end_to_end"] > 0.6


def test_rollouts_of_an_item_do_not_know_of_each_other(pack: Pack) -> None:
    """Upstream keeps the worlds in globals: a second rollout there finds message 3 deleted, and still ends in the right state."""
    script = pack.item("en", "agent_multi_turn_0").milestones[0]
    first, second = (replay("en", "agent_multi_turn_0", script, pack) for _ in range(2))
    assert first == second
    assert first["score"]["end_to_end_accuracy"] == 1.0
    idle = replay("en", "agent_multi_turn_0", ["[get_earliest_message_id()]"], pack)
    assert idle["transcript"][2]["message"][0]["message_id"] == 3
