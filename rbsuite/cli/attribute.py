"""``rbsuite attribute``: the effects of memory items, measured by leaving them out and rerunning their tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rbsuite.cli.commands import Command, GivenPath, Number, find_plugins
from rbsuite.cli.opening import open_shown, reveal_option
from rbsuite.cli.output import echo, echo_json, tell
from rbsuite.errors import Interrupted, LimitReached, Outage

if TYPE_CHECKING:
    from rbsuite.record import Condition
    from rbsuite.run.attribution import Journal, LeftOut, Trial
    from rbsuite.run.config import Execution
    from rbsuite.store import ExperimentStore

EPILOG = """Examples:

\b
  rbsuite attribute demo --dry-run
  rbsuite attribute demo --items 20 --clusters 5 --max-cost 2
"""


@click.command("attribute", cls=Command, epilog=EPILOG)
@click.argument("experiment", type=GivenPath(path_type=Path))
@click.option(
    "--memory",
    metavar="MEMORY",
    help="The memory, or the name of a condition [default: the first that recalled items].",
)
@click.option(
    "--items",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    metavar="N",
    help="How many items to leave out: those recalled for the most tasks.",
)
@click.option(
    "--clusters",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    metavar="N",
    help="How many clusters to leave out: items that say the same, over all orders.",
)
@click.option("--again", is_flag=True, help="Also run each task again with nothing left out, and compare with that.")
@click.option("--dry-run", is_flag=True, help="Say how much there is to run and estimate its cost; nothing is sent.")
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    metavar="N",
    help="Concurrent model calls.",
)
@click.option(
    "--cache", type=GivenPath(path_type=str), default="", metavar="DIR", help="A cache of replies, as for rbsuite eval."
)
@click.option(
    "--max-cost", type=Number(min=0), metavar="DOLLARS", help="Stop when all sessions together have cost this much."
)
@click.option("--max-tokens", type=click.IntRange(min=1), metavar="N", help="Stop after this many tokens, in and out.")
@click.option("--max-calls", type=click.IntRange(min=1), metavar="N", help="Stop after this many model calls.")
@click.option("--max-time", type=Number(min=0), metavar="SECONDS", help="Stop when this session has taken this long.")
@click.option(
    "--i-may-share-this-data",
    "share",
    is_flag=True,
    help="Allow private tasks to go to models and embedders that are not on this machine.",
)
@reveal_option
@click.option(
    "--journal",
    type=GivenPath(path_type=Path),
    metavar="FILE",
    help="Where to keep what is done [default: in EXPERIMENT].",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
@click.option("--quiet", is_flag=True, help="No progress display.")
def command(
    experiment: Path,
    memory: str | None,
    items: int,
    clusters: int,
    again: bool,
    dry_run: bool,
    journal: Path | None,
    reveal: bool,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Leave memory items of an EXPERIMENT out and rerun the tasks for which they were recalled: what did each cause?

    A task is rerun in its place, from the same bank without the item, with the same seeds. Nothing is learned, and the experiment stays
    as it is. Finished work is kept: the same command continues where it stopped, and with more --items runs only what is new.
    """
    from rbsuite.run.attributed import effects
    from rbsuite.run.attribution import FILE_NAME, Journal, condition_of, left_out, trials_of
    from rbsuite.run.config import Execution

    with open_shown(experiment, reveal=reveal) as store:
        condition = condition_of(store, memory)
        found = left_out(store, condition, items, clusters)
        kept, trials = Journal(journal or store.directory / FILE_NAME), trials_of(found, again=again)
        if dry_run:
            _estimate(store, found, trials, kept, as_json=as_json)
            return
        _run(store, trials, kept, Execution(**options, reveal=reveal), quiet=quiet or as_json)
        _report(store, condition, effects(found, kept, again=again), kept, again=again, as_json=as_json)


def _estimate(
    store: ExperimentStore, found: Sequence[LeftOut], trials: Sequence[Trial], kept: Journal, *, as_json: bool
) -> None:
    from rbsuite.run.attribution import estimated

    left = [trial for trial in trials if kept.get(trial) is None]
    usage = estimated(store, left)
    if as_json:
        document: Mapping[str, Any] = {
            "dry_run": True,
            "left_out": [
                {"kind": one.kind, "title": one.title, "items": one.items, "tasks": len(one.trials)} for one in found
            ],
            "trials": len(trials),
            "left": len(left),
            "estimate": usage,
        }
        echo_json(document)
        return
    counts = {kind: sum(one.kind == kind for one in found) for kind in ("item", "cluster")}
    cost = "unknown cost" if usage.cost is None else f"${usage.cost:,.4f}"
    echo(
        f"{counts['item']} items and {counts['cluster']} clusters: {len(trials)} tasks to rerun, {len(left)} of them still to do."
    )
    echo(
        f"About {usage.calls:,} calls, {usage.tokens:,} tokens, {cost}, judging by what the same tasks took before; nothing is sent."
    )


def _run(store: ExperimentStore, trials: Sequence[Trial], kept: Journal, execution: Execution, *, quiet: bool) -> None:
    left = sum(kept.get(trial) is None for trial in trials)
    if not left:
        return
    from rbsuite import api
    from rbsuite.cli.interrupts import Interrupts, exit_code
    from rbsuite.run.attribution import run_trials

    planned = api.plan_again(store, plugins=find_plugins(), execution=execution)
    steps = {round(len(trials) * tenth / 10) for tenth in range(1, 11)}

    def told(count: int) -> None:
        if not quiet and count in steps:
            tell(f"{count} of {len(trials)} tasks rerun")

    going_on = f"Finished work is kept: {kept.path}. The same command continues."
    try:
        with Interrupts() as interrupts:
            interrupts.run(run_trials(planned, store, trials, kept, execution, told))
    except KeyboardInterrupt as stop:
        raise Interrupted("stopped.", going_on, exit_code=exit_code(stop)) from None
    except LimitReached as stop:
        stop.message, stop.remedy = f"stopped: {stop.message}", f"{stop.remedy} {going_on}".strip()
        raise
    except Outage as outage:
        raise Outage(f"paused: {outage.message}", going_on) from outage


def _report(
    store: ExperimentStore, condition: Condition, found: Sequence[Any], kept: Journal, *, again: bool, as_json: bool
) -> None:
    from rbsuite.report import attribution
    from rbsuite.report.results import SIMULATED

    simulated = bool(store.manifest.facts["simulated"])
    if as_json:
        echo_json(
            {
                "condition": condition,
                "simulated": simulated,
                "again": again,
                "spent": kept.spent,
                "effects": attribution.as_json(found),
            }
        )
        return
    echo(attribution.text(found, condition, simulated=simulated, again=again))
    echo(f"\nSpent in all sessions: {kept.spent.calls:,} calls, {kept.spent.tokens:,} tokens")
    if simulated:
        echo(SIMULATED)
