"""A model's calls as tasks make them: what is masked, and how long a call may take."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable

import pytest

from calls import calls_at
from rbsuite.errors import ModelError, PluginError
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.models.client import Ledger
from rbsuite.models.gate import Gate
from rbsuite.models.usable import masked
from rbsuite.trajectory import Message, ToolCall

KEY = "sk-secret1234567890abcdef"


class Model:
    """Replies as it is told, in this process."""

    name = "mine"

    def __init__(self, reply: Callable[[], Awaitable[Completion]]) -> None:
        self._reply = reply

    async def complete(self, request: ModelRequest) -> Completion:
        return await self._reply()

    async def aclose(self) -> None:
        pass


def ask(reply: Callable[[], Awaitable[Completion]], seconds: float | None = None) -> Completion:
    request = ModelRequest((Message("user", "hi"),), "agent", seconds=seconds)
    return asyncio.run(calls_at(Gate(1).line()).complete(Model(reply), request, Ledger()))


def test_no_part_of_a_call_keeps_a_key() -> None:
    calls = (ToolCall(KEY, KEY, {KEY: [KEY]}, KEY), ToolCall(f"{KEY}2", "f"), ToolCall("c", "g"))
    signed = {KEY: {"extra_content": {"s": "t"}}, "c": {"extra_content": KEY}}

    async def reply() -> Completion:
        return Completion("hi", calls, given={"calls": signed, "reasoning_content": KEY})

    completion = ask(reply)
    assert KEY not in str(completion)
    assert [(call.id, call.name) for call in completion.tool_calls] == [
        ("redacted_0", "[redacted]"),
        ("redacted_1", "f"),
        ("c", "g"),
    ]
    assert completion.given["calls"] == {
        "redacted_0": {"extra_content": {"s": "t"}},
        "c": {"extra_content": "[redacted]"},
    }


@pytest.mark.parametrize("call", [ToolCall(KEY, "f"), ToolCall("c", KEY), ToolCall("c", "f", {}, KEY)])
def test_a_key_in_one_place_is_enough(call: ToolCall) -> None:
    assert KEY not in str(masked(Completion("hi", (call,)), re.compile(KEY)))


def test_a_model_in_this_process_has_the_time_of_a_call_and_no_more() -> None:
    async def never() -> Completion:
        await asyncio.sleep(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def soon() -> Completion:
        for _ in range(3):
            await asyncio.sleep(0.001)
        return Completion("at last")

    started = time.monotonic()
    with pytest.raises(ModelError, match=r"model 'mine': no answer within 0.2 s\."):
        ask(never, 0.2)
    assert time.monotonic() - started < 10
    assert ask(soon, 20.0).text == "at last"


def test_a_model_that_is_cancelled_can_clean_up_and_its_own_errors_are_its_own() -> None:
    ends: list[str] = []

    async def cleaning() -> Completion:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ends.append("cleaned up")
        raise AssertionError

    async def stubborn() -> Completion:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return Completion("too late")
        raise AssertionError

    async def own() -> Completion:
        await asyncio.sleep(0)
        raise TimeoutError("the cable is out")

    with pytest.raises(ModelError, match="no answer within"):
        ask(cleaning, 0.05)
    assert ends == ["cleaned up"]
    assert ask(stubborn, 0.05).text == "too late"
    with pytest.raises(PluginError, match="the cable is out"):
        ask(own, 20.0)
