"""Upstream's data hash, piece by piece.

Upstream (``tau_bench/envs/base.py``, commit 59a200c) hashes the UTF-8 text of nested tuples: an object becomes the tuple of its
(key, value) pairs sorted by key, a list becomes the tuple of its elements, anything else stays.
"""

from __future__ import annotations

from collections.abc import Mapping

from rbsuite_dialogue.database import Database
from rbsuite_dialogue.notation import Notation
from rbsuite_dialogue.values import Record, Value


def canonical(value: Value) -> str:
    """The text that stands for ``value`` inside upstream's hash.

    Two values have the same text if and only if upstream's hash cannot distinguish them: 50 and 50.0 differ, the order of keys does not
    matter, the order of a list does.
    """
    return repr(_frozen(value))


def _frozen(value: Value) -> Value:
    if isinstance(value, dict):
        return tuple([(key, _frozen(entry)) for key, entry in sorted(value.items())])
    if isinstance(value, list):
        return tuple([_frozen(entry) for entry in value])
    return value


def _entry(key: str, text: str) -> str:
    return f"({key!r}, {text})"


NESTED_TUPLES = Notation(canonical, _entry, ("(", ")"), ",)", ("(", ")"))
"""Python's text of nested tuples. No table of this benchmark is a list."""


def database(tables: Mapping[str, Mapping[str, Record]]) -> Database:
    """A database hashed in upstream's way; see :class:`Database`."""
    return Database(tables, NESTED_TUPLES)
