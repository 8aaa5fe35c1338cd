"""``rbsuite env`` and ``rbsuite doctor`` on a small environment of their own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest
from click.testing import CliRunner, Result

from experiments import core_plugins
from rbsuite.cli.doctor import Diagnosis
from rbsuite.cli.doctor import command as doctor
from rbsuite.cli.environment import command as env
from rbsuite.cli.environment import describe, render
from rbsuite.cli.prompts import command as prompts
from rbsuite.cli.verify import command as verify
from rbsuite.data.packs import file_hashes, write_json
from rbsuite.environments.base import EpisodeServices, SyncEnvironment, SyncEpisode
from rbsuite.errors import DataError, UnknownNameError, UsageError
from rbsuite.hookspecs import hookimpl
from rbsuite.plugins import Plugins
from rbsuite.specs import Check, EmbedderSpec, EnvironmentSpec, Fidelity, MemorySpec, ModelSpec, Option, Split
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, EndReason, Grade, Message, Observation, ToolSpec
from rooms import SPEC as ROOMS
from rooms import RoomsPlugin

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Toyland(SyncEnvironment):
    """Solved by a text equal to the task's answer; the answer of some is silence."""

    def __init__(self, size: int = 3) -> None:
        self.size = size

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        if split == "test" and not data:
            raise DataError("the toys are not here.", "Run the toy importer.")
        answers = {"a": ("", "x"), "b": ("y",)}
        tasks = (
            Task(f"{name}/{i}", name, name, "what?", {"answer": text})
            for name, texts in answers.items()
            for i, text in enumerate(texts)
        )
        return TaskSet("toyland", split, tuple(tasks))

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> Play:
        return Play(task)


class Play(SyncEpisode):
    """One answer."""

    def __init__(self, task: Task) -> None:
        self._answer, self._right = task.payload["answer"], False
        rules = (Message("system", "Be brief."),)
        self.observation = Observation("what?", messages=rules, tools=(ToolSpec("honk", "honks"),))

    def act(self, action: Action) -> Observation:
        self._right = action.text == self._answer
        return Observation("", turn="over")

    def grade(self, end: EndReason) -> Grade:
        return Grade(float(self._right))


def fine() -> str:
    return ""


def missing() -> str:
    return "the horn is missing; buy one"


def broken() -> NoReturn:
    raise OSError("no horn")


SPEC = EnvironmentSpec(
    "toyland",
    "toys to play with",
    f"{__name__}:Toyland",
    options=(Option("size", "int", 3, "how big", minimum=1),),
    version="7",
    splits=(Split("sample", "a few toys", bundled=True), Split("test", "all toys")),
    domains=("a", "b"),
    max_steps=12,
    agent="text",
    users=("scripted",),
    pack="toyland",
    importer="toy:IMPORTER",
    needs=(Check("wind", f"{__name__}:fine"), Check("horn", f"{__name__}:missing")),
    citation="A. Toymaker, 1900",
    data_licence="CC0",
    homepage="https://toys.example",
    notes=("Toys are small.",),
)


@pytest.fixture
def specs() -> list[EnvironmentSpec]:
    return [SPEC]


@pytest.fixture(autouse=True)
def plugins(specs: list[EnvironmentSpec], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plugins:
    class Toy:
        @hookimpl
        def rbsuite_environments(self) -> Sequence[EnvironmentSpec]:
            return specs

    plugins = Plugins()
    plugins.register(Toy(), "toy")
    monkeypatch.setattr("rbsuite.plugins.load_plugins", lambda: plugins)
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path / "data"))
    return plugins


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    directory = tmp_path / "data" / "packs" / "toyland"
    directory.mkdir(parents=True)
    (directory / "toys.txt").write_text("ball\n", "utf-8")
    facts: dict[str, Any] = {
        "format": 1,
        "name": "toyland",
        "source": "checkout",
        "commit": COMMIT,
        "equals_commit": COMMIT,
    }
    facts |= {"licence": "CC0", "counts": {"toys": 1}, "files": file_hashes(directory), "rbsuite": "0.1.0"}
    write_json(directory / "pack.json", facts)
    return directory


def invoke(command: Any, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, catch_exceptions=False)


def findings() -> list[Diagnosis]:
    return [Diagnosis(**row) for row in json.loads(invoke(doctor, "--json").stdout)["findings"]]


def finding(name: str, status: str) -> Diagnosis:
    every = findings()
    found = [item for item in every if item.name == name and item.status == status]
    assert found, [(item.name, item.status, item.detail) for item in every]
    return found[0]


