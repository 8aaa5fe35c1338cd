"""``rbsuite memory``: look into the banks of an experiment, as of any position of the stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rbsuite.cli.commands import Group, find_plugins
from rbsuite.cli.output import echo
from rbsuite.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from rbsuite.experience import MemoryItem
    from rbsuite.memories.bank import Bank
    from rbsuite.memories.base import SearchResult
    from rbsuite.record import RunInfo
    from rbsuite.store import ExperimentStore


@dataclass(frozen=True, slots=True)
class Opened:
    """A run's bank, and the version that is looked at."""

    store: ExperimentStore
    run: RunInfo
    bank: Bank
    version: int

    def items(self, version: int | None = None) -> Sequence[MemoryItem]:
        """All items as of a version, by default the one looked at."""
        return self.bank.items(self.version if version is None else version)


def _bank_options(function: Any) -> Any:
    function = click.option("--at", type=click.IntRange(min=0), metavar="T", help="After T tasks [default: all].")(
        function
    )
    function = click.option("--run", "run_id", metavar="RUN", help="Which run [default: the first with a memory].")(
        function
    )
    return click.argument("experiment", type=click.Path(path_type=Path))(function)


@click.group("memory", cls=Group)
def command() -> None:
    """Look into the memory of an experiment: list, show, search, diff, export."""


@command.command("list")
@_bank_options
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def list_items(experiment: Path, run_id: str | None, at: int | None, as_json: bool) -> None:
    """List the items of a run's bank."""
    opened = _open(experiment, run_id, at)
    items = opened.items()
    if as_json:
        _print_json({"run": opened.run.id, "version": opened.version, "items": items})
        return
    _headline(opened, f"{len(items)} items")
    for item in items:
        source = f"{item.provenance.task_id} ({item.provenance.label})"
        echo(f"{item.id}  {item.kind:<10} {item.title}  <- task {item.provenance.position}: {source}")


@command.command("show")
@_bank_options
@click.argument("item_id")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def show(experiment: Path, run_id: str | None, at: int | None, item_id: str, as_json: bool) -> None:
    """Show one item: its text, where it comes from, and which tasks recalled it."""
    opened = _open(experiment, run_id, at)
    item = opened.bank.get(item_id, opened.version)
    if item is None:
        raise UnknownNameError(
            f"item of {opened.run.id} at {opened.version}",
            item_id,
            [i.id for i in opened.items()],
            f"rbsuite memory list {opened.store.directory}",
        )
    uses = _uses(opened, item_id)
    if as_json:
        _print_json({"run": opened.run.id, "version": opened.version, "item": item, "recalled_for": uses})
        return
    _headline(opened, f"item {item.id}, revision {item.revision}")
    origin = item.provenance
    echo(f"{item.title}\n\n{item.description}\n\n{item.content}\n")
    echo(f"kind:     {item.kind}, domain {item.domain}, experience {item.experience}")
    echo(f"learnt:   at position {origin.position} on {origin.task_id}, rollouts {list(origin.rollouts)}")
    echo(f"verdict:  {origin.label} by {origin.source}")
    echo(f"key:      {item.key}")
    echo(f"recalled: {len(uses)} times" + "".join(f"\n  {task} (score {score:.3f})" for task, score in uses))


