"""Packs: directories of upstream data that an importer wrote, with a ``pack.json`` that says where they came from.

``pack.json`` contains the pack's name, the kind of its source, the commit, the rbsuite version, counts and the sha256 of
every other file; no time and no machine path, so the same import gives the same bytes everywhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn, Protocol, runtime_checkable

from rbsuite import __version__
from rbsuite.data.checkout import SourceTree, is_commit, read_commit
from rbsuite.data.directory import pack_directory, packs_directory
from rbsuite.data.reading import INFO_NAME
from rbsuite.data.staging import Staging, staged
from rbsuite.errors import DataError, UsageError
from rbsuite.files import MAX_BYTES, resolved
from rbsuite.jsonable import Json, plain

MAX_PACK_BYTES = 16 * 2**30
"""Size of all files together of the largest pack."""

_AGAIN = "Import the pack again with 'rbsuite data import'."

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Archive:
    """The pinned download of an upstream repository.

    Attributes:
        url: where the archive (``.tar.gz`` or ``.zip``) is.
        commit: the commit it contains.
        files: sha256 (hex) of every upstream file that the importer reads, by its path. These are what counts: archives
            that a forge makes on demand have no stable hash of their own.
        sha256: hash (hex) of the archive itself, if it is stable; ``""``: not checked.
        strip_prefix: the archive's top directory.
    """

    url: str
    commit: str
    files: Mapping[str, str]
    sha256: str = ""
    strip_prefix: str = ""


@dataclass(frozen=True, slots=True)
class PackFacts:
    """What an importer found out about the source it read.

    Attributes:
        kind: ``checkout`` or ``pack``.
        commit: the commit that the source says it is; ``None`` if it does not say.
        equals_commit: the commit whose data the written files are proved equal to (by hash), or ``None``; empty if there is none to
            compare with, for example for a release that each user has to obtain.
        licence: licence of the data and its holder.
        counts: what was imported, as (label, number), in the order to show.
        notes: what the user who imports it should know, one sentence each.
        splits: the environment's splits that it has tasks for, if it may have only some of them; empty: all.
    """

    kind: str
    commit: str | None
    equals_commit: str | None
    licence: str
    counts: tuple[tuple[str, int], ...]
    notes: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()


class PackImporter(Protocol):
    """Turns an upstream source into a pack. A plugin names its importer in
    :attr:`rbsuite.specs.EnvironmentSpec.importer`.
    """

    @property
    def name(self) -> str:
        """The pack's name."""
        ...

    @property
    def pinned(self) -> Archive | None:
        """The download that ``rbsuite data fetch`` uses by default, if there is one."""
        ...

    @property
    def single_files(self) -> bool:
        """Whether a source may be one file, which is then read as a directory that contains only that file."""
        ...

    def recognise(self, source: Path) -> str:
        """The kind of a source directory: ``checkout`` or ``pack``.

        Raises:
            DataError: it is neither.
        """
        ...

    def build(self, source: Path, target: Path, commit: str | None = None) -> PackFacts:
        """Write the pack's files into ``target``, an empty directory; ``pack.json`` is written by the caller.

        Args:
            source: a checkout, or a directory with the pack layout; read as data only.
            target: where to write.
            commit: the commit that the caller knows the source to be, for a source that does not say.

        Raises:
            DataError: the source is incomplete or malformed.
        """
        ...


@runtime_checkable
class JointImporter(PackImporter, Protocol):
    """A :class:`PackImporter` whose pack may be made from several sources combined. Their order does not matter: the
    importer tells them apart.
    """

    @property
    def sources(self) -> tuple[str, ...]:
        """What the sources are, for help texts, such as ``("CHECKOUT", "TRAJECTORIES")``. The first is required, the others
        may be left out; no others are accepted.
        """
        ...

    def build_jointly(self, sources: Sequence[Path], target: Path, commit: str | None = None) -> PackFacts:
        """Like :meth:`PackImporter.build`, from one source or more; ``commit`` is that of the required one.

        Raises:
            DataError: a source is incomplete or malformed, or the required one is not among them.
        """
        ...


@runtime_checkable
class ExportingImporter(PackImporter, Protocol):
    """A :class:`PackImporter` for a benchmark whose tasks are made by its own code: a checkout must be run to be read.

    It is run only if the user names an interpreter for it; the result is a pack, which is then read as data.
    """

    @property
    def script(self) -> Path:
        """The script that the interpreter runs; it is part of the plugin."""
        ...

    @property
    def script_summary(self) -> str:
        """What the script does with the checkout, in one line that the user reads before it is run."""
        ...

    def export(self, source: Path, python: Path, target: Path) -> None:
        """Run the script on a checkout.

        Args:
            source: the checkout.
            python: the interpreter that the user named.
            target: an empty directory, which gets the layout of a pack.

        Raises:
            DataError: it failed.
        """
        ...


