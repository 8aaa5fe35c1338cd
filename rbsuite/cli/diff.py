"""``rbsuite diff``: how two experiments differ, and with what results."""

from __future__ import annotations

from pathlib import Path

import click

from rbsuite.cli.commands import Command, GivenPath
from rbsuite.cli.opening import say_without_key
from rbsuite.cli.output import echo, echo_json


@click.command("diff", cls=Command)
@click.argument("a", type=GivenPath(path_type=Path))
@click.argument("b", type=GivenPath(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def command(a: Path, b: Path, as_json: bool) -> None:
    """Show how the experiments A and B differ and what came of it.

    Options, versions, models, task sets and templates that differ; then the success of the conditions that correspond, with
    their paired difference where both ran on the same tasks under the same grading.
    """
    from rbsuite.report.differing import as_json as document
    from rbsuite.report.differing import differing, render
    from rbsuite.store import ExperimentStore

    with ExperimentStore.open(a, readonly=True) as first, ExperimentStore.open(b, readonly=True) as second:
        say_without_key(first, second)
        found = differing(first, second)
        if as_json:
            echo_json(document(found))
        else:
            echo(render(found))
