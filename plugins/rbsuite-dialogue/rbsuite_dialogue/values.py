"""JSON values: what a world accepts from outside, and fast private copies of its records."""

from __future__ import annotations

from typing import Any, TypeAlias

Value: TypeAlias = Any
"""A JSON value as a model sent it: its type has not been checked, so tools treat it as upstream's untyped code does."""

Record: TypeAlias = dict[str, Any]
"""One record of a database: a user, an order, a flight."""

MAX_NESTING = 64
"""Nesting depth that arguments may have."""

MAX_INTEGER_BITS = 13_000
"""Bits an integer argument may have: about 3,900 digits, so that sums of a few stay under Python's limit of 4,300 digits of text."""

_ATOMS = frozenset({str, int, float, bool, type(None)})


class UnusableArgument(Exception):
    """An argument that JSON cannot carry, or that is beyond the limits of this module."""


def plain(value: object, depth: int = MAX_NESTING) -> Value:
    """A private copy of ``value`` as JSON would carry it: tuples become lists, subclasses their plain types.

    Raises:
        UnusableArgument: ``value`` contains something that is not a JSON value, is nested too deeply or contains too large an integer.
    """
    kind = type(value)
    if kind is str or kind is float or kind is bool or value is None:
        return value
    if not isinstance(value, dict | list | tuple):
        return _plain_atom(value)
    if depth == 0:
        raise UnusableArgument(f"arguments are nested deeper than {MAX_NESTING} levels")
    if not isinstance(value, dict):
        return [plain(entry, depth - 1) for entry in value]
    if not all(isinstance(key, str) for key in value):
        raise UnusableArgument("an object in the arguments has a key that is not a string")
    return {str(key): plain(entry, depth - 1) for key, entry in value.items()}


def _plain_atom(value: object) -> str | int | float:
    if isinstance(value, int):
        if value.bit_length() > MAX_INTEGER_BITS:
            raise UnusableArgument(f"an integer in the arguments has more than {MAX_INTEGER_BITS} bits")
        return int(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return float(value)
    raise UnusableArgument(f"arguments must be JSON values, not {type(value).__name__}")


def copy_record(value: Value) -> Value:
    """A deep copy of a value made of plain JSON types; several times faster than :func:`copy.deepcopy`."""
    if isinstance(value, dict):
        return {key: entry if type(entry) in _ATOMS else copy_record(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [entry if type(entry) in _ATOMS else copy_record(entry) for entry in value]
    return value
