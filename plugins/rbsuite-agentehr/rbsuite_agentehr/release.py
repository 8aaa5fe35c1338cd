"""Reads the CSV files of a PhysioNet release of MIMIC-IV, compressed or unpacked, into AgentEHR's databases.

A release has ``hosp`` and ``icu``, and also ``ed`` and ``note`` if the user has MIMIC-IV-ED and MIMIC-IV-Note. Its tables have up to
several hundred million rows, so each is read once, line by line, and only rows of the patients asked for are kept.
"""

from __future__ import annotations

import csv
import gzip
import io
import sqlite3
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NoReturn

from rbsuite.errors import DataError
from rbsuite_agentehr.record import quoted

REMEDY = "Get the file from PhysioNet again; DIR must contain the directories hosp and icu, and ed and note if you have them."

_MODULES = ("hosp", "icu", "ed", "note")
_HELD = 100_000
"""Rows that are buffered before they are written."""
_LONGEST = 16 * 2**20
_NUMBERS = frozenset(
    [
        *(
            "itemid",
            "valuenum",
            "seq_num",
            "icd_version",
            "ref_range_lower",
            "ref_range_upper",
            "anchor_age",
            "anchor_year",
        ),
        *("temperature", "heartrate", "resprate", "o2sat", "sbp", "dbp", "acuity", "los", "hospital_expire_flag"),
        *("amount", "rate", "patientweight", "dilution_value", "drg_severity", "drg_mortality", "poe_seq", "emar_seq"),
    ]
)
"""Numeric columns, besides those whose names end in ``_id``. All others are text: a code may begin with 0."""
_SEEN: Mapping[str, tuple[str, str, str]] = {
    "microbiologyevents": ("test_name", "", ""),
    "transfers": ("careunit", "eventtype", "transfer"),
}
"""Tables whose own values are the candidates of the task of that name: the column, and the value that another column must have."""


class Release:
    """The tables of a release.

    Args:
        source: the directory with the modules, or one above it.
        tables: the file of each table.
    """

    def __init__(self, source: Path, tables: Mapping[str, Path]) -> None:
        self._source = source
        self.tables = tables

    @classmethod
    def find(cls, source: Path) -> Release | None:
        """The release in a directory, or up to three levels below it, as in PhysioNet's downloads; ``None`` if there is none."""
        tables: dict[str, Path] = {}
        for module in _MODULES:
            places = (place for depth in range(4) for place in sorted(source.glob("*/" * depth + module)))
            for path in sorted(next((place for place in places if place.is_dir()), source / module).glob("*.csv*")):
                name = path.name.removesuffix(".gz")
                if name.endswith(".csv"):
                    tables.setdefault(name.removesuffix(".csv"), path)
        return cls(source, tables) if {"admissions", "patients"} <= tables.keys() else None

    def read(self, table: str) -> tuple[list[str], Iterator[list[str]]]:
        """The columns of a table, and its rows.

        Raises:
            DataError: the file cannot be read, or is not CSV. Iterating over the rows may raise it too.
        """
        rows = self._lines(table)
        heads = [head.strip().lower() for head in next(rows, [])]
        if not heads:
            self._fail(table, "empty")
        return heads, rows

    def rows(self, table: str, *columns: str) -> Iterator[tuple[str, ...]]:
        """The values of some columns of a table, row by row.

        Raises:
            DataError: as :meth:`read`, or a column is missing.
        """
        heads, rows = self.read(table)
        if missing := [column for column in columns if column not in heads]:
            self._fail(table, f"missing the column {missing[0]}")
        places = [heads.index(column) for column in columns]
        return (tuple(row[place] for place in places) for row in rows)

    def _lines(self, table: str) -> Iterator[list[str]]:
        path = self.tables[table]
        if not path.resolve().is_relative_to(self._source.resolve()) or not path.is_file():
            self._fail(table, "not a regular file inside the directory")
        csv.field_size_limit(_LONGEST)
        try:
            with path.open("rb") as file:
                content: Any = gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file
                with io.TextIOWrapper(content, "utf-8-sig", newline="") as text:
                    width = 0
                    reader = csv.reader(text, strict=True)
                    for row in reader:
                        width = width or len(row)
                        if len(row) != width:
                            self._fail(table, f"malformed near line {reader.line_num}")
                        yield row
        except (EOFError, zlib.error, gzip.BadGzipFile, csv.Error, UnicodeDecodeError):
            self._fail(table, "damaged, or not CSV")
        except OSError as error:
            self._fail(table, f"unreadable ({error.strerror})")

    def _fail(self, table: str, what: str) -> NoReturn:
        raise DataError(f"{self.tables[table].parent.name}/{self.tables[table].name} is {what}.", REMEDY) from None


