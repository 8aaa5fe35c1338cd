"""Whether values are plain data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any


def unplain(value: Any) -> str:
    """What in a value does not survive JSON, in words; empty if everything does. Tuples come back as lists, which is allowed."""
    for part in parts(value):
        if isinstance(part, set | frozenset):
            return "a set"
        if not isinstance(part, str | int | float | list | tuple | Mapping | None):
            return f"a {type(part).__name__}"
        if isinstance(part, float) and not math.isfinite(part):
            return f"the number {part}"
        if isinstance(part, Mapping) and not all(isinstance(key, str) for key in part):
            return "a key that is not text"
    return ""


def parts(value: Any) -> Iterator[Any]:
    """A value and everything it contains, mappings and lists before their contents."""
    yield value
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from parts(inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from parts(inner)
