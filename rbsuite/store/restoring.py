"""Restores records from the plain data that :func:`rbsuite.jsonable.plain` made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from rbsuite.jsonable import is_number

Reader = Callable[[Any], Any]


def restore(kind: Any, value: Any) -> Any:
    """A record from plain data: undoes :func:`rbsuite.jsonable.plain` for a class whose fields are annotated.

    Raises:
        ValueError: the data has different fields, or values of different kinds.
    """
    return reader(kind)(value)


@cache
def reader(kind: Any) -> Reader:
    """The function that makes a value of an annotated kind from plain data; see :func:`restore`."""
    if is_dataclass(kind):
        return _record_reader(kind)
    outer, inner = get_origin(kind), get_args(kind)
    if outer is tuple and inner[1:] == (...,):
        each = reader(inner[0])
        return lambda value: tuple(map(each, _of(list, value)))
    if outer in (Union, UnionType):
        return _union_reader(inner)
    if outer is Literal:
        return lambda value: value if isinstance(value, str) and value in inner else _refuse(value, "a known word")
    if isinstance(outer, type) and issubclass(outer, Mapping):
        each = reader(inner[1])
        return lambda value: {name: each(one) for name, one in _of(dict, value).items()}
    if kind is Any:
        return lambda value: value
    if kind is float:
        return lambda value: value if is_number(value) else _refuse(value, "a number")
    if kind is int:
        return lambda value: (
            value if type(value) is int and value.bit_length() < 64 else _refuse(value, "a whole number")
        )
    return lambda value: value if type(value) is kind else _refuse(value, f"of type {kind.__name__}")


def _record_reader(kind: Any) -> Reader:
    hints = get_type_hints(kind)
    readers = {field.name: reader(hints[field.name]) for field in fields(kind)}

    def read(value: Any) -> Any:
        given = _of(dict, value)
        if given.keys() != readers.keys():
            different = sorted(given.keys() ^ readers.keys())
            raise ValueError(f"a {kind.__name__} has other fields: {', '.join(map(str, different[:3]))}")
        return kind(**{name: reader(given[name]) for name, reader in readers.items()})

    return read


def _union_reader(kinds: tuple[Any, ...]) -> Reader:
    readers = [(one, reader(one)) for one in kinds if one is not NoneType]

    def read(value: Any) -> Any:
        if value is None and NoneType in kinds:
            return None
        for one, reader in readers:
            plain_text = isinstance(value, str)
            if plain_text == (one is str) or len(readers) == 1:
                return reader(value)
        return _refuse(value, "of a known type")

    return read


def _of(kind: type, value: Any) -> Any:
    return value if isinstance(value, kind) else _refuse(value, f"a {kind.__name__}")


def _refuse(value: Any, wanted: str) -> Any:
    shown = f"{value!r}"
    raise ValueError(f"{shown if len(shown) <= 40 else shown[:40] + '...'} is not {wanted}")
