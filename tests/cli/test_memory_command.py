"""``rbsuite memory``: list, show, search, diff and export a run's bank as of any position."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from experiments import SURE, core_plugins, measure
from rbsuite.cli import command
from rbsuite.errors import RbsuiteError
from toy import ToyPlugin

RUN = "reasoningbank/single/order-0"


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("rbsuite.plugins.load_plugins", lambda extra=(): core_plugins(ToyPlugin()))
    place = tmp_path / "experiment"
    measure(place, memory=("none", "reasoningbank"), model=f"sim/learner:{SURE}", orders=2).close()
    return place


def ask(*arguments: object) -> str:
    result = CliRunner().invoke(command, ["memory", *map(str, arguments)], catch_exceptions=True)
    if result.exception is not None:
        raise result.exception
    return result.stdout


def ask_json(*arguments: object) -> dict[str, Any]:
    return dict(json.loads(ask(*arguments, "--json")))


def test_list_shows_the_bank_of_the_first_run_with_a_memory(experiment: Path) -> None:
    whole = ask_json("list", experiment)
    assert (whole["run"], whole["version"]) == (RUN, 24)
    early = ask_json("list", experiment, "--at", 5)
    assert early["items"] == [item for item in whole["items"] if item["provenance"]["position"] < 5]
    assert 0 < len(early["items"]) < len(whole["items"])
    text = ask("list", experiment, "--at", 5)
    assert all(item["id"] in text and item["title"] in text for item in early["items"])
    assert ask_json("list", experiment, "--at", 0)["items"] == []


def test_another_run_is_shown_when_named(experiment: Path) -> None:
    second = ask_json("list", experiment, "--run", "reasoningbank/single/order-1")
    assert second["items"] != ask_json("list", experiment)["items"]
    assert ask_json("list", experiment, "--run", "none/single/order-0")["items"] == []
    with pytest.raises(RbsuiteError, match="reasoningbank/single/order-1"):
        ask("list", experiment, "--run", "reasoningbank/single/order-7")


def test_show_says_where_an_item_comes_from_and_who_recalled_it(experiment: Path) -> None:
    item = ask_json("list", experiment)["items"][0]
    shown = ask_json("show", experiment, item["id"])
    assert shown["item"] == item
    assert shown["recalled_for"]
    assert all(task != item["provenance"]["task_id"] for task, _ in shown["recalled_for"])
    text = ask("show", experiment, item["id"])
    assert all(part in text for part in (item["content"], item["provenance"]["task_id"], item["provenance"]["label"]))
    with pytest.raises(RbsuiteError, match="nosuchitem"):
        ask("show", experiment, "nosuchitem")
    with pytest.raises(RbsuiteError):
        ask("show", experiment, item["id"], "--at", 0)


def test_search_ranks_and_says_why_nothing_is_found(experiment: Path) -> None:
    found = ask_json("search", experiment, "How many clouds are there in picture 9 of the clouds album?", "-k", 2)
    assert len(found["hits"]) == 2
    assert found["hits"][0]["score"] >= found["hits"][1]["score"] > 0
    assert all(item["domain"] == "clouds" for hit in found["hits"] for item in hit["items"])
    assert "nothing found: " in ask("search", experiment, "clouds", "--at", 0)


def test_diff_is_what_came_between_two_positions(experiment: Path) -> None:
    early, late = (
        {item["id"] for item in ask_json("list", experiment, "--at", position)["items"]} for position in (3, 9)
    )
    change = ask_json("diff", experiment, 3, 9)
    assert {item["id"] for item in change["added"]} == late - early
    assert (change["removed"], change["changed"]) == ([], [])
    back = ask_json("diff", experiment, 9, 3)
    assert {item["id"] for item in back["removed"]} == late - early


def test_export_writes_an_item_a_line(experiment: Path, tmp_path: Path) -> None:
    items = ask_json("list", experiment, "--at", 7)["items"]
    assert [json.loads(line) for line in ask("export", experiment, "--at", 7).splitlines()] == items
    target = tmp_path / "items.jsonl"
    assert ask("export", experiment, "--at", 7, "--out", target) == ""
    assert [json.loads(line) for line in target.read_text().splitlines()] == items
    with pytest.raises(RbsuiteError, match="cannot write"):
        ask("export", experiment, "--out", tmp_path / "no" / "such" / "place")


def test_a_position_beyond_the_stream_is_refused(experiment: Path) -> None:
    with pytest.raises(RbsuiteError, match="has 24 tasks, not 25"):
        ask("list", experiment, "--at", 25)


SHEET = "dynamic-cheatsheet/single/order-0"


def test_documents_are_shown_with_their_versions(tmp_path: Path) -> None:
    place = tmp_path / "experiment"
    measure(place, memory=("none", "dynamic-cheatsheet"), model=f"sim/learner:{SURE}").close()
    (sheet,) = ask_json("list", place)["documents"]
    assert (sheet["name"], sheet["version"]) == ("cheatsheet", sheet["versions"][-1])
    assert "0 items, 1 document" in ask("list", place)
    assert f"cheatsheet  document, {len(sheet['text'])} characters" in ask("list", place)
    first = sheet["versions"][0]
    early = ask_json("show", place, "cheatsheet", "--run", SHEET, "--at", first)["document"]
    assert early["versions"] == [first]
    assert early["text"] != sheet["text"]
    text = ask("show", place, "cheatsheet")
    assert sheet["text"] in text
    assert f"versions: {first}, " in text
    with pytest.raises(RbsuiteError, match="cheatsheet"):
        ask("show", place, "cheatshet")
    (line,) = ask("export", place, "--at", first).splitlines()
    assert json.loads(line) == {"document": "cheatsheet", "version": first, "text": early["text"]}
    change = ask_json("diff", place, first, sheet["version"])["documents"]
    assert change == [{"name": "cheatsheet", "before": early["text"], "after": sheet["text"]}]
    assert "1 document rewritten" in ask("diff", place, 0, first)
