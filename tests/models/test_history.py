"""A conversation is made fit for the next request: by one function, the same way each time, whatever stands in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbsuite.models.base import ModelRequest, Reply
from rbsuite.models.history import EMPTY, carried
from rbsuite.models.wire import request_body
from rbsuite.trajectory import Image, Message, ToolCall, ToolSpec

USER = Message("user", "look")


def calling(*calls: ToolCall, text: str = "") -> Message:
    return Message("assistant", text, calls)


def result(id: str, text: str = "found", name: str = "find") -> Message:
    return Message("tool", text, tool_call_id=id, name=name)


def sent(*messages: Message) -> list[Any]:
    return [
        (one.role, one.content, [(call.id, call.name) for call in one.tool_calls], one.tool_call_id) for one in messages
    ]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(
            [USER, calling(ToolCall("", "find")), result("")],
            [USER, calling(ToolCall("call_0", "find")), result("call_0")],
            id="an empty id",
        ),
        pytest.param(
            [USER, calling(ToolCall("c", "find")), result("c"), calling(ToolCall("c", "find")), result("c", "more")],
            [
                USER,
                calling(ToolCall("c", "find")),
                result("c"),
                calling(ToolCall("c_2", "find")),
                result("c_2", "more"),
            ],
            id="an id that repeats in a later turn",
        ),
        pytest.param(
            [calling(ToolCall("c", "find"), ToolCall("c", "find")), result("c", "one"), result("c", "two")],
            [calling(ToolCall("c", "find"), ToolCall("c_2", "find")), result("c", "one"), result("c_2", "two")],
            id="an id that repeats in one turn",
        ),
        pytest.param(
            [calling(ToolCall("c\ud800 1\x00", "fs.find it")), result("c\ud800 1\x00", name="fs.find it")],
            [calling(ToolCall("c__1_", "fs_find_it")), result("c__1_", name="fs_find_it")],
            id="characters that no provider takes",
        ),
        pytest.param(
            [USER, result("c9", "lost")], [USER, Message("user", "Result of find: lost")], id="a result without a call"
        ),
        pytest.param(
            [calling(ToolCall("a", "find"), ToolCall("b", "find"), text="Wait."), result("b"), USER],
            [calling(ToolCall("b", "find"), text="Wait."), result("b"), USER],
            id="a call without a result",
        ),
        pytest.param(
            [USER, calling(ToolCall("a", "find")), USER, result("a")],
            [USER, USER, Message("user", "Result of find: found")],
            id="a result that comes too late",
        ),
        pytest.param(
            [
                Message("system", " "),
                Message("user", ""),
                Message("assistant", "\n"),
                calling(ToolCall("a", "")),
                result("a", ""),
            ],
            [Message("user", EMPTY), calling(ToolCall("a", "unnamed")), result("a", EMPTY)],
            id="empty texts and names",
        ),
        pytest.param(
            [Message("user", "a\x00b\ud800"), Message("user", ("", "\udfff", Image("image/png", "eA==")))],
            [Message("user", "a?b?"), Message("user", ("?", Image("image/png", "eA==")))],
            id="NUL and surrogates",
        ),
    ],
)
def test_what_no_request_can_carry(said: Sequence[Message], expected: Sequence[Message]) -> None:
    assert sent(*carried(said)) == sent(*expected)


def test_a_good_conversation_stays_as_it_is() -> None:
    messages = [Message("system", "Be brief."), USER, calling(ToolCall("c", "find", {"q": "ä"})), result("c"), USER]
    assert all(one is other for one, other in zip(carried(messages), messages, strict=True))


_TEXTS = st.sampled_from(["", " ", "a", "b", "a\x00", "\ud800", "x y", "ü"])
_CALLS = st.lists(st.builds(ToolCall, _TEXTS, _TEXTS), max_size=3).map(tuple)
_MESSAGES = st.lists(
    st.builds(Message, st.sampled_from(["system", "user", "tool"]), _TEXTS, tool_call_id=_TEXTS, name=_TEXTS)
    | st.builds(Message, st.just("assistant"), _TEXTS, _CALLS),
    max_size=8,
)


@given(_MESSAGES)
def test_any_conversation_becomes_one_that_can_be_sent(messages: list[Message]) -> None:
    made = carried(messages)
    assert carried(made) == made
    ids = [call.id for message in made for call in message.tool_calls]
    assert len(set(ids)) == len(ids)
    waiting: list[str] = []
    for message in made:
        if message.role == "tool":
            waiting.remove(message.tool_call_id)
        else:
            assert waiting == []
            waiting = [call.id for call in message.tool_calls]
        assert message.text.strip() or message.tool_calls
    assert waiting == []
    body = json.dumps(request_body(ModelRequest(tuple(messages), "agent"))["messages"], ensure_ascii=False)
    assert "\\u0000" not in body
    body.encode()


def test_signatures_go_with_their_calls_under_a_new_id() -> None:
    given = {"calls": {"c": {"extra_content": {"google": {"thought_signature": "sig"}}}}}
    reply = Reply("assistant", "", (ToolCall("c", "find"),), given=given)
    body = request_body(ModelRequest((calling(ToolCall("c", "find")), result("c"), reply, result("c")), "agent"))
    [first] = body["messages"][0]["tool_calls"]
    [second] = body["messages"][2]["tool_calls"]
    assert "extra_content" not in first
    assert (second["id"], second["extra_content"]["google"]["thought_signature"]) == ("c_2", "sig")


def test_arguments_and_tools_are_made_sendable_too() -> None:
    call = ToolCall("c", "find", {"q\x00": ["\ud800", {"n": 1}]})
    body = request_body(ModelRequest((calling(call), result("c")), "agent", (ToolSpec("fs.find", "finds \x00"),)))
    assert json.loads(body["messages"][0]["tool_calls"][0]["function"]["arguments"]) == {"q?": ["?", {"n": 1}]}
    assert body["tools"][0]["function"]["name"] == "fs_find"
    assert body["tools"][0]["function"]["description"] == "finds ?"
