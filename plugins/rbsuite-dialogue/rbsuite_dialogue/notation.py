"""How a benchmark serializes a database before hashing it.

The text of a database is a concatenation of the texts of its records, whatever the notation. So the text of an unchanged record can be
kept, and only changed records are serialized again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rbsuite_dialogue.values import Value


@dataclass(frozen=True, slots=True)
class Notation:
    """A way to write nested JSON values as one text.

    Attributes:
        canonical: the text of a value.
        entry: the text of a pair of a key and the text of its value.
        brackets: what encloses the entries of an object.
        lone_bracket: what follows the entry of an object that has only one.
        list_brackets: what encloses the elements of a list.
    """

    canonical: Callable[[Value], str]
    entry: Callable[[str, str], str]
    brackets: tuple[str, str]
    lone_bracket: str
    list_brackets: tuple[str, str]

    def mapping(self, entries: Sequence[str]) -> str:
        """The text of an object whose entries have these texts."""
        opening, closing = self.brackets
        return f"{opening}{', '.join(entries)}{self.lone_bracket if len(entries) == 1 else closing}"

    def listing(self, elements: Sequence[str]) -> str:
        """The text of a list whose elements have these texts."""
        return ", ".join(elements).join(self.list_brackets)


def _sorted_json(value: Value) -> str:
    return json.dumps(value, sort_keys=True)


def _json_entry(key: str, text: str) -> str:
    return f"{json.dumps(key)}: {text}"


SORTED_JSON = Notation(_sorted_json, _json_entry, ("{", "}"), "}", ("[", "]"))
"""JSON as :func:`json.dumps` writes it with sorted keys: the order of keys does not matter, 50 and 50.0 differ."""
