"""Converts requests and replies between rbsuite's own records and the chat-completions form that providers speak."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from rbsuite.files import check_depth
from rbsuite.jsonable import canonical, finite, plain
from rbsuite.models.base import Completion, FinishReason, ModelRequest, Reply
from rbsuite.models.history import carried, sendable_name, sendable_text, sendable_value
from rbsuite.models.provider_errors import EmptyReply
from rbsuite.models.reasoning import separate
from rbsuite.trajectory import Content, Image, Message, ToolCall, ToolSpec, Usage, content_text

_SEED_BITS = 31
_SIGNED = ("thinking_blocks", "reasoning_details")
"""Fields of a message in which providers return blocks of reasoning."""
_SIGNS = ("signature", "data")
"""Keys of such a block that mark it as one that the provider wants back as it is."""
_SIGNED_CALLS = ("extra_content", "provider_specific_fields")
"""Fields of a tool call in which providers return signatures."""
_MOST_TOKENS = 1_000_000_000
"""More tokens than any request has; some servers return a count that has overflowed."""
_WORDS: Mapping[FinishReason, str] = {
    "stop": "stop end_turn stop_sequence eos eos_token complete",
    "length": "length max_tokens max_output_tokens model_length error_limit",
    "tool_calls": "tool_calls tool_call tool_use function_call",
    "content_filter": "content_filter content_filtered refusal safety recitation blocklist prohibited_content spii sensitive"
    " error_toxic guardrail_intervened",
    "context_overflow": "context_overflow model_context_window_exceeded",
}
_FINISH = {told: finish for finish, words in _WORDS.items() for told in words.split()}
"""Why a reply ended, in the words of providers and servers, in lower case."""
_BROKEN = frozenset(
    [
        "error",
        "abort",
        "aborted",
        "cancelled",
        "canceled",
        "network_error",
        "insufficient_system_resource",
        "load",
        "unload",
        "failed",
    ]
)
"""Finish reasons that say that the provider broke off its reply."""
_TOO_DEEP = "(nested too deeply to be shown)"
_UNSENDABLE = re.compile(r"\\u(?:0000|d[89a-f])")


def request_body(request: ModelRequest, *, images: bool = True, reasoning: bool = False) -> dict[str, Any]:
    """The keyword arguments for a request: messages, tools, sampling.

    The seed is reduced to 31 bits, the most that every provider accepts.

    Args:
        request: the request.
        images: whether the model takes images; if not, they are replaced by their descriptions.
        reasoning: whether the provider wants the model's reasoning back.
    """
    messages = carried(request.messages)
    if not images:
        messages = [replace(message, content=content_text(message.content)) for message in messages]
    body: dict[str, Any] = {
        "messages": [message_to_wire(message, reasoning=reasoning) for message in messages],
        "seed": request.seed % (1 << _SEED_BITS),
    }
    if request.tools:
        body["tools"] = [tool_to_wire(tool) for tool in request.tools]
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    if request.schema is not None:
        form = {"name": "reply", "strict": True, "schema": plain(request.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


def message_to_wire(message: Message, *, reasoning: bool = False) -> dict[str, Any]:
    """One message.

    Args:
        message: as :func:`rbsuite.models.history.carried` returns it.
        reasoning: whether the provider wants the model's reasoning back. What it signed goes back in any case.
    """
    wire: dict[str, Any] = {"role": message.role, "content": _content_to_wire(message.content)}
    given = message.given if isinstance(message, Reply) else {}
    if message.tool_calls:
        signed = given.get("calls", {})
        wire["tool_calls"] = [_call_to_wire(call) | signed.get(call.id, {}) for call in message.tool_calls]
        # Several providers refuse an empty text with a tool call.
        wire["content"] = wire["content"] or None
    if message.role == "tool":
        wire["tool_call_id"] = message.tool_call_id
    if message.name:
        wire["name"] = message.name
    for field in _SIGNED:
        if field in given:
            wire[field] = given[field]
    if reasoning and message.role == "assistant":
        # A provider that wants it refuses messages without it; if there was none, a blank is accepted.
        wire["reasoning_content"] = given.get("reasoning_content") or " "
    return wire


def _content_to_wire(content: Content) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return sendable_text(content)
    return [
        {"type": "text", "text": sendable_text(part)}
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
    function = {
        "name": sendable_name(tool.name),
        "description": sendable_text(tool.description),
        "parameters": parameters,
    }
    return {"type": "function", "function": function}


def completion_from_wire(response: Any, cost: float | None, tools: Sequence[ToolSpec] = ()) -> Completion:
    """The reply in a chat-completions response object.

    What the model thought is separated from its answer: by the fields that providers have for it, and by marks in the text itself.

    Args:
        response: has ``choices[0].message``, ``choices[0].finish_reason`` and ``usage``, like litellm's ``ModelResponse``.
        cost: its price in US dollars; ``None``: unknown.
        tools: those that the model was offered, under names that providers accept; calls get the tools' own names back.

    Raises:
        ValueError: it contains no choice.
        AttributeError, TypeError: what it contains is not a reply.
    """
    choices = getattr(response, "choices", None)
    if not choices:
        raise ValueError("the reply contains no choice")
    message = choices[0].message
    told = message.tool_calls or _legacy_call(getattr(message, "function_call", None))
    names = {sendable_name(tool.name): tool.name for tool in tools}
    calls = _distinct(_call_from_wire(call, number, names) for number, call in enumerate(told))
    finish = _FINISH.get(_native_finish(choices[0])) or _FINISH.get(_text(choices[0].finish_reason).lower(), "stop")
    if calls and finish == "stop":
        finish = "tool_calls"  # some servers say "stop" here
    if not calls and not message.content and _refusal(message):
        finish = "content_filter"
    beside, (thought, text) = _told_reasoning(message), separate(_content_from_wire(message.content))
    reasoning = "\n".join(filter(None, (beside, thought)))
    counted = getattr(response, "usage", None)
    counted_in = _tokens(getattr(counted, "prompt_tokens", 0))
    counted_out = _tokens(getattr(counted, "completion_tokens", 0))
    # Without a token count, or with an impossible one, a price would be made up.
    known = cost if counted_in is not None and counted_out is not None and counted_in + counted_out else None
    usage = Usage(calls=1, input_tokens=counted_in or 0, output_tokens=counted_out or 0, cost=known)
    return Completion(text, calls, usage, finish, reasoning, _given(message, told, calls))


def _legacy_call(function: Any) -> list[Any]:
    """The call that a message makes in the form that preceded ``tool_calls``, if any."""
    if isinstance(function, dict):
        function = SimpleNamespace(name=function.get("name"), arguments=function.get("arguments"))
    return [SimpleNamespace(id=None, function=function)] if getattr(function, "name", None) else []


def require_whole(response: Any) -> None:
    """Check that a response contains a reply that its provider did not break off.

    Args:
        response: as for :func:`completion_from_wire`.

    Raises:
        EmptyReply: it does not; a retry of the same request may bring one.
    """
    choices = getattr(response, "choices", True)
    if not choices:  # from a server in trouble, or a gateway whose provider is
        raise EmptyReply("the reply contains no choice")
    if choices is not True and (told := _native_finish(choices[0])) in _BROKEN:
        error = getattr(choices[0], "error", None) or _beside(choices[0]).get("error")
        words = _text(error.get("message") if isinstance(error, dict) else error)
        raise EmptyReply(f"the provider broke off its reply ({told})" + (f": {words}" if words else ""))


def _native_finish(choice: Any) -> str:
    """Why a reply ended, in its provider's word: litellm turns unknown words into ``stop``, and keeps the original in another field."""
    return _text(_beside(choice).get("native_finish_reason") or choice.finish_reason).lower()


