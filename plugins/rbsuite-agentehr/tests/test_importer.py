"""A user's own copy: imported as it is, kept private, refused where something is wrong. The hospital plays its part."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import pytest

from rbsuite.cli import run
from rbsuite_agentehr.environment import AgentEhr
from rbsuite_agentehr.hospital.writing import MARK


@pytest.fixture
def copy(hospital: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory as a user would have it, with two tasks a kind, and a data directory of its own."""
    subset = tmp_path / "AgentEHR-Bench" / "MIMIC-IV-Common"
    shutil.copytree(hospital, subset, ignore=lambda directory, names: [name for name in names if name == MARK])
    for path in subset.glob("*_10.json"):
        rows = json.loads(path.read_text())[:2]
        path.write_text(json.dumps(rows[:1]))
        path.with_name(path.name.replace("_10", "_100")).write_text(json.dumps(rows))
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path / "data"))
    return subset.parent


def test_an_import_is_private_in_every_way(copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "import", "agentehr", "--from", str(copy)]) == 0
    shown = capsys.readouterr().out
    assert "mimic-iv-common: tasks: 12" in shown
    pack = tmp_path / "data" / "packs" / "agentehr"
    assert stat.S_IMODE(pack.stat().st_mode) == 0o700
    databases = list((pack / "mimic-iv-common" / "database").iterdir())
    assert len(databases) == 12  # of the patients that tasks ask about, and no others
    assert {stat.S_IMODE(path.stat().st_mode) for path in databases} == {0o600}
    tasks = AgentEhr().tasks("mimic-iv-common")
    assert (len(tasks), tasks.private) == (12, True)
    assert not any("9900" in f"{task.id} {task.group}" for task in tasks)  # no number of a patient
    assert run(["verify", "--env", "agentehr", "--split", "mimic-iv-common"]) == 0

    out = str(tmp_path / "x")
    remote = ["eval", "--env", "agentehr", "--split", "mimic-iv-common", "--out", out, "--model", "openai/gpt-4o"]
    assert run(remote) == 2
    assert "nothing was sent" in capsys.readouterr().err
    assert not Path(out).exists()


def test_the_directory_can_be_read_where_it_is(copy: Path) -> None:
    for place in (copy, copy / "MIMIC-IV-Common"):
        tasks = AgentEhr().tasks("mimic-iv-common", data=str(place), domain="transfers")
        assert (len(tasks), tasks.private) == (2, True)


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (lambda subset: shutil.rmtree(subset / "database"), "contains neither a subset"),
        (lambda subset: (subset / "candidate_table.db").unlink(), "candidate_table.db"),
        (lambda subset: next((subset / "database").iterdir()).write_text("text"), "is not an SQLite database"),
        (lambda subset: [path.unlink() for path in subset.glob("*.json")], "contains no task files"),
        (lambda subset: (subset / "transfers_100.json").write_text("[{}]"), "in row 1"),
        (lambda subset: (subset / "transfers_100.json").write_text("[" * 9), "not JSON"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_leaves_nothing(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], break_it: object, told: str
) -> None:
    subset = copy / "MIMIC-IV-Common"
    if told == "is not an SQLite database":  # one that is asked for
        wanted = json.loads((subset / "transfers_100.json").read_text())[0]["subject_id"]
        (subset / "database" / f"patient_{wanted}.db").write_text("text")
    else:
        break_it(subset)  # type: ignore[operator]
    assert run(["data", "import", "agentehr", "--from", str(copy)]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not (tmp_path / "data" / "packs" / "agentehr").exists()


def test_without_an_import_it_is_said_that_nothing_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path))
    assert run(["eval", "--env", "agentehr", "--split", "mimic-iii"]) == 2
    assert "never downloaded" in capsys.readouterr().err
