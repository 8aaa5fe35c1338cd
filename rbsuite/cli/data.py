"""``rbsuite data``: import, fetch and list data packs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rbsuite.cli.commands import CommandGroup, GivenPath, find_plugins
from rbsuite.cli.output import canvas, echo, echo_json, tell
from rbsuite.report.text import one_line, table

if TYPE_CHECKING:
    from rbsuite.data.packs import ImportReport, PackImporter, PackInfo
    from rbsuite.specs import EnvironmentSpec


@click.group("data", cls=CommandGroup)
def group() -> None:
    """Import, fetch and list the upstream data of environments.

    Packs are kept in $RBSUITE_DATA, or else in the platform's user data directory.
    """


command = group
data = group


@group.command("import")
@click.argument("environment")
@click.option(
    "--from",
    "sources",
    type=GivenPath(path_type=Path),
    required=True,
    multiple=True,
    metavar="DIR",
    help="A checkout of the upstream repository, or a directory with the pack layout. Repeatable, if the data comes "
    "from several repositories.",
)
@click.option(
    "--python",
    type=GivenPath(path_type=str),
    default="",
    metavar="PATH",
    help="For a benchmark whose tasks only its own code can make: the Python of an environment with its "
    "dependencies. The checkout's code is then run.",
)
def import_command(environment: str, sources: tuple[Path, ...], python: str) -> None:
    """Import ENVIRONMENT's data from a directory. Its files are read as data; without --python nothing in it is run."""
    from rbsuite.data.directory import data_directory
    from rbsuite.data.packs import ExportingImporter, export_and_import, import_pack
    from rbsuite.errors import UsageError

    spec = _environment(environment)
    importer = _importer(spec)
    first, *more = sources
    if not python:
        _show_report(spec, import_pack(importer, first, data_directory(), more))
        return
    if more:
        raise UsageError("--python takes one source.", "Give --from once.")
    if isinstance(importer, ExportingImporter):
        echo(f"Running {python} {importer.script} {first}")
        echo(f"It {importer.script_summary}.")
    _show_report(spec, export_and_import(importer, first, Path(python), data_directory()))


@group.command("fetch")
@click.argument("environment")
@click.option("--url", default="", metavar="URL", help="Another location of the archive (.tar.gz or .zip); https only.")
@click.option(
    "--sha256",
    default="",
    metavar="HEX",
    help="Expected hash of the archive; required if the files from --url are not the pinned ones.",
)
def fetch_command(environment: str, url: str, sha256: str) -> None:
    """Download ENVIRONMENT's data and import it. An interrupted download is resumed."""
    from rbsuite.data.directory import data_directory
    from rbsuite.data.download import DownloadOptions
    from rbsuite.data.fetch import FetchOptions, FetchRequest, fetch_pack

    spec = _environment(environment)
    importer = _importer(spec)
    progress = TransferProgress()
    options = FetchOptions(download=DownloadOptions(progress=progress))
    try:
        report = fetch_pack(importer, data_directory(), FetchRequest(url, sha256), options)
    finally:
        progress.end()
    _show_report(spec, report)


@group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> None:
    """List the installed packs, checked against their hashes, and those that can be imported."""
    from rbsuite.data.directory import data_directory
    from rbsuite.data.packs import installed_packs

    directory = data_directory()
    rows = [_describe(path) for path in installed_packs(directory)]
    here = {row["name"] for row in rows}
    missing = [name for name, pack in _importable() if pack not in here]
    if as_json:
        echo_json({"directory": str(directory), "packs": rows, "importable": missing})
        return
    _show_table(rows)
    for name in missing:
        echo(f"{name}: not imported. {how_to_import(_environment(name))}")
    if not rows and not missing:
        echo("No pack is installed, and no plugin can import one.")


def how_to_import(spec: EnvironmentSpec) -> str:
    """The command to run for the pack of an environment that has an importer."""
    from rbsuite.data.packs import ExportingImporter, JointImporter
    from rbsuite.errors import PluginError

    name = _written(spec)
    command = f"rbsuite data import {name} --from"
    fetch = f"Run: rbsuite data fetch {name}, or: {command} CHECKOUT"
    try:
        importer = _importer(spec)
    except PluginError:
        return fetch  # the named command says what is broken
    if importer.pinned is not None:
        return fetch
    if isinstance(importer, ExportingImporter):
        return f"Run: {command} PACK, or: {command} CHECKOUT --python PATH"
    if isinstance(importer, JointImporter):
        first, *others = importer.sources
        return " ".join([f"Run: {command} {first}", *(f"[--from {other}]" for other in others)])
    if importer.single_files:  # tables, as found on a hub
        return f"It is downloaded from the hub when it is first used, or run: {command} DIR"
    return f"Run: {command} DIR"