@dataclass(frozen=True, slots=True)
class PackInfo:
    """What ``pack.json`` says.

    Attributes:
        name: the pack's name.
        source: ``checkout``, ``archive`` or ``pack``.
        commit, equals_commit, licence, counts: see :class:`PackFacts`.
        files: sha256 (hex) of every file, by its path in the pack.
        rbsuite: version that wrote the pack.
    """

    name: str
    source: str
    commit: str | None
    equals_commit: str | None
    licence: str
    counts: Mapping[str, int]
    files: Mapping[str, str]
    rbsuite: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    Attributes:
        path: the pack's directory.
        info: its ``pack.json``.
        replaced: whether it replaced an earlier pack.
        notes, splits: see :class:`PackFacts`.
    """

    path: Path
    info: PackInfo
    replaced: bool
    notes: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()


def import_pack(importer: PackImporter, source: Path, data_dir: Path, more: Sequence[Path] = ()) -> ImportReport:
    """Import a source directory as a pack; an existing pack is replaced only when the new one is complete.

    Args:
        importer: what reads the source.
        source: a checkout, or a directory with the pack layout; or one file, if the importer reads single files.
        data_dir: rbsuite's data directory (:func:`rbsuite.data.directory.data_directory`).
        more: further sources, for a :class:`JointImporter`.

    Raises:
        UsageError: there are more sources than the importer takes.
        DataError: a source or the data directory cannot be used; nothing is left behind.
        Interrupted: a termination signal came; nothing is left behind.
    """
    number = 1 + len(more)
    most = len(importer.sources) if isinstance(importer, JointImporter) else 1
    if number > most:
        sources = "one source" if most == 1 else f"at most {most} sources"
        raise UsageError(f"the pack {importer.name!r} is made from {sources}, not {number}.", "Give --from less often.")
    with ExitStack() as stack:
        directories = [stack.enter_context(_as_directory(importer, each)) for each in (source, *more)]
        for directory in directories:
            SourceTree(directory)  # Fails on a wrong path before anything is made.
            importer.recognise(directory)
        with pack_stage(importer.name, data_dir) as stage:
            return build_pack(importer, directories[0], stage, more=directories[1:])


@contextmanager
def _as_directory(importer: PackImporter, source: Path) -> Iterator[Path]:
    if not (importer.single_files and source.is_file()):
        yield source
        return
    with TemporaryDirectory(prefix="rbsuite-") as directory:
        (Path(directory) / source.name).write_bytes(SourceTree(source.parent).read_bytes(source.name))
        try:
            yield Path(directory)
        except DataError as error:
            raise DataError(error.message.replace(directory, str(source)), error.remedy) from error


def export_and_import(importer: PackImporter, source: Path, python: Path, data_dir: Path) -> ImportReport:
    """Have a checkout exported by an interpreter that the user names, and import the result.

    Raises:
        UsageError: the importer reads checkouts as they are.
        DataError: the source is not a checkout, the export failed, or its result cannot be used; nothing is left behind.
    """
    if not isinstance(importer, ExportingImporter):
        raise UsageError(f"the pack {importer.name!r} is read from its source as data.", "Leave out --python.")
    SourceTree(source)  # Fails on a wrong path before anything is run.
    if importer.recognise(source) != "checkout":
        raise UsageError(f"{str(source)!r} is already a pack; no code needs to be run.", "Leave out --python.")
    with TemporaryDirectory(prefix="rbsuite-") as directory:
        exported = Path(directory)
        importer.export(source, python, exported)
        with pack_stage(importer.name, data_dir) as stage:
            return build_pack(importer, exported, stage, commit=read_commit(source))


@contextmanager
def pack_stage(name: str, data_dir: Path) -> Iterator[Staging]:
    """A workspace for a new pack ``name``: see :func:`rbsuite.data.staging.staged`.

    Raises:
        DataError: the data directory cannot be written.
    """
    try:
        with staged(pack_directory(name, data_dir)) as stage:
            yield stage
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        reason = error.strerror or type(error).__name__
        raise DataError(
            f"the pack {name!r} cannot be written: {reason}{where}.", "Make it writable, or set RBSUITE_DATA."
        ) from error


def build_pack(
    importer: PackImporter,
    source: Path,
    stage: Staging,
    *,
    archive: bool = False,
    commit: str | None = None,
    more: Sequence[Path] = (),
) -> ImportReport:
    """Build a pack in a workspace, verify it and publish it.

    Args:
        importer: what reads the source.
        source: the source directory.
        stage: the workspace, from :func:`pack_stage`.
        archive: whether the source was unpacked from an archive.
        commit: the commit that the archive contains, if known.
        more: further sources, for a :class:`JointImporter`.

    Raises:
        DataError: a source cannot be used.
    """
    if isinstance(importer, JointImporter):
        facts = importer.build_jointly((source, *more), stage.new, commit)
    else:
        facts = importer.build(source, stage.new, commit)
    info = PackInfo(
        name=importer.name,
        source="archive" if archive else facts.kind,
        commit=facts.commit,
        equals_commit=facts.equals_commit,
        licence=facts.licence,
        counts=dict(facts.counts),
        files=file_hashes(stage.new),
        rbsuite=__version__,
    )
    write_json(stage.new / INFO_NAME, {"format": FORMAT, **plain(info)})
    verify_pack(stage.new)
    replaced = stage.target.exists()
    stage.publish()
    return ImportReport(stage.target, info, replaced, facts.notes, facts.splits)


def write_json(path: Path, value: Json) -> None:
    """Write a value as JSON in the packs' only format: one space of indentation, ASCII, keys in the given order, a final
    newline.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=True, allow_nan=False) + "\n", "ascii", newline="\n")