def _text(value: object) -> str:
    """A text, or a number in its place; whatever else stands there says nothing."""
    return value if isinstance(value, str) else "" if value is None or isinstance(value, list | dict) else str(value)


def _is_plain(value: object) -> bool:
    """Whether JSON can be stored and sent again: no number in it that is not finite, and not too many levels."""
    try:
        check_depth(value)
        canonical(value)
    except (ValueError, TypeError):
        return False
    return True


def _beside(part: Any) -> Mapping[str, Any]:
    """The provider's own fields, as litellm keeps them."""
    kept = getattr(part, "provider_specific_fields", None)
    return kept if isinstance(kept, dict) else {}


def _given(message: Any, told: Sequence[Any], calls: Sequence[ToolCall]) -> Mapping[str, Any]:
    """What a provider returned with a message and may want back: what it signed, and the reasoning."""
    given: dict[str, Any] = {}
    for field in _SIGNED:
        parts = getattr(message, field, None) or _beside(message).get(field)
        signs = isinstance(parts, list) and any(
            isinstance(part, dict) and any(part.get(sign) for sign in _SIGNS) for part in parts
        )
        if signs and _is_plain(parts):
            given[field] = parts
    signed = {
        call.id: kept
        for call, one in zip(calls, told, strict=True)
        if (kept := {name: value for name in _SIGNED_CALLS if (value := getattr(one, name, None)) and _is_plain(value)})
    }
    if signed:
        given["calls"] = signed
    thought = getattr(message, "reasoning_content", None)
    if isinstance(thought, str) and thought.strip():
        given["reasoning_content"] = thought
    return given