@command.command("search")
@_bank_options
@click.argument("query")
@click.option("-k", type=click.IntRange(min=1), default=5, show_default=True, help="Experiences to find.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def search(experiment: Path, run_id: str | None, at: int | None, query: str, k: int, as_json: bool) -> None:
    """Search a run's bank as a memory would."""
    import asyncio

    opened = _open(experiment, run_id, at)
    found: SearchResult = asyncio.run(opened.bank.search(query, k, opened.version))
    if as_json:
        _print_json({"run": opened.run.id, "version": opened.version, **_plain(found)})
        return
    _headline(opened, f"{len(found.hits)} experiences by {found.index or 'no'} index")
    for hit in found.hits:
        echo(f"{hit.score:.3f}  {hit.experience}")
        for item in hit.items:
            echo(f"       {item.id}  {item.title}")
    if not found.hits:
        echo(f"nothing found: {found.reason}")


@command.command("diff")
@click.argument("experiment", type=click.Path(path_type=Path))
@click.argument("before", type=click.IntRange(min=0))
@click.argument("after", type=click.IntRange(min=0))
@click.option("--run", "run_id", metavar="RUN", help="Which run [default: the first with a memory].")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def diff(experiment: Path, before: int, after: int, run_id: str | None, as_json: bool) -> None:
    """What changed in a run's bank between two positions."""
    opened = _open(experiment, run_id, max(before, after))
    old, new = ({item.id: item for item in opened.items(version)} for version in (before, after))
    added = [item for item in new.values() if item.id not in old]
    gone = [item for item in old.values() if item.id not in new]
    changed = [item for item in new.values() if item.id in old and item != old[item.id]]
    if as_json:
        _print_json({"run": opened.run.id, "added": added, "removed": gone, "changed": changed})
        return
    echo(f"{opened.run.id}, {before} -> {after}: {len(added)} added, {len(gone)} removed, {len(changed)} changed")
    for sign, items in (("+", added), ("-", gone), ("~", changed)):
        for item in items:
            echo(f"{sign} {item.id}  {item.title}  <- {item.provenance.task_id}")


@command.command("export")
@_bank_options
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write there [default: standard output].")
@click.option("--reveal", is_flag=True, help="Write text that the benchmark's authors ask not to make public.")
def export(experiment: Path, run_id: str | None, at: int | None, out: Path | None, reveal: bool) -> None:
    """Write the items of a run's bank as JSON lines."""
    from rbsuite.jsonable import canonical
    from rbsuite.store.redaction import is_private, redact

    opened = _open(experiment, run_id, at)
    hidden = is_private(opened.store) and not reveal
    lines = "".join(f"{canonical(redact(item) if hidden else item)}\n" for item in opened.items())
    if hidden:
        click.echo(
            "The benchmark's authors ask that its text is not made public: it is left out (see --reveal).", err=True
        )
    if out is None:
        echo(lines, nl=False)
        return
    draft = out.with_name(f".{out.name}.part")
    try:
        draft.write_text(lines, encoding="ascii")
        draft.replace(out)
    except OSError as error:
        raise UsageError(f"cannot write {out}: {error.strerror}.", "Name a file in a directory that exists.") from error
    click.echo(f"{len(opened.items())} items of {opened.run.id} at {opened.version} written to {out}", err=True)


def _open(experiment: Path, run_id: str | None, at: int | None) -> Opened:
    import asyncio

    from rbsuite.run.run import load_bank
    from rbsuite.run.setup import look_up
    from rbsuite.store import ExperimentStore

    store = ExperimentStore.open(experiment, readonly=True)
    config = store.manifest.config
    run = _choose_run(store, run_id)
    embedder = look_up(find_plugins(), "embedder", config["embedder"]).make()
    bank = asyncio.run(load_bank(store, run.id, embedder, config["index"]))
    if at is not None and at > bank.version:
        raise UsageError(f"run {run.id!r} has {bank.version} tasks, not {at}.", f"Give --at 0 to {bank.version}.")
    return Opened(store, run, bank, bank.version if at is None else at)


def _choose_run(store: ExperimentStore, run_id: str | None) -> RunInfo:
    runs = {run.id: run for run in store.manifest.runs}
    if run_id is not None:
        if run_id not in runs:
            raise UnknownNameError("run", run_id, runs)
        return runs[run_id]
    with_memory = [run for run in runs.values() if next(store.ops(run.id), None) is not None]
    return with_memory[0] if with_memory else next(iter(runs.values()))


def _uses(opened: Opened, item_id: str) -> list[tuple[str, float]]:
    records = opened.store.records(opened.run.id, trajectories=False)
    return [
        (record.task_id, recalled.score)
        for record in records
        for event in record.recalls
        for recalled in event.recall.items
        if recalled.item_id == item_id
    ]


def _headline(opened: Opened, what: str) -> None:
    echo(f"{opened.run.id} after {opened.version} of {len(opened.run.tasks)} tasks: {what}")


def _plain(value: Any) -> Any:
    from rbsuite.jsonable import plain

    return plain(value)


def _print_json(value: Any) -> None:
    import json

    echo(json.dumps(_plain(value), indent=2))
