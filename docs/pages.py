"""The marked blocks of the documentation, and a check that the outputs shown in it are real.

    python docs/pages.py            compares every shown output with what its command prints now; exit code 1 where they differ
    python docs/pages.py --write    puts in what the commands print now

A mark is a comment on a line of its own before a fenced block: ``<!-- output: COMMAND -->`` (the block is what the command prints) or
``<!-- file: NAME -->`` (the block is that file). Of a block of commands that are not compared, ``<!-- run by: TEST -->`` names the file of
the test that runs it, and ``<!-- not run: REASON -->`` says why none does. The commands of a page run one after the other, in one empty
directory that holds the page's files, with no imported data; if a ``pyproject.toml`` is among them, its entry points are known as if it
were installed.
``--write`` also gives ``docs/cli.md`` a section for every new command, ``docs/configuration.md`` its table of options, and
``docs/contract-kit.md`` its tables of rules.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import os
import re
import shlex
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_BLOCK = re.compile(
    r"^(?:<!-- (?P<kind>output|file|run by|not run): (?P<argument>.+?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
# Hashes change with every template, version and wording; they are shown, but not compared.
_HASH = re.compile(r"\b[0-9a-f]{10,64}\b")
# What running ahead wastes depends on the schedule; it is not part of a result.
_WASTE = re.compile(r", (?:discarded rollouts|wasted calls|wasted tokens) \d+")
_HELP = "--help"


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page.

    Attributes:
        kind: ``output``, ``file``, ``run by``, ``not run``, or ``""`` where the block is not marked.
        argument: the command, the file's name, the test, or the reason.
        language: of the fence.
        text: its content, with the final newline.
        span: where the content stands in the page.
    """

    kind: str
    argument: str
    language: str
    text: str
    span: tuple[int, int]


