"""``rbsuite prompts``: where a template comes from and what it renders to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from experiments import core_plugins
from rbsuite.cli.prompt_example import played, variables
from rbsuite.cli.prompts import command
from rbsuite.errors import TemplateError, UnknownNameError, UsageError
from rbsuite.hookspecs import hookimpl
from rbsuite.jsonable import text_digest
from rbsuite.plugins import Plugins, load_plugins
from rbsuite.prompts import Prompts
from rooms import RoomsPlugin
from toy import ToyPlugin

NAME = "agent/memory.j2"
Invoke = Callable[..., Result]


@pytest.fixture
def plugin_directory(tmp_path: Path) -> Path:
    directory = tmp_path / "plugin"
    (directory / "toy").mkdir(parents=True)
    (directory / "toy" / "greet.j2").write_text("Hello {{ who }}.\n", "utf-8")
    return directory


@pytest.fixture
def invoke(plugin_directory: Path) -> Invoke:
    class Toy:
        @hookimpl
        def rbsuite_prompt_dirs(self) -> list[Path]:
            return [plugin_directory]

    plugins = Plugins()
    plugins.register(Toy(), "toy")
    return lambda *arguments: CliRunner().invoke(command, arguments, obj=plugins, catch_exceptions=False)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "own" / "agent").mkdir(parents=True)
    mine = '{% extends "core/agent/memory.j2" %}\n{% block memory %}Mine: {{ memory }}{% endblock %}'
    (tmp_path / "own" / NAME).write_text(mine, "utf-8")
    return tmp_path / "own"


def test_list_shows_origin_and_hash(invoke: Invoke, own: Path) -> None:
    rows = {row["name"]: row for row in json.loads(invoke("list", "--prompts", str(own), "--json").stdout)}
    assert rows["toy/greet.j2"]["origin"] == "plugin"
    assert rows["toy/greet.j2"]["sha256"] == text_digest("Hello {{ who }}.\n")
    assert rows[NAME]["origin"] == "--prompts"
    assert rows["judge/self.j2"]["origin"] == "core"
    shown = [line.split() for line in invoke("list").stdout.splitlines()]
    assert ["toy/greet.j2", "plugin", text_digest("Hello {{ who }}.\n")[:12]] in shown


def test_show_gives_file_hash_and_source(invoke: Invoke, plugin_directory: Path) -> None:
    shown = invoke("show", "toy/greet.j2").stdout
    assert str(plugin_directory / "toy" / "greet.j2") in shown
    assert text_digest("Hello {{ who }}.\n") in shown
    assert shown.endswith("\nHello {{ who }}.\n\n")


def test_variables_render(invoke: Invoke) -> None:
    assert invoke("show", "toy/greet.j2", "--var", "who=a=b").stdout.endswith("\nHello a=b.\n")


def test_a_template_that_extends_another_names_it(invoke: Invoke, own: Path) -> None:
    arguments = ("show", NAME, "--prompts", str(own), "--var", "memory=x")
    assert invoke(*arguments).stdout.endswith("\nMine: x\n")
    row = json.loads(invoke(*arguments, "--json").stdout)
    core = json.loads(invoke("show", NAME, "--json").stdout)
    assert row["refers_to"] == {f"core/{NAME}": core["sha256"]}
    assert (row["rendered"], core["refers_to"]) == ("Mine: x", {})
    assert f"refers to  core/{NAME}\n" in invoke("show", NAME, "--prompts", str(own)).stdout


def test_a_malformed_template_is_shown_all_the_same(invoke: Invoke, own: Path) -> None:
    (own / NAME).write_text("{% if %}", "utf-8")
    assert invoke("show", NAME, "--prompts", str(own)).stdout.endswith("{% if %}\n")
    with pytest.raises(TemplateError, match="line 1"):
        invoke("show", NAME, "--prompts", str(own), "--var", "memory=x")


def test_missing_variable_says_how_to_give_it(invoke: Invoke) -> None:
    with pytest.raises(TemplateError, match=r"'who' is undefined\. Give the variable with --var"):
        invoke("show", "toy/greet.j2", "--var", "other=x")


def test_unknown_template_suggests_the_nearest(invoke: Invoke) -> None:
    with pytest.raises(UnknownNameError, match=r"Did you mean 'toy/greet.j2'"):
        invoke("show", "toy/gret.j2")


@pytest.mark.parametrize("text", ["novalue", "=x", "a b=x"])
def test_bad_variable_is_refused(invoke: Invoke, text: str) -> None:
    with pytest.raises(UsageError, match="NAME=VALUE"):
        invoke("show", NAME, "--var", text)


def test_missing_directory_is_an_error(invoke: Invoke, tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="does not exist"):
        invoke("list", "--prompts", str(tmp_path / "nowhere"))


@pytest.mark.parametrize("environment", ["toy", "rooms", "tau-bench", "aime", "eb-alfred"])
def test_every_template_renders_with_an_example(environment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plugins = load_plugins([("toy", ToyPlugin()), ("rooms", RoomsPlugin())])
    if environment not in {**plugins.environments, **plugins.aliases}:
        pytest.skip(f"{environment} is not installed")
    example = played(plugins, plugins.environment(environment))
    monkeypatch.setattr("rbsuite.cli.prompt_example.played", lambda *_, **__: example)  # it is the same each time
    prompts = Prompts(plugins.prompt_dirs)
    names = prompts.names()
    assert len(names) > 40
    for name in names:
        values = variables(plugins, prompts, name, environment)
        assert prompts.render(name, **values) or "base" in name


def test_the_example_is_what_happened_in_the_environment() -> None:
    plugins = core_plugins(ToyPlugin())
    arguments = ["show", "judge/self.j2", "--env", "toy"]
    shown = CliRunner().invoke(command, arguments, obj=plugins, catch_exceptions=False).stdout
    assert "How many apples are there in picture 0" in shown
    assert "There are 1." in shown
