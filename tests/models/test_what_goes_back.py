# ruff: noqa: F401, F811 (the fixtures are those of the model's own tests)
"""What a provider gave with a reply goes back to it where it asks for it, and only there."""

from __future__ import annotations

from typing import Any

import pytest

from rbsuite.models.base import Completion, ModelRequest
from rbsuite.models.usable import message_of
from rbsuite.trajectory import Message, ToolCall

from .test_provider_models import (
    Ask,
    Reply,
    Server,
    answer,
    ask,
    failure,
    kind,
    loop,
    running_server,
    server,
    tool_call,
)

pytestmark = pytest.mark.filterwarnings("ignore")

BLOCKS = [{"type": "thinking", "thinking": "hm", "signature": "sig"}]
SIGNATURE = {"google": {"thought_signature": "sig"}}


def giving(**fields: Any) -> Reply:
    reply = answer(None, "tool_calls", [tool_call('{"q": 1}')])
    reply.body["choices"][0]["message"] |= fields
    return reply


def second(completion: Completion) -> ModelRequest:
    """The request after a call was made and answered."""
    [call] = completion.tool_calls
    told = Message("tool", "found", tool_call_id=call.id, name=call.name)
    return ModelRequest((Message("user", "hi"), message_of(completion), told), "agent")


def test_reasoning_goes_back_once_the_provider_asks_and_not_before(ask: Ask, server: Server) -> None:
    completion = ask(giving(reasoning_content="hm"))
    assert completion.reasoning == "hm"
    ask(answer(), request=second(completion))
    assert "hm" not in str(server.requests)
    due = failure(400, "Missing `reasoning_content` field in the assistant message at message index 1.")
    assert ask(due, answer("thanks"), request=second(completion)).text == "thanks"
    assert [one["messages"][1].get("reasoning_content") for one in server.requests] == [None, "hm"]


def test_a_provider_that_never_has_enough_is_not_asked_for_ever(ask: Ask, server: Server) -> None:
    due = failure(400, "reasoning_content is missing in assistant tool call message at index 1")
    with pytest.raises(Exception, match="reasoning_content is missing"):
        ask(due, request=second(Completion("", (ToolCall("c", "find"),))))
    assert [one["messages"][1].get("reasoning_content") for one in server.requests] == [None, " "]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"thinking_blocks": BLOCKS}, "thinking_blocks"),
        ({"reasoning_details": [{"type": "reasoning.encrypted", "data": "zz"}]}, "reasoning_details"),
    ],
)
def test_what_was_signed_goes_back_as_it_came(
    ask: Ask,
    server: Server,
    fields: dict[str, Any],
    field: str,
) -> None:
    ask(answer(), request=second(ask(giving(**fields))))
    assert server.requests[0]["messages"][1][field] == fields[field]


def test_signatures_of_calls_go_back(ask: Ask, server: Server) -> None:
    call = tool_call("{}") | {"extra_content": SIGNATURE}
    ask(answer(), request=second(ask(answer(None, "tool_calls", [call]))))
    [back] = server.requests[0]["messages"][1]["tool_calls"]
    assert back["extra_content"] == SIGNATURE


def test_what_was_not_signed_stays_here(ask: Ask, server: Server) -> None:
    unsigned = [{"type": "thinking", "thinking": "hm"}]
    completion = ask(giving(thinking_blocks=unsigned, reasoning_details=[{"type": "reasoning.text", "text": "hm"}]))
    ask(answer(), request=second(completion))
    assert "hm" not in str(server.requests)
