"""One patient's record as it stood at the prediction time, behind a guard that lets nothing but reading through.

What came later is not hidden but absent: the visible rows are copied into a database in memory, and the file is detached before the first
query. So no query, however it is written, reaches beyond the prediction time or the two databases it may read.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from rbsuite.errors import DataError

REMEDY = "Import it again: rbsuite data import agentehr --from DIR."

TIMES = (
    *("charttime", "starttime", "ordertime", "admittime", "intime", "chartdate", "transfertime", "eventtime"),
    *("entertime", "storetime"),
)
"""Columns that say when a row came to be; the first that a table has counts."""
LATER = {"admissions": ("discharge_location", "hospital_expire_flag", "deathtime")}
"""Columns that say how something ended, by table: empty until its end."""

MOST_ROWS = 100
"""Rows of a result that are shown."""
MOST_WORK = 4_000_000
"""Steps of SQLite's machine that a query may take; the limit that counts, as it is the same on every machine."""
MOST_SECONDS = 5.0
"""Time that a query may take, for what is slow by few steps."""
MOST_TEXT = 1_000_000
"""Length of a value, and of a query, in bytes."""

_REFUSED = frozenset(
    [
        *("load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "zeroblob", "randomblob", "random"),
        *("current_time", "current_date", "current_timestamp", "sqlite_version", "sqlite_source_id"),
        *("sqlite_compileoption_get", "sqlite_compileoption_used", "sqlite_log", "changes", "total_changes"),
    ]
)
_ALLOWED = frozenset([sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE])
_CLOCK = re.compile(
    r"'\s*now\s*'|\b(?:date|time|datetime|julianday|unixepoch|strftime)\s*\(\s*(?:'[^']*'\s*)?\)", re.IGNORECASE
)
_STEP = 1_000
_HIDDEN = ("sqlite_", "pragma_")


class QueryError(Exception):
    """A query that cannot be carried out; the text says why."""


class Record:
    """What an agent can read of one patient.

    Args:
        patient: the patient's database.
        reference: the database of reference tables (names of codes).
        until: the prediction time, as ``YYYY-MM-DD HH:MM:SS``.

    Attributes:
        tables: columns of the patient's tables, by table, in the database's order.
        references: those of the reference tables.

    Raises:
        DataError: a database cannot be read.
    """

    def __init__(self, patient: Path, reference: Path, until: str) -> None:
        self._work = 0
        self._end = 0.0
        try:
            self._database = sqlite3.connect("file::memory:", uri=True, isolation_level=None, check_same_thread=False)
            self._attach(reference, "reference")
            self.references = self._columns("reference")
            self._attach(patient, "record")
            self.tables = self._columns("record")
            for table, columns in self.tables.items():
                self._copy(table, columns, until)
            self._database.execute("DETACH DATABASE record")
            self._guard()
        except sqlite3.Error as error:
            raise DataError(f"a patient's database or {reference.name} cannot be read: {error}.", REMEDY) from None

    def query(self, sql: str, values: Sequence[object] = ()) -> tuple[list[str], list[tuple[object, ...]], bool]:
        """The columns and rows of a query, and whether there are more rows than are given.

        Raises:
            QueryError: it cannot be carried out, or may not.
        """
        if len(sql) > MOST_TEXT:
            raise QueryError("the query is too long")
        if _CLOCK.search(sql):
            raise QueryError("there is no clock in the record; use the prediction time")
        self._work, self._end = 0, time.monotonic() + MOST_SECONDS
        try:
            cursor = self._database.execute(sql, values)
            rows = cursor.fetchmany(MOST_ROWS + 1)
            cursor.close()
        except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
            text = str(error)
            if text == "interrupted":
                text = "the query was stopped, it takes too long"
            elif "not authorized" in text or "prohibited" in text:
                text = f"{text}: the record can only be read, by one SELECT over its tables"
            raise QueryError(text) from None
        if cursor.description is None:
            raise QueryError("only SELECT gives anything")
        return [column[0] for column in cursor.description], rows[:MOST_ROWS], len(rows) > MOST_ROWS

    def close(self) -> None:
        """Give the database back."""
        self._database.close()

    def _attach(self, path: Path, name: str) -> None:
        if not path.is_file():
            what = path.name if name == "reference" else "database of a patient"
            raise DataError(f"agentehr: there is no {what}.", REMEDY)
        self._database.execute(f"ATTACH DATABASE ? AS {name}", (f"{path.absolute().as_uri()}?mode=ro&immutable=1",))

    def _columns(self, schema: str) -> dict[str, tuple[str, ...]]:
        names = self._database.execute(f"SELECT name FROM {schema}.sqlite_master WHERE type = 'table'").fetchall()
        found = {}
        for (name,) in names:
            rows = self._database.execute(f"PRAGMA {schema}.table_info({quoted(name)})").fetchall()
            found[str(name)] = tuple(str(row[1]) for row in rows)
        return found

    def _copy(self, table: str, columns: Sequence[str], until: str) -> None:
        """Copy what had happened: rows from before the prediction time, without the ends that were to come."""
        by_name = {column.lower(): column for column in columns}
        when = next((by_name[name] for name in TIMES if name in by_name), None)
        condition, values = "1", 0
        if when is not None:
            condition, values = f"{quoted(when)} <= ?", 1
        elif "hadm_id" in by_name and "admissions" in map(str.lower, self.tables):
            # Without a time of its own a row is known once its admission has ended, as codes are.
            condition, values = "hadm_id IN (SELECT hadm_id FROM record.admissions WHERE dischtime <= ?)", 1
        chosen, times = [], 0
        for column in columns:
            if column.lower() in LATER.get(table.lower(), ()) and "dischtime" in by_name:
                chosen.append(f"CASE WHEN dischtime <= ? THEN {quoted(column)} END AS {quoted(column)}")
                times += 1
            elif column != when and column.lower().endswith(("time", "date", "dod")):
                chosen.append(f"CASE WHEN {quoted(column)} <= ? THEN {quoted(column)} END AS {quoted(column)}")
                times += 1
            else:
                chosen.append(quoted(column))
        sql = f"CREATE TABLE main.{quoted(table)} AS SELECT {', '.join(chosen)} FROM record.{quoted(table)} WHERE {condition}"
        self._database.execute(sql, (until,) * (times + values))

    def _guard(self) -> None:
        """From here on nothing but reading: no ATTACH, no PRAGMA, no extension, no writing, and an end to all work."""
        database = self._database
        database.execute("PRAGMA query_only = ON")
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_TEXT)
        database.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, MOST_TEXT)
        database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        database.setlimit(sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 200)
        database.setlimit(sqlite3.SQLITE_LIMIT_COMPOUND_SELECT, 50)
        database.set_authorizer(_authorise)
        database.set_progress_handler(self._worked, _STEP)

    def _worked(self) -> int:
        self._work += _STEP
        return int(self._work > MOST_WORK or time.monotonic() > self._end)


def _authorise(action: int, first: str | None, second: str | None, database: str | None, source: str | None) -> int:
    allowed = action in _ALLOWED
    if action == sqlite3.SQLITE_READ:
        allowed = not str(first).lower().startswith(_HIDDEN)
    elif action == sqlite3.SQLITE_FUNCTION:
        allowed = str(second).lower() not in _REFUSED
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def quoted(name: str) -> str:
    """A name as SQL takes it, whatever characters are in it."""
    return '"' + name.replace('"', '""') + '"'
