"""Tools, limits, answers and grades of a prediction."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from rbsuite.trajectory import Action, Grade, ToolCall
from rbsuite_agentehr.environment import AgentEhr
from rbsuite_agentehr.episode import MOST_SHOWN, AgentEhrEpisode


@pytest.fixture
def episode(environment: AgentEhr) -> AgentEhrEpisode:
    return opened(environment, "labevents/sample/0")


def opened(environment: AgentEhr, task: str) -> AgentEhrEpisode:
    return environment.begin(environment.tasks("sample").by_id[task], seed=0, services=None)  # type: ignore[arg-type]


def call(episode: AgentEhrEpisode, name: str, /, **arguments: Any) -> str:
    episode.observation = episode.act(Action.call(name, arguments))
    return episode.observation.text


def label(episode: AgentEhrEpisode) -> list[str]:
    found: list[str] = episode.grade("max_steps").truth["expected"]
    return found


def test_the_record_can_be_read_in_every_way(episode: AgentEhrEpisode) -> None:
    assert "labevents" in call(episode, "get_table_names")
    assert "charttime" in call(episode, "get_column_names", table_name="labevents")
    assert "valueuom" in call(episode, "get_table_description", table_name="labevents")
    active = call(episode, "get_records_by_value", table_name="poe", column_name="order_status", value="Active")
    values = call(episode, "get_unique_values", table_name="poe", column_name="ORDER_STATUS").splitlines()
    assert values == ["value | number", f"Active | {active.count('Active')}", "Inactive | 4", "2 rows."]
    latest = call(episode, "get_latest_records", table_name="labevents", number=1).splitlines()[1]
    window = dict.fromkeys(["start_time", "end_time"], latest.split(" | ")[3])
    assert latest in call(episode, "get_records_by_time", table_name="labevents", **window)
    assert "triage: 1" in call(episode, "get_event_counts_by_time", start_time="2100", end_time="2300")
    assert "Inactive" in call(episode, "get_records_by_keyword", table_name="poe", keyword="INACT")
    assert call(episode, "run_sql_query", sql_query="SELECT 1 AS one") == "one\n1\n1 rows."
    assert call(episode, "get_candidates_by_keyword", keyword="TROP") == "Troponin T"
    assert call(episode, "get_candidates_by_fuzzy_matching", text="Creatinin").startswith("Creatinine (")
    assert "d_labitems.itemid" in call(episode, "read_resource_data", name="links")
    assert "Troponin T" in call(episode, "read_resource_data", name="d_labitems")
    assert call(episode, "think", thought="well") == "Noted."
    assert episode.grade("max_steps").truth["tool_errors"] == 0


def test_failed_calls_are_counted_with_their_denominator(episode: AgentEhrEpisode) -> None:
    for name, arguments in (
        ("get_column_names", {"table_name": "nowhere"}),
        ("get_unique_values", {"table_name": "poe", "column_name": "none"}),
        ("get_latest_records", {"table_name": "diagnoses_icd"}),
        ("run_sql_query", {"sql_query": "DROP TABLE poe"}),
        ("read_resource_data", {"name": "passwd"}),
        ("look_up", {}),
        ("think", {"idea": 1}),
    ):
        assert call(episode, name, **arguments).startswith(("Error", "SQL Execution Error"))
    for _ in range(3):
        assert "Error" not in call(episode, "get_table_names")
    assert "None:" in call(episode, "get_candidates_by_keyword", keyword="zzz")  # found nothing, which is no error
    grade = episode.grade("max_steps")
    assert (grade.truth["tool_errors"], grade.truth["tool_calls"]) == (7, 11)
    assert grade.measures["tool_error_rate"] == 7 / 11


def test_observations_keep_their_last_characters(episode: AgentEhrEpisode) -> None:
    long = call(episode, "run_sql_query", sql_query="SELECT a.*, b.* FROM labevents a, labevents b")
    assert len(long) == MOST_SHOWN
    assert long.endswith("The first 100 rows; there are more.")


def test_equal_calls_in_a_row_and_too_many_calls_cut_the_episode(environment: AgentEhr, hospital: object) -> None:
    stuck = opened(environment, "transfers/sample/1")
    for turn in range(5):
        assert not stuck.truncated, turn
        call(stuck, "run_sql_query", sql_query="SELECT x")
    assert stuck.truncated
    assert stuck.observation.turn == "over"
    short = AgentEhr(max_exec_steps=3, max_same_steps=0)
    short.tasks("sample")
    busy = opened(short, "transfers/sample/1")
    calls = tuple(ToolCall(str(number), "get_table_names") for number in range(9))
    busy.observation = busy.act(Action(calls=calls))
    assert (busy.truncated, len(busy.observation.results), busy.grade("max_steps").score) == (True, 3, 0.0)
    asyncio.run(short.aclose())


@pytest.mark.parametrize("form", ["list", "json", "python", "words"])
def test_an_answer_is_read_in_every_form_and_never_run(environment: AgentEhr, form: str) -> None:
    episode = opened(environment, "labevents/sample/1")
    right = [name.upper() for name in label(episode)]
    if form == "words":
        episode.observation = episode.act(Action(f"My prediction: {json.dumps(right)}"))
    else:
        given = {"list": right, "json": json.dumps(right), "python": repr(right)}[form]
        call(episode, "finish", response=given)
    grade = episode.grade("finished")
    assert episode.observation.turn == "over"
    assert (grade.score, grade.measures["f1"]) == (1.0, 1.0)


def test_code_in_an_answer_is_text(environment: AgentEhr, capsys: pytest.CaptureFixture[str]) -> None:
    episode = opened(environment, "labevents/sample/1")
    episode.observation = episode.act(Action('print("run") or __import__("os").getcwd()'))
    assert (episode.grade("finished").truth["predicted"], capsys.readouterr().out) == ([], "")


def test_calls_after_the_answer_are_not_carried_out(environment: AgentEhr) -> None:
    episode = opened(environment, "labevents/sample/1")
    right = label(episode)
    calls = (ToolCall("1", "finish", {"response": right}), ToolCall("2", "finish", {"response": ["nothing"]}))
    seen = episode.act(Action(calls=calls))
    assert (len(seen.results), episode.grade("finished").score) == (1, 1.0)


def test_a_copy_goes_its_own_way(episode: AgentEhrEpisode) -> None:
    call(episode, "get_table_names")
    twin = episode.fork()
    call(twin, "finish", response=["nothing"])
    call(episode, "finish", response=label(episode))
    assert [one.grade("finished").score for one in (episode, twin)] == [1.0, 0.0]


def test_half_an_answer_can_be_enough(environment: AgentEhr) -> None:
    episode = opened(environment, "labevents/sample/1")
    right = label(episode)
    call(episode, "finish", response=[right[0], "a", "b", "c", "d"])
    grade: Grade = episode.grade("finished")
    f1 = 2 * 1 / (5 + len(right))
    assert grade.measures["f1"] == pytest.approx(f1)
    assert grade.score == float(0.4 * f1 + 0.2 / 5 + 0.4 / len(right) >= 0.2)
