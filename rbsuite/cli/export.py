"""``rbsuite export``: an experiment in other formats."""

from __future__ import annotations

from pathlib import Path

import click

from rbsuite.cli.commands import Command, GivenPath
from rbsuite.cli.opening import open_shown
from rbsuite.cli.output import stdout, tell

FORMATS = ("csv", "jsonl", "parquet", "inspect", "atif")

EPILOG = """Formats:

\b
  csv      tables: conditions, comparisons, tasks, rollouts, recalls, items
  parquet  the same tables with types, for DuckDB and pandas (needs pyarrow)
  jsonl    everything, one line per task
  inspect  .eval logs for `inspect view` and read_eval_log, one per run
  atif     agent trajectories, one file per rollout
"""


@click.command("export", cls=Command, epilog=EPILOG)
@click.argument("experiment", type=GivenPath(path_type=Path))
@click.option("--to", "form", type=click.Choice(FORMATS), required=True, help="The format.")
@click.option(
    "--out",
    type=GivenPath(path_type=Path),
    metavar="PATH",
    help="The file or directory to write; -: standard output (jsonl) [default: EXPERIMENT's name and the format].",
)
@click.option("--no-trajectories", is_flag=True, help="jsonl: leave out the steps.")
@click.option("--reveal", is_flag=True, help="Include text that the benchmark's authors ask not to make public.")
def command(experiment: Path, form: str, out: Path | None, no_trajectories: bool, reveal: bool) -> None:
    """Write an EXPERIMENT in another format. It may still be running; what is committed is written."""
    from rbsuite.errors import UsageError
    from rbsuite.export import export
    from rbsuite.store import export_jsonl
    from rbsuite.store.redaction import is_private

    if no_trajectories and form != "jsonl":
        raise UsageError(f"--no-trajectories applies to --to jsonl, not to {form}.", "Leave it out.")
    with open_shown(experiment, reveal=reveal) as store:
        if is_private(store) and not store.confined and not reveal:
            tell("The benchmark's authors ask not to make its text public: it is left out (see --reveal).")
        if out == Path("-"):
            if form != "jsonl":
                raise UsageError(f"--to {form} writes a directory of files.", "Name a directory with --out.")
            export_jsonl(store, stdout(), trajectories=not no_trajectories, reveal=reveal)
            return
        place = out or Path(f"{store.directory.resolve().name}.{form}")
        done = export(store, form, place, trajectories=not no_trajectories, reveal=reveal)
    tell(f"{done.files} file{'s' if done.files > 1 else ''} written: {done.place}")