def pages() -> list[Path]:
    """Every Markdown page that is part of the documentation."""
    plugins = sorted(ROOT.glob("plugins/*/README.md"))
    return [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md")), *plugins, *ROOT.glob("leaderboards/*.md")]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [
        Block(match["kind"] or "", match["argument"] or "", match["language"], match["text"], match.span("text"))
        for match in _BLOCK.finditer(page.read_text(encoding="utf-8"))
    ]


def write_files(page: Path, directory: Path) -> list[Path]:
    """Write the files that a page shows into a directory."""
    written = []
    for block in blocks(page):
        if block.kind == "file":
            path = directory / block.argument
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
            written.append(path)
    return written


def run(command: str) -> str:
    """What a ``rbsuite`` command prints to a pipe on standard output.

    Raises:
        RuntimeError: it failed.
    """
    from click.testing import CliRunner

    from rbsuite.cli import command as rbsuite

    program, *arguments = shlex.split(command)
    if program != "rbsuite":
        raise RuntimeError(f"{command!r} is not an rbsuite command")
    result = CliRunner().invoke(rbsuite, arguments, prog_name="rbsuite")
    if result.exit_code:
        raise RuntimeError(f"{command!r} ended with {result.exit_code}: {result.exception or result.output}")
    return "\n".join(line.rstrip() for line in result.stdout.strip("\n").splitlines()) + "\n"


@contextlib.contextmanager
def workplace(page: Path) -> Iterator[None]:
    """The directory, environment and files that a page's commands run with."""
    before = Path.cwd(), dict(os.environ), set(sys.modules)
    with tempfile.TemporaryDirectory() as place:
        os.environ.update(COLUMNS="100", RBSUITE_DATA=str(Path(place) / "data"), NO_COLOR="1")
        # Not installed by default, so no page shows them.
        os.environ["RBSUITE_DISABLE_PLUGINS"] = "local,mem0,minigrid,miniwob,mlflow,wandb,webarena,webshop-mini"
        if Path(place, "pyproject.toml") in write_files(page, Path(place)):
            write_metadata(Path(place))
        os.chdir(place)
        sys.path.insert(0, place)
        try:
            yield
        finally:
            sys.path.remove(place)
            for name in set(sys.modules) - before[2]:
                if str(getattr(sys.modules[name], "__file__", "")).startswith(place):
                    del sys.modules[name]
            os.chdir(before[0])
            os.environ.clear()
            os.environ.update(before[1])


def write_metadata(directory: Path) -> None:
    """Write what an installer would write about the project in a directory: its name, version and entry points."""
    project = tomllib.loads((directory / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name, version = project["name"], project["version"]
    info = directory / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    lines = []
    for group, entries in project.get("entry-points", {}).items():
        lines += [f"[{group}]", *(f"{entry} = {target}" for entry, target in entries.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def refreshed(page: Path, *, helps: bool) -> str:
    """A page's text with the outputs that its commands give now.

    Args:
        page: the page.
        helps: whether to run the commands that end in ``--help`` too; click words those differently between its versions.
    """
    text = page.read_text(encoding="utf-8")
    shown = [block for block in blocks(page) if block.kind == "output" and (helps or _HELP not in block.argument)]
    if not shown:
        return text
    with workplace(page):
        outputs = [run(block.argument) for block in shown]
    for block, output in reversed(list(zip(shown, outputs, strict=True))):
        text = text[: block.span[0]] + output + text[block.span[1] :]
    return text


def with_every_command(text: str) -> str:
    """The text of ``docs/cli.md`` with an empty section for each command that has none, in the order of the command tree."""
    import click

    from rbsuite.cli import command as rbsuite

    def walk(command: click.Command, name: str) -> Iterator[str]:
        yield name
        if isinstance(command, click.Group):
            context = click.Context(command)
            for part in command.list_commands(context):
                child = command.get_command(context, part)
                assert child is not None
                yield from walk(child, f"{name} {part}")

    parts = re.split(r"^(?=## `)", text, flags=re.MULTILINE)
    sections = {part.partition("`")[2].partition("`")[0]: part.rstrip() for part in parts[1:]}
    empty = "## `{0}`\n\n<!-- output: {0} --help -->\n```text\n```"
    names = list(walk(rbsuite, "rbsuite"))
    return "\n\n".join([parts[0].rstrip(), *(sections.get(name) or empty.format(name) for name in names)]) + "\n"


def with_every_option(text: str) -> str:
    """The text of ``docs/configuration.md`` with its last section's table made anew from the options of an experiment."""
    from dataclasses import MISSING

    from rbsuite.run.config import FIELDS

    kinds = {
        "text": "text",
        "names": "names",
        "int": "whole number",
        "float": "number",
        "numbers": "numbers",
        "counts": "whole numbers",
        "flag": "true or false",
    }
    rows = ["| option | kind | default | meaning |", "|---|---|---|---|"]
    for name, option in FIELDS.items():
        default = option.default
        if default is MISSING:
            shown = "required"
        elif default in ("", None, (), ("",)) and default is not False:
            shown = ""
        else:
            shown = f"`{', '.join(map(str, default)) if isinstance(default, tuple) else str(default).lower()}`"
        meaning = option.metadata["help"].replace(" [default: ", " (default: ").replace("]", ")")
        choices = ", ".join(f"`{choice}`" for choice in option.metadata["choices"])
        meaning += f": {choices}" if choices else ""
        rows.append(f"| `{name.replace('_', '-')}` | {kinds[option.metadata['kind']]} | {shown} | {meaning} |")
    return text[: text.index("| option |")] + "\n".join(rows) + "\n"


def with_every_rule(text: str) -> str:
    """The text of ``docs/contract-kit.md`` with the tables of its last section made anew from the rules."""
    from rbsuite.testing.kit import RULES

    head, found, _ = text.partition("## The rules\n")
    if not found:
        raise RuntimeError("docs/contract-kit.md has no section 'The rules'")
    parts = [head + found.rstrip()]
    for kind, rules in RULES.items():
        rows = ["| rule | what must hold | what to do where it does not |", "|---|---|---|"]
        rows += [f"| `{rule.id}` | {_cell(rule.requires)} | {_cell(rule.remedy)} |" for rule in rules]
        parts.append(f"### {kind}: {len(rules)} rules\n\n" + "\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def differences(page: Path) -> list[str]:
    """How the outputs that a page shows differ from real ones, as lines of a diff; widths, hashes and waste aside."""
    now, shown = (_comparable(text) for text in (refreshed(page, helps=False), page.read_text(encoding="utf-8")))
    name = str(page.relative_to(ROOT))
    return list(difflib.unified_diff(shown, now, f"{name} (shown)", f"{name} (now)", lineterm="", n=1))


def _comparable(text: str) -> list[str]:
    return [" ".join(line.split()) for line in _HASH.sub("HASH", _WASTE.sub("", text)).splitlines()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Check or rewrite; gives the exit code."""
    parser = argparse.ArgumentParser(description="Check the outputs that the documentation shows.")
    parser.add_argument("--write", action="store_true", help="put in what the commands print now")
    parser.add_argument("page", nargs="*", type=Path, help="only these pages")
    options = parser.parse_args(arguments)
    lines: list[str] = []
    for page in [path.resolve() for path in options.page] or pages():
        if options.write:
            make = {
                "cli.md": with_every_command,
                "configuration.md": with_every_option,
                "contract-kit.md": with_every_rule,
            }.get(page.name)
            if make is not None:
                page.write_text(make(page.read_text(encoding="utf-8")), encoding="utf-8")
            page.write_text(refreshed(page, helps=True), encoding="utf-8")
        else:
            lines += differences(page)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
