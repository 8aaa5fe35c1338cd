"""Private task sets: nothing of them goes elsewhere, and no text of them is found where others may look."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import stat
import zlib
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import rbsuite
from experiments import core_plugins
from rbsuite.api import Execution
from rbsuite.cli import command
from rbsuite.environments.base import SyncEpisode
from rbsuite.errors import ConfinedError, PluginError
from rbsuite.hookspecs import hookimpl
from rbsuite.plugins import Plugins
from rbsuite.run.config import make_config
from rbsuite.run.executors import run_experiment
from rbsuite.run.plan import make_plan
from rbsuite.run.private import is_here, unheard
from rbsuite.specs import EnvironmentSpec, ModelSpec
from rbsuite.store import ExperimentStore, run_digest
from rbsuite.store.export import export_jsonl
from rbsuite.store.importing import import_jsonl
from toy import PRIVATE_TOY, SKILLS, PrivateToy, ToyPlugin

WORDS = ["How many", "album", "There are", *(text for one in SKILLS.values() for text in (one.lesson, one.symptom))]
OPTIONS = {"memory": ("none", "reasoningbank"), "orders": 1, "limit": 6}


class Private:
    """The toy with private tasks, and a model that says it is elsewhere."""

    def __init__(self, factory: str = PRIVATE_TOY.factory) -> None:
        self._factory = factory

    @hookimpl
    def rbsuite_environments(self) -> list[EnvironmentSpec]:
        return [replace(PRIVATE_TOY, factory=self._factory)]

    @hookimpl
    def rbsuite_models(self) -> list[ModelSpec]:
        return [ModelSpec("test/cloud", "elsewhere", "rbsuite.learner.served:oracle", remote=True)]


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the keys are."""
    monkeypatch.setenv("RBSUITE_KEYS", str(tmp_path / "keys"))
    return tmp_path / "keys"


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> Plugins:
    """Also those of the command line."""
    found = core_plugins(Private())
    monkeypatch.setattr("rbsuite.plugins.load_plugins", lambda extra=(): core_plugins(Private()))
    for name in (
        "OPENAI_BASE_URL",
        "OPENAI_API_BASE",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    return found


@pytest.fixture
def home(plugins: Plugins, tmp_path: Path) -> Path:
    """A finished experiment."""
    rbsuite.evaluate("toy", plugins=plugins, out=tmp_path / "x", **OPTIONS).close()
    return tmp_path / "x"


def found_in(text: str) -> list[str]:
    return [word for word in WORDS if word in text]


def cli(*arguments: str) -> str:
    """What a command prints, on both streams, with the error that it ends in."""
    result = CliRunner().invoke(command, arguments)
    if result.exception is not None and not isinstance(result.exception, rbsuite.RbsuiteError | SystemExit):
        raise result.exception
    return f"{result.output}{result.exception or ''}"


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"model": ("openai/gpt-4o",)}, "openai/gpt-4o"),
        ({"judge_model": "anthropic/claude-sonnet-4-5"}, "anthropic/claude-sonnet-4-5"),
        ({"memory_model": "openai/gpt-4o:api_base=https://10.0.0.1/v1"}, "10.0.0.1"),
        ({"user_model": "ollama/llama3"}, "ollama/llama3"),
        ({"model": ("anthropic/m:api_base=http://127.0.0.1:8000/v1",)}, "anthropic/m"),
        ({"grade_model": "openai/gpt-4o:api_base=http://localhost.example.org/v1"}, "localhost.example.org"),
        ({"model": ("sim/learner:server=http://192.168.0.7:8000/v1",)}, "sim/learner"),
        ({"model": ("test/cloud",)}, "test/cloud"),
        ({"embedder": ("litellm:openai/text-embedding-3-small",)}, "text-embedding-3-small"),
    ],
)
def test_whatever_takes_part_elsewhere_stops_the_run(
    plugins: Plugins, tmp_path: Path, options: dict[str, object], name: str
) -> None:
    with pytest.raises(ConfinedError, match="nothing was sent") as caught:
        rbsuite.evaluate("toy", plugins=plugins, out=tmp_path / "x", **(OPTIONS | options))
    assert name in str(caught.value)
    assert "--i-may-share-this-data" in str(caught.value)
    assert not (tmp_path / "x").exists()
    config = make_config({"env": "toy", **options})
    make_plan(config, plugins, Execution(share=True))  # the user answers for it
    public = core_plugins(ToyPlugin(models=Private().rbsuite_models()))
    make_plan(config, public, Execution())  # of other tasks nothing is asked


