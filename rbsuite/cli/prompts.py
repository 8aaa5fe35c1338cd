"""``rbsuite prompts``: the templates that an experiment would use, and how they render."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rbsuite.cli.commands import CommandGroup, GivenPath, find_plugins
from rbsuite.cli.opening import reveal_option
from rbsuite.cli.output import echo, echo_json, tell
from rbsuite.report.text import fields, table

if TYPE_CHECKING:
    from rbsuite.prompts import Prompts

_directory_option = click.option(
    "--prompts",
    "directory",
    type=GivenPath(path_type=Path),
    metavar="DIR",
    help="A directory of your own templates, which take precedence.",
)
_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group("prompts", cls=CommandGroup)
def command() -> None:
    """List, show and render the prompt templates.

    To change one, put a file of the same name into a directory and name that directory with --prompts.
    """


@command.command("list")
@_directory_option
@_json_option
def list_command(directory: Path | None, as_json: bool) -> None:
    """List the templates with their origin and hash."""
    prompts, origins = open_prompts(directory)
    rows = [describe(prompts, name, origins) for name in prompts.names()]
    if as_json:
        echo_json(rows)
        return
    heads = ("template", "origin", "sha256")
    echo(table([heads, *((row["name"], row["origin"], row["sha256"][:12]) for row in rows)]))


@command.command("show")
@click.argument("name")
@_directory_option
@click.option("--env", "environment", default="", metavar="ENV", help="Render with an example from this environment.")
@click.option("--var", "variables", multiple=True, metavar="NAME=VALUE", help="Render with this value; repeatable.")
@reveal_option
@_json_option
def show_command(
    name: str, directory: Path | None, environment: str, variables: Sequence[str], reveal: bool, as_json: bool
) -> None:
    """Show the template NAME: its origin and source; with --env or --var, what it renders to."""
    prompts, origins = open_prompts(directory)
    row = describe(prompts, name, origins)
    row["refers_to"] = referred(prompts, row["source"])
    values = read_variables(variables)
    if environment or values:
        row["rendered"] = _render(prompts, name, {**_example(prompts, name, environment, reveal=reveal), **values})
    if as_json:
        echo_json(row)
        return
    facts = [(label, row[label]) for label in ("name", "origin", "file", "sha256")]
    echo(fields([*facts, ("refers to", ", ".join(row["refers_to"]))]))
    echo(f"\n{row.get('rendered', row['source'])}")


def open_prompts(directory: Path | None) -> tuple[Prompts, list[tuple[str, Path]]]:
    """The templates as an experiment would find them, and the directories with their names, in order of precedence.

    Raises:
        TemplateError: the directory does not exist.
    """
    from rbsuite.prompts import Prompts, check_own, core_directory

    own = [] if directory is None else [directory]
    plugged = list(find_plugins().prompt_dirs)
    for line in check_own(directory, plugged) if directory is not None else ():
        tell(line)
    origins = [("--prompts", path) for path in own] + [("plugin", path) for path in plugged]
    return Prompts([*own, *plugged]), [*origins, ("core", core_directory())]


def describe(prompts: Prompts, name: str, origins: Sequence[tuple[str, Path]]) -> dict[str, Any]:
    """A template's name, origin, file, hash and source.

    Raises:
        UnknownNameError: there is no such template.
    """
    from rbsuite.jsonable import text_digest

    source, path = prompts.source(name)
    origin = next((label for label, directory in origins if path.is_relative_to(directory)), "unknown")
    return {"name": name, "origin": origin, "file": str(path), "sha256": text_digest(source), "source": source}


def referred(prompts: Prompts, source: str) -> dict[str, str]:
    """SHA-256 of every template that a source extends or includes by name, since its text depends on them."""
    from jinja2 import Environment, TemplateError, meta

    from rbsuite.jsonable import text_digest

    try:
        names = meta.find_referenced_templates(Environment(autoescape=False).parse(source))
        return {name: text_digest(prompts.source(name)[0]) for name in names if name}
    except (TemplateError, ValueError, RecursionError):  # malformed: its source is shown anyway
        return {}


def read_variables(texts: Sequence[str]) -> dict[str, str]:
    """The values of ``--var NAME=VALUE``.

    Raises:
        UsageError: one has no ``=`` or no name.
    """
    from rbsuite.errors import UsageError

    values = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            raise UsageError(f"--var {text!r} is not of the form NAME=VALUE.", "For example: --var policy='Be brief.'")
        values[name.strip()] = value
    return values


def _example(prompts: Prompts, name: str, environment: str, *, reveal: bool) -> Mapping[str, Any]:
    if not environment:
        return {}
    from rbsuite.cli.prompt_example import variables

    return variables(find_plugins(), prompts, name, environment, reveal=reveal)


def _render(prompts: Prompts, name: str, values: dict[str, Any]) -> str:
    from rbsuite.errors import TemplateError

    try:
        return prompts.render(name, **values)
    except TemplateError as error:
        if "undefined" not in error.message:
            raise
        raise TemplateError(
            error.message, "Give the variable with --var NAME=VALUE, or an example with --env."
        ) from error
