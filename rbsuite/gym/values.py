"""Values of Gymnasium's spaces as text: what an agent is shown, what it is asked for, and what it writes."""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from gymnasium import Space, spaces

from rbsuite.reading.layers import Layer, Unclear, Unreadable, first_read
from rbsuite.reading.values import read_values

LARGEST_ARRAY = 256
"""An array with more elements is described, not shown."""
LONGEST_REPLY = 100_000
"""Characters of a reply that are looked at."""


def describe_value(value: Any) -> str:
    """A value as text: arrays compactly, one line for each key of a dictionary."""
    if isinstance(value, np.ndarray):
        if value.size > LARGEST_ARRAY:
            return f"array of shape {value.shape}, from {_number(value.min())} to {_number(value.max())}"
        return np.array2string(value, precision=4, suppress_small=True, separator=", ", max_line_width=120)
    if isinstance(value, str):
        return value
    if isinstance(value, np.generic | int | float):
        return _number(value)
    if isinstance(value, Mapping):
        return "\n".join(f"{key}: {_inset(describe_value(inner))}" for key, inner in value.items())
    if isinstance(value, tuple | list):
        return "\n".join(f"{place}: {_inset(describe_value(inner))}" for place, inner in enumerate(value))
    return str(value)


def describe_space(space: Space[Any]) -> str:
    """In words, what a value of a space is when written as JSON."""
    match space:
        case spaces.Discrete():
            return f"a whole number from {space.start} to {space.start + space.n - 1}"
        case spaces.MultiDiscrete():
            last = (space.start + space.nvec - 1).ravel()
            ranges = ", ".join(f"{low} to {high}" for low, high in zip(space.start.ravel(), last, strict=True))
            return f"an array of whole numbers{_shape(space.shape)}, with the ranges {ranges}"
        case spaces.MultiBinary():
            return f"an array of 0 and 1{_shape(space.shape)}"
        case spaces.Box():
            kind = "whole number" if space.dtype is not None and space.dtype.kind in "iu" else "number"
            ranges = f"from {_number(space.low.min())} to {_number(space.high.max())}"
            return f"a {kind} {ranges}" if space.shape == () else f"an array of {kind}s{_shape(space.shape)}, {ranges}"
        case spaces.Text():
            return f"a text of {space.min_length} to {space.max_length} characters"
        case spaces.Dict():
            return "an object with " + "; ".join(f'"{key}": {describe_space(inner)}' for key, inner in space.items())
        case spaces.Tuple():
            return "an array of " + "; ".join(describe_space(inner) for inner in space.spaces)
    raise TypeError(f"actions of the space {type(space).__name__} cannot be written as text")


def read_value(space: Space[Any], text: str) -> Any:
    """The first value of a space that a text contains as JSON, whatever surrounds it. For a space of texts, the text itself.

    Raises:
        ValueError: it contains none; the message says what is wrong with the first thing that looked like one.
    """
    if isinstance(space, spaces.Text):
        for candidate in (text, text.strip()):
            if space.contains(candidate):
                return candidate

    def read(layer: Layer) -> tuple[Any] | None:
        fault = ""
        for found in _json_in(layer):
            try:
                return (convert(space, found),)
            except ValueError as error:
                fault = fault or str(error)
            except RecursionError:
                continue
        if fault:
            raise Unreadable(fault)
        return None

    expected = f"expected {describe_space(space)}{'' if isinstance(space, spaces.Text) else ', as JSON'}"
    try:
        return first_read(text[:LONGEST_REPLY], read)[0]
    except Unreadable as fault:
        raise ValueError(str(fault) if str(fault).startswith("expected") else expected) from None


def convert(space: Space[Any], value: Any) -> Any:
    """The value of a space that a JSON value stands for.

    Raises:
        ValueError: it stands for none.
    """
    converted: Any
    match space:
        case spaces.Discrete():
            if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
                raise _unfit(space, value)
            converted = int(value)
            if not space.start <= converted < space.start + space.n:
                raise _unfit(space, value)
            return converted
        case spaces.MultiDiscrete() | spaces.MultiBinary() | spaces.Box():
            converted = _array(space, value)
        case spaces.Text():
            converted = value
        case spaces.Dict():
            if not isinstance(value, dict) or value.keys() != set(space.keys()):
                raise _unfit(space, value)
            return {key: convert(inner, value[key]) for key, inner in space.items()}
        case spaces.Tuple():
            if not isinstance(value, list) or len(value) != len(space.spaces):
                raise _unfit(space, value)
            return tuple(convert(inner, part) for inner, part in zip(space.spaces, value, strict=True))
        case _:
            raise TypeError(f"actions of the space {type(space).__name__} cannot be read from text")
    if not space.contains(converted):
        raise _unfit(space, value)
    return converted