def test_env_shows_splits_tasks_and_floor() -> None:
    shown = invoke(env, "toyland").stdout
    assert "sample  3 (2 a, 1 b)  1/2, 0/1  a few toys" in shown
    assert "test    not here      -         all toys" in shown
    for fact in (
        "version",
        "7",
        "at most 12 agent turns",
        "CC0",
        "A. Toymaker",
        "https://toys.example",
        "Toys are small.",
        "size",
    ):
        assert fact in shown
    assert "toyland, not imported. Run: rbsuite data fetch toyland" in shown


def test_env_shows_names_measures_what_stands_apart_and_fidelity(plugins: Plugins) -> None:
    shown = " ".join(render(ROOMS, describe(core_plugins(RoomsPlugin()), ROOMS, "", False)).split())
    assert "also named rooms" in shown
    assert "progress: half for the lamp in hand" in shown
    assert "separate: coloured No text says which lamp is meant." in shown
    fidelity = (Fidelity("walls", "absent", "there are none"), Fidelity("doors", "exact", "all of them"))
    shown = " ".join(render(replace(SPEC, fidelity=fidelity), describe(plugins, SPEC, "", False)).split())
    assert "Fidelity to upstream exact: doors all of them absent: walls there are none" in shown


class Server(Toyland):
    """Toys behind a server that is not there."""

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> Play:
        raise AssertionError("the server was asked")


SERVER = replace(SPEC, name="server", factory=f"{__name__}:Server", stateful_server=True, options=(), needs=())


@pytest.mark.parametrize("specs", [[SERVER]])
def test_a_server_is_not_asked_to_look_around(specs: list[EnvironmentSpec]) -> None:
    assert "sample  3 (2 a, 1 b)  -" in invoke(env, "server").stdout


@pytest.mark.parametrize("specs", [[SERVER]])
def test_there_is_nothing_to_verify_without_references(specs: list[EnvironmentSpec]) -> None:
    with pytest.raises(UsageError, match="server sample has no reference solutions, so there is nothing to verify"):
        invoke(verify, "--env", "server")


def test_env_json() -> None:
    facts = json.loads(invoke(env, "toyland", "--json").stdout)
    sample, test = facts["splits"]
    assert (sample["tasks"], sample["domains"], sample["floor"]) == (3, {"a": 2, "b": 1}, {"a": 1, "b": 0})
    assert sample["task_set"] == Toyland().tasks("sample").content_hash
    assert (test["here"], test["remedy"]) == (False, "Run the toy importer.")
    assert facts["pack"] == {"name": "toyland", "here": False, "intact": None, "problem": ""}


def test_env_reads_other_data_and_can_skip_the_floor() -> None:
    facts = json.loads(invoke(env, "toyland", "--data", "somewhere", "--no-floor", "--json").stdout)
    assert [(split["here"], split["floor"]) for split in facts["splits"]] == [(True, None)] * 2


def test_env_shows_the_pack(pack: Path) -> None:
    assert f"toyland, intact, from checkout, commit {COMMIT}, content verified" in " ".join(
        invoke(env, "toyland").stdout.split()
    )
    (pack / "toys.txt").write_text("balls\n", "utf-8")
    assert "toyland, broken: pack 'toyland': toys.txt was changed" in " ".join(invoke(env, "toyland").stdout.split())


def test_env_of_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'toyland'"):
        invoke(env, "toyla")


def test_prompts_render_with_an_example_of_the_environment() -> None:
    shown = invoke(prompts, "show", "agent/act.j2", "--env", "toyland").stdout
    assert "Be brief." in shown
    assert '"honk"' in shown


def test_doctor_is_content_with_this_installation() -> None:
    result = invoke(doctor)
    assert result.exit_code == 0
    assert [line.split()[:2] for line in result.stdout.splitlines()[:2]] == [["ok", "Python"], ["ok", "machine"]]
    assert "0 failed" in result.stdout
    report = json.loads(invoke(doctor, "--json").stdout)
    assert report["ok"] is True
    assert {"click", "litellm", "numpy"} <= {item["name"] for item in report["findings"]}


def test_doctor_tells_of_missing_needs_and_data() -> None:
    assert finding("environment toyland", "warn").detail == "horn: the horn is missing; buy one"
    assert any("rbsuite data fetch toyland" in item.remedy for item in findings())


