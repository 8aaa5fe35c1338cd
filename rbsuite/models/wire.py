"""Requests and replies in the chat-completions form that providers speak, to and from rbsuite's own records."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from rbsuite.jsonable import plain
from rbsuite.models.base import Completion, FinishReason, ModelRequest
from rbsuite.models.reasoning import separate
from rbsuite.trajectory import Content, Image, Message, ToolCall, ToolSpec, Usage, content_text

_SEED_BITS = 31
_MOST_TOKENS = 1_000_000_000
"""More tokens than any request has; some servers return a count that has overflowed."""
_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


def request_body(request: ModelRequest, *, images: bool = True) -> dict[str, Any]:
    """The keyword arguments that stand for a request: messages, tools, sampling.

    The seed is folded to 31 bits, the widest that every provider takes.

    Args:
        request: the request.
        images: whether the model takes images; if not, their descriptions stand in their place.
    """
    messages = request.messages
    if not images:
        messages = tuple(replace(message, content=content_text(message.content)) for message in messages)
    body: dict[str, Any] = {
        "messages": [message_to_wire(message) for message in messages],
        "seed": request.seed % (1 << _SEED_BITS),
    }
    if request.tools:
        body["tools"] = [tool_to_wire(tool) for tool in request.tools]
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    return body


def message_to_wire(message: Message) -> dict[str, Any]:
    """One message. Lone surrogates, which UTF-8 cannot carry, become ``?``."""
    wire: dict[str, Any] = {"role": message.role, "content": _content_to_wire(message.content)}
    if message.tool_calls:
        wire["tool_calls"] = [_call_to_wire(call) for call in message.tool_calls]
        # Several providers refuse an empty text beside a tool call.
        wire["content"] = wire["content"] or None
    if message.role == "tool":
        wire["tool_call_id"] = message.tool_call_id
    if message.name:
        wire["name"] = message.name
    return wire


def _content_to_wire(content: Content) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return _sendable(content)
    return [
        {"type": "text", "text": _sendable(part)}
        if isinstance(part, str)
        else {"type": "image_url", "image_url": {"url": part.url}}
        for part in content
    ]


def has_images(request: ModelRequest) -> bool:
    """Whether a message of a request contains an image."""
    parts = (message.content for message in request.messages if not isinstance(message.content, str))
    return any(isinstance(part, Image) for content in parts for part in content)


def tool_to_wire(tool: ToolSpec) -> dict[str, Any]:
    """One tool as a function declaration."""
    parameters = plain(tool.parameters) or {"type": "object", "properties": {}}
    function = {"name": tool.name, "description": _sendable(tool.description), "parameters": parameters}
    return {"type": "function", "function": function}


def completion_from_wire(response: Any, cost: float | None) -> Completion:
    """The reply in a chat-completions response object.

    What the model thought is told from its answer: by the fields that providers have for it, and by marks in the text itself.

    Args:
        response: has ``choices[0].message``, ``choices[0].finish_reason`` and ``usage``, as litellm's ``ModelResponse``.
        cost: its price in US dollars; ``None``: unknown.

    Raises:
        ValueError: there is no choice in it.
    """
    choices = getattr(response, "choices", None)
    if not choices:
        raise ValueError("the reply contains no choice")
    message = choices[0].message
    calls = _distinct(_call_from_wire(call, number) for number, call in enumerate(message.tool_calls or ()))
    finish = _FINISH.get(str(choices[0].finish_reason), "stop")
    if calls and finish == "stop":
        finish = "tool_calls"  # some servers say "stop" even so
    if not calls and not message.content and _refusal(message):
        finish = "content_filter"
    beside, (thought, text) = _told_reasoning(message), separate(_content_from_wire(message.content))
    reasoning = "\n".join(filter(None, (beside, thought)))
    counted = getattr(response, "usage", None)
    counted_in = _tokens(getattr(counted, "prompt_tokens", 0))
    counted_out = _tokens(getattr(counted, "completion_tokens", 0))
    # Without a token count a price would be made up.
    known = cost if counted_in or counted_out else None
    usage = Usage(calls=1, input_tokens=counted_in, output_tokens=counted_out, cost=known)
    return Completion(text, calls, usage, finish, reasoning)


def _refusal(message: Any) -> object:
    """What a provider puts where the text would be when the model refuses; litellm keeps it with the provider's own fields."""
    beside = getattr(message, "provider_specific_fields", None)
    return getattr(message, "refusal", None) or (beside.get("refusal") if isinstance(beside, dict) else None)


def _tokens(count: object) -> int:
    """A count of tokens; one that no model can have is none."""
    return count if isinstance(count, int) and 0 <= count <= _MOST_TOKENS else 0


def _distinct(calls: Iterable[ToolCall]) -> tuple[ToolCall, ...]:
    """The calls, each with an id of its own: results are told apart by them, and providers refuse a history where they repeat."""
    seen: set[str] = set()
    made = []
    for number, call in enumerate(calls):
        one = replace(call, id=f"{call.id}_{number}") if call.id in seen else call
        seen.add(one.id)
        made.append(one)
    return tuple(made)


def _content_from_wire(content: object) -> str:
    """The text of a content; of a list of parts that of all, those of type ``thinking`` between tags."""
    if not isinstance(content, list):
        return str(content or "")
    parts = [part for part in content if isinstance(part, dict)]
    return "\n".join(
        f"<think>{_content_from_wire(part.get('thinking'))}</think>"
        if part.get("type") == "thinking"
        else str(part.get("text") or "")
        for part in parts
    )


def _told_reasoning(message: Any) -> str:
    """What a provider tells of the reasoning; those that tell it in several fields say the same in each."""
    for field in ("reasoning_content", "reasoning"):
        told = getattr(message, field, None)
        if isinstance(told, str) and told.strip():
            return told.strip()
    blocks = getattr(message, "thinking_blocks", None) or ()
    told = [block.get("thinking") for block in blocks if isinstance(block, dict)]
    return "\n".join(text.strip() for text in told if isinstance(text, str) and text.strip())


def parse_arguments(text: object) -> tuple[dict[str, Any], str]:
    """The arguments of a tool call and the text that could not be read as such.

    Returns:
        ``(arguments, "")``, or ``({}, text)`` where the text is not JSON or not an object. An empty text and ``null`` mean no arguments;
        an object that was encoded twice is read.
    """
    if isinstance(text, dict):
        return text, ""
    raw = "" if text is None else str(text)
    if not raw.strip():
        return {}, ""
    try:
        value = json.loads(raw, parse_constant=_finite, parse_float=_finite)
        if isinstance(value, str):
            value = json.loads(value, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError):
        return {}, raw
    if value is None:
        return {}, ""
    return (value, "") if isinstance(value, dict) else ({}, raw)


def _call_from_wire(call: Any, number: int) -> ToolCall:
    arguments, raw = parse_arguments(call.function.arguments)
    return ToolCall(str(call.id or f"call_{number}"), str(call.function.name or ""), arguments, raw)


def _call_to_wire(call: ToolCall) -> dict[str, Any]:
    # Unreadable arguments go back as an empty object: providers and chat templates parse this text and refuse the request otherwise.
    arguments = json.dumps(plain(call.arguments))
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _finite(text: str) -> float:
    """A number that has a JSON form; ``NaN``, ``Infinity`` and what overflows have none."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a JSON number")
    return value


def _sendable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
