"""The phone that tools work on: its tables, its clock, its ids and its network."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from rbsuite_toolsandbox.arguments import NOT_GIVEN, ToolError, Value, no_data
from rbsuite_toolsandbox.fuzzy import best
from rbsuite_toolsandbox.network import Network
from rbsuite_toolsandbox.tables import Row, Tables

FUZZY_LIMIT = 5
"""Maximum number of rows that a fuzzy search returns: the default of the library that upstream uses."""


_SHOWN_OF_QUERY = 30


class Ids:
    """Makes ids: uuid5 over a counter, in place of upstream's uuid4.

    Args:
        made: how many were made before.
    """

    __slots__ = ("made",)

    def __init__(self, made: int = 0) -> None:
        self.made = made

    def next(self) -> str:
        """A new id."""
        self.made += 1
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"conformance_{self.made}"))


class Phone:
    """What a tool sees and changes.

    Args:
        tables: the databases.
        now: the time in seconds since 1970, which never passes; the time zone is UTC.
        ids: where new ids come from.
        network: answers the five tools for which upstream uses web services.

    Attributes:
        index: index of the message that writes belong to: one after the last message.
    """

    __slots__ = ("ids", "index", "network", "now", "tables")

    def __init__(self, tables: Tables, now: float, ids: Ids, network: Network) -> None:
        self.tables = tables
        self.now = now
        self.ids = ids
        self.network = network
        self.index = 0

    def fork(self, ids: Ids) -> Phone:
        """A copy in the same state that takes its ids from a different source."""
        twin = Phone(self.tables.fork(), self.now, ids, self.network)
        twin.index = self.index
        return twin

    def setting(self, column: str) -> Any:
        """A setting of the device."""
        return self.tables.now("SETTING")[0][column]

    def require_wifi(self) -> None:
        """Refuse to continue without wifi."""
        if not self.setting("wifi"):
            raise ToolError("ConnectionError", "Wifi is not enabled")

    def require_location(self) -> None:
        """Refuse to continue without the location service."""
        if not self.setting("location_service"):
            raise ToolError("PermissionError", "Location service is not enabled.")

    def add(self, table: str, row: Row) -> None:
        """Append a row."""
        self.tables.write(table, self.index, (*self.tables.now(table), row))

    def remove(self, table: str, column: str, value: Value) -> None:
        """Remove all rows that have a value.

        As in upstream, a removal that finds nothing leaves a new snapshot behind.
        """
        rows = self.tables.now(table)
        kept = tuple(row for row in rows if row[column] is None or row[column] != value)
        self.tables.write(table, self.index, kept)
        if len(kept) == len(rows):
            # Upstream's text shows the start of a query and its memory address; here it has no address.
            query = f'[([(col("{column}")) == (String({value}))]'[:_SHOWN_OF_QUERY]
            raise no_data(f"No db entry matching predicate=<Expr ['{query}…'] at 0x0> found")

    def modify(self, table: str, key: str, value: str, changes: Row) -> None:
        """Change the row with an id. It moves to the end, since upstream removes it and appends it."""
        found = [row for row in self.tables.now(table) if row[key] == value]
        if not found:
            raise no_data(f"No db entry matching {key}={value!r} found")
        if len(found) > 1:
            raise ToolError("polars.exceptions.DuplicateError", f"More than 1 entry with {key}={value!r} found")
        row = {**found[0], **{name: given for name, given in changes.items() if given is not NOT_GIVEN}}
        self.remove(table, key, value)
        self.add(table, row)


Filter = Callable[[tuple[Row, ...], str, Value], tuple[Row, ...]]


def search(rows: tuple[Row, ...], criteria: list[tuple[str, Value, Filter]]) -> list[dict[str, Any]]:
    """The rows that match all given criteria, filtered by one after the other.

    Raises:
        ToolError: none was given.
    """
    if all(value is NOT_GIVEN for _, value, _ in criteria):
        columns = tuple(column for column, _, _ in criteria)
        raise ToolError(
            "ValueError",
            f"No search criteria are given. At least one search criteria should be provided among {columns}",
        )
    for column, value, fits in criteria:
        if value is not NOT_GIVEN:
            rows = fits(rows, column, value)
    return [dict(row) for row in rows]


def equal(rows: tuple[Row, ...], column: str, value: Value) -> tuple[Row, ...]:
    """Rows with exactly a given value. Null equals nothing."""
    if value is None:
        return ()
    return tuple(row for row in rows if row[column] is not None and row[column] == value)


def at_least(rows: tuple[Row, ...], column: str, value: Value) -> tuple[Row, ...]:
    """Rows with a given value or more."""
    return tuple(row for row in rows if row[column] is not None and row[column] >= value)


def at_most(rows: tuple[Row, ...], column: str, value: Value) -> tuple[Row, ...]:
    """Rows with a given value or less."""
    return tuple(row for row in rows if row[column] is not None and row[column] <= value)


def alike(cutoff: float) -> Filter:
    """Rows whose text resembles a given one, best first.

    Args:
        cutoff: the WRatio that a row needs, 0 to 100.
    """

    def fits(rows: tuple[Row, ...], column: str, value: Value) -> tuple[Row, ...]:
        if value is None:
            return ()
        if not isinstance(value, str):
            raise ToolError("TypeError", "sentence must be a String")
        found = best(value, [row[column] for row in rows], cutoff, FUZZY_LIMIT)
        return tuple(rows[place] for place in found)

    return fits
