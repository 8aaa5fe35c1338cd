"""``rbsuite memory``: inspect the banks of an experiment, as of any position in the stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rbsuite.cli.commands import CommandGroup, GivenPath, find_plugins
from rbsuite.cli.opening import open_shown, reveal_option
from rbsuite.cli.output import echo, tell
from rbsuite.errors import UnknownNameError, UsageError
from rbsuite.report.text import one_line

_T = TypeVar("_T")

if TYPE_CHECKING:
    from rbsuite.experience import MemoryItem
    from rbsuite.memories.bank import Bank
    from rbsuite.memories.base import SearchResult
    from rbsuite.record import RunInfo
    from rbsuite.retrieval.base import Embedder, Vectors
    from rbsuite.store import ExperimentStore


@dataclass(frozen=True, slots=True)
class Document:
    """A document of a bank.

    Attributes:
        name: the memory's name for it.
        version: the version that last wrote the text.
        versions: all versions that wrote it so far, in order.
        text: the full text.
    """

    name: str
    version: int
    versions: tuple[int, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A run's bank, the version being inspected, and whether its texts are left out."""

    store: ExperimentStore
    run: RunInfo
    bank: Bank
    version: int
    hides: bool

    def shown(self, value: _T) -> _T:
        """A value from the bank in a form that may be shown."""
        from rbsuite.store.redaction import hidden

        return hidden(value) if self.hides else value

    @property
    def external(self) -> bool:
        """Whether the run's memory keeps its state outside the bank."""
        from rbsuite.record import ABOUT

        return self.run.condition.memory in self.store.manifest.facts.get(ABOUT, {}).get("external", ())

    def items(self, version: int | None = None) -> Sequence[MemoryItem]:
        """All items as of a version, by default the inspected one."""
        return [self.shown(item) for item in self.bank.items(self.version if version is None else version)]

    def documents(self, version: int | None = None) -> Sequence[Document]:
        """All documents as of a version, by default the inspected one."""
        at = self.version if version is None else version
        written = self.bank.documents(at).items()
        return [Document(name, last[-1], last, self.shown(self.bank.document(name, at))) for name, last in written]


class _Unsearched:
    """Stands in for the embedder of a bank that is read but not searched: the real one need not be installed, and is not called."""

    id = "none"
    dimension = 1

    async def embed(self, texts: Sequence[str]) -> Vectors:
        import numpy as np

        return np.zeros((len(texts), 1), dtype=np.float32)


def _bank_options(function: Any) -> Any:
    function = click.option(
        "--at", type=click.IntRange(min=0), metavar="T", help="As it was after T tasks [default: all]."
    )(function)
    function = click.option("--run", "run_id", metavar="RUN", help="The run [default: the first with a memory].")(
        function
    )
    function = reveal_option(function)
    return click.argument("experiment", type=GivenPath(path_type=Path))(function)


@click.group("memory", cls=CommandGroup)
def command() -> None:
    """Inspect the memory of an experiment: list, show, search, diff, export, and which items helped."""


@command.command("list")
@_bank_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def list_items(experiment: Path, run_id: str | None, at: int | None, reveal: bool, as_json: bool) -> None:
    """List the items and documents of a run's bank."""
    opened = _open(experiment, run_id, at, reveal=reveal)
    items, documents = opened.items(), opened.documents()
    if as_json:
        found = {"items": items, "documents": documents, "external": opened.external}
        _print_json({"run": opened.run.id, "version": opened.version, **found})
        return
    _headline(opened, _counts(items, documents))
    for item in items:
        source = one_line(f"{item.provenance.task_id} ({item.provenance.label})")
        echo(f"{item.id}  {item.kind:<10} {one_line(item.title)}  <- task {item.provenance.position}: {source}")
    for one in documents:
        written = (
            f"written {len(one.versions)} time{'s' if len(one.versions) > 1 else ''}, last at version {one.version}"
        )
        echo(f"{one.name}  document, {len(one.text)} characters, {written}")


@command.command("show")
@_bank_options
@click.argument("name", metavar="ITEM|DOCUMENT")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def show(experiment: Path, run_id: str | None, at: int | None, reveal: bool, name: str, as_json: bool) -> None:
    """Show one item or document.

    For an item: its text, its origin, and the tasks that recalled it. For a document: its text, and the versions that wrote it.
    """
    opened = _open(experiment, run_id, at, reveal=reveal)
    item, documents = opened.shown(opened.bank.get(name, opened.version)), {one.name: one for one in opened.documents()}
    if item is not None:
        _show_item(opened, item, as_json=as_json)
    elif name in documents:
        _show_document(opened, documents[name], as_json=as_json)
    else:
        known = [*documents, *(item.id for item in opened.items())][:20]
        raise UnknownNameError(f"item or document of {opened.run.id} at {opened.version}", name, known)


