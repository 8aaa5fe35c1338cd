"""The plugin at work: verified, compared, summed up; a user's data imported."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rbsuite
from planted import PLANTED, pages_instruct_nobody
from rbsuite.cli import run
from rbsuite.environments.base import PlainServices
from rbsuite_mind2web.__main__ import main
from rbsuite_mind2web.environment import Mind2Web
from rbsuite_mind2web.synthetic import SITES, part_of


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's copy, two tasks of two steps in upstream's layout; of one step the right element is not among the best."""
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path / "data"))
    folder = tmp_path / "copy" / "data" / "test_website"
    folder.mkdir(parents=True)
    tasks = [upstream_task("t1"), upstream_task("t2")]
    (folder / "test_website_0.json").write_text(json.dumps(tasks))
    return tmp_path / "copy"


def upstream_task(id: str) -> dict[str, Any]:
    html = '<html backend_node_id="1"><button backend_node_id="2">Go</button><a backend_node_id="3">Away</a></html>'
    actions = [
        {
            "action_uid": f"u{number}",
            "raw_html": html,
            "cleaned_html": html,
            "operation": {"op": "CLICK", "original_op": "CLICK", "value": ""},
            "pos_candidates": [{"backend_node_id": "2", "tag": "button"}],
            "neg_candidates": [{"backend_node_id": "3", "tag": "a"}],
        }
        for number in range(2)
    ]
    about = {"website": "site", "domain": "Travel", "subdomain": "Air", "confirmed_task": f"Go {id}"}
    return {"annotation_id": id, **about, "action_reprs": ["[button] Go -> CLICK"] * 2, "actions": actions}


def scores(steps: list[str], worst: str) -> dict[str, Any]:
    ranks = {step: {"2": 70 if step == worst else 0, "3": 1} for step in steps}
    return {"scores": {step: {"2": np.float32(0.5), "3": 0.25} for step in steps}, "ranks": ranks}


def test_plans_reach_everything_and_a_lesson_helps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--env", "mind2web"]) == 0
    shown = capsys.readouterr().out
    assert "24 of 24 reference solutions score 1." in shown
    assert "references 8/8, doing nothing 0/8" in shown
    environment = Mind2Web()
    tasks = environment.tasks("sample")
    traps = [(task.group, trap.skill) for task in tasks for trap in environment.mistakes(task)]
    assert {skill for _, skill in traps} == set(environment.lessons())
    assert all(len({site for site, one in traps if one == skill}) > 2 for _, skill in traps)  # they recur over sites
    assert {part_of(str(task.payload["id"])) for task in tasks} == {"test_task", "test_website", "test_domain"}
    assert len(SITES) * 2 == 12
    rbsuite.evaluate("mind2web", orders=3, out=tmp_path / "x").close()
    assert main([str(tmp_path / "x"), "--json"]) == 0
    without, with_memory = json.loads(capsys.readouterr().out).values()
    assert with_memory["all"]["step_success_macro"] > without["all"]["step_success_macro"] + 0.03
    assert without["all"]["steps"] == sum(without[part]["steps"] for part in without if part != "all") == 324


def test_a_users_copy_is_imported_with_ranks_as_json(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "scores_all_data.pkl").write_bytes(pickle.dumps(scores(["t1_u0", "t1_u1", "t2_u0", "t2_u1"], "t2_u1")))
    assert run(["data", "import", "mind2web", "--from", str(home)]) == 2
    assert "ranks scores_all_data.pkl ranks.jsonl" in capsys.readouterr().err
    assert main(["ranks", str(home / "scores_all_data.pkl"), str(home / "ranks.jsonl")]) == 0
    assert run(["data", "import", "mind2web", "--from", str(home)]) == 0
    shown = capsys.readouterr().out
    assert "test_website: 2" in shown
    assert "Next: rbsuite eval --env mind2web --split test_website " in shown
    assert run(["verify", "--env", "mind2web", "--split", "test_website"]) == 0
    shown = capsys.readouterr().out
    assert "1 of 2 reference solutions score 1" in shown
    assert "a step has no right element among its top candidates" in shown
    environment = Mind2Web()
    task = environment.tasks("test_website").tasks[1]
    episode = environment.begin(task, seed=0, services=PlainServices(environment))
    assert "[3] a Away" in episode.observation.text
    assert environment.facts() == {"ranker": "scores of the data's ranker"}
    assert run(["verify", "--env", "mind2web", "--split", "test_task"]) == 2
    assert "has no tasks of test_task" in capsys.readouterr().err


def test_without_scores_words_rank(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "import", "mind2web", "--from", str(home)]) == 0
    assert "not comparable with published ones" in capsys.readouterr().out
    environment = Mind2Web()
    assert len(environment.tasks("test_website")) == 2
    assert environment.facts()["ranker"] == "words shared with the task"


def test_what_a_page_says_is_no_instruction(home: Path, tmp_path: Path) -> None:
    file = home / "data" / "test_website" / "test_website_0.json"
    file.write_text(file.read_text().replace(">Away<", f">Away {PLANTED}<"))
    assert run(["data", "import", "mind2web", "--from", str(home)]) == 0
    pages_instruct_nobody("mind2web", tmp_path / "x", split="test_website")


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("it ran",))


def test_what_is_wrong_with_a_copy_is_said_in_a_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = home / "data" / "test_website" / "test_website_0.json"
    whole = json.loads(file.read_text())
    hostile = home / "scores_all_data.pkl"
    hostile.write_bytes(pickle.dumps({"ranks": Evil()}))
    assert main(["ranks", str(hostile), str(home / "ranks.jsonl")]) == 2
    assert "nothing in it was run" in (error := capsys.readouterr()).err
    assert "it ran" not in error.out
    assert not (home / "ranks.jsonl").exists()
    hostile.unlink()
    broken = whole[0] | {"actions": [whole[0]["actions"][0] | {"operation": {"op": "FLY", "value": ""}}] * 2}
    for text, told in [
        ("{}", "not a JSON list"),
        (json.dumps(whole)[:-1], "ends before its list does"),
        ("[{]", "not valid JSON"),
        (json.dumps([whole[0], whole[0]]), "occurs twice"),
        (json.dumps([broken]), "operation 'FLY'"),
        (json.dumps([{**whole[0], "action_reprs": []}]), "malformed"),
    ]:
        file.write_text(text)
        assert run(["data", "import", "mind2web", "--from", str(home)]) == 2
        error = capsys.readouterr()
        assert told in error.err
        assert error.err.count("\n") == 1
    file.write_text(json.dumps(whole))
    (home / "ranks.jsonl").write_text('{"sample": "t1_u0", "ranks": {"2": 0, "3": 1}}\n')
    assert run(["data", "import", "mind2web", "--from", str(home)]) == 2
    assert "no ranks for step u1 of task t1" in capsys.readouterr().err
    assert main(["nowhere\x1b[2J", "a"]) == 2
