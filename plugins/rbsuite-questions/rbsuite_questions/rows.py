"""Reads the rows of question sets: from a file, from a directory, or from the hub at a pinned revision.

JSON and CSV are read by the standard library. Everything else goes through ``datasets``, which is imported only when needed.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from os.path import lexists
from pathlib import Path
from typing import Any

from rbsuite.errors import DataError
from rbsuite.files import Unusable, parse_json, read_file
from rbsuite_questions.readers.base import LETTERS
from rbsuite_questions.readers.integers import gold_integer

Row = Mapping[str, Any]

HUB = "hub"
"""The value of ``--data`` that takes the pinned revision from the hub even though a pack exists."""


@dataclass(frozen=True, slots=True)
class HubSource:
    """A data set on the hub, pinned.

    Attributes:
        repository: its id.
        revision: commit (40 hexadecimal digits).
        split: the split there.
        config: the configuration there; empty for the default one.
        gated: whether its authors require their conditions to be accepted first.
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
"""For each wanted value, the names that its column has in one copy of a data set or another."""

SUFFIXES = (".jsonl", ".json", ".parquet", ".csv")


def named_file(directory: Path, name: str) -> Path | None:
    """What a directory has under a table's own name. It need not be a regular file: reading it refuses what is none."""
    return next((path for end in SUFFIXES if lexists(path := directory / f"{name}{end}")), None)


def read_path(path: Path, hub: HubSource, names: Sequence[str] = (), *, csv_columns: Sequence[str] = ()) -> Table:
    """The rows at a path.

    Args:
        path: a file (JSON lines, a JSON list, parquet, CSV), or a directory: with a file of one of ``names``, written by
            ``save_to_disk``, or laid out as on the hub.
        hub: gives configuration and split, if a directory has several.
        names: files to look for in a directory, without their suffix.
        csv_columns: columns that are text in a CSV file, if they exist ("025" must not become 25).

    Raises:
        DataError: there is nothing, or it cannot be read.
    """
    if path.exists() and not path.is_dir():
        return _file(path, csv_columns)
    if not path.is_dir():
        raise DataError(f"{path} does not exist.", "Name a file or a directory with the data.")
    for name in names:
        if (file := named_file(path, name)) is not None:
            return _file(file, csv_columns, within=path)
    return _directory(path, hub)


def read_hub(hub: HubSource, option: str) -> Table:
    """The rows of a data set on the hub, at its pinned revision; from the local cache if they are in it.

    Args:
        hub: which one.
        option: how to read the data from elsewhere, for messages: the name of the environment.

    Raises:
        DataError: it is unavailable (no ``datasets``, offline, gated, gone), or has a different number of rows than at that revision.
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
        DataError: a column is missing; the message names those that exist.
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
        DataError: it is not of the expected kind.
    """
    value = table.rows[number].get(column)
    if not fits(value):
        shown = repr(value) if len(repr(value)) < 40 else type(value).__name__
        raise DataError(f"{table.name}, row {number + 1}: {column} is {shown}, not {wanted}.", "Fix the data.")
    return value


def integer_cell(table: Table, number: int, column: str) -> int:
    r"""The right answer of a row, read as leniently as outputs are: ``25``, ``"025"``, ``25.0``, ``$25$``, ``336^\circ``, ``\boxed{25}``.

    Raises:
        DataError: it is not an integer from 0 to 999.
    """
    answer = gold_integer(
        cell(table, number, column, lambda value: gold_integer(value) is not None, "an integer from 0 to 999")
    )
    assert answer is not None
    return answer


def text_cell(row: Row, column: str | None) -> str:
    """The text of a row's column, stripped; empty if there is none (no such column, nothing in it)."""
    value = row.get(column) if column is not None else None
    return "" if value is None else str(value).strip()


def doubtful_choices(table: Table, columns: Mapping[str, str]) -> Mapping[str, Sequence[str]]:
    """Multiple-choice rows that contradict themselves, by what is wrong with them.

    Args:
        table: the table.
        columns: the names of the columns ``id``, ``options``, ``answer`` (a letter) and, if there is one, ``index``.

    Returns:
        ids of rows whose letter and index disagree, and of rows with an empty option; kinds that do not occur are left out.
    """
    found: dict[str, list[str]] = {}
    for row in table.rows:
        index, letter, name = row.get(columns.get("index", "")), row.get(columns["answer"]), str(row.get(columns["id"]))
        if index is not None and isinstance(letter, str) and LETTERS.find(letter) != index:
            found.setdefault("letter and index disagree", []).append(name)
        if not all(str(option).strip() for option in row.get(columns["options"]) or ()):
            found.setdefault("an option is empty", []).append(name)
    return found