def file_hashes(directory: Path) -> dict[str, str]:
    """sha256 (hex) of every file below a directory except ``pack.json``, by relative path in sorted order.

    Raises:
        DataError: they are larger than any pack.
    """
    names = sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())
    if sum((directory / name).stat().st_size for name in names) > MAX_PACK_BYTES:
        raise DataError(
            f"{directory} is larger than {MAX_PACK_BYTES // 2**30} GiB.", "Name a directory of the data alone."
        )
    return {name: file_hash(directory / name) for name in names if name != INFO_NAME}


def file_hash(path: Path) -> str:
    """sha256 (hex) of a file's bytes, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_pack_info(path: Path) -> PackInfo:
    """Read the ``pack.json`` of a pack directory.

    Raises:
        DataError: there is none, it is malformed, or a newer rbsuite wrote it.
    """
    tree = SourceTree(path, _AGAIN)
    value = tree.read_json(INFO_NAME)
    if not isinstance(value, dict) or not isinstance(value.get("format"), int):
        tree.fail(f"{INFO_NAME} is not a description of a pack")
    if value["format"] > FORMAT:
        raise DataError(
            f"{INFO_NAME} of {path.name!r} was written by a newer rbsuite ({value.get('rbsuite')}).", "Upgrade rbsuite."
        )
    for field, fits in _FIELDS.items():
        if field not in value or not fits(value[field]):
            tree.fail(f"{INFO_NAME}: {field!r} is missing or malformed")
    return PackInfo(**{field: value[field] for field in _FIELDS})


def verify_pack(path: Path) -> PackInfo:
    """Hash every file of a pack and compare it with ``pack.json``; files that ``pack.json`` does not name are ignored.

    Returns:
        what ``pack.json`` says.

    Raises:
        DataError: a file is missing or was changed; the message names it.
    """
    info = load_pack_info(path)
    total = 0
    for name in info.files:  # before anything is read: to hash a file that was made huge takes minutes
        file = path / name
        size = file.stat().st_size if file.is_file() else 0
        total += size
        if not file.is_file():
            _refuse_file(info, name, "is missing")
        if not resolved(file).is_relative_to(resolved(path)):
            _refuse_file(info, name, "is a link that points outside the pack")
        if size > MAX_BYTES:
            _refuse_file(info, name, f"is larger than {MAX_BYTES // 2**20} MiB")
    if total > MAX_PACK_BYTES:
        raise DataError(f"pack {info.name!r} is larger than {MAX_PACK_BYTES // 2**30} GiB.", _AGAIN)
    for name, expected in info.files.items():
        if file_hash(path / name) != expected:
            _refuse_file(info, name, "was changed since the import")
    return info


def _refuse_file(info: PackInfo, name: str, what: str) -> NoReturn:
    raise DataError(f"pack {info.name!r}: {name} {what}.", _AGAIN)


def installed_packs(data_dir: Path) -> list[Path]:
    """The directories of the packs in a data directory, by name."""
    directory = packs_directory(data_dir)
    try:
        return sorted(path for path in directory.iterdir() if path.is_dir() and not path.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_commit_or_none(value: Any) -> bool:
    return value is None or (isinstance(value, str) and is_commit(value))


def _is_counts(value: Any) -> bool:
    return isinstance(value, dict) and all(type(number) is int for number in value.values())


def _is_files(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(_is_inside(name) and _is_text(digest) for name, digest in value.items())
    )


def _is_inside(name: str) -> bool:
    return (
        bool(name)
        and not name.startswith("/")
        and ".." not in name.split("/")
        and "\\" not in name
        and "\0" not in name
    )


_FIELDS = {
    "name": _is_text,
    "source": _is_text,
    "commit": _is_commit_or_none,
    "equals_commit": lambda value: value == "" or _is_commit_or_none(value),
    "licence": _is_text,
    "counts": _is_counts,
    "files": _is_files,
    "rbsuite": _is_text,
}
