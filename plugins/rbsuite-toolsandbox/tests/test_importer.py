"""Packs and checkouts: what is read, what is refused, and what is run only when it is asked for."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from rbsuite.cli import main
from rbsuite.errors import DataError
from rbsuite_toolsandbox import Pack
from rbsuite_toolsandbox.importer import COMMIT, CONTENT, content_digest
from rbsuite_toolsandbox.resources import sample_directory


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return int(ended.value.code or 0)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the sample, to be spoilt."""
    shutil.copytree(sample_directory(), tmp_path / "source")
    return tmp_path / "source"


def spoil(source: Path, change: Any) -> None:
    lines = (source / "scenarios.jsonl").read_text("utf-8").splitlines()
    first = json.loads(lines[0])
    change(first)
    (source / "scenarios.jsonl").write_text("\n".join([json.dumps(first), *lines[1:]]), "utf-8")


def constraint(scenario: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = scenario["milestones"]["milestones"][0]["snapshot_constraints"][0]
    return found


SPOILT = [
    (
        lambda one: constraint(one)["constraint"].update(name="os.system"),
        "names a function that is not known: 'os.system'",
    ),
    (lambda one: constraint(one).update(column_similarity_overrides={"wifi": {"name": "eval"}}), "'eval'"),
    (lambda one: one["tool_allow_list"].append("format_disk"), "names a tool that is not known: 'format_disk'"),
    (lambda one: constraint(one).update(reference_milestone_node_index=1), "need not come before it"),
    (
        lambda one: constraint(one).update(
            constraint={
                "name": "tool_trace_dependant_similarity",
                "kwargs": {"fill_to": "content", "extractor": "days_extractor"},
            },
            database_namespace="SANDBOX",
            reference_milestone_node_index=-1,
            target={"columns": ["content"], "rows": [{"content": "{days.__class__}"}]},
        ),
        "a placeholder that cannot be filled: 'days.__class__'",
    ),
    (lambda one: one.update(starting_messages=[]), "has no message from the user"),
    (lambda one: one.update(max_messages=10**9), "max_messages"),
    (lambda one: one.pop("milestones"), "does not have the form of the schema"),
]


@pytest.mark.parametrize(("change", "said"), SPOILT)
def test_what_does_not_fit_the_schema_is_refused_in_one_line(source: Path, change: Any, said: str) -> None:
    spoil(source, change)
    with pytest.raises(DataError) as refused:
        Pack(source).scenario("wifi_back_on")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_pack_is_that_of_the_pinned_commit(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path))
    assert run("data", "import", "toolsandbox", "--from", str(root)) == 0
    said = capsys.readouterr().out
    assert f"commit {COMMIT}, content verified" in said
    assert "scenarios with other tools: 903" in said
    assert content_digest(Pack(tmp_path / "packs" / "toolsandbox")) == CONTENT


def test_a_checkout_is_run_only_by_the_interpreter_that_is_named(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SOME_API_KEY", "secret")
    checkout = tmp_path / "checkout"
    (checkout / "tool_sandbox" / "scenarios").mkdir(parents=True)
    assert run("data", "import", "toolsandbox", "--from", str(checkout)) == 2
    assert "--python PATH" in capsys.readouterr().err
    # Stands in for upstream's interpreter: writes the sample where the script would write the scenarios.
    python = tmp_path / "python"
    copy = "import os, shutil, sys; assert 'SOME_API_KEY' not in os.environ; assert os.environ['TZ'] == 'UTC'; "
    copy += f"shutil.copytree({str(source)!r}, sys.argv[3], dirs_exist_ok=True)"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{copy}" "$@"\n', "utf-8")
    python.chmod(0o755)
    assert run("data", "import", "toolsandbox", "--from", str(checkout), "--python", str(python)) == 0
    said = capsys.readouterr().out
    assert f"Running {python} " in said
    assert "export_upstream.py" in said
    assert "scenarios: 45" in said
    python.write_text("#!/bin/sh\necho 'ModuleNotFoundError: no polars' >&2\nexit 1\n", "utf-8")
    assert run("data", "import", "toolsandbox", "--from", str(checkout), "--python", str(python)) == 2
    assert "no polars" in capsys.readouterr().err
    assert Pack(tmp_path / "data" / "packs" / "toolsandbox").base  # the one that was there is left as it was
    assert run("data", "import", "tau-bench", "--from", str(checkout), "--python", str(python)) == 2
    assert "Leave out --python" in capsys.readouterr().err
