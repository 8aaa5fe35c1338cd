"""Whether a reply can be used: complete, and not empty. Every caller of a model checks here before a reply is read or passed on.

| reply | what it is |
|---|---|
| cut off at the length limit | no answer: its end is missing, and nobody can tell what it would have said |
| empty, or thinking only | no answer |
| a call that names no tool | no answer |
| withheld by a content filter, even in part | no answer, and the same request would meet the same filter |
| the request does not fit the model's context | no answer, and no retry makes it fit |
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rbsuite.errors import ContextOverflow, ReplyRefused
from rbsuite.models.base import Completion, Reply
from rbsuite.models.reasoning import thought_and_said
from rbsuite.redact import MASK
from rbsuite.trajectory import Message, ToolCall

CUT = "it was cut at the limit of its length before it ended"
OVERFLOW = "the conversation no longer fits the model's context"
WITHHELD = "the model's provider withheld the reply (content filter)"
FINAL = frozenset({"context_overflow", "content_filter"})
"""Finish reasons that the same request would meet again."""


def normalised(completion: Completion) -> Completion:
    """The completion with thinking separated from the answer, for models that leave both in one text."""
    thought, said = thought_and_said(completion.text)
    if said == completion.text:
        return completion
    return replace(completion, text=said, reasoning="\n".join(filter(None, (completion.reasoning, thought))))


def masked(completion: Completion, secrets: re.Pattern[str]) -> Completion:
    """A completion without secrets; a call whose id contains one gets another id."""
    calls = completion.tool_calls
    told = f"{completion.text}\n{completion.reasoning}"
    for call in calls:
        told += f"\n{call.id}\n{call.name}\n{call.raw} {call.arguments}"
    if completion.given:
        told += f"\n{completion.given}"
    if not secrets.search(told):
        return completion

    def mask(value: Any) -> Any:
        if isinstance(value, str):
            return secrets.sub(MASK, value)
        if isinstance(value, Mapping):
            return {mask(key): mask(item) for key, item in value.items()}
        return [mask(item) for item in value] if isinstance(value, list | tuple) else value

    ids = {call.id: f"redacted_{number}" for number, call in enumerate(calls) if secrets.search(call.id)}
    hidden = tuple(
        ToolCall(ids.get(one.id, one.id), mask(one.name), mask(one.arguments), mask(one.raw)) for one in calls
    )
    given = mask(completion.given)
    if isinstance(signed := completion.given.get("calls"), Mapping):
        given["calls"] = {ids.get(id, id): mask(kept) for id, kept in signed.items()}
    return replace(
        completion, text=mask(completion.text), reasoning=mask(completion.reasoning), tool_calls=hidden, given=given
    )


def fault_of(completion: Completion) -> str:
    """Why a reply cannot be used, in words that may go back to the model; empty if it can."""
    if completion.finish_reason == "length":
        return CUT
    if completion.finish_reason == "context_overflow":
        return OVERFLOW
    if completion.finish_reason == "content_filter":
        return WITHHELD
    for call in completion.tool_calls:
        if not call.name:
            return "a call names no tool"
    if completion.tool_calls or completion.text.strip():
        return ""
    return "all of it was thinking, and no answer followed" if completion.reasoning else "it was empty"


def usable(completion: Completion) -> Completion:
    """The completion, unless retrying the same request could not change the outcome.

    Raises:
        ContextOverflow: the conversation outgrew the model's context.
        ReplyRefused: the reply was withheld.
    """
    if completion.finish_reason == "context_overflow":
        raise ContextOverflow(f"{OVERFLOW}.", "Use a model with a longer context.")
    if completion.finish_reason == "content_filter":
        raise ReplyRefused(f"{WITHHELD}.")
    return completion


def message_of(completion: Completion) -> Message:
    """A reply as it stands in the conversation from then on, with what its provider may want back."""
    if not completion.given:
        return Message("assistant", completion.text, completion.tool_calls)
    return Reply("assistant", completion.text, completion.tool_calls, given=completion.given)