def write_value(value: Any) -> str:
    """A value of a space as an agent writes it: JSON, or the text itself."""
    return value if isinstance(value, str) else json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, tuple | list) else value


def png(pixels: np.ndarray[Any, Any]) -> bytes:
    """An image of 8-bit RGB pixels, as rendered in the mode ``rgb_array``, in PNG (ISO/IEC 15948)."""
    height, width, _ = pixels.shape
    rows = np.pad(pixels.reshape(height, width * 3), ((0, 0), (1, 0)))  # each row begins with its filter: none

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)) + chunk(b"IEND", b"")


def _array(space: Space[Any], value: Any) -> Any:
    try:
        given = np.asarray(value)
    except (ValueError, OverflowError):  # ragged, or too deep
        raise _unfit(space, value) from None
    assert space.shape is not None
    assert space.dtype is not None
    if given.size == 1 and space.shape in ((), (1,)):
        given = given.reshape(space.shape)
    whole = space.dtype.kind in "iu"
    if (
        given.shape != space.shape
        or given.dtype.kind not in "iuf"
        or not np.isfinite(given).all()
        or (whole and (given != np.rint(given)).any())
        # A cast would wrap numbers around, so the bounds of whole numbers are checked before it.
        or (isinstance(space, spaces.Box) and whole and ((given < space.low) | (given > space.high)).any())
        or (whole and (np.abs(given.astype(np.float64)) >= 2.0**63).any())
    ):
        raise _unfit(space, value)
    with np.errstate(over="ignore"):
        return given.astype(space.dtype)


def _json_in(layer: Layer) -> Iterator[Any]:
    """JSON values in a reply: the whole of it, then objects and arrays from left to right, then the last number.

    Values that the reply denies are left out.

    Raises:
        Unclear: it offers several values to choose from.
    """
    with suppress(ValueError, RecursionError):
        yield _DECODER.decode(layer.outside.strip())
        return
    values = read_values(layer)
    places = list(zip(values.found, values.spans, strict=True))
    text = values.text
    if not places:
        text = layer.outside
        number = deque(_NUMBER.finditer(text), maxlen=1)
        with suppress(ValueError):  # it has leading zeros
            places = [(json.loads(found[0]), found.span()) for found in number]
    for value, (start, end) in places:
        before = text[max(0, start - _NEAR) : start]
        if _OFFERED.search(before) or _FURTHER.match(text, end, end + _NEAR):
            raise Unclear("it offers several values")
        if not (_DENIED.search(before) or _WRONG.match(text, end, end + _NEAR)):
            yield value


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


_NUMBER = re.compile(r"-?\d{1,300}(?:\.\d{1,300})?(?:[eE][-+]?\d{1,3})?")
_NEAR = 40
_OFFERED = re.compile(
    r"[\d\])}][\"'`*]*+\s*+(?:,\s*+)?(?:\b(?:or|and)\b|/)[\s\"'`*]*+(?:maybe\s+|perhaps\s+)?\Z", re.IGNORECASE
)
_FURTHER = re.compile(r"[\"'`*]*+\s*+(?:,\s*+)?\b(?:or|and)\s++[\"'`*]*+[-\d\[{]", re.IGNORECASE)
_DENIED = re.compile(
    r"(?:\b(?:not|never|neither|nor|cannot|instead\s+of|rather\s+than)|n['’]t)\s+(?:[^\W\d]+\s+){0,2}[\"'`*]*\Z",
    re.IGNORECASE,
)
_WRONG = re.compile(
    r"[\"'`*]*+\s++(?:is|was|would\s+be)\s+(?:not\b|wrong|invalid|impossible|a\s+mistake)", re.IGNORECASE
)
_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _unfit(space: Space[Any], value: Any) -> ValueError:
    return ValueError(f"expected {describe_space(space)}, not {json.dumps(value, ensure_ascii=False)[:120]}")


def _number(value: Any) -> str:
    plain = value.item() if isinstance(value, np.generic) else value
    return f"{plain:.6g}" if isinstance(plain, float) else str(plain)


def _shape(shape: tuple[int, ...] | None) -> str:
    return "" if not shape else f" of length {shape[0]}" if len(shape) == 1 else f" of shape {list(shape)}"


def _inset(text: str) -> str:
    return text if "\n" not in text else "\n" + "\n".join(f"  {line}" for line in text.splitlines())
