"""Passwords and keys: used where they are needed, never shown or stored, and no hindrance to going on."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from experiments import core_plugins
from rbsuite.cli import run
from rbsuite.hookspecs import hookimpl
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.options import Option
from rbsuite.retrieval.hashing import HashEmbedder
from rbsuite.specs import EmbedderSpec, ModelSpec
from rbsuite.store import ExperimentStore, export_jsonl
from rbsuite.trajectory import ToolCall
from toy import ToyPlugin

PASSWORD = "pa55w0rd-of-mine"
KEY = "sk-proj-0123456789abcdefghijkl"
SEEN: list[str] = []


class Remote(HashEmbedder):
    def __init__(self, address: str = "") -> None:
        super().__init__(64)
        SEEN.append(address)


class Telling:
    """A model that says every key it knows of."""

    name = "test/telling"

    async def complete(self, request: ModelRequest) -> Completion:
        call = ToolCall("1", "use", {"key": f"my-very-own-secret {KEY}"}, f'{{"key": "{KEY}"}}')
        text = f"# Memory Item 1\n## Title\nThe key\n## Description\n{KEY}\n## Content\nIt is my-very-own-secret."
        return Completion(text, (call,) if request.tools else (), reasoning=KEY)

    async def aclose(self) -> None:
        pass


class Plugin(ToyPlugin):
    @hookimpl
    def rbsuite_embedders(self) -> Sequence[EmbedderSpec]:
        return [EmbedderSpec("remote", "far away", f"{__name__}:Remote", (Option("address", "str", "", "where"),))]

    @hookimpl
    def rbsuite_models(self) -> Sequence[ModelSpec]:
        return [ModelSpec("test/telling", "tells keys", f"{__name__}:Telling", simulated=True)]


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def evaluate(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    arguments = ["eval", "--env", "toy", "--orders", "1", "--quiet", *options]
    code = run(arguments, core_plugins(Plugin()))
    shown = capsys.readouterr()
    return code, shown.out + shown.err


def all_bytes(place: Path) -> bytes:
    return b"".join(path.read_bytes() for path in place.rglob("*") if path.is_file())


def test_an_address_with_a_password_is_used_masked_and_gone_on_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"https://me:{PASSWORD}@host.example/v1"
    options = ["--embedder", f"hash,remote:address={address}", "--limit", "2"]
    shown = []
    for _ in range(2):
        code, text = evaluate(capsys, *options)
        assert code == 0, text
        shown.append(text)
    assert shown[0] == shown[1]
    assert address in SEEN
    code, text = evaluate(capsys, *options, "--seed", "5", "--out", str(next((tmp_path / "experiments").iterdir())))
    assert (code, "seed" in text, PASSWORD in text) == (2, True, False)
    [place] = (tmp_path / "experiments").iterdir()
    assert "***@host.example" in shown[0]
    assert PASSWORD not in shown[0]
    assert PASSWORD.encode() not in all_bytes(tmp_path)
    assert run(["eval", "--from", str(place), "--limit", "3"], core_plugins(Plugin())) == 2
    assert (
        "--embedder remote:address=https://***@host.example/v1: its password is not stored." in capsys.readouterr().err
    )


def test_an_experiment_with_a_password_is_resumed_from_the_middle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--embedder", f"remote:address=https://{PASSWORD}@host.example", "--limit", "4", "--out", "half"]
    assert evaluate(capsys, *options)[0] == 0
    with ExperimentStore.open("half") as store:
        store.rewind(store.manifest.runs[1].id, 2)
    assert evaluate(capsys, *options)[0] == 0
    with ExperimentStore.open("half", readonly=True) as store:
        assert [store.committed(info.id) for info in store.manifest.runs] == [4, 4]


@pytest.mark.parametrize(
    ("options", "variable"),
    [
        (["--model", f"openai/gpt-4o:api_key={KEY}"], "OPENAI_API_KEY"),
        (["--model", f"sim/learner:api_key={PASSWORD}"], "environment variable"),
        (["--embedder", f"litellm:model=mistral/x,api_key={PASSWORD}"], "MISTRAL_API_KEY"),
        (["--memory", f"reasoningbank:token={PASSWORD}"], "environment variable"),
    ],
)
def test_a_key_is_no_option(options: list[str], variable: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = evaluate(capsys, *options)
    assert (code, text.count("\n")) == (2, 1)
    assert "keys are not options" in text
    assert variable in text
    assert PASSWORD not in text
    assert KEY not in text
    assert not Path("experiments").exists()


@pytest.mark.parametrize("value", [f"{KEY}\n", f"{KEY} {KEY}", "sk-schlüssel", "sk-\x00".replace("\x00", "\x7f")])
@pytest.mark.parametrize("option", [["--model", "openai/gpt-4o"], ["--embedder", "litellm:openai/x"]])
def test_a_key_that_cannot_be_sent_is_named_at_once(
    value: str, option: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", value)
    code, text = evaluate(capsys, *option)
    assert (code, text.count("\n")) == (2, 1)
    assert "the value of OPENAI_API_KEY has a" in text
    assert value.strip() not in text
    assert not Path("experiments").exists()


def test_a_reply_that_holds_a_key_is_kept_masked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_KEY", "my-very-own-secret")
    code, text = evaluate(capsys, "--model", "test/telling", "--limit", "2", "--out", "told")
    assert code == 0, text
    with ExperimentStore.open("told", readonly=True) as store:
        export_jsonl(store, "told.jsonl")
    with closing(sqlite3.connect("told/experiment.sqlite")) as connection:
        dump = "\n".join(connection.iterdump())
    assert "It is [redacted]." in Path("told.jsonl").read_text()
    for kept in (Path("told.jsonl").read_text(), dump, text):
        assert KEY not in kept
        assert "my-very-own-secret" not in kept