def is_text(value: Any) -> bool:
    """Whether a value is a non-empty text."""
    return isinstance(value, str) and bool(value.strip())


def _file(path: Path, csv_columns: Sequence[str], within: Path | None = None) -> Table:
    readers: Mapping[str, Callable[[bytes], Sequence[Row]]] = {
        ".jsonl": lambda content: _json_lines(_text(path, content), path.name),
        ".json": lambda content: _json(_text(path, content), path.name),
        ".parquet": lambda content: _parquet(path, content),
        ".csv": lambda content: _csv(_text(path, content), path.name, csv_columns),
    }
    if path.suffix.lower() not in readers:
        raise DataError(f"{path} is not one of {', '.join(SUFFIXES)}.", "Convert it, preferably to JSON lines.")
    try:
        content = read_file(path, within=within)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.", "Name another file.") from error
    except Unusable as error:
        raise DataError(f"{path} is {error}.", "Name another file.") from error
    if not content:
        raise DataError(f"{path.name} is empty.", "Get a fresh copy of the data.")
    rows = readers[path.suffix.lower()](content)
    return Table(_checked(rows, path.name), path.name, {"sha256": hashlib.sha256(content).hexdigest()})


def _directory(path: Path, hub: HubSource) -> Table:
    from rbsuite_questions.hub import load_directory

    rows = load_directory(path, hub, lambda file: _file(file, ()))
    files = sorted(file for file in path.rglob("*") if file.suffix in (*SUFFIXES, ".arrow") and file.is_file())
    combined = hashlib.sha256()
    for file in files:
        combined.update(f"{file.relative_to(path).as_posix()} {file_sha256(file)}\n".encode())
    return Table(_checked(rows, path.name), path.name, {"sha256": combined.hexdigest()})


def _checked(rows: Sequence[Row], name: str) -> Sequence[Row]:
    if not rows:
        raise DataError(f"{name} is empty.", "Get a fresh copy of the data.")
    return rows


def _text(path: Path, content: bytes) -> str:
    """The text of a file, without a byte order mark."""
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not UTF-8 text.", "Save it as UTF-8, or get a fresh copy.") from error


def _json_lines(text: str, name: str) -> Sequence[Row]:
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    try:
        # Parsing everything at once takes half the time; what is wrong, and where, is found line by line.
        rows = parse_json(f"[{','.join(line for _, line in lines)}]")
        if len(rows) == len(lines) and all(isinstance(row, dict) for row in rows):
            return rows  # type: ignore[no-any-return]
    except Unusable:
        pass
    places = ((f"{name}:{number}", line) for number, line in lines)
    return [_object(_loaded(line, place), place) for place, line in places]


def _json(text: str, name: str) -> Sequence[Row]:
    """A list of rows, or one row per line: both are found under ``.json``."""
    if text.lstrip().startswith("{"):
        first, _, rest = text.strip().partition("\n")
        if rest or isinstance(_loaded(first, name), dict):
            return _json_lines(text, name)
    value = _loaded(text, name)
    if not isinstance(value, list):
        raise DataError(f"{name} is not a list of rows.", "Give JSON lines, or a list of objects.")
    return [_object(row, f"{name}, row {number}") for number, row in enumerate(value, start=1)]


def _loaded(text: str, where: str) -> Any:
    try:
        return parse_json(text)
    except Unusable as error:
        line = f"line {error.line}: " if error.line > 1 else ""
        raise DataError(f"{where}: not valid JSON: {line}{error}.", "Get a fresh copy of the data.") from error


def _csv(text: str, name: str, columns: Sequence[str]) -> Sequence[Row]:
    """Every cell is kept as text: "025", "NA", "None", and empty if the cell is empty."""
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(lines, [])
        if columns and not set(header) & set(columns):
            raise DataError(f"{name} has none of the columns {', '.join(columns)}.", "Give the header line.")
        rows: list[Row] = []
        for cells in lines:
            if cells and len(cells) != len(header):
                raise DataError(
                    f"{name}, row {len(rows) + 1}: {len(cells)} cells, but the header has {len(header)}.",
                    "Fix the data; a cell with a comma or a line break must be quoted.",
                )
            if cells:
                rows.append(dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        raise DataError(f"{name}:{lines.line_num}: not valid CSV: {error}.", "Get a fresh copy of the data.") from error
    return rows


def _object(value: Any, where: str) -> Row:
    if not isinstance(value, dict):
        listed = " (A JSON list is only read from a file named .json.)" if isinstance(value, list) else ""
        raise DataError(
            f"{where} is not an object.", f"Give one object per line, with the benchmark's columns.{listed}"
        )
    return value


def _parquet(path: Path, content: bytes) -> Sequence[Row]:
    from rbsuite_questions.hub import load_parquet

    return load_parquet(path.name, content)
