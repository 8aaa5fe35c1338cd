"""A domain's database as shipped: parsed once, shared by every world over it, never changed.

What many worlds ask for repeatedly (the JSON text of a record, its canonical text, indexes) is computed at first use and cached here. All
of it is a function of the immutable records, so sharing it between threads is safe: at worst two of them compute the same value.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, TypeVar, cast

from rbsuite_dialogue.notation import Notation
from rbsuite_dialogue.values import Record

if TYPE_CHECKING:
    from hashlib import _Hash

T = TypeVar("T")

Shape = Literal["mapping", "list", "record"]
"""What a table is in the data: records by key, records in order, or a single record (whose key here is :data:`ONLY`)."""

ONLY = ""
"""The key of the record in a table that is a single record."""

Changes = Mapping[str, Mapping[str, str]]
"""Table name to key to canonical text, for records that are new or differ."""


class _Table:
    """The records of one table with their cached texts."""

    __slots__ = ("_canonical", "_entries", "_json", "_keys", "_notation", "_shape", "records")

    def __init__(self, records: Mapping[str, Record], shape: Shape, notation: Notation) -> None:
        self.records = records
        self._shape = shape
        self._notation = notation
        self._json: dict[str, str] = {}
        self._canonical: dict[str, str] = {}
        self._keys: list[str] = []
        self._entries: list[str] = []

    def json_text(self, key: str) -> str:
        text = self._json.get(key)
        if text is None:
            text = self._json[key] = json.dumps(self.records[key])
        return text

    def canonical(self, key: str) -> str:
        text = self._canonical.get(key)
        if text is None:
            text = self._canonical[key] = self._notation.canonical(self.records[key])
        return text

    def text(self, changed: Mapping[str, str]) -> str:
        """The canonical text of the whole table with the ``changed`` records in place of the shipped ones."""
        if self._shape == "record":
            return changed[ONLY] if ONLY in changed else self.canonical(ONLY)
        if self._shape == "list":
            keys = dict.fromkeys([*self.records, *changed])
            return self._notation.listing([changed[key] if key in changed else self.canonical(key) for key in keys])
        return self._notation.mapping(self._mapped(changed))

    def _mapped(self, changed: Mapping[str, str]) -> list[str]:
        entry = self._notation.entry
        if not self._keys:
            keys = sorted(self.records)
            self._entries = [entry(key, self.canonical(key)) for key in keys]
            self._keys = keys
        entries = list(self._entries)
        added: list[str] = []
        for key in sorted(changed):
            if key in self.records:
                entries[bisect_left(self._keys, key)] = entry(key, changed[key])
            else:
                added.append(key)
        for key in reversed(added):
            entries.insert(bisect_left(self._keys, key), entry(key, changed[key]))
        return entries


class Database:
    """The tables of one domain.

    Args:
        tables: table name to key to record, in the order of the data files. Handed over: neither the mapping nor its
            records may be changed afterwards.
        notation: how it is serialized for hashing.
        shapes: those of the tables that are not mappings.
        name: what error texts call it.
    """

    __slots__ = ("_notation", "_prefixes", "_tables", "_views", "name", "tables")

    def __init__(
        self,
        tables: Mapping[str, Mapping[str, Record]],
        notation: Notation,
        shapes: Mapping[str, Shape] | None = None,
        name: str = "Database",
    ) -> None:
        self.tables = tables
        self.name = name
        self._notation = notation
        shapes = shapes or {}
        self._tables = {
            table: _Table(tables[table], shapes.get(table, "mapping"), notation) for table in sorted(tables)
        }
        self._views: dict[Callable[[Database], object], object] = {}
        self._prefixes: dict[int, _Hash] = {}

    def records(self, table: str) -> Mapping[str, Record]:
        """The shipped records of a table.

        Raises:
            AttributeError: there is no such table; worded as Python words it for an object without that attribute.
        """
        try:
            return self.tables[table]
        except KeyError:
            raise AttributeError(f"{self.name!r} object has no attribute {table!r}") from None

    def json_text(self, table: str, key: str) -> str:
        """The JSON text of a shipped record. Raises KeyError if there is none."""
        return self._tables[table].json_text(key)

    def canonical(self, table: str, key: str) -> str:
        """The canonical text of a shipped record (see :class:`Notation`). Raises KeyError if there is none."""
        return self._tables[table].canonical(key)

    def canonical_text(self, record: Record) -> str:
        """The canonical text of any record."""
        return self._notation.canonical(record)

    def view(self, build: Callable[[Database], T]) -> T:
        """What ``build`` makes of this database (an index, a fixed text), computed once."""
        if build not in self._views:
            self._views[build] = build(self)
        return cast(T, self._views[build])

    def digest(self, changes: Changes) -> str:
        """Upstream's hash of this database with the ``changes`` applied: sha256, 64 hex digits."""
        names = list(self._tables)
        first = next((place for place, name in enumerate(names) if changes.get(name)), len(names))
        hasher = self._prefix(first)
        for name in names[first:]:
            hasher.update(self._piece(name, changes.get(name, {})))
        hasher.update((self._notation.lone_bracket if len(names) == 1 else self._notation.brackets[1]).encode())
        return hasher.hexdigest()

    def _prefix(self, count: int) -> _Hash:
        """A hasher that has consumed the first ``count`` tables as shipped; kept, because most changes affect the last ones."""
        known = self._prefixes.get(count)
        if known is None:
            known = hashlib.sha256(self._notation.brackets[0].encode())
            for name in list(self._tables)[:count]:
                known.update(self._piece(name, {}))
            self._prefixes[count] = known
        return known.copy()

    def _piece(self, name: str, changed: Mapping[str, str]) -> bytes:
        separator = "" if name == next(iter(self._tables)) else ", "
        return (separator + self._notation.entry(name, self._tables[name].text(changed))).encode()
