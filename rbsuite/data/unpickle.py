"""Reads a pickle of plain data without running anything that it names.

A pickle is a program. Two things keep it from doing harm: its opcodes are checked first, and only those that build plain data are
allowed; and the only names it may use are numpy's ``dtype`` and ``scalar``, which are replaced by stand-ins from this module.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import struct
from typing import Any, NoReturn

from rbsuite.errors import DataError

MAX_BYTES = 512 * 2**20
MAX_VALUES = 50_000_000
"""Opcodes of a file, at most."""

_NAMES = frozenset([("numpy", "dtype"), ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar")])
_OPCODES = frozenset(
    [
        *("PROTO", "FRAME", "STOP", "MARK", "MEMOIZE", "BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET"),
        *("NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
        *("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "SHORT_BINBYTES", "BINBYTES"),
        *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_LIST", "APPEND", "APPENDS"),
        *("EMPTY_DICT", "DICT", "SETITEM", "SETITEMS", "GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD"),
    ]
)
_FORMATS = {"f8": "d", "f4": "f", "i8": "q", "i4": "i", "i2": "h", "i1": "b", "u8": "Q", "u4": "I", "b1": "?"}


class _Refused(Exception):
    """A pickle contains something that is not allowed."""


def read_pickle(content: bytes, name: str, remedy: str) -> Any:
    """The value in a pickle: dicts, lists, tuples, texts, numbers (numpy's become Python's), booleans and None.

    Args:
        content: the file's bytes.
        name: the file's name in messages.
        remedy: what to do if it is refused; ends every message.

    Raises:
        DataError: it names something that is not allowed, contains something else, is too large, or is damaged.
    """
    if len(content) > MAX_BYTES:
        raise DataError(f"{name} is larger than {MAX_BYTES // 2**20} MiB.", remedy)
    try:
        for number, (opcode, argument, _) in enumerate(pickletools.genops(content)):
            if opcode.name == "GLOBAL":
                module, _, attribute = str(argument).partition(" ")
                _check(module, attribute)
            if opcode.name not in _OPCODES or number > MAX_VALUES:
                raise _Refused(f"its opcode {opcode.name} does not make plain data")
            if opcode.name == "LONG_BINPUT" and int(argument or 0) > len(content):
                raise _Refused("it asks for a memo larger than itself")
        return _plain(_Unpickler(io.BytesIO(content)).load())
    except _Refused as refused:
        raise DataError(f"{name} is rejected, and nothing in it was run: {refused}.", remedy) from None
    except Exception as error:  # A damaged pickle may raise almost anything, and its texts may be private.
        raise DataError(f"{name} is a damaged pickle ({type(error).__name__}).", remedy) from None


def _check(module: str, name: str) -> None:
    if (module, name) not in _NAMES:
        raise _Refused(f"it names {module}.{name}")


class _Dtype:
    """Stands for numpy's ``dtype``: the type of a number, and its byte order."""

    def __init__(self, code: object, *flags: object) -> None:
        if not isinstance(code, str) or code not in _FORMATS:
            raise _Refused(f"it holds numbers of type {str(code)[:20]!r}")
        self.code, self.order = code, "<"

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "|"):
            raise _Refused("it sets the state of a type")
        self.order = ">" if state[1] == ">" else "<"


class _Scalar:
    """Stands for numpy's ``scalar``: makes a Python number."""

    def __call__(self, dtype: object, data: object = b"") -> Any:
        if not isinstance(dtype, _Dtype) or not isinstance(data, bytes):
            raise _Refused("it makes a number in a different way from numpy")
        return struct.unpack(f"{dtype.order}{_FORMATS[dtype.code]}", data)[0]

    def __setstate__(self, state: object) -> NoReturn:
        raise _Refused("it sets the state of a function")


class _Unpickler(pickle.Unpickler):
    """Provides the stand-ins, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """See :meth:`pickle.Unpickler.find_class`."""
        _check(module, name)
        return _Dtype if name == "dtype" else _Scalar()

    def persistent_load(self, pid: Any) -> Any:
        """See :meth:`pickle.Unpickler.persistent_load`."""
        raise _Refused("it refers to something outside itself")


def _plain(value: Any, depth: int = 0) -> Any:
    if depth > 12:
        raise _Refused("it is nested too deeply")
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, dict) and all(type(key) in (str, int) for key in value):
        return {key: _plain(item, depth + 1) for key, item in value.items()}
    raise _Refused(f"it holds a value of type {type(value).__name__.lstrip('_').lower()}")
