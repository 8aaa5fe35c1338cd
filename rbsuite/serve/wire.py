"""The server side of OpenAI's chat completions: from a request's JSON to rbsuite's records, and from a completion to JSON or a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rbsuite.jsonable import plain
from rbsuite.models.base import Completion
from rbsuite.models.wire import parse_arguments
from rbsuite.trajectory import Content, Image, Message, ToolCall, ToolSpec

_ROLES = ("system", "user", "assistant", "tool")


def read_messages(given: Any) -> tuple[Message, ...]:
    """The messages of a request.

    Raises:
        ValueError: they are not messages; the text says what is wrong.
    """
    if not isinstance(given, list) or not given:
        raise ValueError("messages must be a list with at least one message")
    return tuple(_message(one) for one in given)


def _message(given: Any) -> Message:
    if not isinstance(given, dict) or given.get("role") not in _ROLES:
        raise ValueError(f"a message needs a role, one of {', '.join(_ROLES)}")
    told = given.get("tool_calls") or ()
    if not isinstance(told, list | tuple):
        raise ValueError("tool_calls must be a list")
    calls = tuple(_call(call) for call in told)
    return Message(
        given["role"],
        _content(given.get("content")),
        calls,
        str(given.get("tool_call_id") or ""),
        str(given.get("name") or ""),
    )


def _content(given: Any) -> Content:
    if not isinstance(given, list):
        return str(given or "")
    return tuple(_part(part) for part in given if isinstance(part, dict))


def _part(given: Mapping[str, Any]) -> str | Image:
    if given.get("type") != "image_url":
        return str(given.get("text") or "")
    try:
        about, _, data = str(given["image_url"]["url"]).partition(";base64,")
    except (KeyError, TypeError):
        raise ValueError("an image needs image_url.url") from None
    return Image(about.removeprefix("data:"), data)


def _call(given: Any) -> ToolCall:
    try:
        function = given["function"]
        arguments, raw = parse_arguments(function["arguments"])
        return ToolCall(str(given["id"]), str(function["name"]), arguments, raw)
    except (KeyError, TypeError):
        raise ValueError("a tool call needs id, function.name and function.arguments") from None


def read_tools(given: Any) -> tuple[ToolSpec, ...]:
    """The tools of a request.

    Raises:
        ValueError: they are not function declarations.
    """
    try:
        functions = [tool["function"] for tool in given or ()]
        return tuple(
            ToolSpec(str(one["name"]), str(one.get("description") or ""), one.get("parameters") or {})
            for one in functions
        )
    except (KeyError, TypeError, AttributeError):
        raise ValueError("tools must be a list of function declarations") from None


def completion_document(completion: Completion, model: str) -> dict[str, Any]:
    """A completion as the object ``chat.completion``."""
    message: dict[str, Any] = {"role": "assistant", "content": completion.text or None}
    if completion.reasoning:
        message["reasoning_content"] = completion.reasoning
    if completion.tool_calls:
        message["tool_calls"] = [_call_document(call) for call in completion.tool_calls]
    finish = "tool_calls" if completion.tool_calls and completion.finish_reason == "stop" else completion.finish_reason
    usage = completion.usage
    return {
        "id": "chatcmpl-rbsuite",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.tokens,
        },
    }


def _call_document(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(plain(call.arguments))
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def stream(document: Mapping[str, Any], *, pieces: int = 16) -> bytes:
    """A ``chat.completion`` as server-sent events, with its text in chunks of ``pieces`` characters."""
    events = [f"data: {json.dumps(chunk)}\n\n" for chunk in _chunks(document, pieces)]
    return "".join([*events, "data: [DONE]\n\n"]).encode("ascii")


def _chunks(document: Mapping[str, Any], pieces: int) -> Iterator[dict[str, Any]]:
    choices: Sequence[Mapping[str, Any]] = document["choices"]
    for choice in choices:
        message = choice["message"]
        deltas: list[dict[str, Any]] = [{"role": "assistant"}]
        for field in ("reasoning_content", "content"):
            text = message.get(field) or ""
            deltas += [{field: text[start : start + pieces]} for start in range(0, len(text), pieces)]
        calls = message.get("tool_calls") or ()
        deltas += [{"tool_calls": [{"index": number, **call}]} for number, call in enumerate(calls)]
        for delta in deltas:
            yield _chunk(document, [{"index": choice["index"], "delta": delta, "finish_reason": None}])
        end = {"index": choice["index"], "delta": {}, "finish_reason": choice["finish_reason"]}
        yield _chunk(document, [end])
    if usage := document.get("usage"):
        yield {**_chunk(document, []), "usage": usage}


def _chunk(document: Mapping[str, Any], choices: list[dict[str, Any]]) -> dict[str, Any]:
    head = {name: document.get(name) for name in ("id", "created", "model")}
    return {**head, "object": "chat.completion.chunk", "choices": choices}
