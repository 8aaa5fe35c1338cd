"""Makes a conversation fit to be sent with the next request, whatever models and environments have put into it.

A trajectory keeps what was said; what is sent is made here, in one place for all providers, and the same messages always give the same
result:

- every tool call has an id of its own and is directly followed by its result; a call that nothing answers is left out, and a result
  without a call becomes a user message;
- ids and names contain only characters that all providers accept;
- no text is empty, and none contains NUL or half a surrogate pair.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from rbsuite.models.base import Reply
from rbsuite.trajectory import Content, Message, ToolCall

EMPTY = "(empty)"
"""What replaces an empty text."""
UNNAMED = "unnamed"
"""What replaces an empty name."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NO_NAME = re.compile(r"[^A-Za-z0-9_-]")
_ID = re.compile(r"[!-~]+")
_NO_ID = re.compile(r"[^!-~]")


def carried(messages: Sequence[Message]) -> list[Message]:
    """The messages as they can be sent."""
    made: list[Message] = []
    ids: set[str] = set()
    waiting: list[tuple[str, str]] = []  # calls without a result so far: the original id, and the one that is sent
    caller = -1
    strays: list[Message] = []  # results without a call, which must not separate other results from their calls
    for message in messages:
        if message.role == "tool":
            result = _result(message, waiting)
            (made if result.role == "tool" else strays).append(result)
            continue
        if waiting:
            _leave_out(made, caller, waiting)
        if strays:
            made += strays
            strays = []
        if message.tool_calls:
            message, waiting = _with_ids(message, ids)
        worded = _worded(message)
        if worded is not None:
            caller = len(made) if worded.tool_calls else caller
            made.append(worded)
    if waiting:
        _leave_out(made, caller, waiting)
    return made + strays


def sendable_text(text: str) -> str:
    """A text in which NUL and halves of surrogate pairs are replaced by ``?``."""
    if "\x00" in text:
        text = text.replace("\x00", "?")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


@lru_cache(maxsize=1024)
def sendable_name(name: str) -> str:
    """The name of a tool in at most 64 letters, digits, ``_`` and ``-``."""
    return name if _NAME.fullmatch(name) else _NO_NAME.sub("_", name)[:64] or UNNAMED


def sendable_value(value: Any) -> Any:
    """Plain data with all its texts made :func:`sendable_text`."""
    if isinstance(value, str):
        return sendable_text(value)
    if isinstance(value, Mapping):
        return {sendable_text(str(key)): sendable_value(item) for key, item in value.items()}
    return [sendable_value(item) for item in value] if isinstance(value, list | tuple) else value


def _result(message: Message, waiting: list[tuple[str, str]]) -> Message:
    """A result placed after its call: the call with its id, or the next one if it has no id."""
    place = next((place for place, call in enumerate(waiting) if call[0] == message.tool_call_id), None)
    if place is None and waiting and not message.tool_call_id:
        place = 0
    content = _content(message.content)
    if place is None:
        name = sendable_text(message.name)
        words = f"Result of {name}:" if name else "Result:"
        return Message("user", f"{words} {content}" if isinstance(content, str) else (words, *content))
    _, sent = waiting.pop(place)
    name = sendable_name(message.name) if message.name else ""
    if content is message.content and sent == message.tool_call_id and name == message.name:
        return message
    return replace(message, content=content, tool_call_id=sent, name=name)


def _with_ids(message: Message, ids: set[str]) -> tuple[Message, list[tuple[str, str]]]:
    """The message with call ids that no other call of the conversation has, and pairs of old and new ids."""
    waiting: list[tuple[str, str]] = []
    calls: list[ToolCall] = []
    for call in message.tool_calls:
        free = wanted = call.id if _ID.fullmatch(call.id) else _NO_ID.sub("_", call.id) or f"call_{len(ids)}"
        number = 1
        while free in ids:
            number += 1
            free = f"{wanted}_{number}"
        ids.add(free)
        waiting.append((call.id, free))
        name = sendable_name(call.name)
        calls.append(call if free == call.id and name == call.name else replace(call, id=free, name=name))
    if tuple(calls) == message.tool_calls:
        return message, waiting
    changed = replace(message, tool_calls=tuple(calls))
    if isinstance(changed, Reply) and (given := changed.given.get("calls")):
        renamed = {new: given[old] for old, new in waiting if old in given}
        changed = replace(changed, given={**changed.given, "calls": renamed})
    return changed, waiting


def _leave_out(made: list[Message], caller: int, waiting: list[tuple[str, str]]) -> None:
    """Remove the calls that nothing answered from the message that made them, and the message too if it says nothing else."""
    gone = {sent for _, sent in waiting}
    waiting.clear()
    message = made[caller]
    kept = replace(message, tool_calls=tuple(call for call in message.tool_calls if call.id not in gone))
    worded = _worded(kept)
    made[caller : caller + 1] = [] if worded is None else [worded]


def _worded(message: Message) -> Message | None:
    """The message with a text that can be sent; ``None``: it says nothing."""
    content = _content(message.content)
    if content == EMPTY and content != message.content and message.role in ("assistant", "system"):
        if not message.tool_calls:
            return None
        content = ""
    name = sendable_name(message.name) if message.name else ""
    if content is message.content and name == message.name:
        return message
    return replace(message, content=content, name=name)


def _content(content: Content) -> Content:
    """The content with texts that can be sent, and at least one of them; the same object if nothing changes."""
    if isinstance(content, str):
        return EMPTY if not content or content.isspace() else sendable_text(content)
    parts = [sendable_text(part) if isinstance(part, str) else part for part in content]
    parts = [part for part in parts if not isinstance(part, str) or part.strip()]
    return tuple(parts) or EMPTY