def _refusal(message: Any) -> object:
    """What a provider returns in place of the text when the model refuses; litellm keeps it with the provider's own fields."""
    return getattr(message, "refusal", None) or _beside(message).get("refusal")


def _tokens(count: object) -> int | None:
    """A count of tokens; ``None`` for one that no request can have."""
    if isinstance(count, float) and count.is_integer():
        count = int(count)
    if count is None:
        return 0
    return count if isinstance(count, int) and 0 <= count <= _MOST_TOKENS else None


def _distinct(calls: Iterable[ToolCall]) -> tuple[ToolCall, ...]:
    """The calls, each with an id of its own: results are told apart by ids, and providers refuse a history in which they repeat."""
    seen: set[str] = set()
    made = []
    for number, call in enumerate(calls):
        one = replace(call, id=f"{call.id}_{number}") if call.id in seen else call
        seen.add(one.id)
        made.append(one)
    return tuple(made)


def _content_from_wire(content: object) -> str:
    """The text of a content; for a list of parts, all their texts joined, with thinking parts put between tags."""
    if isinstance(content, list):
        return "".join(_part_from_wire(part) for part in content)
    return _part_from_wire(content) if isinstance(content, dict) else _text(content)


def _part_from_wire(part: object) -> str:
    if not isinstance(part, dict):
        return part if isinstance(part, str) else ""
    thought = next((part[key] for key in ("thinking", "reasoning") if part.get("type") == key and key in part), None)
    if thought is not None:
        return f"<think>{_content_from_wire(thought)}</think>"
    text = part.get("text")
    return text if isinstance(text, str) else ""


def _told_reasoning(message: Any) -> str:
    """The reasoning that a provider returns; those that return it in several fields say the same in each."""
    for field in ("reasoning_content", "reasoning"):
        told = getattr(message, field, None)
        if isinstance(told, str) and told.strip():
            return told.strip()
    blocks = getattr(message, "thinking_blocks", None)
    told = [block.get("thinking") for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []
    return "\n".join(text.strip() for text in told if isinstance(text, str) and text.strip())


def parse_arguments(text: object) -> tuple[dict[str, Any], str]:
    """The arguments of a tool call, and the text if it could not be read as arguments.

    Returns:
        ``(arguments, "")``, or ``({}, text)`` if the text is not JSON, not an object, or nested more than
        :data:`rbsuite.files.MAX_DEPTH` levels deep. An empty text and ``null`` mean no arguments; an object that was encoded twice is
        decoded, and one that was not encoded is taken as it is.
    """
    if isinstance(text, dict) and _is_plain(text):
        return text, ""
    raw = "" if text is None else text if isinstance(text, str) else _encoded(text)
    if not raw.strip():
        return {}, ""
    try:
        value = json.loads(raw, parse_constant=finite, parse_float=finite)
        if isinstance(value, str):
            value = json.loads(value, parse_constant=finite, parse_float=finite)
        check_depth(value)
    except (ValueError, RecursionError):
        return {}, raw
    if value is None:
        return {}, ""
    return (value, "") if isinstance(value, dict) else ({}, raw)


def _encoded(value: object) -> str:
    try:
        return json.dumps(value)
    except RecursionError:
        return _TOO_DEEP
    except TypeError:
        return str(value)


def _call_from_wire(call: Any, number: int, names: Mapping[str, str]) -> ToolCall:
    arguments, raw = parse_arguments(call.function.arguments)
    name = _text(call.function.name).strip()
    return ToolCall(_text(call.id) or f"call_{number}", names.get(name, name), arguments, raw)


def _call_to_wire(call: ToolCall) -> dict[str, Any]:
    # Unreadable arguments go back as an empty object: providers and chat templates parse this text and refuse the request otherwise.
    arguments = json.dumps(plain(call.arguments))
    if "\\u" in arguments and _UNSENDABLE.search(arguments):
        arguments = json.dumps(sendable_value(plain(call.arguments)))
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}
