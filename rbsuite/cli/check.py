"""``rbsuite check``: whether an experiment's file is as it was written."""

from __future__ import annotations

import re
from pathlib import Path

import click

from rbsuite.cli.commands import Command, GivenPath
from rbsuite.cli.output import echo, echo_json

_DIGEST = re.compile(r"[0-9a-fA-F]{12,64}")


@click.command("check", cls=Command)
@click.argument("experiment", type=GivenPath(path_type=Path))
@click.option("--digest", "wanted", default=None, metavar="HEX", help="The digest that the experiment must have.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def command(experiment: Path, wanted: str | None, as_json: bool) -> None:
    """Recompute the hash chain over all records of EXPERIMENT, and compare what is stored more than once.

    Exit code 1 with a line for each finding. Anyone who can compute a chain can forge one: only the digest, kept elsewhere (in a paper),
    shows that a file is the original one.
    """
    from rbsuite.errors import UsageError, shortened
    from rbsuite.store.checking import check_experiment
    from rbsuite.store.rows import UNDECLARED

    if wanted is not None and not _DIGEST.fullmatch(wanted):
        raise UsageError(
            f"--digest {shortened(wanted)!r} is no digest.", "Give its first 12 hexadecimal digits, or more."
        )
    report = check_experiment(experiment)
    findings = list(report.findings)
    if wanted and report.digest and not report.digest.startswith(wanted.lower()):
        findings.append(f"its digest is {report.digest}, not {wanted}")
    if wanted and report.keyless:
        findings.append("its digest cannot be computed: its text is sealed, and the key is not on this machine")
    if as_json:
        echo_json(
            {"experiment": str(experiment), "findings": findings, "digest": report.digest, "tasks": report.tasks,
             "acts": report.acts}
        )  # fmt: skip
    else:
        for finding in findings:
            echo(finding)
        for act in report.acts:
            echo(
                f"note: run {act.run} was added after the declared runs had finished ({act.kind})"
                if act.kind == UNDECLARED
                else f"note: run {act.run} was taken back to task {act.position} ({act.kind}); {act.tasks} tasks were discarded"
            )
        if not findings:
            told = f"digest {report.digest}"
            if report.keyless:
                told = "their text is sealed, and the key is not on this machine, so banks and digest are not computed"
            echo(f"{experiment}: {report.tasks} tasks as they were written; {told}")
    if findings:
        raise click.exceptions.Exit(1)
