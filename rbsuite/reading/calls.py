"""Arguments of native tool calls that are not plain JSON objects, read as leniently as everything else that models write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rbsuite.reading.layers import Layer, Unreadable, first_read
from rbsuite.reading.values import read_values
from rbsuite.trajectory import ToolCall


def readable_calls(calls: Sequence[ToolCall]) -> tuple[ToolCall, ...]:
    """The calls, with arguments that are not plain JSON read leniently.

    Raises:
        Unreadable: the arguments of a call cannot be read.
    """
    if not [call for call in calls if call.raw]:
        return tuple(calls)
    return tuple(replace(call, arguments=_arguments(call), raw="") if call.raw else call for call in calls)


def read_arguments(text: str) -> Mapping[str, Any]:
    """The one object in a text; a list of one object counts as that object.

    Raises:
        Unreadable: there is none, there are several, or it is not closed.
    """
    return first_read(text, _object)


def _arguments(call: ToolCall) -> Mapping[str, Any]:
    try:
        return read_arguments(call.raw)
    except Unreadable as fault:
        raise Unreadable(
            f"the arguments of the model's call of {call.name!r} are not a JSON object ({fault}): {call.raw[:120]!r}"
        ) from None


def _object(layer: Layer) -> Mapping[str, Any]:
    values = read_values(layer)
    found = values.found
    if len(found) == 1 and isinstance(found[0], list):
        found = tuple(found[0])
    if len(found) != 1 or values.cut or values.twice or not isinstance(found[0], dict):
        raise Unreadable("it is not closed" if values.cut else "there is not exactly one object")
    value: Mapping[str, Any] = found[0]
    return value
