"""Reminders. Follows ``tool_sandbox/tools/reminder.py`` (apple/ToolSandbox, 165848b9)."""

from __future__ import annotations

from typing import Any

from rbsuite_toolsandbox.arguments import (
    LATITUDES,
    LONGITUDES,
    MAYBE_NUMBER,
    NOT_GIVEN,
    NUMBER,
    OPEN_MAYBE_NUMBER,
    OPEN_NUMBER,
    OPEN_STRING,
    STRING,
    TIMESTAMPS,
    Parameter,
    ToolError,
    Value,
    check_range,
)
from rbsuite_toolsandbox.tools.base import Tool
from rbsuite_toolsandbox.world import Phone, alike, at_least, at_most, equal, search

_TABLE = "REMINDER"
_ALIKE = alike(50)
_BOUNDS = (
    "creation_timestamp_lowerbound",
    "creation_timestamp_upperbound",
    "reminder_timestamp_lowerbound",
    "reminder_timestamp_upperbound",
)


def _add_reminder(phone: Phone, content: Value, reminder_timestamp: Value, latitude: Value, longitude: Value) -> str:
    check_range("reminder_timestamp", reminder_timestamp, TIMESTAMPS)
    check_range("latitude", latitude, LATITUDES)
    check_range("longitude", longitude, LONGITUDES)
    reminder_id = phone.ids.next()
    row = {
        "reminder_id": reminder_id,
        "content": content,
        "creation_timestamp": phone.now,
        "reminder_timestamp": _number(reminder_timestamp),
        "latitude": _number(latitude),
        "longitude": _number(longitude),
    }
    phone.add(_TABLE, row)
    return reminder_id


def _modify_reminder(phone: Phone, reminder_id: Value, **changes: Value) -> None:
    check_range("reminder_timestamp", changes["reminder_timestamp"], TIMESTAMPS)
    check_range("latitude", changes["latitude"], LATITUDES)
    check_range("longitude", changes["longitude"], LONGITUDES)
    if all(value is NOT_GIVEN for value in changes.values()):
        raise ToolError(
            "ValueError",
            "No update information given. At least one new field should be provided among "
            "[content, reminder_timestamp, latitude, longitude] in order to modify reminder",
        )
    numbers = {name: _number(value) for name, value in changes.items() if name != "content"}
    changes = {"content": changes["content"], "creation_timestamp": phone.now, **numbers}
    phone.modify(_TABLE, "reminder_id", reminder_id, changes)


def _remove_reminder(phone: Phone, reminder_id: Value) -> None:
    phone.remove(_TABLE, "reminder_id", reminder_id)


def _search_reminder(
    phone: Phone, reminder_id: Value, content: Value, latitude: Value, longitude: Value, **bounds: Value
) -> list[dict[str, Any]]:
    for name in _BOUNDS:
        check_range(name, bounds[name], TIMESTAMPS)
    check_range("latitude", latitude, LATITUDES)
    check_range("longitude", longitude, LONGITUDES)
    return search(
        phone.tables.now(_TABLE),
        [
            ("reminder_id", reminder_id, equal),
            ("content", content, _ALIKE),
            *(
                (name.rpartition("_")[0], bounds[name], at_least if name.endswith("lowerbound") else at_most)
                for name in _BOUNDS
            ),
            ("latitude", latitude, equal),
            ("longitude", longitude, equal),
        ],
    )


def _number(value: Value) -> Value:
    """A number in the form in which its column stores it."""
    return float(value) if isinstance(value, int) else value


TOOLS = (
    Tool(
        "add_reminder",
        "reminder",
        (
            Parameter("content", STRING),
            Parameter("reminder_timestamp", NUMBER),
            Parameter("latitude", MAYBE_NUMBER, None),
            Parameter("longitude", MAYBE_NUMBER, None),
        ),
        _add_reminder,
    ),
    Tool(
        "modify_reminder",
        "reminder",
        (
            Parameter("reminder_id", STRING),
            Parameter("content", OPEN_STRING, NOT_GIVEN),
            Parameter("reminder_timestamp", OPEN_NUMBER, NOT_GIVEN),
            Parameter("latitude", OPEN_MAYBE_NUMBER, NOT_GIVEN),
            Parameter("longitude", OPEN_MAYBE_NUMBER, NOT_GIVEN),
        ),
        _modify_reminder,
    ),
    Tool(
        "search_reminder",
        "reminder",
        (
            Parameter("reminder_id", OPEN_STRING, NOT_GIVEN),
            Parameter("content", OPEN_STRING, NOT_GIVEN),
            *(Parameter(name, OPEN_NUMBER, NOT_GIVEN) for name in _BOUNDS),
            Parameter("latitude", OPEN_NUMBER, NOT_GIVEN),
            Parameter("longitude", OPEN_NUMBER, NOT_GIVEN),
        ),
        _search_reminder,
    ),
    Tool("remove_reminder", "reminder", (Parameter("reminder_id", STRING),), _remove_reminder),
)
