"""Reads a pickle of plain data and numpy arrays without running anything that it names.

A pickle is a program. Three things keep it from doing harm: only opcodes that build plain data, or that call, are allowed; the only names
it may use are numpy's ``_reconstruct``, ``ndarray``, ``dtype`` and ``scalar``, which resolve to inert stand-ins in this module, so that
numpy itself is never reached; and the size it may grow to is bounded.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import struct
from collections.abc import Callable, Mapping
from math import isfinite, prod
from typing import Any, NoReturn

from rbsuite.errors import DataError

MAX_BYTES = 16 * 2**20
"""Maximum size of a file; upstream's have at most 0.6 MB."""
MAX_VALUES = 2_000_000
"""Maximum number of values, each counted as often as it is reached; upstream's have at most 60,000."""
MAX_DEPTH = 32
"""Maximum nesting of containers."""

ALLOWED = frozenset(
    (module, name)
    for package in ("numpy.core", "numpy._core")
    for module, name in (
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        (f"{package}.multiarray", "_reconstruct"),
        (f"{package}.multiarray", "scalar"),
    )
)
"""The names that a pickle may use, as (module, name); numpy 2 moved ``numpy.core`` to ``numpy._core``."""

_OPCODES = frozenset(
    (
        *("PROTO", "FRAME", "STOP", "MARK", "MEMOIZE", "BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET"),
        *("NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
        *("SHORT_BINUNICODE", "BINUNICODE", "SHORT_BINBYTES", "BINBYTES"),
        *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_LIST", "APPEND", "APPENDS"),
        *("EMPTY_DICT", "DICT", "SETITEM", "SETITEMS", "GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD"),
    )
)
_REMEDY = "Do not use this file; get it from a checkout that you trust."
_FORMATS = {
    "b1": "?",
    "i1": "b",
    "u1": "B",
    "i2": "h",
    "u2": "H",
    "i4": "i",
    "u4": "I",
    "i8": "q",
    "u8": "Q",
    "f2": "e",
    "f4": "f",
    "f8": "d",
}


def read_pickle(content: bytes, name: str) -> Any:
    """The value in a pickle: dicts with keys of text or whole numbers, lists (tuples and arrays become lists, numpy's numbers Python's),
    text, numbers, booleans and None, with nothing shared.

    Args:
        content: the file's bytes.
        name: the file's name in messages.

    Raises:
        DataError: it uses a name it has no business with, contains something else, is too large, or is damaged; the message says what was
            refused.
    """
    if len(content) > MAX_BYTES:
        raise DataError(f"{name} is larger than {MAX_BYTES // 2**20} MiB.", _REMEDY)
    try:
        _check_opcodes(content)
        return _Copier().copy(_Unpickler(io.BytesIO(content)).load())
    except _Refused as refused:
        raise DataError(f"{name} is rejected, and nothing in it was run: {refused}.", _REMEDY) from None
    except Exception as error:  # A damaged pickle may raise almost anything.
        raise DataError(
            f"{name} is a damaged pickle ({type(error).__name__}: {error}).", "Restore the file."
        ) from error


class _Refused(Exception):
    """Something that a pickle has no business with."""


def _check_opcodes(content: bytes) -> None:
    """Look through the program before any of it is executed; a name says more than an opcode, so names come first."""
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name in ("GLOBAL", "INST"):
            module, _, name = str(argument).partition(" ")
            _check_name(module, name)
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name not in _OPCODES:
            raise _Refused(f"its opcode {opcode.name} does not make plain data")
        if opcode.name == "LONG_BINPUT" and int(argument or 0) > len(content):
            raise _Refused("it asks for a memo larger than itself")


def _check_name(module: str, name: str) -> None:
    if (module, name) not in ALLOWED:
        raise _Refused(f"it names {module}.{name}")


class _StandIn:
    """What numpy's names resolve to; it has no state that a pickle could set."""

    __slots__ = ()

    def __setstate__(self, state: object) -> NoReturn:
        raise _Refused(f"it sets the state of {type(self).__name__.lstrip('_').lower()}")


class _Ndarray(_StandIn):
    """``numpy.ndarray``, which a pickle names but does not call."""

    __slots__ = ()


class _Function(_StandIn):
    """One of numpy's functions."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, *arguments: Any) -> Any:
        return self._call(*arguments)


class _Dtype:
    """A numeric type, made as ``dtype("f4", False, True)`` and then given its byte order."""

    __slots__ = ("_code", "_order")

    def __init__(self, code: object, *_flags: object) -> None:
        if not isinstance(code, str) or code not in _FORMATS:
            raise _Refused(f"it holds an array of {code!r}, which are not numbers")
        self._code = code
        self._order = "<"

    def __setstate__(self, state: object) -> None:
        match state:
            case (int(), "<" | ">" | "|" as order, None, None, None, -1, -1, 0):
                self._order = ">" if order == ">" else "<"
            case _:
                raise _Refused("it holds an array whose numbers have parts or properties")

    def numbers(self, count: int, data: object) -> tuple[Any, ...]:
        """The numbers encoded in the bytes of ``count`` items."""
        pattern = struct.Struct(f"{self._order}{count}{_FORMATS[self._code]}")
        if not isinstance(data, bytes) or len(data) != pattern.size:
            raise _Refused("it holds an array whose size is not the one stated")
        return pattern.unpack(data)


class _Array:
    """An array, created empty by ``_reconstruct`` and then given its content."""

    __slots__ = ("content",)

    def __init__(self) -> None:
        self.content: Any = []

    def __setstate__(self, state: object) -> None:
        match state:
            case (int(), tuple() as shape, _Dtype() as dtype, bool() as fortran, data) if len(shape) <= 4 and all(
                type(length) is int and 0 <= length <= MAX_BYTES for length in shape
            ):
                if fortran and len(shape) > 1:
                    raise _Refused("it holds an array in column order")
                self.content = _nested(dtype.numbers(prod(shape), data), shape)
            case _:
                raise _Refused("it holds an array that is not made of numbers")


def _nested(numbers: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """Numbers in row order as lists within lists."""
    if not shape:
        return numbers[0]
    if len(shape) == 1:
        return list(numbers)
    if not numbers:
        return []
    step = len(numbers) // shape[0]
    return [_nested(numbers[at * step : (at + 1) * step], shape[1:]) for at in range(shape[0])]


def _reconstruct(subtype: object, shape: object, code: object) -> _Array:
    if not isinstance(subtype, _Ndarray) or shape != (0,) or code != b"b":
        raise _Refused("it makes an array in a way that numpy does not")
    return _Array()


def _scalar(dtype: object, data: object = None) -> Any:
    if not isinstance(dtype, _Dtype):
        raise _Refused("it makes a number in a way that numpy does not")
    return dtype.numbers(1, data)[0]


class _Unpickler(pickle.Unpickler):
    """Returns the stand-ins for the allowed names, and nothing for any other. They belong to it: nothing outlives it."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self._stand_ins: Mapping[str, object] = {
            "_reconstruct": _Function(_reconstruct),
            "scalar": _Function(_scalar),
            "dtype": _Function(_Dtype),
            "ndarray": _Ndarray(),
        }

    def find_class(self, module: str, name: str) -> Any:
        """See :meth:`pickle.Unpickler.find_class`."""
        _check_name(module, name)
        return self._stand_ins[name]

    def persistent_load(self, pid: Any) -> Any:
        """See :meth:`pickle.Unpickler.persistent_load`."""
        raise _Refused("it refers to something outside itself")


class _Copier:
    """Copies what was unpickled as a tree of plain values, within bounds, since shared values can grow without limit."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def copy(self, value: Any, depth: int = 0) -> Any:
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise _Refused(f"it unfolds to more than {MAX_VALUES:,} values or {MAX_DEPTH} levels")
        if value is None or type(value) in (str, int, bool):
            return value
        if isinstance(value, float):
            if not isfinite(value):
                raise _Refused(f"it holds the number {value}")
            return value
        if isinstance(value, list | tuple):
            return [self.copy(item, depth + 1) for item in value]
        if isinstance(value, dict):
            return {self._key(key): self.copy(item, depth + 1) for key, item in value.items()}
        if isinstance(value, _Array):
            return self.copy(value.content, depth)
        raise _Refused(f"it holds a value of type {type(value).__name__.lstrip('_').lower()}, which is not data")

    def _key(self, key: Any) -> str | int:
        if type(key) not in (str, int):
            raise _Refused("it holds a dict with a key that is neither text nor a whole number")
        return key  # type: ignore[no-any-return]
