"""One world's state: a shared database plus private copies of the records this world has written to."""

from __future__ import annotations

import json
from collections.abc import Iterator

from rbsuite_dialogue.database import Database
from rbsuite_dialogue.values import Record, Value, copy_record


class Overlay:
    """Copy-on-write records over a :class:`Database`.

    A record is copied when it is first opened for writing. It stays changed when a tool fails midway, as in upstream, which mutates in
    place and never rolls back. Keys come unchecked from a model: one that cannot be a key raises the error that a plain dict raises.
    """

    __slots__ = ("_private", "_records", "database", "deviations")

    def __init__(self, database: Database) -> None:
        self.database = database
        self.deviations: frozenset[str] = frozenset()
        self._records: dict[str, dict[str, Record]] = {}
        self._private: set[tuple[str, str]] = set()

    def has(self, table: str, key: Value) -> bool:
        """Whether the table has a record with this key."""
        return key in self.database.records(table) or key in self._records.get(table, ())

    def keys(self, table: str) -> Iterator[str]:
        """The keys of a table; those of records created in this world come last."""
        shipped = self.database.records(table)
        yield from shipped
        yield from [key for key in self._records.get(table, ()) if key not in shipped]

    def count(self, table: str) -> int:
        """The number of records of a table."""
        shipped = self.database.records(table)
        return len(shipped) + sum(key not in shipped for key in self._records.get(table, ()))

    def read(self, table: str, key: Value) -> Record:
        """A record for reading only. Raises KeyError if there is none."""
        changed = self._records.get(table)
        if changed is not None and key in changed:
            return changed[key]
        return self.database.records(table)[key]

    def write(self, table: str, key: str) -> Record:
        """A record for changing in place. Raises KeyError if there is none."""
        record = self.read(table, key)
        if (table, key) in self._private:
            return record
        return self.put(table, key, copy_record(record))

    def put(self, table: str, key: str, record: Record) -> Record:
        """Store a record that belongs to this world alone, and return it."""
        self._records.setdefault(table, {})[key] = record
        self._private.add((table, key))
        return record

    def added(self, table: str, key: str) -> bool:
        """Whether a record was created in this world rather than shipped."""
        return key not in self.database.tables[table]

    def touched(self, table: str, key: str) -> bool:
        """Whether this world has its own copy of the record, changed or not."""
        return key in self._records.get(table, ())

    def json_text(self, table: str, key: Value) -> str:
        """The JSON text of a record, as a tool shows it. Raises KeyError if there is none."""
        changed = self._records.get(table)
        if changed is not None and key in changed:
            return json.dumps(changed[key])
        return self.database.json_text(table, key)

    def note(self, deviation: str) -> None:
        """Record that this world has now departed from upstream in the named way."""
        self.deviations |= {deviation}

    def changes(self) -> dict[str, dict[str, str]]:
        """Canonical texts of the records that are new or differ from the shipped ones, by table and key."""
        found: dict[str, dict[str, str]] = {}
        for table, records in self._records.items():
            for key, record in records.items():
                text = self.database.canonical_text(record)
                if self.added(table, key) or text != self.database.canonical(table, key):
                    found.setdefault(table, {})[key] = text
        return found

    def fork(self) -> Overlay:
        """An independent overlay in the same state; records are shared until either side writes to them."""
        twin = Overlay(self.database)
        twin.deviations = self.deviations
        twin._records = {table: dict(records) for table, records in self._records.items()}
        self._private = set()
        return twin
