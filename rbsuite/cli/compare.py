"""``rbsuite compare``: everything that is known about how conditions differ, from the stores of one or more experiments."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from rbsuite.cli.commands import Command, GivenPath
from rbsuite.cli.opening import say_without_key
from rbsuite.cli.output import echo

EPILOG = """Examples:

\b
  rbsuite compare experiments/tau-bench-sample-0123456789
  rbsuite compare A B --baseline none --json
  rbsuite compare A --flips
"""


@click.command("compare", cls=Command, epilog=EPILOG)
@click.argument("experiments", nargs=-1, required=True, type=GivenPath(path_type=Path), metavar="EXPERIMENT...")
@click.option(
    "--baseline", metavar="MEMORY", help="Memory to compare with [default: the first memory of the first experiment]."
)
@click.option("--flips", is_flag=True, help="List the tasks that each condition won and lost against the baseline.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def command(experiments: Sequence[Path], baseline: str | None, flips: bool, as_json: bool) -> None:
    """Compare the conditions of one EXPERIMENT, or of several on the same tasks.

    Every condition is compared with the baseline memory, all else being equal, and each value of another factor with its first value; both
    are paired by task and stream. Several experiments are combined if environment, split, tasks and grading agree; runs of different
    experiments are paired if they have the same seed.
    """
    from rbsuite.report.comparison import gather
    from rbsuite.store import ExperimentStore

    with ExitStack() as stack:
        stores = [stack.enter_context(ExperimentStore.open(path, readonly=True)) for path in experiments]
        say_without_key(*stores)
        compared = gather(stores, baseline)
        if as_json:
            from rbsuite.cli.output import echo_json
            from rbsuite.report.comparison_json import document
            from rbsuite.report.flips import flips_json

            echo_json({**document(compared), **({"flips": flips_json(compared)} if flips else {})})
        elif flips:
            from rbsuite.report.flips import render as render_flips

            echo(render_flips(compared))
        else:
            from rbsuite.cli.curves import draw_curves
            from rbsuite.report.comparison_text import render

            echo(render(compared))
            draw_curves(compared.summary)