def _show_document(opened: Opened, document: Document, *, as_json: bool) -> None:
    if as_json:
        _print_json({"run": opened.run.id, "version": opened.version, "document": document})
        return
    _headline(opened, f"document {document.name}, as written at version {document.version}")
    echo(f"{document.text}\n\nversions: {', '.join(map(str, document.versions))}")


def _show_item(opened: Opened, item: MemoryItem, *, as_json: bool) -> None:
    uses = _uses(opened, item.id)
    if as_json:
        _print_json({"run": opened.run.id, "version": opened.version, "item": item, "recalled_for": uses})
        return
    _headline(opened, f"item {item.id}, revision {item.revision}")
    origin = item.provenance
    echo(f"{one_line(item.title)}\n\n{item.description}\n\n{item.content}\n")
    echo(f"kind:     {item.kind}, domain {item.domain}, experience {item.experience}")
    echo(f"learned:  at position {origin.position} on {origin.task_id}, rollouts {list(origin.rollouts)}")
    echo(f"verdict:  {origin.label} by {origin.source}")
    echo(f"key:      {item.key}")
    echo(f"recalled: {len(uses)} times" + "".join(f"\n  {task} (score {score:.3f})" for task, score in uses))


@command.command("helped")
@click.argument("experiment", type=GivenPath(path_type=Path))
@click.option(
    "--baseline", metavar="MEMORY", help="Memory to compare with [default: the memory of the first condition]."
)
@click.option(
    "--items",
    "shown",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    metavar="N",
    help="Rows to show, half of them from the end; 0: all.",
)
@reveal_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def helped(experiment: Path, baseline: str | None, shown: int, reveal: bool, as_json: bool) -> None:
    """Show which items helped: how tasks went with and without them.

    For each item: the tasks for which it was recalled, their difference from memory-off on the same tasks, and that of the tasks for which
    it was not recalled though the bank held it. Items that say the same are grouped over all orders. This is observational and not
    causal: see rbsuite attribute.
    """
    from rbsuite.report.comparison import gather
    from rbsuite.report.items import helped_json, helped_text
    from rbsuite.report.results import SIMULATED
    from rbsuite.statistics.items import items_helped

    with open_shown(experiment, reveal=reveal) as store:
        compared = gather([store], baseline)
        found = items_helped(store, compared.summary)
        if as_json:
            _print_json({"simulated": compared.simulated, "conditions": helped_json(found)})
        elif not found:
            echo("No item was recalled in a condition that is compared with another.")
        else:
            echo(helped_text(found, shown, simulated=compared.simulated))
            if compared.simulated:
                echo(SIMULATED)