def _written(spec: EnvironmentSpec) -> str:
    """An environment's name for a shell, in which the brackets of ``name[backend]`` are a pattern."""
    return spec.aliases[0] if spec.aliases else spec.name


def _environment(name: str) -> EnvironmentSpec:
    """The environment with that name, which must have data to import."""
    from rbsuite.errors import UsageError

    spec = find_plugins().environment(name)
    if not spec.importer:
        raise UsageError(f"the environment {name!r} has no data to import.", "Run it as it is.")
    return spec


def _importer(spec: EnvironmentSpec) -> PackImporter:
    from rbsuite.specs import load_object

    importer: PackImporter = load_object(spec.importer, f"environment {spec.name!r}")
    return importer


def _importable() -> list[tuple[str, str]]:
    """(environment, pack) of every pack that can be imported: if several share one, the environment with its own split."""

    found: dict[str, EnvironmentSpec] = {}
    for spec in find_plugins().environments.values():
        known = found.get(spec.pack)
        if spec.importer and (known is None or (_has_own(spec) and not _has_own(known))):
            found[spec.pack] = spec
    return sorted((spec.name, pack) for pack, spec in found.items())


def _has_own(spec: EnvironmentSpec) -> bool:
    return any(split.bundled for split in spec.splits)


def _describe(path: Path) -> dict[str, Any]:
    """A row of the list: what ``pack.json`` says, and whether the files match it."""
    from rbsuite.data.packs import load_pack_info, verify_pack
    from rbsuite.errors import DataError

    row: dict[str, Any] = {"name": path.name, "source": None, "commit": None, "equals_commit": None, "files": None}
    try:
        info = load_pack_info(path)
        row |= {
            "source": info.source,
            "commit": info.commit,
            "equals_commit": info.equals_commit,
            "files": len(info.files),
        }
        verify_pack(path)
    except DataError as error:
        return row | {"ok": False, "state": error.message}
    return row | {"ok": True, "state": "verified"}


def _show_table(rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    heads = ("name", "source", "commit", "files", "state")
    shown = [{**row, "commit": (row["commit"] or "unknown")[:12]} for row in rows]
    echo(table([heads, *(tuple("-" if row[head] is None else str(row[head]) for head in heads) for row in shown)]))


def _show_report(spec: EnvironmentSpec, report: ImportReport) -> None:
    info = report.info
    verb = "Replaced" if report.replaced else "Imported"
    echo(
        f"{verb} pack {info.name!r} from {'an' if info.source == 'archive' else 'a'} {info.source}: {_provenance(info)}."
    )
    for label, number in info.counts.items():
        echo(f"  {one_line(label)}: {number:,}")
    for note in report.notes:
        echo(one_line(note))
    echo(f"Licence of the data: {info.licence}.")
    echo(f"{len(info.files)} files in {report.path}")
    made = [one.name for one in spec.splits if not one.bundled and (not report.splits or one.name in report.splits)]
    imported = f" --split {made[0]}" if made else ""
    name = _written(spec)
    echo(f"Next: rbsuite eval --env {name}{imported} (what it offers: rbsuite env {name})")


def _provenance(info: PackInfo) -> str:
    if info.equals_commit == "":
        return f"commit {info.commit}" if info.commit else "there is no commit to compare it with"
    commit = f"commit {info.commit}" if info.commit else "commit unknown"
    if info.equals_commit is None:
        return f"{commit}; its content is not that of the pinned commit, so results are not comparable with others"
    if info.equals_commit == info.commit:
        return f"{commit}, content verified"
    return f"{commit}; its content is that of commit {info.equals_commit}"


class TransferProgress:
    """Shows a transfer on a terminal: one line on stderr, overwritten after every MiB. Nothing is shown elsewhere."""

    def __init__(self) -> None:
        self._terminal = canvas(sys.stderr)
        self._shown = -1

    def __call__(self, arrived: int, size: int | None) -> None:
        """Show how many bytes have arrived, out of a size that may be unknown."""
        if self._terminal.isatty() and arrived >> 20 != self._shown:
            self._shown = arrived >> 20
            of = "" if size is None else f" of {size / 2**20:,.1f}"
            self._terminal.write(f"\r{arrived / 2**20:,.1f}{of} MiB ")
            self._terminal.flush()

    def end(self) -> None:
        """End the line, if there is one."""
        if self._shown >= 0:
            tell()
