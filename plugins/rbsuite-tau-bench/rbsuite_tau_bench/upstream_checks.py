"""Checks what was read from upstream, and brings it into the form that a pack has.

Every function takes a :class:`~.upstream.Located` value of unknown shape and raises DataError, naming its location, if it does not fit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from rbsuite.data.literals import Call
from rbsuite.errors import DataError
from rbsuite.jsonable import Json
from rbsuite_tau_bench.upstream import LAYOUTS, Database, Located

_TASK_FIELDS = ("user_id", "actions", "instruction", "outputs")
_DROPPED_FIELDS = frozenset({"annotator"})
_NAMED_BY = {
    "orders": "order_id",
    "products": "product_id",
    "flights": "flight_number",
    "reservations": "reservation_id",
}


def check_database(database: Database, name: str, fields: Mapping[str, type]) -> Mapping[str, Any]:
    """The records of a database file by id.

    Args:
        database: the file.
        name: ``orders``, ``users``, ...
        fields: the keys that every record must have, with their types.
    """
    records = database.value
    if not isinstance(records, dict) or not records:
        _refuse(database.file, "not an object of records by id")
    for key, record in records.items():
        if not isinstance(record, dict):
            _refuse(database.file, f"record {key!r} is not an object")
        for field, kind in fields.items():
            if not isinstance(record.get(field), kind):
                _refuse(database.file, f"record {key!r} lacks a proper {field!r}")
        if name in _NAMED_BY and record[_NAMED_BY[name]] != key:
            _refuse(database.file, f"record {key!r} calls itself {record[_NAMED_BY[name]]!r}")
    return records


def check_tools(tools: list[Located]) -> list[Json]:
    """The function schemas of a domain's tools."""
    names = [_tool_name(tool) for tool in tools]
    for tool, name in zip(tools, names, strict=True):
        if names.count(name) > 1:
            _refuse(tool.where, f"there are two tools {name!r}")
    return [tool.value for tool in tools]


def tool_names(tools: list[Json]) -> frozenset[str]:
    """The names in checked function schemas."""
    return frozenset(tool["function"]["name"] for tool in tools)


def check_tasks(tasks: list[Located], tools: Collection[str], users: Collection[str]) -> list[Json]:
    """The tasks of a split in the form a pack has: ``{user_id, actions[{name, kwargs}], instruction, outputs}``.

    Args:
        tasks: what was read; list index = upstream task id.
        tools: names of the domain's tools.
        users: ids of the domain's users.
    """
    return [_task(task, tools, users) for task in tasks]


def check_rules(rules: Located) -> list[str]:
    """The rules: a list of strings, which may be empty."""
    return _strings(rules.where, rules.value, "the rules")


def check_wiki(file: str, wiki: str) -> str:
    """The policy text, which must not be empty."""
    if not wiki.strip():
        _refuse(file, "the policy is empty")
    return wiki


def check_display(display: Located) -> Json:
    """A few-shot display: ``{"domain", "display"}``."""
    value = display.value
    domains = {layout.domain for layout in LAYOUTS}
    if not isinstance(value, dict) or value.get("domain") not in domains or not isinstance(value.get("display"), str):
        _refuse(display.where, "not a few-shot display")
    return {"domain": value["domain"], "display": value["display"]}


def _tool_name(tool: Located) -> str:
    function = tool.value.get("function") if isinstance(tool.value, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(name, str) or not name:
        _refuse(tool.where, "not a function schema with a name")
    if not isinstance(function.get("description"), str) or not isinstance(function.get("parameters"), dict):
        _refuse(tool.where, f"the schema of {name!r} lacks a description or parameters")
    return name


def _task(task: Located, tools: Collection[str], users: Collection[str]) -> Json:
    fields = _fields(task, _TASK_FIELDS, _DROPPED_FIELDS, "task")
    if not isinstance(fields["user_id"], str) or fields["user_id"] not in users:
        _refuse(task.where, f"user {_short(fields['user_id'])} is not in the database")
    if not isinstance(fields["instruction"], str) or not fields["instruction"].strip():
        _refuse(task.where, "the instruction is empty or not text")
    if not isinstance(fields["actions"], list):
        _refuse(task.where, "'actions' is not a list")
    return {
        "user_id": fields["user_id"],
        "actions": [_action(action, tools) for action in fields["actions"]],
        "instruction": fields["instruction"],
        "outputs": _strings(task.where, fields["outputs"], "'outputs'"),
    }


def _action(action: Located, tools: Collection[str]) -> Json:
    fields = _fields(action, ("name", "kwargs"), frozenset(), "action")
    if not isinstance(fields["name"], str) or fields["name"] not in tools:
        _refuse(action.where, f"there is no tool {_short(fields['name'])}")
    if not isinstance(fields["kwargs"], dict) or _holds_call(fields["kwargs"]):
        _refuse(action.where, "'kwargs' is not plain data by name")
    return {"name": fields["name"], "kwargs": fields["kwargs"]}


def _fields(located: Located, required: tuple[str, ...], dropped: frozenset[str], what: str) -> Mapping[str, Any]:
    value = located.value
    if not isinstance(value, dict):
        _refuse(located.where, f"a malformed {what}")
    if missing := [name for name in required if name not in value]:
        _refuse(located.where, f"the {what} has no {missing[0]!r}")
    if unknown := sorted(set(value) - set(required) - dropped):
        _refuse(located.where, f"the {what} has an unknown field {unknown[0]!r}")
    return value


def _strings(where: str, value: Any, what: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        _refuse(where, f"{what} must be a list of strings")
    return value


def _holds_call(value: Any) -> bool:
    if isinstance(value, Call):
        return True
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_holds_call(child) for child in children)


def _short(value: Any) -> str:
    return repr(value)[:80]


def _refuse(where: str, what: str) -> NoReturn:
    raise DataError(f"{where}: {what}.", "Restore the file, or get a fresh copy of the source.")
