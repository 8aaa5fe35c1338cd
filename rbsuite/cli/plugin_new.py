"""``rbsuite plugin new``: write a plugin's distribution."""

from __future__ import annotations

from pathlib import Path

import click

from rbsuite.cli.commands import Command, GivenPath, find_plugins
from rbsuite.cli.output import echo
from rbsuite.scaffold import KINDS, NAMES, plan_distribution


@click.command("new", cls=Command)
@click.argument("name")
@click.option("--kind", required=True, metavar="KIND", help=f"What it is: {', '.join(KINDS)}.")
@click.option(
    "--template", default="", metavar="TEMPLATE", help=f"Of an environment: {', '.join(NAMES)} [default: {NAMES[0]}]."
)
@click.option(
    "--into",
    type=GivenPath(path_type=Path),
    default=Path(),
    metavar="DIR",
    help="The directory in which to create its own [default: the current one].",
)
def command(name: str, kind: str, template: str, into: Path) -> None:
    """Write a distribution with a plugin NAME, which installs, passes its tests and runs as it is.

    It is called rbsuite-NAME, and has pyproject.toml, a package with prompts and sample data where it needs them, tests, README.md and a
    CI workflow.
    """
    plan_distribution(name, kind, template)  # errors in the arguments are reported before errors in plugins
    plugins = find_plugins()
    declared = {known: plugins.owner(spec) for known, spec in plugins.of_kind(kind).items()}
    made = plan_distribution(name, kind, template, declared)
    directory = made.write(into)
    files = sum(path.is_file() for path in directory.rglob("*"))
    echo(f"Wrote {directory}: the {kind} {name!r}, {files} files. Next:")
    for line in (f"cd {directory}", 'pip install -e ".[test]"', "pytest", made.command):
        echo(f"  {line}")