def test_a_run_that_was_planned_without_an_execution_is_stopped_too(plugins: Plugins, tmp_path: Path) -> None:
    plan = make_plan(make_config({"env": "toy", "orders": 1, "judge_model": "openai/gpt-4o"}), plugins)
    with rbsuite.api.open_plan(plan, tmp_path / "x") as store, pytest.raises(ConfinedError):
        asyncio.run(run_experiment(plan, store, Execution()))


@pytest.mark.parametrize(
    "options",
    [
        {"model": ("openai/m:api_base=http://127.0.0.1:8000/v1",)},
        {"model": ("ollama/m:api_base=http://[::1]:11434",)},
        {"model": ("sim/learner:server=http://localhost:8000/v1",)},
        {"embedder": ("litellm:openai/m,api_base=http://localhost:9/v1",)},
    ],
)
def test_a_server_on_this_machine_is_taken(plugins: Plugins, options: dict[str, object]) -> None:
    make_plan(make_config({"env": "toy", **options}), plugins, Execution())


def test_a_variable_can_name_the_server_and_a_proxy_is_elsewhere(
    plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_config({"env": "toy", "model": ("openai/m",)})
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1")
    make_plan(config, plugins, Execution())
    monkeypatch.setenv("OPENAI_API_BASE", "https://api.example.org/v1")
    with pytest.raises(ConfinedError):
        make_plan(config, plugins, Execution())
    monkeypatch.delenv("OPENAI_API_BASE")
    monkeypatch.setenv("http_proxy", "http://proxy.example.org:3128")
    with pytest.raises(ConfinedError):
        make_plan(config, plugins, Execution())
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    make_plan(config, plugins, Execution())
    assert not is_here("ftp://127.0.0.1/")
    assert not is_here("http://0.0.0.0/")


def test_a_cache_is_no_place_for_it(plugins: Plugins, tmp_path: Path) -> None:
    with pytest.raises(ConfinedError, match="--cache"):
        make_plan(make_config({"env": "toy"}), plugins, Execution(cache=str(tmp_path / "cache")))
    assert not (tmp_path / "cache").exists()


def test_a_bank_that_was_learnt_from_it_is_as_private(home: Path, plugins: Plugins, tmp_path: Path) -> None:
    public = core_plugins(ToyPlugin())
    warm = make_config({"env": "toy", "warm_start": str(home), "judge_model": "openai/gpt-4o"})
    with pytest.raises(ConfinedError):
        make_plan(warm, public, Execution())
    rbsuite.evaluate("toy", plugins=public, out=tmp_path / "y", warm_start=str(home), **OPTIONS).close()
    with ExperimentStore.open(tmp_path / "y", readonly=True) as store:
        assert store.manifest.facts["environment"]["confined"]


def texts_of(place: Path) -> str:
    """All that a database holds, unpacked where it is packed."""
    said = []
    database = sqlite3.connect(place)
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        for row in database.execute(f"SELECT * FROM {table}"):
            for cell in row:
                if isinstance(cell, bytes):
                    for window in (zlib.MAX_WBITS, -zlib.MAX_WBITS):
                        try:
                            said.append(zlib.decompress(cell, window).decode("utf-8", "replace"))
                        except zlib.error:
                            said.append(cell.decode("utf-8", "replace"))
                else:
                    said.append(str(cell))
    database.close()
    return "\n".join(said)


def everything(store: ExperimentStore) -> list[object]:
    runs = [info.id for info in store.manifest.runs]
    return [[*store.records(run), *store.ops(run), *store.seed_ops(run), *store.results(run)] for run in runs]


def test_the_store_holds_no_word_in_clear_and_gives_none_that_is_not_asked_for(
    home: Path, plugins: Plugins, keys: Path, tmp_path: Path
) -> None:
    assert found_in(texts_of(next(home.glob("*.sqlite*")))) == []
    (key,) = keys.iterdir()
    assert [stat.S_IMODE(place.stat().st_mode) for place in (home, keys, key)] == [0o700, 0o700, 0o600]
    public = tmp_path / "public"
    rbsuite.evaluate("toy", plugins=core_plugins(ToyPlugin()), out=public, **OPTIONS).close()
    with ExperimentStore.open(home) as store, ExperimentStore.open(public) as clear:
        assert list(store.audit()) == []
        assert found_in(repr(everything(store))) == []
        assert found_in(repr(everything(store.revealed())))
        for info in store.manifest.runs:  # what is sealed is what would have been written otherwise, word for word
            assert store.verify_chain(info.id) == clear.verify_chain(info.id)
            assert run_digest(store, info.id) == run_digest(clear, info.id)
            revealed = list(store.revealed().results(info.id))
            assert [row.truth for row in revealed] == [row.truth for row in clear.results(info.id)]
        run = store.manifest.runs[1].id
        store.rewind(run, 2)
        assert list(store.audit()) == []
        assert found_in(repr(everything(store))) == []
    assert found_in(texts_of(next(home.glob("*.sqlite*")))) == []


def test_without_its_key_a_store_is_read_redacted_and_nothing_goes_on(home: Path, plugins: Plugins, keys: Path) -> None:
    with_key = cli("check", str(home))
    (key,) = keys.iterdir()
    key.rename(keys.parent / key.name)
    for arguments in (("eval", "--from"), ("compare",), ("memory", "list"), ("memory", "export"), ("check",)):
        said = cli(*arguments, str(home))
        assert "the key is not on this machine" in said, arguments
        assert found_in(said) == []
    assert "digest" in with_key
    with rbsuite.Experiment(home) as experiment:
        assert experiment.digest == ""
        assert len(experiment.rollouts()) == 12
    for arguments in (
        ("memory", "export", str(home), "--reveal"),
        ("export", str(home), "--to", "jsonl", "--reveal"),
        ("memory", "search", str(home), "apples"),
        ("attribute", str(home)),
        ("eval", "--from", str(home), "--rewind", "reasoningbank/single/order-0@2"),
        ("eval", "--env", "toy", "--warm-start", str(home), "--out", str(home.parent / "warm")),
    ):
        said = cli(*arguments)
        assert "their key is not in" in said, said
        assert "Traceback" not in said
    (keys.parent / key.name).rename(key)
    assert cli("check", str(home)) == with_key
    key.write_bytes(bytes(32))
    assert "damaged" in cli("memory", "export", str(home), "--reveal")


def test_a_key_is_not_kept_where_its_store_is(
    plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RBSUITE_KEYS", str(tmp_path / "x" / "keys"))
    with pytest.raises(rbsuite.RbsuiteError, match="in the experiment itself"):
        rbsuite.evaluate("toy", plugins=plugins, out=tmp_path / "x", **OPTIONS)
    assert not (tmp_path / "x").exists()


def test_what_is_sealed_of_one_task_does_not_pass_for_another_s(home: Path) -> None:
    with closing(sqlite3.connect(home / "experiment.sqlite")) as database, database:
        (first, second) = database.execute("SELECT id, data FROM sealed WHERE id >= 0 LIMIT 2").fetchall()
        database.execute("UPDATE sealed SET data = ? WHERE id = ?", (second[1], first[0]))
    assert "the record was changed" in cli("check", str(home))
    with ExperimentStore.open(home, readonly=True) as store, pytest.raises(rbsuite.RbsuiteError, match="changed"):
        list(store.records(store.manifest.runs[0].id))


def test_a_run_goes_on_from_such_a_store(home: Path, plugins: Plugins, tmp_path: Path) -> None:
    for limit in (3, 1000):
        try:
            rbsuite.evaluate(
                "toy", plugins=plugins, out=tmp_path / "y", execution=Execution(max_calls=limit), **OPTIONS
            ).close()
        except rbsuite.RbsuiteError as stop:
            assert limit == 3, stop  # noqa: PT017
    with (
        ExperimentStore.open(home, readonly=True) as whole,
        ExperimentStore.open(tmp_path / "y", readonly=True) as parts,
    ):
        for info in whole.manifest.runs:
            assert run_digest(whole, info.id) == run_digest(parts, info.id)


def test_an_export_and_reports_hold_no_text(home: Path) -> None:
    with ExperimentStore.open(home, readonly=True) as store:
        export_jsonl(store, home.parent / "x.jsonl")
    assert found_in((home.parent / "x.jsonl").read_text()) == []
    with ExperimentStore.open(home, readonly=True) as store:
        export_jsonl(store, home.parent / "revealed.jsonl", reveal=True)
    assert found_in((home.parent / "revealed.jsonl").read_text())
    for rechain in (False, True):
        import_jsonl(home.parent / "revealed.jsonl", home.parent / f"again-{rechain}", rechain=rechain)
        assert found_in(texts_of(home.parent / f"again-{rechain}" / "experiment.sqlite")) == []
    reports = [cli("eval", "--from", str(home), *form) for form in ((), ("--json",))]
    reports += [cli("compare", str(home), *form) for form in ((), ("--json",))]
    assert all(len(report) > 200 for report in reports)
    assert found_in("\n".join(reports)) == []


def test_no_view_of_a_bank_shows_text_unless_told_to(home: Path) -> None:
    listed = cli("memory", "list", str(home), "--json")
    item = json.loads(listed[listed.index("{") :])["items"][0]["id"]
    for arguments in (
        ("list", str(home)),
        ("list", str(home), "--json"),
        ("show", str(home), item),
        ("show", str(home), item, "--json"),
        ("search", str(home), "apples"),
        ("search", str(home), "apples", "--json"),
        ("diff", str(home), "0", "6"),
        ("diff", str(home), "0", "6", "--json"),
        ("export", str(home)),
    ):
        shown = cli("memory", *arguments)
        assert "left out" in shown
        assert found_in(shown) == [], arguments
        assert "left out" not in cli("memory", *arguments, "--reveal"), arguments
    assert found_in(cli("memory", "export", str(home), "--reveal"))


def test_an_example_for_a_template_and_what_is_told_of_an_environment_hold_no_text(plugins: Plugins) -> None:
    for row in json.loads(cli("prompts", "list", "--json")):
        shown = ("prompts", "show", row["name"], "--env", "toy")
        hidden, revealed = cli(*shown), cli(*shown, "--reveal")
        assert "album" not in hidden
        assert "left out" in hidden or "album" not in revealed, row["name"]
    assert found_in(cli("prompts", "show", "judge/self.j2", "--env", "toy", "--json", "--reveal"))
    for arguments in (("env", "toy"), ("verify", "--env", "toy"), ("env", "toy", "--json")):
        assert found_in(cli(*arguments)) == []


def test_logs_hold_no_text(plugins: Plugins, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    log = tmp_path / "log.jsonl"
    for place, more in (("x", ()), ("y", ("--reveal",))):
        said = cli(
            "eval",
            "--env",
            "toy",
            "--orders",
            "1",
            "--limit",
            "6",
            "--out",
            str(tmp_path / place),
            "--log",
            str(log),
            *more,
        )
        if not more:
            text = log.read_text()
            assert {"StepTaken", "TaskCommitted", "RolloutEnded", "TaskOpened"} <= {
                json.loads(line)["event"] for line in text.splitlines()
            }
            assert found_in(text + said + caplog.text) == []
    assert found_in(log.read_text())


def test_messages_of_a_private_run_keep_their_words_but_not_what_models_said(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("rbsuite.models.tries")
    with unheard(True):
        log.warning("%s: %s; call %d follows", "openai/m", ValueError("cannot read: How many apples are there"), 2)
        log.warning(
            "a call for the purpose %r failed: %s", "judge", "refused: How many apples"
        )  # short, and said by someone
    assert caplog.messages == [
        "openai/m: [left out: 38 characters]; call 2 follows",
        "a call for the purpose 'judge' failed: [left out: 24 characters]",
    ]
    log.warning("%s", "How many apples are there in all of the pictures?")
    assert found_in(caplog.text)


class Leaking(PrivateToy):
    """Says in an error what it should not."""

    def begin(self, task: object, *, seed: int, services: object) -> SyncEpisode:
        raise ValueError(f"cannot open {task}")


class LeakingMemory:
    """Fails with what it was told."""

    async def recall(self, request: rbsuite.RecallRequest, view: object) -> rbsuite.Recall:
        raise KeyError(request.query)


def test_errors_hold_no_text(tmp_path: Path) -> None:
    """An environment's goes into the store, a memory's ends the run."""
    rbsuite.evaluate(
        "toy",
        plugins=core_plugins(Private(f"{__name__}:Leaking")),
        out=tmp_path / "x",
        memory=("none",),
        orders=1,
        limit=2,
    ).close()
    with ExperimentStore.open(tmp_path / "x", readonly=True) as store:
        errors = [
            rollout.trajectory.error for one in store.records(store.manifest.runs[0].id) for rollout in one.rollouts
        ]
    assert all(error.startswith("[left out: ") for error in errors)
    leaking = ToyPlugin(memories=[rbsuite.MemorySpec("leaking", "fails", f"{__name__}:LeakingMemory")])
    leaking.rbsuite_environments = Private().rbsuite_environments  # type: ignore[method-assign]
    with pytest.raises(PluginError, match=r"memory 'leaking'.*left out") as caught:
        rbsuite.evaluate("toy", plugins=core_plugins(leaking), out=tmp_path / "y", memory=("leaking",), orders=1)
    assert found_in(str(caught.value)) == []
    with pytest.raises(PluginError, match="album"):
        rbsuite.evaluate(
            "toy",
            plugins=core_plugins(leaking),
            out=tmp_path / "y",
            memory=("leaking",),
            orders=1,
            execution=Execution(reveal=True),
        )
