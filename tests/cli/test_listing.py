"""``rbsuite list``: every kind, readable and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NoReturn

import pytest
from click.testing import CliRunner, Result

from rbsuite.cli.listing import KINDS, bounds, command
from rbsuite.cli.plugins import command as plugins_command
from rbsuite.errors import UnknownNameError
from rbsuite.hookspecs import hookimpl
from rbsuite.options import Option
from rbsuite.plugins import Plugins
from rbsuite.report.text import fields, one_line, table
from rbsuite.specs import EnvironmentSpec, JudgeSpec, MemorySpec, ModelSpec, Split


class _Toy:
    @hookimpl
    def rbsuite_memories(self) -> Sequence[MemorySpec]:
        options = (
            Option("k", "int", 2, "how many", minimum=1, maximum=9),
            Option("mode", "str", "", "which way", choices=("fast", "slow")),
            Option("strict", "bool", False, "whether it is strict"),
        )
        return [
            MemorySpec("keep", "keeps all", "toy:Keep", options),
            MemorySpec("shuffle", "mixes", "toy:S", control=True),
        ]

    @hookimpl
    def rbsuite_judges(self) -> Sequence[JudgeSpec]:
        return [JudgeSpec("judge-dredd", "knows", "toy:D", ground_truth=True)]

    @hookimpl
    def rbsuite_models(self) -> Sequence[ModelSpec]:
        return [ModelSpec("sim/toy", "a simulated toy", "toy:M", simulated=True)]

    @hookimpl
    def rbsuite_environments(self) -> Sequence[EnvironmentSpec]:
        return [EnvironmentSpec("toyland", "toys\x1b[2J", "toy:E", splits=(Split("sample", "some", bundled=True),))]


def plugins() -> Plugins:
    def load() -> NoReturn:
        raise RuntimeError("it broke\nbadly")

    plugins = Plugins()
    plugins.register(_Toy(), "toy", "toy-distribution 1.2")
    plugins.add("wrecked", "wreck 0.1", load)
    plugins.skip("sleeping", "sleep 3")
    return plugins


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, obj=plugins(), catch_exceptions=False)


def lines(*arguments: str) -> list[list[str]]:
    result = invoke(*arguments)
    assert result.exit_code == 0
    return [line.split("  ") for line in result.stdout.splitlines()]


def test_names_and_summaries() -> None:
    assert invoke("memories").stdout == "keep     keeps all\nshuffle  mixes (control)\n"
    assert invoke("judges").stdout == "judge-dredd  knows (sees the ground truth)\n"
    assert invoke("models").stdout == "sim/toy  a simulated toy\n"


def test_options_with_type_default_bounds_and_help() -> None:
    shown = [line.split() for line in invoke("memories", "-v").stdout.splitlines()]
    assert ["k", "int", "2", "1..9", "how", "many"] in shown
    assert ["mode", "str", '""', "fast|slow", "which", "way"] in shown
    assert ["strict", "bool", "false", "whether", "it", "is", "strict"] in shown
    assert ["no", "options"] in shown


def test_json_is_complete() -> None:
    (keep, shuffle) = json.loads(invoke("memories", "--json").stdout)
    assert (keep["name"], keep["options"][0]["maximum"], shuffle["control"]) == ("keep", 9, True)
    assert json.loads(invoke("environments", "--json").stdout)[0]["splits"][0]["name"] == "sample"
    assert json.loads(invoke("scalings", "--json").stdout) == []


def test_plugins_with_status_and_error() -> None:
    result = invoke("plugins")
    shown = result.stdout.splitlines()
    assert [line.split()[0] for line in shown] == ["plugin", "toy", "wrecked", "sleeping"]
    assert "toy-distribution 1.2" in shown[1]
    assert "memories: keep, shuffle" in shown[1]
    assert "failed" in shown[2]
    assert shown[2].endswith("RuntimeError: it broke badly")
    assert "disabled" in shown[3]
    assert result.stderr == (
        "wrecked (wreck 0.1) failed: RuntimeError: it broke badly. "
        "Upgrade, reinstall or fix wreck 0.1, or set RBSUITE_DISABLE_PLUGINS=wrecked.\n"
    )
    rows = json.loads(invoke("plugins", "--json").stdout)
    assert [row["status"] for row in rows] == ["loaded", "failed", "disabled"]
    assert rows[0]["provides"]["models"] == ["sim/toy"]
    again = CliRunner().invoke(plugins_command, ["--json"], obj=plugins(), catch_exceptions=False)
    assert [row["error"] for row in json.loads(again.stdout)] == [row["error"] for row in rows]


class _Raises:
    @hookimpl
    def rbsuite_judges(self) -> Sequence[JudgeSpec]:
        raise ValueError("no judges today")


@pytest.mark.parametrize("arguments", [("plugins",), ("plugins", "--json"), ("judges",), ()])
def test_a_hook_that_raises_is_a_failure_in_every_list(arguments: tuple[str, ...]) -> None:
    found = Plugins()
    found.register(_Raises(), "raising", "raise 1.0")
    result = CliRunner().invoke(command, arguments, obj=found, catch_exceptions=False)
    assert "raising" in result.stderr
    assert found.infos[0].status == "failed"
    assert found.infos[0].error == "ValueError: no judges today"
    if arguments == ("plugins", "--json"):
        assert json.loads(result.stdout)[0]["status"] == "failed"


def test_without_a_kind_every_kind_is_shown() -> None:
    result = invoke()
    assert [line.split()[0] for line in result.stdout.splitlines()[: len(KINDS)]] == list(KINDS)
    assert "keep, shuffle" in result.stdout
    assert result.stderr == "Failed to load: wrecked. See: rbsuite plugins\n"
    assert json.loads(invoke("--json").stdout)["memories"] == ["keep", "shuffle"]


@pytest.mark.parametrize("kind", ["memory", "MEMORIES", "memories"])
def test_singular_and_case_do_not_matter(kind: str) -> None:
    assert "keep" in invoke(kind).stdout


@pytest.mark.parametrize(
    ("kind", "nearest"), [("memoris", "memories"), ("enviroments", "environments"), ("plugin-s", "plugins")]
)
def test_wrong_kind_suggests_the_nearest(kind: str, nearest: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown kind '{kind}'. Did you mean '{nearest}'"):
        invoke(kind)


def test_nothing_installed_is_said() -> None:
    assert invoke("selectors").stdout == "None is installed.\n"


def test_terminal_codes_of_a_plugin_are_not_passed_on() -> None:
    assert "\x1b" not in invoke("environments").stdout


@pytest.mark.parametrize(
    ("option", "shown"),
    [
        (Option("x", "float", 0.5, "", minimum=0, maximum=1), "0..1"),
        (Option("x", "int", 5, "", minimum=1), ">= 1"),
        (Option("x", "int", 5, "", maximum=1048576), "<= 1048576"),
        (Option("x", "int", 5, ""), ""),
    ],
)
def test_bounds(option: Option, shown: str) -> None:
    assert bounds(option) == shown


def test_tables_align_and_end_without_blanks() -> None:
    assert table([("a", "bb", ""), ("ccc", "d", "e")], indent=1) == " a    bb\n ccc  d   e"
    assert table([]) == ""
    assert one_line("a\n b\x1b[1m\tc") == "a b\\x1b[1m c"
    assert fields([("long label", "x"), ("b", "y"), ("c", "")]) == "long label  x\nb           y"
    folded = fields([("a", "word " * 40)], width=60).splitlines()
    assert len(folded) > 2
    assert all(line.startswith("   ") for line in folded[1:])
