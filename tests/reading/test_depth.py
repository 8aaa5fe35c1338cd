"""What a model nests deeper than records are, or numbers that no record has, cannot be read; no part of it is taken for the whole."""

from __future__ import annotations

import pytest

from rbsuite.errors import ParseFailure
from rbsuite.reading.actions import parse_action, parse_strictly
from rbsuite.reading.calls import readable_calls
from rbsuite.reading.layers import Unreadable
from rbsuite.trajectory import ToolCall

OBJECTS, LISTS = ('{"a": ', "}"), ("[", "]")


def nested(levels: int, brackets: tuple[str, str]) -> str:
    opening, closing = brackets
    return f'{{"a": {opening * (levels - 1)}1{closing * (levels - 1)}}}'


@pytest.mark.parametrize("levels", [101, 130, 199, 400, 900, 5000])
@pytest.mark.parametrize("brackets", [OBJECTS, LISTS], ids=["objects", "lists"])
def test_what_is_nested_too_deeply_is_not_read(levels: int, brackets: tuple[str, str]) -> None:
    text = nested(levels, brackets)
    with pytest.raises(Unreadable):
        readable_calls((ToolCall("c", "f", raw=text),))
    action = f'{{"name": "f", "arguments": {text}}}'
    for read in (parse_action, parse_strictly):
        with pytest.raises(ParseFailure):
            read(f"Action:\n{action}")


@pytest.mark.parametrize("brackets", [OBJECTS, LISTS], ids=["objects", "lists"])
def test_what_records_can_hold_is_read(brackets: tuple[str, str]) -> None:
    text = nested(98, brackets)
    [call] = readable_calls((ToolCall("c", "f", raw=text),))
    action = f'Action:\n{{"name": "f", "arguments": {text}}}'
    assert call.arguments == parse_action(action).calls[0].arguments == parse_strictly(action).calls[0].arguments


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
def test_a_number_that_no_record_has_is_not_read_strictly(number: str) -> None:
    with pytest.raises(ParseFailure):
        parse_strictly(f'Action:\n{{"name": "f", "arguments": {{"a": {number}}}}}')
