"""Parsing of tool arguments and of what servers ask to wait."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rbsuite.jsonable import canonical
from rbsuite.models.retry import Backoff, read_retry_after
from rbsuite.models.wire import completion_from_wire, message_to_wire, parse_arguments
from rbsuite.trajectory import Image, Message, ToolCall, ToolSpec

_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@given(st.dictionaries(st.text(), _values, max_size=4))
def test_objects_are_read_back(arguments: dict[str, Any]) -> None:
    assert parse_arguments(json.dumps(arguments)) == (arguments, "")


@given(st.text())
def test_any_text_gives_arguments_or_raw(text: str) -> None:
    arguments, raw = parse_arguments(text)
    canonical(arguments)
    assert raw in ("", text)
    assert not (raw and arguments)


@given(st.dictionaries(st.text(), _values, max_size=4))
def test_objects_that_were_encoded_twice_are_read(arguments: dict[str, Any]) -> None:
    assert parse_arguments(json.dumps(json.dumps(arguments))) == (arguments, "")
    assert parse_arguments("null") == ({}, "")


@given(st.dictionaries(st.text(), _values, max_size=4))
def test_calls_go_back_as_they_came(arguments: dict[str, Any]) -> None:
    assume("\\u0000" not in json.dumps(arguments))
    wire = message_to_wire(Message("assistant", "", (ToolCall("c", "f", arguments),)))
    assert wire["content"] is None
    assert parse_arguments(wire["tool_calls"][0]["function"]["arguments"]) == (arguments, "")


def test_images_are_parts_of_the_content() -> None:
    message = Message("user", ("What is this?", Image.of(b"\x89PNG", "image/png", "a photo"), "And \ud800?"))
    assert message_to_wire(message)["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
        {"type": "text", "text": "And ??"},
    ]
    assert message.text == "What is this?\n[a photo]\nAnd \ud800?"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"Retry-After-Ms": "250", "Retry-After": "9"}, 0.25),
        ({"Retry-After": "Sun, 06 Nov 1994 08:49:47 GMT", "Date": "Sun, 06 Nov 1994 08:49:37 GMT"}, 10.0),
        ({"Retry-After": "Sun, 06 Nov 1994 08:49:27 GMT", "Date": "Sun, 06 Nov 1994 08:49:37 GMT"}, 0.0),
        ({"Retry-After": "Sun, 06 Nov 1994 08:49:47 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "inf"}, None),
        ({}, None),
    ],
)
def test_what_servers_ask_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert read_retry_after(headers) == seconds


@given(st.integers(1, 10_000), st.integers(0, 2**63), st.none() | st.floats(0, 1e9))
def test_wait_keeps_its_bounds(failures: int, seed: int, asked: float | None) -> None:
    wait = Backoff(first=1.0, longest=60.0).delay(failures, seed, asked)
    assert min(60.0, asked or 0.5) <= wait <= 60.0


@pytest.mark.parametrize(
    "function", [{"name": "f", "arguments": '{"a": 1}'}, SimpleNamespace(name="f", arguments='{"a": 1}')]
)
def test_a_call_of_the_old_form_is_a_call(function: Any) -> None:
    message = SimpleNamespace(content=None, tool_calls=None, function_call=function)
    choice = SimpleNamespace(message=message, finish_reason="function_call")
    completion = completion_from_wire(SimpleNamespace(choices=[choice], usage=None), None)
    assert completion.tool_calls == (ToolCall("call_0", "f", {"a": 1}),)
    assert completion.finish_reason == "tool_calls"


@pytest.mark.parametrize(
    ("told", "finish"),
    [("MAX_TOKENS", "length"), ("model_length", "length"), ("SAFETY", "content_filter"), ("end_turn", "stop")],
)
def test_a_reason_to_end_is_understood_in_any_words(told: str, finish: str) -> None:
    choice = SimpleNamespace(message=SimpleNamespace(content="a", tool_calls=None), finish_reason=told)
    assert completion_from_wire(SimpleNamespace(choices=[choice], usage=None), None).finish_reason == finish
    beside = SimpleNamespace(
        **vars(choice) | {"finish_reason": "stop", "provider_specific_fields": {"native_finish_reason": told}}
    )
    assert completion_from_wire(SimpleNamespace(choices=[beside], usage=None), None).finish_reason == finish


def test_a_tool_is_called_by_the_name_that_it_has_here() -> None:
    call = SimpleNamespace(id="c", function=SimpleNamespace(name="fs_read", arguments="{}"))
    choice = SimpleNamespace(message=SimpleNamespace(content=None, tool_calls=[call]), finish_reason="tool_calls")
    response = SimpleNamespace(choices=[choice], usage=None)
    assert completion_from_wire(response, None, (ToolSpec("fs.read", "reads"),)).tool_calls[0].name == "fs.read"
