"""Canonical JSON and content hashes of plain data.

Records of rbsuite are frozen dataclasses of plain values. :func:`plain` turns one into dicts and lists, :func:`canonical` into the one
JSON text that stands for it (sorted keys, no spaces, ASCII), and :func:`digest` into the hash of that text, so that equal records have
equal hashes on every machine.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeGuard

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)

_LEAVES = (str, int, float, type(None))

Json = Any
"""A value made of dict (str keys), list, str, int, float, bool and None."""


def is_whole(value: object) -> TypeGuard[int]:
    """Whether a value is a whole number that a store keeps: no truth value, and no more than 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 64


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a number that a store keeps: finite, no truth value, and no whole number of more than 64 bits."""
    return math.isfinite(value) if isinstance(value, float) else is_whole(value)


def plain(value: Any) -> Json:
    """Turn dataclasses, mappings and tuples into dicts and lists, deeply.

    Every field is kept, even those that equal their default: a record's JSON always has all its fields.

    Raises:
        TypeError: a value that has no JSON form.
    """
    if isinstance(value, _LEAVES):
        return value
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    names = _names(value.__class__)
    if names is not None:
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(plain(item) for item in value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


@cache
def _names(record: type) -> tuple[str, ...] | None:
    """The fields of a dataclass; ``None`` for any other type."""
    return tuple(field.name for field in fields(record)) if is_dataclass(record) else None


def canonical(value: Any) -> str:
    """The canonical JSON text of a value: sorted keys, no spaces, ASCII only.

    Raises:
        TypeError: a value that has no JSON form, such as a number that is not finite, or one that is nested too deeply.
    """
    try:
        return _CANONICAL.encode(plain(value))
    except ValueError as error:
        raise TypeError(f"a value has no JSON form: {error}") from error
    except RecursionError as error:
        raise TypeError("a value is nested too deeply") from error


def finite(text: str) -> float:
    """A number in a JSON text; the constants ``NaN`` and ``Infinity``, and numbers that overflow, have no JSON form.

    Raises:
        ValueError: it has none.
    """
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a JSON number")
    return value


def digest(value: Any) -> str:
    """SHA-256 (hex) of :func:`canonical` of a value."""
    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()


def text_digest(text: str) -> str:
    """SHA-256 (hex) of a text's UTF-8 bytes; lone surrogates are kept as they are."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
