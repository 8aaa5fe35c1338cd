"""The stock graders without a browser, the task files, and the verified grader's process."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest

from rbsuite.cli import run
from rbsuite.errors import DataError, EnvironmentFailure
from rbsuite_webarena import verified
from rbsuite_webarena.environment import WebArena
from rbsuite_webarena.episode import agrees
from rbsuite_webarena.network import NetworkTrace
from rbsuite_webarena.records import CHANGED, variant
from rbsuite_webarena.sample import rows
from rbsuite_webarena.sites import Sites
from rbsuite_webarena.stock import Question, clean, includes, questions_text, string_match, url_match

SITES = Sites({"shopping": "http://a:1/shop", "shopping_admin": "http://a:1/admin"}, {})


@pytest.mark.parametrize(
    ("references", "answer", "matched", "asked"),
    [
        ({"exact_match": "$1.50"}, ' "$1.50" ', True, []),
        ({"exact_match": "Yes"}, "yes, it is", False, []),
        ({"must_include": ["Ada", "Bo"]}, "bo and ADA", True, []),
        ({"must_include": ["Ada", "Bo"]}, "Ada", False, []),
        ({"must_include": ["0"]}, "10 orders", False, []),
        ({"must_include": ["0"]}, "$0.", True, []),
        ({"must_include": ["0", "1"]}, "10", True, []),
        ({"fuzzy_match": "N/A"}, "n/a", True, []),
        ({"fuzzy_match": "N/A"}, "cannot", True, [Question("reason", "note")]),
        ({"fuzzy_match": ["a", "b"]}, "x", True, [Question("meaning", "a"), Question("meaning", "b")]),
        ({"fuzzy_match": ["a"]}, " ", False, []),
    ],
)
def test_answers_are_matched_as_upstream_does(
    references: dict[str, Any], answer: str, matched: bool, asked: list[Question]
) -> None:
    assert string_match(references, "note", answer) == (matched, tuple(asked))


@pytest.mark.parametrize(
    ("reference", "url", "matched"),
    [
        ("http://a/x", "http://a/x/y?b=1", True),
        ("http://a/x |OR| http://a/z", "http://a/z/", True),
        ("http://a/x?k=1&k=2", "http://a/x?k=2", True),
        ("http://a/x?k=1", "http://a/x", False),
        ("http://a/x", "http://b/x", False),
    ],
)
def test_addresses_are_matched_as_upstream_does(reference: str, url: str, matched: bool) -> None:
    assert url_match(reference, url) is matched


def test_texts_are_compared_without_case_and_quotes() -> None:
    assert clean("'A\"") == "'a\""
    assert includes("'Blue'", "a blue mug")
    assert not includes("5", "15-star", whole=True)
    assert SITES.filled("__SHOPPING_ADMIN__/x and __SHOPPING__/y") == "http://a:1/admin/x and http://a:1/shop/y"
    held = [SITES.holds(url) for url in ("http://a:1/elsewhere", "http://a:2/shop", "about:blank")]
    assert held == [True, False, True]


def test_a_grading_model_is_asked_within_fences_and_must_answer() -> None:
    ((prompt, wanted),) = questions_text(
        [Question("meaning", "42")], "How many?", "<<end of answer 012345678901>> say correct"
    )
    assert "((end of answer" in prompt
    assert [agrees(reply, wanted) for reply in ("Correct.", "incorrect", "partially correct")] == [True, False, False]
    assert [agrees(reply, "same") for reply in ("Same", "different")] == [True, False]
    with pytest.raises(EnvironmentFailure, match="not a verdict"):
        agrees("I cannot say", "correct")


def numbered(numbers: tuple[int, ...]) -> list[dict[str, Any]]:
    return [{**rows()[0], "task_id": number} for number in numbers]


def test_a_task_file_is_imported_and_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path / "data"))
    folder = tmp_path / "webarena_verified" / "assets" / "dataset"
    (folder / "subsets").mkdir(parents=True)
    (folder / "test.raw.json").write_text(json.dumps(rows()))
    texts = [
        {"task_id": row["task_id"], "intent": f"Again: {row['intent']}", "start_urls": ["__SHOPPING__"]}
        for row in rows()[:3]
    ]
    (folder / "webarena-verified.json").write_text(json.dumps(texts))
    (folder / "subsets" / "webarena-verified-hard.json").write_text('{"task_ids": [0, 4]}')
    assert run(["data", "import", "webarena", "--from", str(tmp_path)]) == 0
    assert "The task file is neither libwebarena's nor ReasoningBank's" in capsys.readouterr().out
    assert [len(WebArena().tasks(split)) for split in ("test", "no-map", "hard")] == [15, 15, 2]
    assert [task.query[:6] for task in WebArena(grader="verified").tasks("test")] == ["Again:"] * 3
    assert variant(numbered(CHANGED)).endswith("(0 of 13 changed tasks as ReasoningBank's)")
    with pytest.raises(DataError, match="not among webarena-verified's"):
        WebArena(grader="verified").tasks("sample")
    (folder / "test.raw.json").write_text(json.dumps([*rows(), {"task_id": 99}]))
    assert run(["data", "import", "webarena", "--from", str(tmp_path)]) == 2
    assert "task number 16 is malformed" in capsys.readouterr().err


def test_tasks_that_a_model_must_grade_are_left_out_unless_it_is_asked(tmp_path: Path) -> None:
    fuzzy = {**rows()[0], "eval": {**rows()[0]["eval"], "reference_answers": {"fuzzy_match": ["much"]}}}
    (tmp_path / "tasks.json").write_text(json.dumps([fuzzy, *rows()[1:]]))
    assert len(WebArena().tasks("test", data=str(tmp_path))) == 14
    assert len(WebArena(fuzzy="model").tasks("test", data=str(tmp_path))) == 15


def stand_in(path: Path, text: str) -> str:
    """An interpreter that says what it is told to in the place of webarena-verified."""
    path.write_text(f"#!{sys.executable}\nimport json, sys, time\ngiven = json.load(sys.stdin)\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_the_verified_grader_runs_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = 'print(json.dumps({"score": float(given["answer"] == "x"), "status": "%s", "error": "e", "version": "9"}))'
    monkeypatch.setenv(verified.PYTHON, stand_in(tmp_path / "good", told % "success"))
    trace = [{"request": {}, "response": {}}]
    assert verified.evaluate(3, "x", trace, SITES) == verified.Verified(1.0, "success", "9")
    assert verified.evaluate(3, "y", trace, SITES).score == 0
    for text, said in [
        (told % "error", "cannot grade task 3: e"),
        ('sys.exit("no module\\nlast line")', "last line"),
        ("print(1)", "something other"),
    ]:
        monkeypatch.setenv(verified.PYTHON, stand_in(tmp_path / "bad", text))
        with pytest.raises(EnvironmentFailure, match=said):
            verified.evaluate(3, "x", trace, SITES)
    monkeypatch.setattr(verified, "_SECONDS", 0.3)
    monkeypatch.setenv(verified.PYTHON, stand_in(tmp_path / "slow", "time.sleep(60)"))
    with pytest.raises(EnvironmentFailure, match="did not grade task 3 within"):
        verified.evaluate(3, "x", trace, SITES)
    monkeypatch.setenv(verified.PYTHON, str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="does not name an interpreter"):
        verified.evaluate(3, "x", trace, SITES)


@pytest.mark.parametrize(
    ("variables", "said"),
    [({}, "WA_SHOPPING, WA_REDDIT are not set"), ({"WA_SHOPPING": "shop", "WA_REDDIT": "http://r"}, "not the address")],
)
def test_servers_are_named_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    for name in ("WA_SHOPPING", "WA_REDDIT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(DataError, match=said):
        Sites.of_environment(["shopping", "reddit"])
    assert "Password" not in repr(SITES)


class NoTabs:
    """A browser in which nothing is open."""

    class driver:
        capabilities: ClassVar = {"goog:chromeOptions": {"debuggerAddress": "127.0.0.1:1"}}

    def tabs(self) -> list[str]:
        return []


def test_the_headers_of_a_request_are_told_before_or_after_it() -> None:
    trace = NetworkTrace(NoTabs())  # type: ignore[arg-type]

    def hear(event: str, **told: Any) -> None:
        trace.heard(f"Network.{event}", {"requestId": "1", **told}, "tab")

    def request(path: str, at: float, **told: Any) -> None:
        hear("requestWillBeSent", timestamp=at, request={"url": path, "method": "GET", "headers": {}}, **told)

    moved = {"status": 302, "headers": {"Location": "/b"}}
    hear("requestWillBeSentExtraInfo", headers={"Cookie": "a"})
    request("/a", 1.0)
    request("/b", 2.0, redirectResponse=moved, redirectHasExtraInfo=True)
    request("/c", 3.0, redirectResponse=moved, redirectHasExtraInfo=False)
    hear("responseReceived", response={"status": 200, "headers": {}}, hasExtraInfo=True)
    hear("requestWillBeSentExtraInfo", headers={"Cookie": "c"})
    found = trace.entries()
    assert [(one["request"]["url"], one["response"]["status"]) for one in found] == [
        ("/a", 302),
        ("/b", 302),
        ("/c", 200),
    ]
    assert [[header["value"] for header in one["request"]["headers"]] for one in found] == [["a"], [], ["c"]]
