"""``rbsuite show``: one task of an experiment, with memory and without it, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rbsuite.cli.commands import Command, GivenPath, find_plugins
from rbsuite.cli.opening import open_shown, reveal_option
from rbsuite.cli.output import echo, echo_json
from rbsuite.errors import RbsuiteError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from rbsuite.record import RunInfo, TaskRecord
    from rbsuite.report.beside import Shown
    from rbsuite.store import ExperimentStore

EPILOG = """Examples:

\b
  rbsuite show demo airline/3
  rbsuite show demo airline/3 --against placebo --order 1 --full
"""


@click.command("show", cls=Command, epilog=EPILOG)
@click.argument("experiment", type=GivenPath(path_type=Path))
@click.argument("task")
@click.option(
    "--memory", metavar="MEMORY", help="The memory to look at, or the name of a condition [default: the first]."
)
@click.option("--against", metavar="MEMORY", help="What to show beside it [default: the baseline].")
@click.option("--alone", is_flag=True, help="Put nothing beside it.")
@click.option(
    "--order",
    type=click.IntRange(min=0),
    metavar="N",
    help="Which order [default: the first in which the two score differently].",
)
@click.option(
    "--rollout", type=click.IntRange(min=0), metavar="N", help="Which rollout [default: the one that counts]."
)
@click.option("--no-prompt", is_flag=True, help="Leave out the prompt.")
@click.option("--full", is_flag=True, help="Show texts in full.")
@reveal_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def command(
    experiment: Path,
    task: str,
    memory: str | None,
    against: str | None,
    alone: bool,
    order: int | None,
    rollout: int | None,
    no_prompt: bool,
    full: bool,
    reveal: bool,
    as_json: bool,
) -> None:
    """Show a TASK of an EXPERIMENT with memory and without it: why did memory help here?

    Side by side: score, verdict and cost, what was recalled with its scores, the first prompt as it was sent, every step, the verdict
    against the truth, and what the bank learned. It shows what only the environment may see; nothing is written and no model is called.
    """
    with open_shown(experiment, reveal=reveal) as store:
        known = dict.fromkeys(name for run in store.manifest.runs for name in run.tasks)
        if task not in known:
            raise UnknownNameError(f"task of {experiment}", task, known)
        runs = _choose(store, task, memory, against, order, alone=alone)
        sides = [_shown(store, run, task, rollout, prompt=not no_prompt) for run in runs]
        if as_json:
            echo_json({"task": task, "simulated": store.manifest.facts["simulated"], "sides": list(map(_plain, sides))})
            return
        import shutil

        from rbsuite.report.beside import render

        echo(render(store, sides, width=shutil.get_terminal_size((110, 24)).columns, full=full))


def _choose(
    store: ExperimentStore, task: str, memory: str | None, against: str | None, order: int | None, *, alone: bool
) -> Sequence[RunInfo]:
    """The run to show, and the one beside it."""
    committed = [run for run in store.manifest.runs if _record(store, run, task) is not None]
    if not committed:
        raise UsageError(f"task {task!r} is not committed yet in any run.", "Finish the experiment first.")
    baseline = committed[0].condition.memory
    beside = [] if alone else _named(committed, against or baseline, "--against")
    others = [run for run in committed if run not in beside] or committed
    mine = (
        _named(committed, memory, "--memory") if memory else [r for r in others if r.condition == others[0].condition]
    )
    if order is not None:
        mine = [run for run in mine if run.order == order]
        if not mine:
            raise UsageError(f"task {task!r} is not committed in order {order}.", "Name an order that has begun.")
    pairs = [(run, _partner(run, beside)) for run in mine]
    first = next((pair for pair in pairs if pair[1] is not None and _differ(store, task, pair[0], pair[1])), pairs[0])
    return [run for run in first if run is not None]


def _named(runs: Sequence[RunInfo], name: str, option: str) -> Sequence[RunInfo]:
    found = [run for run in runs if name in (run.condition.memory, run.condition.label)]
    if not found:
        known = {text for run in runs for text in (run.condition.memory, run.condition.label)}
        raise UnknownNameError(f"{option}: memory or condition", name, known)
    return [run for run in found if run.condition == found[0].condition]


def _partner(run: RunInfo, others: Sequence[RunInfo]) -> RunInfo | None:
    """The run on the same stream, else the first: runs of a condition that recalls nothing are exchangeable."""
    found = [other for other in others if other.id != run.id]
    return next((other for other in found if other.seed == run.seed), found[0] if found else None)


def _differ(store: ExperimentStore, task: str, run: RunInfo, other: RunInfo) -> bool:
    a, b = _record(store, run, task), _record(store, other, task)
    return a is not None and b is not None and a.score != b.score


def _record(store: ExperimentStore, run: RunInfo, task: str, *, trajectories: bool = False) -> TaskRecord | None:
    place = run.tasks.index(task) if task in run.tasks else len(run.tasks)
    return next(store.records(run.id, place, trajectories, stop=place + 1), None)


def _shown(store: ExperimentStore, run: RunInfo, task: str, rollout: int | None, *, prompt: bool) -> Shown:
    import asyncio

    from rbsuite.memories.folded import folded_items
    from rbsuite.report.beside import Shown
    from rbsuite.run.prompt_sent import prompt_sent

    record = _record(store, run, task, trajectories=True)
    assert record is not None
    index = max(0, record.selected) if rollout is None else rollout
    if index >= len(record.rollouts):
        raise UsageError(f"{run.id} has {len(record.rollouts)} rollouts of {task!r}.", "Rollouts are counted from 0.")
    items = folded_items(store, run.id, record.version).ever
    if not prompt:
        return Shown(run, record, index, items)
    try:
        return Shown(run, record, index, items, asyncio.run(prompt_sent(store, run, record, index, find_plugins())))
    except RbsuiteError as error:
        return Shown(run, record, index, items, None, str(error))


def _plain(side: Shown) -> object:
    recalled = {found.item_id for event in side.recalls for found in event.recall.items}
    return {
        "run": side.run.id,
        "condition": side.run.condition,
        "rollout": side.index,
        "record": side.record,
        "recalled_items": [side.items[name] for name in sorted(recalled & side.items.keys())],
        "prompt": None if side.prompt is None else {"messages": side.prompt.messages, "memory_at": side.prompt.place},
    }
