"""Text messages. Follows ``tool_sandbox/tools/messaging.py`` (apple/ToolSandbox, 165848b9)."""

from __future__ import annotations

from typing import Any

from rbsuite_toolsandbox.arguments import (
    NOT_GIVEN,
    OPEN_NUMBER,
    OPEN_STRING,
    STRING,
    TIMESTAMPS,
    Parameter,
    ToolError,
    Value,
    check_phone_number,
    check_range,
    duplicate,
)
from rbsuite_toolsandbox.tools.base import Tool
from rbsuite_toolsandbox.tools.contact import contacts_with
from rbsuite_toolsandbox.world import Phone, alike, at_least, at_most, equal, search

_TABLE = "MESSAGING"
_ALIKE = alike(50)
_BOUNDS = ("creation_timestamp_lowerbound", "creation_timestamp_upperbound")
_EXACT = (
    "message_id",
    "sender_person_id",
    "sender_phone_number",
    "recipient_person_id",
    "recipient_phone_number",
)


def _send_message(phone: Phone, phone_number: Value, content: Value) -> str:
    check_phone_number(phone_number)
    if not phone.setting("cellular"):
        raise ToolError("ConnectionError", "Cellular service is not enabled")
    message_id = phone.ids.next()
    own = contacts_with(phone, "is_self", True)
    if len(own) != 1:
        raise duplicate(f"1 and only 1 self entry should exist in contacts database, instead found {len(own)}")
    recipients = contacts_with(phone, "phone_number", phone_number)
    row = {
        "message_id": message_id,
        "sender_person_id": own[0]["person_id"],
        "sender_phone_number": own[0]["phone_number"],
        "recipient_person_id": recipients[0]["person_id"] if recipients else None,
        "recipient_phone_number": phone_number,
        "content": content,
        "creation_timestamp": phone.now,
    }
    phone.add(_TABLE, row)
    return message_id


def _search_messages(phone: Phone, content: Value, **given: Value) -> list[dict[str, Any]]:
    check_phone_number(given["sender_phone_number"])
    check_phone_number(given["recipient_phone_number"])
    for name in _BOUNDS:
        check_range(name, given[name], TIMESTAMPS)
    return search(
        phone.tables.now(_TABLE),
        [
            *((column, given[column], equal) for column in _EXACT),
            ("content", content, _ALIKE),
            ("creation_timestamp", given[_BOUNDS[0]], at_least),
            ("creation_timestamp", given[_BOUNDS[1]], at_most),
        ],
    )


TOOLS = (
    Tool(
        "send_message_with_phone_number",
        "messaging",
        (Parameter("phone_number", STRING), Parameter("content", STRING)),
        _send_message,
    ),
    Tool(
        "search_messages",
        "messaging",
        (
            *(Parameter(name, OPEN_STRING, NOT_GIVEN) for name in (*_EXACT, "content")),
            *(Parameter(name, OPEN_NUMBER, NOT_GIVEN) for name in _BOUNDS),
        ),
        _search_messages,
    ),
)
