"""The boards of this repository: one for every environment, in files that say what they mean, and a schema that is current."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import jsonschema
import pytest

from boards import LEADERBOARDS, Command
from rbsuite.errors import RbsuiteError
from rbsuite.leaderboard.boards import all_boards, read_board
from rbsuite.leaderboard.references import read_references
from rbsuite.leaderboard.submission import schema_text
from rbsuite.plugins import load_plugins

PLUGINS = load_plugins()
ENVIRONMENTS = sorted(
    name for name, spec in PLUGINS.of_kind("environment").items() if PLUGINS.owner(spec).startswith("rbsuite-")
)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_environment_has_a_board(name: str) -> None:
    found = [place for place in all_boards(LEADERBOARDS) if place.board.environment.partition(":")[0] == name]
    file = name.replace("[", "-").rstrip("]")
    assert found, f"no board is about {name}: add leaderboards/{file}/board.toml (docs/boards.md shows how)"
    spec = PLUGINS.of_kind("environment")[name]
    for place in found:
        assert place.board.split in {split.name for split in spec.splits}, f"{place.directory / 'board.toml'}: split"
        assert place.board.domain in {"", *spec.domains}, f"{place.directory / 'board.toml'}: domain"


def test_the_schema_in_the_repository_is_current() -> None:
    path = LEADERBOARDS / "submission.schema.json"
    assert path.read_text() == schema_text(), "run: rbsuite leaderboard schema > leaderboards/submission.schema.json"
    jsonschema.Draft202012Validator.check_schema(json.loads(schema_text()))


def test_published_figures_have_sources_and_are_unverified() -> None:
    figures = read_references(LEADERBOARDS)
    assert all(one.source and one.settings and one.metric and one.subset for one in figures)
    count = Counter(one.benchmark for one in figures)
    assert (count["WebArena"], count["SWE-bench Verified"], count["Mind2Web"]) == (35, 10, 12)
    related = {
        one.benchmark: one.value
        for one in figures
        if one.benchmark not in ("WebArena", "SWE-bench Verified", "Mind2Web")
    }
    assert related == {
        "AIME": 58.7,
        "GPQA": 65.9,
        "MMLU-Pro": 89.1,
        "EB-Habitat": 46.4,
        "MIMIC Common IV": 0.0385,
        "tau2-bench": 0.441,
        "tau-bench": 0.645,
        "ToolSandbox": 0.632,
        "EB-ALFRED": 41.6,
        "ACEBench": 70.3,
    }
    assert {board for one in figures for board in one.boards} <= {place.name for place in all_boards(LEADERBOARDS)}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('title = "t"', "Field required"),
        ('title = "t"\nenvironment = "e"\nsplit = "s"\ntask_set = "x"\ntasks = 3', "task_set is not a SHA-256"),
        (
            'title = "t"\nenvironment = "e"\nsplit = "s"\ntask_set = ""\ntasks = 3\nfree = ["modle"]',
            "Did you mean 'model'",
        ),
        ('title = "t"\nenvironment = "e"\nsplit = "s"\ntask_set = ""\ntasks = 3\nrank = 1', "rank: unexpected"),
        ("a = [", "not a board"),
    ],
)
def test_a_board_that_says_nonsense_is_refused(tmp_path: Path, text: str, wanted: str) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "board.toml").write_text(text)
    with pytest.raises(RbsuiteError) as caught:
        read_board(tmp_path, "b")
    assert wanted.lower() in str(caught.value).lower()


def test_boards_are_built_before_anybody_submits(rbsuite: Command, tmp_path: Path) -> None:
    said = rbsuite("leaderboard", "build", "--root", LEADERBOARDS, "--out", tmp_path, "--receipts", tmp_path / "r")
    assert said.code == 0
    assert "Published figures" in (tmp_path / "aime-2024.html").read_text()
    assert "There are no submissions yet." in (tmp_path / "tau-bench-retail.md").read_text()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ("", "points outside"),
        ("tasks = true", "tasks: input should be a valid integer"),
        ("tasks = 1\nsimulated = 1", "simulated: input should be a valid boolean"),
    ],
)
def test_a_board_that_cannot_be_used_says_why(changed: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "mine" / "board.toml"
    file.parent.mkdir()
    if changed:
        file.write_text(f'title = "t"\nenvironment = "e"\nsplit = "s"\ntask_set = ""\n{changed}\n')
    else:
        file.symlink_to("/dev/zero")
    with pytest.raises(RbsuiteError, match=words):
        read_board(tmp_path, "mine")
