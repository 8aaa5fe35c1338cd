"""``rbsuite verify`` on this plugin's sample."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from rbsuite.cli import run
from rbsuite_tau_bench.resources import sample_directory


def test_all_references_of_the_sample_score(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--env", "tau-bench", "--split", "sample"]) == 0
    assert "55 of 55" in capsys.readouterr().out


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--env", "tau-bench", "--domain", "airline", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["tasks"], document["solved"], document["unsolved"]) == (25, 25, [])
    assert document["domains"]["airline"]["floor"] == document["floor"] < 10


def test_a_reference_that_fails_is_named_and_gives_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(sample_directory(), tmp_path / "pack")
    file = tmp_path / "pack" / "retail_sample_tasks.json"
    tasks = json.loads(file.read_text())
    tasks[3]["outputs"] = ["1,000"]  # what is said loses its commas, so this is never found
    file.write_text(json.dumps(tasks))
    assert run(["verify", "--env", "tau-bench", "--split", "sample", "--data", str(tmp_path / "pack")]) == 1
    assert "not solved: retail/sample/3: the reference scored 0" in capsys.readouterr().out


def test_an_unknown_environment_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--env", "tau-bnech"]) == 2
    error = capsys.readouterr().err
    assert "tau-bench" in error
    assert error.count("\n") == 1