def test_doctor_tells_what_models_and_embedders_need(plugins: Plugins) -> None:
    class Models:
        @hookimpl
        def rbsuite_models(self) -> Sequence[ModelSpec]:
            return [
                ModelSpec("toy/model", "a model", f"{__name__}:Toyland", needs=(Check("horn", f"{__name__}:missing"),))
            ]

        @hookimpl
        def rbsuite_embedders(self) -> Sequence[EmbedderSpec]:
            return [
                EmbedderSpec("toy", "an embedder", f"{__name__}:Toyland", needs=(Check("wind", f"{__name__}:fine"),))
            ]

    assert "uv run --group local rbsuite" in finding("rbsuite-local", "ok").remedy
    plugins.register(Models(), "models")
    assert finding("model toy/model", "warn").detail == "horn: the horn is missing; buy one"
    assert finding("embedder toy", "ok").detail == "wind: found"


def test_doctor_finds_a_changed_pack(pack: Path) -> None:
    assert finding("pack toyland", "ok").detail == f"1 files intact, commit {COMMIT[:12]}"
    (pack / "toys.txt").unlink()
    assert "toys.txt is missing" in finding("pack toyland", "fail").detail
    assert finding("pack toyland", "fail").remedy
    assert invoke(doctor).exit_code == 1


def test_doctor_finds_a_failed_plugin(plugins: Plugins) -> None:
    plugins.add("wreck", "wreck 0.1", broken)
    failed = finding("plugin wreck", "fail")
    assert failed.detail == "wreck 0.1: OSError: no horn"
    assert "wreck 0.1" in failed.remedy
    assert invoke(doctor).exit_code == 1


class _Memory:
    @hookimpl
    def rbsuite_memories(self) -> list[MemorySpec]:
        return [MemorySpec("torn", "cannot be imported", "torn_memory:Torn")]


def test_doctor_finds_a_syntax_error_in_whatever_is_declared(
    plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torn_memory.py").write_text("def torn(:\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins.register(_Memory(), "torn", "torn 1.0")
    failed = finding("memory torn", "fail")
    assert failed.detail.startswith("torn 1.0: memory 'torn': cannot import torn_memory: invalid syntax")
    assert failed.remedy == "Reinstall or fix the plugin."


@pytest.mark.parametrize(
    ("changed", "detail"),
    [
        ({"needs": (Check("horn", f"{__name__}:broken"),)}, "its check of 'horn' failed: no horn"),
        ({"factory": "no_such_module:X"}, "cannot import no_such_module"),
    ],
)
def test_doctor_survives_a_broken_environment(
    specs: list[EnvironmentSpec], changed: dict[str, Any], detail: str
) -> None:
    from dataclasses import replace

    specs[:] = [replace(SPEC, **changed), replace(SPEC, name="fine", needs=(), pack="")]
    assert detail in finding("environment toyland", "fail").detail
    assert finding("environment fine", "ok")


def test_doctor_finds_names_declared_twice(specs: list[EnvironmentSpec]) -> None:
    specs.append(SPEC)
    assert "declared twice" in finding("environments", "fail").detail


def test_doctor_finds_a_data_directory_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path / "file" / "data"))
    assert "RBSUITE_DATA" in finding("data directory", "fail").remedy


def test_doctor_names_keys_and_never_shows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret-value")
    monkeypatch.setenv("EMPTY_API_KEY", "")
    for arguments in ([], ["--json"]):
        shown = invoke(doctor, *arguments).stdout
        assert "OPENAI_API_KEY" in shown
        assert "very-secret" not in shown
        assert "EMPTY_API_KEY" not in shown


@pytest.mark.parametrize(("free", "status"), [(1 << 40, "ok"), (1 << 29, "warn"), (1 << 20, "fail")])
def test_doctor_looks_at_the_disk(free: int, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=free))
    assert finding("data disk", status)


def test_doctor_finds_a_missing_and_an_unfit_package(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import metadata
    from types import SimpleNamespace

    real = metadata.distribution

    def distribution(name: str) -> Any:
        if name == "rbsuite":
            return SimpleNamespace(
                version="0.1.0", requires=["no-such-thing>=1", "click>=99", "pluggy", "x; extra == 'y'"]
            )
        return real(name)

    monkeypatch.setattr(metadata, "distribution", distribution)
    assert finding("no-such-thing", "fail").detail == "not installed"
    assert "does not fit click>=99" in finding("click", "fail").detail
    assert finding("pluggy", "ok")
    assert "x" not in {item.name for item in findings()}
