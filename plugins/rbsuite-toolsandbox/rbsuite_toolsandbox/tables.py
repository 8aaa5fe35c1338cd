"""The databases of a sandbox, each a history of snapshots that are numbered by the message they came with.

Follows ``ExecutionContext`` in ``tool_sandbox/common/execution_context.py`` (apple/ToolSandbox, 165848b9): a write copies the newest
snapshot once per message, and reads see the newest snapshot at or before a message.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
"""One row, by column; never changed in place."""

SANDBOX, SETTING, CONTACT, MESSAGING, REMINDER = "SANDBOX", "SETTING", "CONTACT", "MESSAGING", "REMINDER"

COLUMNS: Mapping[str, tuple[str, ...]] = {
    SETTING: (
        "device_id",
        "cellular",
        "wifi",
        "location_service",
        "low_battery_mode",
        "latitude",
        "longitude",
    ),
    CONTACT: ("person_id", "name", "phone_number", "relationship", "is_self"),
    MESSAGING: (
        "message_id",
        "sender_person_id",
        "sender_phone_number",
        "recipient_person_id",
        "recipient_phone_number",
        "content",
        "creation_timestamp",
    ),
    REMINDER: ("reminder_id", "content", "creation_timestamp", "reminder_timestamp", "latitude", "longitude"),
}
"""The columns of the tables that tools read and write, in upstream's order. Messages are stored separately."""

SANDBOX_COLUMNS = (
    "sender",
    "recipient",
    "content",
    "openai_tool_call_id",
    "openai_function_name",
    "conversation_active",
    "tool_call_exception",
    "tool_trace",
    "visible_to",
)
_BOOLEANS = frozenset({"cellular", "wifi", "location_service", "low_battery_mode", "is_self", "conversation_active"})
_NUMBERS = frozenset({"latitude", "longitude", "creation_timestamp", "reminder_timestamp"})


def zero_of(column: str) -> object:
    """What replaces null in a column when upstream fills nulls before joining tables."""
    return False if column in _BOOLEANS else 0.0 if column in _NUMBERS else ""


class Tables:
    """The four tables that tools work on.

    Args:
        snapshots: by table, the rows as of each message index, ascending. The lists are used without a copy.
    """

    __slots__ = ("_indices", "_rows")

    def __init__(self, snapshots: Mapping[str, Iterable[tuple[int, tuple[Row, ...]]]]) -> None:
        self._indices: dict[str, list[int]] = {}
        self._rows: dict[str, list[tuple[Row, ...]]] = {}
        for name in COLUMNS:
            pairs = list(snapshots[name])
            self._indices[name] = [index for index, _ in pairs]
            self._rows[name] = [rows for _, rows in pairs]

    def fork(self) -> Tables:
        """An independent copy."""
        twin = object.__new__(Tables)
        twin._indices = {name: list(indices) for name, indices in self._indices.items()}
        twin._rows = {name: list(rows) for name, rows in self._rows.items()}
        return twin

    def now(self, name: str) -> tuple[Row, ...]:
        """The newest rows of a table."""
        return self._rows[name][-1]

    def at(self, name: str, index: int) -> tuple[Row, ...]:
        """The rows of a table as of a message."""
        return self._rows[name][max(bisect_right(self._indices[name], index) - 1, 0)]

    def indices(self, name: str) -> Sequence[int]:
        """The message indices that have a snapshot of a table."""
        return tuple(self._indices[name])

    def write(self, name: str, index: int, rows: tuple[Row, ...]) -> None:
        """Set the rows that a table has from a message on, which must be the newest one or a later one."""
        if self._indices[name][-1] == index:
            self._rows[name][-1] = rows
        else:
            self._indices[name].append(index)
            self._rows[name].append(rows)
