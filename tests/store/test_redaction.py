"""What leaves the store of a private benchmark: figures, ids and letters, and no text of a task."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import rbsuite
from experiments import core_plugins
from rbsuite.cli import command
from rbsuite.hookspecs import hookimpl
from rbsuite.specs import EnvironmentSpec
from rbsuite.store import ExperimentStore
from rbsuite.store.export import export_jsonl
from rbsuite.store.redaction import CANARY, redact
from toy import SKILLS, TOY, ToyPlugin

SECRET = "How many"
WORDS = [SECRET, "album", *(text for one in SKILLS.values() for text in (one.lesson, one.symptom))]


class Private:
    """The toy, whose authors ask that its tasks are not made public."""

    @hookimpl
    def rbsuite_environments(self) -> list[EnvironmentSpec]:
        return [replace(TOY, private=True)]


def made(home: Path, plugin: object, memory: str) -> ExperimentStore:
    plugins = core_plugins(plugin)
    rbsuite.evaluate("toy", plugins=plugins, out=home, memory=("none", memory), orders=1, limit=5).close()
    return ExperimentStore.open(home, readonly=True)


@pytest.fixture(params=["reasoningbank", "synapse", "dynamic-cheatsheet"])
def private(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ExperimentStore]:
    with made(tmp_path / "x", Private(), request.param) as store:
        yield store


def exported(store: ExperimentStore, **options: bool) -> str:
    stream = io.StringIO()
    export_jsonl(store, stream, **options)
    return stream.getvalue()


def test_an_export_has_no_text_of_a_task(private: ExperimentStore) -> None:
    text = exported(private)
    assert not [word for word in WORDS if word in text]
    first, *others = [json.loads(line) for line in text.splitlines()]
    assert (first["canary"], first["redacted"]) == (CANARY, True)
    tasks = [line for line in others if line["type"] == "task"]
    assert len(tasks) == 10
    assert {task["task_id"] for task in tasks} == {"apples/0", "bridges/0", "clouds/0", "apples/1", "bridges/1"}


def test_it_is_revealed_on_demand_with_the_canary(private: ExperimentStore) -> None:
    text = exported(private, reveal=True)
    assert SECRET in text
    assert json.loads(text.splitlines()[0])["canary"] == CANARY


def test_what_is_not_private_is_exported_whole(tmp_path: Path) -> None:
    with made(tmp_path / "x", ToyPlugin(), "placebo") as store:
        text = exported(store)
    assert SECRET in text
    assert CANARY not in text
    assert text == exported_again(tmp_path)


def exported_again(home: Path) -> str:
    with ExperimentStore.open(home / "x", readonly=True) as store:
        return exported(store, reveal=True)


def test_memory_export_leaves_the_text_out(private: ExperimentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rbsuite.plugins.load_plugins", lambda extra=(): core_plugins(Private()))
    home = str(private.directory)
    hidden = CliRunner().invoke(command, ["memory", "export", home], catch_exceptions=False)
    revealed = CliRunner().invoke(command, ["memory", "export", home, "--reveal"], catch_exceptions=False)
    assert not [word for word in WORDS if word in hidden.stdout]
    assert hidden.stdout.count("\n") == revealed.stdout.count("\n")
    for one, shown in zip(hidden.stdout.splitlines(), revealed.stdout.splitlines(), strict=True):
        text = "text" if "document" in json.loads(one) else "content"
        assert json.loads(one)[text] == f"[left out: {len(json.loads(shown)[text])} characters]"


def test_unknown_fields_are_left_out() -> None:
    shown = redact(
        {"task_id": "t1", "novelty": "secret", "n": 3, "list": ["secret", {"gold": "B", "x": ""}], "ok": None}
    )
    assert shown == {
        "task_id": "t1",
        "novelty": "[left out: 6 characters]",
        "n": 3,
        "list": ["[left out: 6 characters]", {"gold": "B", "x": ""}],
        "ok": None,
    }
