"""Reads the rows of question sets: from a file, from a directory, or from the hub at a pinned revision.

JSON lines are read by the standard library. Everything else goes through ``datasets``, which is imported when that is needed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rbsuite.errors import DataError

Row = Mapping[str, Any]

HUB = "hub"
"""What ``--data`` says to take the pinned revision from the hub although a pack is here."""


@dataclass(frozen=True, slots=True)
class HubSource:
    """A data set on the hub, pinned.

    Attributes:
        repository: its id.
        revision: commit (40 hexadecimal digits).
        split: the split there.
        config: the configuration there; empty for the default one.
        gated: whether its authors want their conditions accepted first.
        rows: number of rows at that revision; 0: not checked.
    """

    repository: str
    revision: str
    split: str
    config: str = ""
    gated: bool = False
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows, and where they come from.

    Attributes:
        rows: the rows, in order.
        name: what to call the source in messages.
        source: for the manifest: repository and revision, or the file's sha256.
    """

    rows: Sequence[Row]
    name: str
    source: Mapping[str, str] = field(default_factory=dict)


Columns = Mapping[str, tuple[str, ...]]
"""For each wanted value the names that its column has in one copy or another of a data set."""

SUFFIXES = (".jsonl", ".json", ".parquet", ".csv")
_BUILDERS = {".parquet": "parquet", ".csv": "csv"}


def read_path(path: Path, hub: HubSource, names: Sequence[str] = (), *, csv_columns: Sequence[str] = ()) -> Table:
    """The rows at a path.

    Args:
        path: a file (JSON lines, a JSON list, parquet, CSV), or a directory: with a file of one of ``names``, written by
            ``save_to_disk``, or laid out as on the hub.
        hub: says configuration and split, where a directory has several.
        names: files to look for in a directory, without their suffix.
        csv_columns: columns that a CSV file has as text, where there are any ("025" must not become 25).

    Raises:
        DataError: there is nothing, or it cannot be read.
    """
    if path.is_file():
        return _file(path, csv_columns)
    if not path.is_dir():
        raise DataError(f"{path} does not exist.", "Name a file or a directory with the data.")
    for name in names:
        for suffix in SUFFIXES:
            if (path / f"{name}{suffix}").is_file():
                return _file(path / f"{name}{suffix}", csv_columns)
    return _directory(path, hub)


def read_hub(hub: HubSource, option: str) -> Table:
    """The rows of a data set on the hub, at its pinned revision; from the local cache if they are there.

    Args:
        hub: which one.
        option: how to read the data from elsewhere, for messages: the name of the environment.

    Raises:
        DataError: it cannot be had (no ``datasets``, offline, gated, gone), or has another number of rows than at that revision.
    """
    from rbsuite_questions.hub import load_pinned

    rows = load_pinned(hub, option)
    name = f"{hub.repository} at {hub.revision[:12]}"
    if hub.rows and len(rows) != hub.rows:
        raise DataError(
            f"{name} has {len(rows)} rows, not {hub.rows}: it is not the revision that is pinned here.",
            f"Clear it from the cache of datasets, or read a copy with --env {option} --data PATH.",
        )
    return Table(rows, name, {"hub": hub.repository, "revision": hub.revision, "hub_split": hub.split})


def file_sha256(path: Path) -> str:
    """sha256 (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find_columns(table: Table, columns: Columns, optional: Sequence[str] = ()) -> Mapping[str, str]:
    """The name that each wanted column has in a table.

    Raises:
        DataError: a column is missing; the message names those that are there.
    """
    there = dict.fromkeys(key for row in table.rows[:1] for key in row)
    found: dict[str, str] = {}
    for wanted, names in columns.items():
        name = next((name for name in names if name in there), None)
        if name is not None:
            found[wanted] = name
        elif wanted not in optional:
            raise DataError(
                f"{table.name} has no column {' or '.join(repr(name) for name in names)}; it has {', '.join(there) or 'none'}.",
                "Give the benchmark's own columns.",
            )
    return found


def cell(table: Table, number: int, column: str, fits: Callable[[Any], bool], wanted: str) -> Any:
    """The value of a row's column.

    Raises:
        DataError: it is not what is wanted.
    """
    value = table.rows[number].get(column)
    if not fits(value):
        shown = repr(value) if len(repr(value)) < 40 else type(value).__name__
        raise DataError(f"{table.name}, row {number + 1}: {column} is {shown}, not {wanted}.", "Fix the data.")
    return value


def is_text(value: Any) -> bool:
    """Whether a value is a text that is not empty."""
    return isinstance(value, str) and bool(value.strip())


def _file(path: Path, csv_columns: Sequence[str]) -> Table:
    readers: Mapping[str, Callable[[], Sequence[Row]]] = {
        ".jsonl": lambda: _json_lines(path),
        ".json": lambda: _json(path),
        ".parquet": lambda: _by_datasets(path, ()),
        ".csv": lambda: _by_datasets(path, csv_columns),
    }
    if path.suffix.lower() not in readers:
        raise DataError(f"{path} is none of {', '.join(SUFFIXES)}.", "Convert it, best to JSON lines.")
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path.name} is empty.", "Get a fresh copy of the data.")
        rows = readers[path.suffix.lower()]()
        sha256 = file_sha256(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.", "Name another file.") from error
    return Table(_checked(rows, path.name), path.name, {"sha256": sha256})


def _directory(path: Path, hub: HubSource) -> Table:
    from rbsuite_questions.hub import load_directory

    rows = load_directory(path, hub)
    files = sorted(file for file in path.rglob("*") if file.suffix in (*SUFFIXES, ".arrow") and file.is_file())
    combined = hashlib.sha256()
    for file in files:
        combined.update(f"{file.relative_to(path).as_posix()} {file_sha256(file)}\n".encode())
    return Table(_checked(rows, path.name), path.name, {"sha256": combined.hexdigest()})


def _checked(rows: Sequence[Row], name: str) -> Sequence[Row]:
    if not rows:
        raise DataError(f"{name} is empty.", "Get a fresh copy of the data.")
    return rows


def _json_lines(path: Path) -> Sequence[Row]:
    rows = []
    with path.open(encoding="utf-8") as file:
        try:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    rows.append(_object(json.loads(line), f"{path.name}:{number}"))
        except UnicodeDecodeError as error:
            raise DataError(f"{path.name} is not UTF-8 text.", "Get a fresh copy of the data.") from error
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"{path.name}:{number}: not valid JSON: {error}.", "Get a fresh copy of the data."
            ) from error
    return rows


def _json(path: Path) -> Sequence[Row]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path.name}: not valid JSON: {error}.", "Get a fresh copy of the data.") from error
    if not isinstance(value, list):
        raise DataError(f"{path.name} is not a list of rows.", "Give JSON lines, or a list of objects.")
    return [_object(row, f"{path.name}, row {number}") for number, row in enumerate(value, start=1)]


def _object(value: Any, where: str) -> Row:
    if not isinstance(value, dict):
        raise DataError(f"{where} is not an object.", "Give one object with the benchmark's columns per line.")
    return value


def _by_datasets(path: Path, csv_columns: Sequence[str]) -> Sequence[Row]:
    from rbsuite_questions.hub import load_file

    return load_file(path, _BUILDERS[path.suffix.lower()], csv_columns)
