"""What the documentation says of commands, options, links and outputs is so."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from rbsuite.cli import command as rbsuite
from rbsuite.run.config import FIELDS
from rbsuite.run.presets import PROTOCOLS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def commands(command: click.Command, path: tuple[str, ...] = ("rbsuite",)) -> Iterator[tuple[str, click.Command]]:
    """Every command and group, by what a user types."""
    yield " ".join(path), command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from commands(found, (*path, name))


COMMANDS = dict(commands(rbsuite))


def sections(page: Path) -> dict[str, str]:
    """The text under each heading of level 2 that is code."""
    parts = re.split(r"^## `(.+)`$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def squeezed(text: str) -> str:
    return "".join(text.split())


def anchors(page: Path) -> set[str]:
    """The anchors that a forge gives the headings of a page."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_command_has_a_section_and_nothing_else_has() -> None:
    assert list(sections(DOCS / "cli.md")) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_documented(name: str) -> None:
    text = squeezed(sections(DOCS / "cli.md")[name])
    for parameter in COMMANDS[name].params:
        if isinstance(parameter, click.Option):
            for flag in (*parameter.opts, *parameter.secondary_opts):
                assert flag in text, f"{name} {flag}"
            assert squeezed(parameter.help or "") in text, f"{name} {parameter.name}"


def test_every_option_of_an_experiment_is_documented() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|", (DOCS / "configuration.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [name.replace("_", "-") for name in FIELDS]


def test_every_rule_of_the_contract_kit_is_documented(pages: ModuleType) -> None:
    text = (DOCS / "contract-kit.md").read_text(encoding="utf-8")
    assert pages.with_every_rule(text) == text


def test_every_environment_variable_is_documented() -> None:
    page = (DOCS / "configuration.md").read_text(encoding="utf-8").partition("## Environment variables")[2]
    page += (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")  # those of tests
    sources = [*(ROOT / "rbsuite").rglob("*.py"), *(ROOT / "plugins").glob("*/rbsuite_*/**/*.py")]
    named = {name for path in sources for name in re.findall(r"RBSUITE_[A-Z_]+", path.read_text(encoding="utf-8"))}
    assert named
    assert {name for name in named if f"`{name}" not in page} == set()


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_setting_of_a_protocol_is_documented(name: str) -> None:
    page = (DOCS / "protocols.md").read_text(encoding="utf-8")
    section = page.partition(f"## {name}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([\w-]+)` \| `(.+?)` \|", section, re.MULTILINE)
    settings = (*PROTOCOLS[name].settings, PROTOCOLS[name].embedder)
    values = (",".join(map(str, one.value)) if isinstance(one.value, tuple) else str(one.value) for one in settings)
    assert rows == [(one.option.replace("_", "-"), value) for one, value in zip(settings, values, strict=True)]


def test_relative_links_resolve(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{target} in {page.name}"
        assert not anchor or anchor in anchors(linked), f"{target} in {page.name}"


def test_every_page_is_on_the_map() -> None:
    linked = set(re.findall(r"\]\((\w[\w.-]*\.md)\)", (DOCS / "index.md").read_text(encoding="utf-8")))
    unlisted = {path.name for path in DOCS.glob("*.md")} - linked - {"index.md", "decisions.md"}
    assert not unlisted


def test_shown_outputs_are_real(pages: ModuleType, page: Path) -> None:
    assert "\n".join(pages.differences(page)) == ""


def test_shown_commands_exist(pages: ModuleType, page: Path) -> None:
    for line in (line for block in pages.blocks(page) if block.language == "sh" for line in block.text.splitlines()):
        _, found, arguments = line.partition("rbsuite ")
        if not found:
            continue
        context = click.Context(rbsuite)
        group: click.Command = rbsuite
        rest = shlex.split(arguments)
        while isinstance(group, click.Group):
            child = group.get_command(context, rest.pop(0))
            assert child is not None, line
            group = child
        flags = {flag for parameter in group.params for flag in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in rest if word.startswith("-")} <= flags, line