@command.command("search")
@_bank_options
@click.argument("query")
@click.option("-k", type=click.IntRange(min=1), default=5, show_default=True, help="Number of experiences to find.")
@click.option(
    "--i-may-share-this-data", "share", is_flag=True, help="Allow what was learned to go to an embedder elsewhere."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def search(
    experiment: Path, run_id: str | None, at: int | None, reveal: bool, query: str, k: int, share: bool, as_json: bool
) -> None:
    """Search a run's bank the way a memory does."""
    import asyncio

    opened = _open(experiment, run_id, at, searched=True, reveal=reveal, share=share)
    found: SearchResult = opened.shown(asyncio.run(opened.bank.search(query, k, opened.version)))
    if as_json:
        _print_json({"run": opened.run.id, "version": opened.version, **_plain(found)})
        return
    _headline(opened, f"{len(found.hits)} experiences by {found.index or 'no'} index")
    for hit in found.hits:
        echo(f"{hit.score:.3f}  {hit.experience}")
        for item in hit.items:
            echo(f"       {item.id}  {one_line(item.title)}")
    if not found.hits:
        echo(f"nothing found: {found.reason}")


@command.command("diff")
@click.argument("experiment", type=GivenPath(path_type=Path))
@click.argument("before", type=click.IntRange(min=0))
@click.argument("after", type=click.IntRange(min=0))
@click.option("--run", "run_id", metavar="RUN", help="The run [default: the first with a memory].")
@reveal_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def diff(experiment: Path, before: int, after: int, run_id: str | None, reveal: bool, as_json: bool) -> None:
    """Show what changed in a run's bank between two positions."""
    opened = _open(experiment, run_id, max(before, after), reveal=reveal)
    old, new = ({item.id: item for item in opened.items(version)} for version in (before, after))
    added = [item for item in new.values() if item.id not in old]
    gone = [item for item in old.values() if item.id not in new]
    changed = [item for item in new.values() if item.id in old and item != old[item.id]]
    then, now = ({one.name: one.text for one in opened.documents(version)} for version in (before, after))
    rewritten = [
        {"name": name, "before": then.get(name, ""), "after": now.get(name, "")}
        for name in dict.fromkeys([*then, *now])
        if then.get(name) != now.get(name)
    ]
    if as_json:
        changes = {"added": added, "removed": gone, "changed": changed, "documents": rewritten}
        _print_json({"run": opened.run.id, **changes})
        return
    counts = f"{len(added)} added, {len(gone)} removed, {len(changed)} changed"
    if rewritten:
        counts += f", {len(rewritten)} document{'s' if len(rewritten) > 1 else ''} rewritten"
    echo(f"{opened.run.id}, {before} -> {after}: {counts}")
    for sign, items in (("+", added), ("-", gone), ("~", changed)):
        for item in items:
            echo(f"{sign} {item.id}  {one_line(item.title)}  <- {one_line(item.provenance.task_id)}")
    for one in rewritten:
        echo(f"~ {one['name']}  document, {len(one['before'])} -> {len(one['after'])} characters")


@command.command("export")
@_bank_options
@click.option(
    "--out", type=GivenPath(path_type=Path), metavar="FILE", help="The file to write [default: standard output]."
)
def export(experiment: Path, run_id: str | None, at: int | None, reveal: bool, out: Path | None) -> None:
    """Write a bank's items and documents as JSON lines.

    Items come first. A document's line has the keys document (its name), version and text.
    """
    from rbsuite.files import written
    from rbsuite.jsonable import canonical
    from rbsuite.store.redaction import is_private, redact

    opened = _open(experiment, run_id, at, reveal=reveal)
    confined = opened.store.confined
    hidden = is_private(opened.store) and not reveal
    items, documents = opened.items(), opened.documents()
    stored = [*items, *({"document": one.name, "version": one.version, "text": one.text} for one in documents)]
    lines = "".join(f"{canonical(redact(one, confined=confined) if hidden else one)}\n" for one in stored)
    if hidden and not confined:
        tell("The tasks are private, so their text is left out (see --reveal).")
    if out is None:
        echo(lines, nl=False)
        return
    try:
        with written(out) as stream:
            stream.write(lines)
    except OSError as error:
        raise UsageError(f"cannot write {out}: {error.strerror}.", "Name a file in a directory that exists.") from error
    tell(f"{_counts(items, documents)} of {opened.run.id} at {opened.version} written to {out}")


def _open(
    experiment: Path,
    run_id: str | None,
    at: int | None,
    *,
    searched: bool = False,
    reveal: bool = False,
    share: bool = False,
) -> Opened:
    import asyncio

    from rbsuite.run.executors import job_of
    from rbsuite.run.names import look_up
    from rbsuite.run.private import embeds_elsewhere, refusal
    from rbsuite.run.worker import load_bank

    store = click.get_current_context().with_resource(open_shown(experiment, reveal=reveal))
    config = store.manifest.config
    run = _choose_run(store, run_id)
    embedder: Embedder = _Unsearched()
    source = store
    if searched:
        source = store.revealed()  # what is left out cannot be searched
        if store.confined and not share and embeds_elsewhere(run.condition.embedder, find_plugins()):
            raise refusal("embedder", run.condition.embedder)
        embedder = look_up(find_plugins(), "embedder", run.condition.embedder).make()
    index = config["index"] if searched else "exact"
    bank = asyncio.run(load_bank(job_of(source, run), embedder, index))
    if at is not None and at > bank.version:
        raise UsageError(f"run {run.id!r} has {bank.version} tasks, not {at}.", f"Give --at 0 to {bank.version}.")
    return Opened(store, run, bank, bank.version if at is None else at, store.confined and not reveal)


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


def _counts(items: Sequence[MemoryItem], documents: Sequence[Document]) -> str:
    text = f"{len(items)} items"
    return text if not documents else f"{text}, {len(documents)} document{'s' if len(documents) > 1 else ''}"


def _headline(opened: Opened, what: str) -> None:
    if opened.external:
        tell(
            f"{opened.run.condition.memory} keeps its state outside the bank: ask it what it knows. Here are its snapshots."
        )
    echo(f"{opened.run.id} after {opened.version} of {len(opened.run.tasks)} tasks: {what}")


def _plain(value: Any) -> Any:
    from rbsuite.jsonable import plain

    return plain(value)


def _print_json(value: Any) -> None:
    import json

    echo(json.dumps(_plain(value), indent=2))
