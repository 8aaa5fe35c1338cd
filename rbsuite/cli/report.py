"""``rbsuite report``: experiments as one self-contained page."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from rbsuite.cli.commands import Command, GivenPath, find_plugins
from rbsuite.cli.output import tell

EPILOG = """Examples:

\b
  rbsuite report experiments/tau-bench-sample-0123456789
  rbsuite report A B -o report.html
"""


@click.command("report", cls=Command, epilog=EPILOG)
@click.argument("experiments", nargs=-1, required=True, type=GivenPath(path_type=Path), metavar="EXPERIMENT...")
@click.option(
    "-o",
    "--out",
    type=GivenPath(path_type=Path),
    metavar="FILE",
    help="The file to write [default: the first experiment's name and .html].",
)
@click.option(
    "--baseline", metavar="MEMORY", help="Memory to compare with [default: the first memory of the first experiment]."
)
@click.option("--reveal", is_flag=True, help="Include text that the benchmark's authors ask not to make public.")
def command(experiments: Sequence[Path], out: Path | None, baseline: str | None, reveal: bool) -> None:
    """Write a report of one EXPERIMENT, or of several on the same tasks, as one HTML file.

    It holds everything that compare prints, with charts, and every rollout with memory and without it, side by side. The file loads nothing
    from elsewhere. An experiment may still be running; what is committed is written.
    """
    from rbsuite.report.html.page import write_report
    from rbsuite.store import ExperimentStore
    from rbsuite.store.redaction import is_private

    with ExitStack() as stack:
        stores = [stack.enter_context(ExperimentStore.open(path, readonly=True)) for path in experiments]
        if any(map(is_private, stores)) and not reveal:
            tell("The benchmark's authors ask not to make its text public: it is left out (see --reveal).")
        place = out or Path(f"{stores[0].directory.resolve().name}.html")
        write_report(stores, place, find_plugins(), baseline=baseline, reveal=reveal)
    tell(f"Report written: {place}")
