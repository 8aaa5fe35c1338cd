"""One patient's record as it stood at the prediction time, behind a guard that allows nothing but reading.

What came later is not hidden but absent: the visible rows are copied into an in-memory database, and the file is detached before the first
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
    *(
        "charttime",
        "starttime",
        "startdate",
        "ordertime",
        "admittime",
        "intime",
        "chartdate",
        "transfertime",
        "eventtime",
    ),
    *("createtime", "entertime", "storetime"),
)
"""Columns that say when a row came into being; the first that a table has counts, or the next if a row has no value in it."""
LATER = {
    "admissions": ("dischtime", ("discharge_location", "hospital_expire_flag")),
    "edstays": ("outtime", ("disposition",)),
    "icustays": ("outtime", ("los", "last_careunit", "last_wardid")),
    "transfers": ("outtime", ("los",)),
    "patients": ("dod", ("expire_flag",)),
}
"""Columns that say how something ended, by table, with the time of its end: empty until that time."""
PARENTS = {
    "poe_detail": ("poe", "poe_id"),
    "emar_detail": ("emar", "emar_id"),
    "triage": ("edstays", "stay_id"),
    "discharge_detail": ("discharge", "note_id"),
    "radiology_detail": ("radiology", "note_id"),
}
"""Tables without times, with the table and the column through which their rows belong to rows that have times."""

MOST_ROWS = 100
"""Rows of a result that are shown."""
MOST_WORK = 4_000_000
"""Steps of SQLite's virtual machine that a query may take; the limit that counts, as it is the same on every machine."""
MOST_SECONDS = 5.0
"""Time that a query may take, for what is slow despite taking few steps."""
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
        self._database = sqlite3.connect("file::memory:", uri=True, isolation_level=None, check_same_thread=False)
        try:
            self._attach(reference, "reference")
            self.references = self._columns("reference")
            self._attach(patient, "record")
            self.tables = self._columns("record")
            for table in sorted(self.tables, key=lambda name: name.lower() in PARENTS):  # after those they belong to
                self._copy(table, until)
            self._database.execute("DETACH DATABASE record")
            self._guard()
        except sqlite3.Error as error:
            self._database.close()
            raise DataError(f"a patient's database or {reference.name} cannot be read: {error}.", REMEDY) from None

    def query(self, sql: str, values: Sequence[object] = ()) -> tuple[list[str], list[tuple[object, ...]], bool]:
        """The columns and rows of a query, and whether there are more rows than returned.

        Raises:
            QueryError: it cannot be carried out, or is not allowed.
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
        """Release the database."""
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

    def _copy(self, table: str, until: str) -> None:
        """Copy what had happened: rows from before the prediction time, without endings that were still to come."""
        columns = self.tables[table]
        by_name = {column.lower(): column for column in columns}
        when = [by_name[name] for name in TIMES if name in by_name]
        parent, key = self._parent(table)
        condition, values = "1", len(when[:1])
        if when:
            condition = f"coalesce({', '.join([*map(_moment, when), 'NULL'])}) <= ?"
        elif parent:
            condition = f"{key} IN (SELECT {key} FROM main.{quoted(parent)})"
        elif "hadm_id" in by_name and self._named("admissions"):
            # A row without its own time is known once its admission has ended, like codes.
            condition, values = "hadm_id IN (SELECT hadm_id FROM record.admissions WHERE dischtime <= ?)", 1
        end, told_then = LATER.get(table.lower(), ("", ()))
        chosen, times = [], 0
        for column in columns:
            name, shown = column.lower(), quoted(column)
            if name in told_then and end in by_name:
                shown = f"CASE WHEN {_moment(by_name[end])} <= ? THEN {shown} END AS {shown}"
            elif column not in when[:1] and (name.endswith(("time", "date")) or name.startswith("dod")):
                shown = f"CASE WHEN {_moment(column)} <= ? THEN {shown} END AS {shown}"
            times += shown != quoted(column)
            chosen.append(shown)
        sql = f"CREATE TABLE main.{quoted(table)} AS SELECT {', '.join(chosen)} FROM record.{quoted(table)} WHERE {condition}"
        self._database.execute(sql, (until,) * (times + values))

    def _named(self, table: str) -> str:
        """The name of a table as the record spells it; empty if it has no such table."""
        return next((name for name in self.tables if name.lower() == table), "")

    def _parent(self, table: str) -> tuple[str, str]:
        """The table to whose rows the rows of a table belong, and the column that says so; empty if there is none."""
        parent, key = PARENTS.get(table.lower(), ("", ""))
        return (
            (found, key) if (found := self._named(parent)) and key in map(str.lower, self.tables[table]) else ("", "")
        )

    def _guard(self) -> None:
        """From here on nothing but reading: no ATTACH, no PRAGMA, no extensions, no writing, and a limit on all work."""
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


def _moment(column: str) -> str:
    """SQL for the time in a column, or NULL. A day counts when it is over: what was done on it may have been done late."""
    name = quoted(column)
    return f"CASE WHEN {name} GLOB '[0-9]*' THEN {name} || iif(length({name}) = 10, ' 23:59:59', '') END"


def quoted(name: str) -> str:
    """A name as SQL takes it, whatever characters are in it."""
    return '"' + name.replace('"', '""') + '"'