def write_patients(
    release: Release, subjects: Collection[int], target: Path, *, letters: bool
) -> Mapping[str, set[str]]:
    """Write a database, ``patient_ID.db``, for each patient for whom the release has rows.

    Codes get the time at which their stay ended, minus a minute, as in AgentEHR's own script.

    Args:
        release: the release.
        subjects: the patients' numbers.
        target: an empty directory.
        letters: whether admissions get the beginning of their discharge letter, up to the physical examination, as in AgentEHR.

    Returns:
        The names that occur anywhere in the release, by the task for which they are candidates.

    Raises:
        DataError: a table cannot be read.
    """
    wanted = {str(subject) for subject in subjects}
    seen: dict[str, set[str]] = {table: set() for table in _SEEN}
    for table in release.tables:
        if table.startswith("d_"):
            continue
        heads, rows = release.read(table)
        if "subject_id" not in heads:
            continue
        owner = heads.index("subject_id")
        name, condition, value = _SEEN.get(table, ("", "", ""))
        names = heads.index(name) if name in heads else -1
        states = heads.index(condition) if condition in heads else -1
        held: dict[str, list[list[str | None]]] = {}
        number = 0
        for row in rows:
            if names >= 0 and (states < 0 or row[states] == value):
                seen[table].add(row[names])
            if row[owner] in wanted:
                held.setdefault(row[owner], []).append([cell or None for cell in row])
                number += 1
                if number % _HELD == 0:
                    _keep(target, table, heads, held)
        _keep(target, table, heads, held)
        seen.get(table, set()).discard("")
    for path in (target / f"patient_{subject}.db" for subject in subjects):
        if path.is_file():
            try:
                with _writing(path) as database:
                    _add_times(database, letters)
            except sqlite3.Error as error:
                raise DataError(
                    f"the release lacks the columns that the times of codes are taken from: {error}.", REMEDY
                ) from None
    return seen


def write_reference(release: Release, path: Path) -> None:
    """Write the tables that explain codes (``d_``) into one database.

    Raises:
        DataError: a table cannot be read.
    """
    with _writing(path) as database:
        for table in release.tables:
            if table.startswith("d_"):
                heads, rows = release.read(table)
                _insert(database, table, heads, rows)


@contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    """A database to write to, without crash safety: an import is either complete or absent."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        with database:
            yield database


def _keep(target: Path, table: str, heads: Sequence[str], held: dict[str, list[list[str | None]]]) -> None:
    for subject, rows in held.items():
        with _writing(target / f"patient_{int(subject)}.db") as database:
            _insert(database, table, heads, rows)
    held.clear()


def _insert(database: sqlite3.Connection, table: str, heads: Sequence[str], rows: Any) -> None:
    kinds = ("NUMERIC" if head.endswith("_id") or head in _NUMBERS else "TEXT" for head in heads)
    columns = ", ".join(f"{quoted(head)} {kind}" for head, kind in zip(heads, kinds, strict=True))
    try:
        database.execute(f"CREATE TABLE IF NOT EXISTS {quoted(table)} ({columns})")
        database.executemany(f"INSERT INTO {quoted(table)} VALUES ({', '.join('?' * len(heads))})", rows)
    except sqlite3.Error as error:
        raise DataError(f"the rows of {table} cannot be written: {error}.", REMEDY) from None


def _add_times(database: sqlite3.Connection, letters: bool) -> None:
    tables = {str(name) for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for codes, stays, key, end in (
        ("diagnoses_icd", "admissions", "hadm_id", "dischtime"),
        ("diagnosis", "edstays", "stay_id", "outtime"),
    ):
        if {codes, stays} <= tables:
            database.execute(f"ALTER TABLE {codes} ADD COLUMN charttime TEXT")
            ended = f"SELECT datetime({end}, '-1 minute') FROM {stays} WHERE {stays}.{key} = {codes}.{key}"
            database.execute(f"UPDATE {codes} SET charttime = ({ended})")
    if letters and {"admissions", "discharge"} <= tables:
        database.execute("ALTER TABLE admissions ADD COLUMN text TEXT")
        examined = "instr(text, 'Physical Exam')"
        begun = f"trim(substr(text, 1, iif({examined}, {examined} - 1, length(text))), char(9, 10, 13, 32))"
        letter = f"SELECT {begun} FROM discharge WHERE discharge.hadm_id = admissions.hadm_id"
        database.execute(f"UPDATE admissions SET text = ({letter})")
