"""The contact book. Follows ``tool_sandbox/tools/contact.py`` (apple/ToolSandbox, 165848b9)."""

from __future__ import annotations

from typing import Any

from rbsuite_toolsandbox.arguments import (
    BOOLEAN,
    MAYBE_STRING,
    NOT_GIVEN,
    OPEN_BOOLEAN,
    OPEN_STRING,
    STRING,
    Parameter,
    ToolError,
    Value,
    check_phone_number,
    duplicate,
)
from rbsuite_toolsandbox.tools.base import Tool
from rbsuite_toolsandbox.world import Phone, alike, equal, search

_TABLE = "CONTACT"
_ALIKE = alike(90)


def contacts_with(phone: Phone, column: str, value: Value) -> list[dict[str, Any]]:
    """The contacts that have a given value."""
    return search(phone.tables.now(_TABLE), [(column, value, equal)])


def _add_contact(phone: Phone, name: Value, phone_number: Value, relationship: Value, is_self: Value) -> str:
    check_phone_number(phone_number)
    person_id = phone.ids.next()
    if is_self and contacts_with(phone, "is_self", True):
        raise duplicate("Self entry already exists. Cannot add another one.")
    row = {
        "person_id": person_id,
        "name": name,
        "phone_number": phone_number,
        "relationship": relationship,
        "is_self": is_self,
    }
    phone.add(_TABLE, row)
    return person_id


def _modify_contact(phone: Phone, person_id: Value, **changes: Value) -> None:
    if all(value is NOT_GIVEN for value in changes.values()):
        raise ToolError(
            "ValueError",
            "No update information given. At least one new field should be provided among "
            "[name, phone_number, relationship, is_self] in order to modify contact",
        )
    check_phone_number(changes["phone_number"])
    own = contacts_with(phone, "is_self", True)
    # An argument that is not given is false in upstream.
    if own and changes["is_self"] is True and own[0]["person_id"] != person_id:
        raise duplicate("Self entry already exists. Cannot add another one.")
    phone.modify(_TABLE, "person_id", person_id, changes)


def _remove_contact(phone: Phone, person_id: Value) -> None:
    phone.remove(_TABLE, "person_id", person_id)


def _search_contacts(
    phone: Phone, person_id: Value, name: Value, phone_number: Value, relationship: Value, is_self: Value
) -> list[dict[str, Any]]:
    check_phone_number(phone_number)
    _check_comparable(person_id, is_self)
    return search(
        phone.tables.now(_TABLE),
        [
            ("person_id", person_id, equal),
            ("name", name, _ALIKE),
            ("phone_number", phone_number, equal),
            ("relationship", relationship, _ALIKE),
            ("is_self", is_self, equal),
        ],
    )


def _check_comparable(person_id: Value, is_self: Value) -> None:
    """Refuse what upstream's tables cannot compare with: this search has no type check before that."""
    if isinstance(person_id, dict) or isinstance(is_self, dict):
        raise ToolError(
            "TypeError", "\nHint: Pass `allow_object=True` to accept any value and create a literal of type Object."
        )
    if isinstance(person_id, (int, float)) and not isinstance(person_id, bool) and abs(person_id) < 2**63:
        width = "f64" if isinstance(person_id, float) else "i32" if abs(person_id) < 2**31 else "i64"
        raise ToolError("polars.exceptions.ComputeError", f"cannot compare string with numeric type ({width})")


TOOLS = (
    Tool(
        "add_contact",
        "contact",
        (
            Parameter("name", STRING),
            Parameter("phone_number", STRING),
            Parameter("relationship", MAYBE_STRING, None),
            Parameter("is_self", BOOLEAN, False),
        ),
        _add_contact,
    ),
    Tool(
        "modify_contact",
        "contact",
        (
            Parameter("person_id", STRING),
            Parameter("name", OPEN_STRING, NOT_GIVEN),
            Parameter("phone_number", OPEN_STRING, NOT_GIVEN),
            Parameter("relationship", OPEN_STRING, NOT_GIVEN),
            Parameter("is_self", OPEN_BOOLEAN, NOT_GIVEN),
        ),
        _modify_contact,
    ),
    Tool("remove_contact", "contact", (Parameter("person_id", STRING),), _remove_contact),
    Tool(
        "search_contacts",
        "contact",
        (
            Parameter("person_id", OPEN_STRING, NOT_GIVEN),
            Parameter("name", OPEN_STRING, NOT_GIVEN),
            Parameter("phone_number", OPEN_STRING, NOT_GIVEN),
            Parameter("relationship", OPEN_STRING, NOT_GIVEN),
            Parameter("is_self", OPEN_BOOLEAN, NOT_GIVEN),
        ),
        _search_contacts,
        checked=False,  # as in upstream: the only contact tool without a type check
    ),
)
