"""Plugins: built-ins through the same hooks; a broken one stops no other; names that clash are refused."""

from __future__ import annotations

import sys
from asyncio import CancelledError
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from experiments import core_plugins
from rbsuite import hookspecs
from rbsuite.distributions import strays
from rbsuite.errors import PluginError, UnknownNameError
from rbsuite.hookspecs import hookimpl
from rbsuite.plugins import BUILTIN, Plugins, load_plugins
from rbsuite.record import RunInfo
from rbsuite.specs import Apart, EnvironmentSpec, JudgeSpec, MemorySpec, load_object
from toy import ToyPlugin


class Distribution:
    def __init__(self, name: str) -> None:
        self.name = name
        self.version = "1.2"
        self.requires: Sequence[str] | None = None


Install = Callable[..., None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Makes entry points of (name, distribution, value), and modules of plugin objects."""

    def make(*entries: tuple[str, str, str], **modules: object) -> None:
        for name, plugin in modules.items():
            module = ModuleType(name)
            module.__dict__["plugin"] = plugin
            monkeypatch.setitem(sys.modules, name, module)
        points = []
        for name, distribution, value in entries:
            point = EntryPoint(name, value, "rbsuite")
            point.__dict__["dist"] = Distribution(distribution)
            points.append(point)
        monkeypatch.setattr("rbsuite.plugins.entry_points", lambda group: points if group == "rbsuite" else [])
        monkeypatch.delenv("RBSUITE_DISABLE_PLUGINS", raising=False)

    return make


class Declares:
    """A plugin that declares a judge and a memory."""

    def __init__(self, judge: str = "mine", memory: str = "mine") -> None:
        self._judge, self._memory = judge, memory

    @hookimpl
    def rbsuite_judges(self) -> Sequence[JudgeSpec]:
        return [JudgeSpec(self._judge, "a judge", "some.where:Judge")]

    @hookimpl
    def rbsuite_memories(self) -> Sequence[MemorySpec]:
        return [MemorySpec(self._memory, "a memory", "some.where:Memory")]


def status(plugins: Plugins) -> dict[str, str]:
    return {info.name: info.status for info in plugins.infos if not info.name.startswith("rbsuite.")}


def test_built_ins_come_through_the_same_hooks(install: Install) -> None:
    install()
    plugins = load_plugins()
    assert [(info.name, info.distribution, info.status) for info in plugins.infos] == [
        (module, "built in", "loaded") for module in BUILTIN
    ]
    assert {"none", "reasoningbank", "awm", "synapse"} <= set(plugins.memories)
    assert {"self", "ground-truth", "noisy", "none"} <= set(plugins.judges)
    assert {"sim/learner", "sim/oracle", "sim/noop", "sim/random"} <= set(plugins.models)
    assert "single" in plugins.scalings
    assert "hash" in plugins.embedders
    for specs in (
        plugins.memories,
        plugins.judges,
        plugins.models,
        plugins.scalings,
        plugins.agents,
        plugins.embedders,
    ):
        for name, spec in specs.items():
            assert spec.name == name
            assert load_object(spec.factory, name)
            assert spec.summary


def test_without_the_built_ins_nothing_is_known() -> None:
    plugins = Plugins()
    assert (plugins.memories, plugins.judges, plugins.models, plugins.prompt_dirs) == ({}, {}, {}, ())


def test_installed_plugin_is_found(install: Install) -> None:
    install(("one", "dist-one", "module_one:plugin"), module_one=Declares())
    plugins = load_plugins()
    assert plugins.find("judge", "mine").summary == "a judge"
    assert plugins.owner(plugins.find("memory", "mine")) == "dist-one 1.2"
    assert status(plugins) == {"one": "loaded"}


class Broken:
    """A plugin whose hook fails when it is asked."""

    @hookimpl
    def rbsuite_judges(self) -> Sequence[JudgeSpec]:
        raise ValueError("no\njudges today")


class Wrong:
    """A plugin that declares things of the wrong kind."""

    @hookimpl
    def rbsuite_judges(self) -> Sequence[Any]:
        return [MemorySpec("mine", "a memory", "some.where:Memory")]


class Gives:
    """A plugin whose hook gives something that it must not."""

    def __init__(self, value: Any) -> None:
        self._value = value

    @hookimpl
    def rbsuite_judges(self) -> Any:
        return self._value


class Misspelt:
    @hookimpl
    def rbsuite_judgse(self) -> Sequence[JudgeSpec]:
        return []


class Greedy:
    @hookimpl
    def rbsuite_run_finished(self, run: RunInfo, weather: str) -> None:
        """Takes an argument that the hook lacks."""


@pytest.mark.parametrize(
    ("value", "plugin", "words"),
    [
        ("no_such_module:plugin", None, ["No module named 'no_such_module'"]),
        ("bad:nothing", Declares(), ["nothing"]),
        ("bad:plugin", Misspelt(), ["rbsuite_judgse"]),
        ("bad:plugin", Greedy(), ["weather"]),
        ("bad:plugin", Broken(), ["ValueError: no judges today"]),
        ("bad:plugin", Wrong(), ["rbsuite_judges must return a list of JudgeSpec, but it contains a MemorySpec"]),
        ("bad:plugin", Gives(None), ["rbsuite_judges must return a list of JudgeSpec, not None"]),
        ("bad:plugin", Gives("self"), ["rbsuite_judges must return a list of JudgeSpec, not a str"]),
        ("bad:plugin", Gives([None]), ["rbsuite_judges", "but it contains None"]),
    ],
)
def test_broken_plugin_is_listed_with_its_error_and_stops_no_other(
    install: Install, value: str, plugin: object, words: list[str]
) -> None:
    install(("bad", "dist-bad", value), ("good", "dist-good", "good:plugin"), bad=plugin, good=Declares())
    plugins = load_plugins()
    assert "mine" in plugins.judges
    assert "mine" in plugins.memories
    assert {"self", "none"} <= set(plugins.judges)
    assert status(plugins) == {"bad": "failed", "good": "loaded"}
    [info] = [info for info in plugins.infos if info.name == "bad"]
    assert info.distribution == "dist-bad 1.2"
    assert "\n" not in info.error
    assert [word for word in words if word not in info.error] == []
    with pytest.raises(UnknownNameError) as caught:
        plugins.find("judge", "theirs")
    assert [word for word in ["theirs", "bad (dist-bad 1.2)", *words] if word not in str(caught.value)] == []


class Future(Declares):
    api_version = 99


class Unmarked(Declares):
    def rbsuite_agents(self) -> Sequence[Any]:
        return []


@pytest.mark.parametrize(
    ("plugin", "words"),
    [
        (Future("x", "y"), "it is built for version 99 of the hooks, but this rbsuite has version 1"),
        (Unmarked("x", "y"), "rbsuite_agents is not marked with @rbsuite.hookimpl, so it would never be called"),
    ],
)
def test_what_would_be_ignored_or_misread_is_a_failure(install: Install, plugin: object, words: str) -> None:
    install(("bad", "dist-bad", "bad:plugin"), ("good", "dist-good", "good:plugin"), bad=plugin, good=Declares())
    plugins = load_plugins()
    assert status(plugins) == {"bad": "failed", "good": "loaded"}
    (info,) = [info for info in plugins.infos if info.name == "bad"]
    assert words in info.error
    assert info.remedy == "Upgrade, reinstall or fix dist-bad 1.2, or set RBSUITE_DISABLE_PLUGINS=bad."
    assert "x" not in plugins.judges


def test_a_plugin_says_its_version_and_what_it_declares(install: Install) -> None:
    plugin = Declares()
    plugin.__dict__["api_version"] = hookspecs.API_VERSION
    install(("one", "dist-one", "one:plugin"), one=plugin)
    plugins = load_plugins()
    (info,) = [info for info in plugins.infos if info.name == "one"]
    assert (info.api, info.provides) == (str(hookspecs.API_VERSION), {"judges": ("mine",), "memories": ("mine",)})
    assert [(kind, spec.name) for kind, spec in plugins.specs_of("one")] == [("memory", "mine"), ("judge", "mine")]


def test_a_plugin_that_is_slow_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 3))
    monkeypatch.setattr("rbsuite.plugins.time.perf_counter", lambda: next(clock))
    plugins = Plugins()
    plugins.add("slow", "slow 1", Declares)
    (info,) = plugins.infos
    assert info.seconds > 3
    assert info.slow
    assert "in the factories" in info.remedy


def test_a_failed_plugin_that_asks_for_another_rbsuite_says_so(install: Install) -> None:
    install(("old", "dist-old", "no_such_module"))
    plugins = load_plugins()
    asks = Distribution("dist-old")
    asks.requires = ["rbsuite<0.1", "numpy"]
    plugins.explain("old", asks)  # type: ignore[arg-type]
    (info,) = [info for info in plugins.infos if info.name == "old"]
    assert "it requires rbsuite<0.1, but this is rbsuite" in info.error


def test_a_distribution_without_an_entry_point_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, requires, entries in (
        ("rbsuite-lost", "rbsuite", ""),
        ("rbsuite-base", "rbsuite", ""),
        ("rbsuite-user", "rbsuite-base>=1", "[rbsuite]\nuser = user"),
    ):
        info = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: {requires}\n"
        (info / "METADATA").write_text(text, encoding="utf-8")
        (info / "entry_points.txt").write_text(entries, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert strays() == ["rbsuite-lost 1.0"]


def test_plugins_can_be_extended_without_changing_them() -> None:
    plugins = core_plugins()
    more = plugins.extended([("mine", Declares())])
    assert "mine" in more.judges
    assert "mine" not in plugins.judges
    assert {info.name for info in more.infos} == {info.name for info in plugins.infos} | {"mine"}


class Speechless(Exception):
    def __str__(self) -> str:
        raise SystemExit(3)


FAILURES = [SystemExit(3), CancelledError(), GeneratorExit(), BaseExceptionGroup("x", [SystemExit()]), Speechless()]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
@pytest.mark.parametrize("at", ["", "rbsuite_memories", "rbsuite_prompt_dirs"])
def test_plugin_that_raises_anything_stops_no_other(at: str, failure: BaseException) -> None:
    def fail() -> object:
        raise failure

    plugins = core_plugins()
    plugins.add("bad", "dist-bad", (lambda: SimpleNamespace(**{at: hookimpl(fail)})) if at else fail)
    plugins.add("good", "dist-good", Declares)
    assert status(plugins) == {"bad": "failed", "good": "loaded"}
    assert "mine" in plugins.judges


def test_two_plugins_of_one_name_are_refused_naming_both(install: Install) -> None:
    install(
        ("same", "dist-one", "one:plugin"), ("same", "dist-two", "two:plugin"), one=Declares("a"), two=Declares("b")
    )
    plugins = load_plugins()
    assert status(plugins) == {"same": "failed"}
    with pytest.raises(
        UnknownNameError, match=r"same \(dist-one 1\.2, dist-two 1\.2\): several plugins have this name"
    ):
        plugins.find("judge", "a")
    assert plugins.find("judge", "self"), "others can be had"
    with pytest.raises(PluginError, match=r"'one'.*registered by hand.*RBSUITE_DISABLE_PLUGINS=one"):
        load_plugins([("one", Declares()), ("one", Declares())])


def test_two_specs_of_one_name_are_refused_naming_both(install: Install) -> None:
    install(
        ("one", "dist-one", "one:plugin"),
        ("two", "dist-two", "two:plugin"),
        one=Declares(judge="same"),
        two=Declares(judge="same", memory="other"),
    )
    plugins = load_plugins()
    with pytest.raises(PluginError, match=r"judge name 'same' .*dist-one 1\.2 and by dist-two 1\.2"):
        plugins.find("judge", "same")
    assert {"mine", "other"} <= set(plugins.memories), "what does not clash can be had"
    assert plugins.find("judge", "self")
    assert "same" not in plugins.judges
    assert plugins.clashes("judge") == {"same": "declared twice: by dist-one 1.2 and by dist-two 1.2"}


def environments(*specs: EnvironmentSpec) -> object:
    class Declared:
        @hookimpl
        def rbsuite_environments(self) -> Sequence[EnvironmentSpec]:
            return specs

    return Declared()


def test_an_alias_finds_the_environment_and_is_suggested() -> None:
    plugins = core_plugins(environments(EnvironmentSpec("home[small]", "a home", "x:Y", aliases=("home",))))
    assert plugins.environment("home") is plugins.environment("home[small]")
    assert list(plugins.environments) == ["home[small]"]
    assert plugins.aliases == {"home": "home[small]", "home-small": "home[small]"}
    with pytest.raises(UnknownNameError, match="home"):
        plugins.environment("hone")


@pytest.mark.parametrize(
    "taken", [EnvironmentSpec("home", "b", "x:Z"), EnvironmentSpec("b", "b", "x:Z", aliases=("home",))]
)
def test_an_alias_that_is_taken_is_refused_naming_both(taken: EnvironmentSpec) -> None:
    first = EnvironmentSpec("home[small]", "a home", "x:Y", aliases=("home",))
    plugins = core_plugins(environments(first), environments(taken))
    with pytest.raises(PluginError, match="'home' is declared twice: by registered by hand and by registered by hand"):
        plugins.environment("home")
    assert plugins.environment("home[small]") is first, "only the name that two claim is lost"
    if taken.name == "b":
        assert plugins.environment("b") is taken
    with pytest.raises(UnknownNameError):
        plugins.environment("huts")


def test_a_declaration_that_would_be_ignored_is_refused() -> None:
    with pytest.raises(ValueError, match="'nosuch' is reported separately, but is not one of its domains"):
        EnvironmentSpec("home", "a home", "x:Y", domains=("a",), apart=(Apart("nosuch", "It is not there."),))
    with pytest.raises(ValueError, match="action_mode 'choices' is not one of"):
        EnvironmentSpec("home", "a home", "x:Y", action_mode="choices")  # type: ignore[arg-type]


def test_built_in_name_cannot_be_taken(install: Install) -> None:
    install(("one", "dist-one", "one:plugin"), one=Declares(judge="self"))
    with pytest.raises(PluginError, match=r"'self'.*built in.*dist-one"):
        load_plugins().find("judge", "self")


def test_disabled_plugins_are_not_even_imported(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install(("one", "dist-one", "no_such_module:x"), ("two", "dist-two", "two:plugin"), two=Declares())
    monkeypatch.setenv("RBSUITE_DISABLE_PLUGINS", " one ,two,")
    plugins = load_plugins()
    assert status(plugins) == {"one": "disabled", "two": "disabled"}
    assert "mine" not in plugins.judges


def test_hook_that_does_not_exist_is_refused() -> None:
    for plugin, word in ((Misspelt(), "rbsuite_judgse"), (Greedy(), "weather")):
        plugins = core_plugins()
        with pytest.raises(PluginError, match=word):
            plugins.register(plugin, "bad")
        plugins.register(Declares(), "bad")
        assert "mine" in plugins.judges, "a refused plugin leaves nothing behind"


def test_hook_may_take_fewer_arguments() -> None:
    called = []

    class Few:
        @hookimpl
        def rbsuite_run_finished(self) -> None:
            called.append(True)

    plugins = core_plugins(Few())
    plugins.hook.rbsuite_run_finished(run=None)
    assert called == [True]


def test_plugins_registered_later_are_seen() -> None:
    plugins = core_plugins()
    assert "toy" not in plugins.environments
    plugins.register(ToyPlugin(), "toy")
    assert plugins.environment("toy").name == "toy"


@pytest.mark.parametrize("kind", ["memory", "judge", "agent", "scaling", "model", "embedder", "environment"])
def test_unknown_name_suggests_the_nearest(kind: str) -> None:
    plugins = core_plugins(ToyPlugin())
    plural = {"memory": "memories", "environment": "environments"}.get(kind, f"{kind}s")
    for name in getattr(plugins, plural):
        if len(name) < 3:
            continue
        with pytest.raises(UnknownNameError) as caught:
            plugins.find(kind, name + "x")
        assert f"unknown {kind} '{name}x'" in str(caught.value)
        assert f"'{name}'" in caught.value.remedy


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nowhere", ["module:attribute"]),
        ("no.such.module:x", ["no.such.module"]),
        ("rbsuite.seeds:nothing", ["rbsuite.seeds", "nothing"]),
    ],
)
def test_factory_that_cannot_be_loaded_names_its_owner(path: str, words: list[str]) -> None:
    with pytest.raises(PluginError) as caught:
        load_object(path, "memory 'mine'")
    assert [word for word in ["memory 'mine'", *words] if word not in str(caught.value)] == []


def test_every_hook_is_marked() -> None:
    names = [name for name in vars(hookspecs) if name.startswith("rbsuite_")]
    plugins = Plugins()
    assert names
    assert all(hasattr(plugins.hook, name) for name in names)
    assert {name for name in dir(plugins.hook) if name.startswith("rbsuite_")} == set(names)


class Directories:
    @hookimpl
    def rbsuite_prompt_dirs(self) -> Sequence[Path]:
        return [Path("no-such-directory")]


def test_a_prompt_directory_that_does_not_exist_stops_no_other_plugin(tmp_path: Path) -> None:
    class Fine:
        @hookimpl
        def rbsuite_prompt_dirs(self) -> Sequence[Path]:
            return [tmp_path]

    plugins = core_plugins()
    plugins.register(Directories(), "bad")
    plugins.register(Fine(), "fine")
    assert plugins.prompt_dirs == (tmp_path,)
    [info] = [info for info in plugins.infos if info.name == "bad"]
    assert (info.status, info.error) == (
        "failed",
        "rbsuite_prompt_dirs names the directory no-such-directory, which does not exist",
    )
