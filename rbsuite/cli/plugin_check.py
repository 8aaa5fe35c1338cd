"""``rbsuite plugin check``: runs the contract kit on plugins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import click

from rbsuite.cli.commands import Command, find_plugins
from rbsuite.cli.output import echo, echo_json
from rbsuite.report.text import one_line

if TYPE_CHECKING:
    from rbsuite.testing.rules import Finding

_WIDTH = len("not tried")


@click.command("check", cls=Command)
@click.argument("name", required=False, default="", metavar="[NAME|PATH]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(context: click.Context, name: str, as_json: bool) -> None:
    """Check a plugin, and everything it declares, against the rules of the contract. Exit code 1 if a rule is broken.

    NAME is that of a plugin, of its distribution, or of something that a plugin declares, with options if needed (reasoningbank:k=2).
    PATH is the directory of a plugin (with its pyproject.toml) or a module, which need not be installed; its code is run. Without either,
    everything that is installed is checked.
    """
    from rbsuite.testing.kit import check, find_targets

    targets = find_targets(name, find_plugins())
    findings: list[Finding] = []
    for target in targets.targets:
        found = check(target.kind, target.name, targets.plugins)
        findings += found
        if not as_json:
            for line in _lines(found):
                echo(line)
            echo()
    counts = {outcome: sum(one.outcome == outcome for one in findings) for outcome in ("kept", "broken", "not tried")}
    if as_json:
        echo_json({"ok": not counts["broken"], "findings": findings})
    else:
        told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        echo(f"{len(findings)} rules tried on {_counted(len(targets.targets))}: {told}")
    context.exit(1 if counts["broken"] else 0)


def _counted(subjects: int) -> str:
    return "1 subject" if subjects == 1 else f"{subjects} subjects"


def _lines(findings: Sequence[Finding]) -> Iterator[str]:
    """One subject: its rules in order; those that could not be checked for the same reason share a line."""
    yield one_line(f"{findings[0].kind} {findings[0].subject}")
    width = max(len(one.rule) for one in findings)
    for (outcome, detail), group in groupby(findings, lambda one: (one.outcome, one.detail)):
        found = list(group)
        if outcome == "not tried":
            yield f"  {outcome}  {', '.join(one.rule for one in found)}: {one_line(detail)}"
            continue
        for one in found:
            yield f"  {outcome.ljust(_WIDTH)}  {one.rule.ljust(width)}  {one_line(one.requires)}"
            if outcome == "broken":
                yield f"  {' ' * _WIDTH}  {one_line(one.detail)}"
                yield f"  {' ' * _WIDTH}  -> {one_line(one.remedy)}"
