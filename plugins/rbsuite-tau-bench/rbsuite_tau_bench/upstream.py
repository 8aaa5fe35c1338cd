"""Reads tau-bench's data from a checkout or from a pack as it is; :mod:`.upstream_checks` checks it.

Layout after sierra-research/tau-bench, commit 59a200c6d575: ``tau_bench/envs/<domain>/{data/*.json, tasks_<split>.py,
tools/*.py, wiki.md, rules.py}``. Python files are parsed and their literals read; nothing is run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from rbsuite.data.checkout import SourceTree
from rbsuite.data.literals import Call, LiteralReader
from rbsuite.errors import DataError
from rbsuite.jsonable import Json

FEW_SHOT_NAME = "few_shot.jsonl"
_TASK_CALLS = {
    "Task": frozenset({"annotator", "user_id", "instruction", "actions", "outputs"}),
    "Action": frozenset({"name", "kwargs"}),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a domain's data is upstream.

    Attributes:
        domain: ``retail`` or ``airline``.
        records: for each database file, the keys that every record must have, with the type of each.
        task_lists: for each split, the name of the list in ``tasks_<split>.py``.
        few_shot: the file of few-shot displays.
    """

    domain: str
    records: Mapping[str, Mapping[str, type]]
    task_lists: Mapping[str, str]
    few_shot: str


LAYOUTS = (
    Layout(
        domain="retail",
        records={
            "orders": {
                "order_id": str,
                "user_id": str,
                "address": dict,
                "items": list,
                "fulfillments": list,
                "status": str,
                "payment_history": list,
            },
            "products": {"name": str, "product_id": str, "variants": dict},
            "users": {"name": dict, "address": dict, "email": str, "payment_methods": dict, "orders": list},
        },
        task_lists={"test": "TASKS_TEST", "dev": "TASKS_DEV", "train": "TASKS_TRAIN"},
        few_shot="few_shot_data/MockRetailDomainEnv-few_shot.jsonl",
    ),
    Layout(
        domain="airline",
        records={
            "flights": {
                "flight_number": str,
                "origin": str,
                "destination": str,
                "scheduled_departure_time_est": str,
                "scheduled_arrival_time_est": str,
                "dates": dict,
            },
            "reservations": {
                "reservation_id": str,
                "user_id": str,
                "origin": str,
                "destination": str,
                "flight_type": str,
                "cabin": str,
                "flights": list,
                "passengers": list,
                "payment_history": list,
                "created_at": str,
                "total_baggages": int,
                "nonfree_baggages": int,
                "insurance": str,
            },
            "users": {
                "name": dict,
                "address": dict,
                "email": str,
                "dob": str,
                "payment_methods": dict,
                "saved_passengers": list,
                "membership": str,
                "reservations": list,
            },
        },
        task_lists={"test": "TASKS"},
        few_shot="few_shot_data/MockAirlineDomainEnv-few_shot.jsonl",
    ),
)


@dataclass(frozen=True, slots=True)
class Located:
    """A value of unknown shape and where it was read, for messages: ``"file:line"`` or ``"file: task 3"``."""

    where: str
    value: Any


@dataclass(frozen=True, slots=True)
class Database:
    """A database file: its bytes, which the pack keeps, and its parsed value."""

    file: str
    content: bytes
    value: Any


class Source(Protocol):
    """A place that tau-bench's data is read from. Methods raise DataError for what is missing or cannot be read."""

    @property
    def kind(self) -> str:
        """``checkout`` or ``pack``."""
        ...

    def database(self, layout: Layout, name: str) -> Database:
        """One database file."""
        ...

    def tasks(self, layout: Layout, split: str) -> list[Located]:
        """The tasks of a split, as mappings whose ``actions`` are a list of :class:`Located`."""
        ...

    def tools(self, layout: Layout) -> list[Located]:
        """The function schemas of the tools, in upstream's order."""
        ...

    def wiki(self, layout: Layout) -> str:
        """The policy text."""
        ...

    def rules(self, layout: Layout) -> Located:
        """The rules, a list of strings."""
        ...

    def few_shot(self, layouts: Iterable[Layout]) -> list[Located]:
        """The few-shot displays, as mappings ``{"domain", "display"}``; empty if the source has none."""
        ...


class CheckoutSource:
    """A checkout of the upstream repository."""

    kind = "checkout"

    def __init__(self, tree: SourceTree) -> None:
        self._tree = tree

    def database(self, layout: Layout, name: str) -> Database:
        """See :class:`Source`."""
        return _database(self._tree, f"{_folder(layout)}/data/{name}.json")

    def tasks(self, layout: Layout, split: str) -> list[Located]:
        """See :class:`Source`."""
        file = f"{_folder(layout)}/tasks_{split}.py"
        calls = self._assigned(file, layout.task_lists[split], _TASK_CALLS)
        if not isinstance(calls, list):
            raise DataError(f"{file}: {layout.task_lists[split]} is not a list.", "Restore the file.")
        return [_located_task(file, index, call) for index, call in enumerate(calls)]

    def tools(self, layout: Layout) -> list[Located]:
        """See :class:`Source`."""
        folder = f"{_folder(layout)}/tools"
        return [
            self._tool(f"{folder}/{module}.py", name) for module, name in self._tool_classes(f"{folder}/__init__.py")
        ]

    def wiki(self, layout: Layout) -> str:
        """See :class:`Source`."""
        return self._tree.read_text(f"{_folder(layout)}/wiki.md")

    def rules(self, layout: Layout) -> Located:
        """See :class:`Source`."""
        file = f"{_folder(layout)}/rules.py"
        return Located(file, self._assigned(file, "RULES", {}))

    def few_shot(self, layouts: Iterable[Layout]) -> list[Located]:
        """See :class:`Source`. Upstream keeps one display per line, under ``messages_display``."""
        return [
            Located(
                line.where,
                {
                    "domain": layout.domain,
                    "display": line.value.get("messages_display") if isinstance(line.value, dict) else None,
                },
            )
            for layout in layouts
            if self._tree.has(layout.few_shot)
            for line in _json_lines(self._tree, layout.few_shot)
        ]

    def _assigned(self, file: str, name: str, calls: Mapping[str, frozenset[str]]) -> Any:
        values = LiteralReader(file, calls).assignments(self._tree.read_module(file))
        if name not in values:
            raise DataError(f"{file}: it does not assign {name}.", "Name a checkout of the layout that rbsuite knows.")
        return values[name]

    def _tool_classes(self, file: str) -> list[tuple[str, str]]:
        """(module, class) of every tool, in the order of ``ALL_TOOLS``."""
        reader = LiteralReader(file)
        modules: dict[str, str] = {}
        order: list[ast.expr] | None = None
        for statement in self._tree.read_module(file).body:
            match statement:
                case ast.ImportFrom(level=1, module=str() as module, names=names) if module.isidentifier():
                    modules.update({alias.name: module for alias in names if alias.asname is None})
                case ast.Assign(targets=[ast.Name(id="ALL_TOOLS")], value=ast.List(elts=elements)) if order is None:
                    order = elements
                case _:
                    reader.refuse(statement)
        if order is None:
            raise DataError(f"{file}: it does not assign ALL_TOOLS.", "Restore the file.")
        return [_imported(reader, element, modules) for element in order]

    def _tool(self, file: str, name: str) -> Located:
        """What ``get_info`` of a tool's class returns: a single literal."""
        reader = LiteralReader(file)
        classes = [node for node in self._tree.read_module(file).body if isinstance(node, ast.ClassDef)]
        methods = [
            method
            for node in classes
            if node.name == name
            for method in node.body
            if isinstance(method, ast.FunctionDef) and method.name == "get_info"
        ]
        if len(methods) != 1:
            raise DataError(f"{file}: class {name} with one get_info is missing.", "Restore the file.")
        body = methods[0].body
        if len(body) == 1 and isinstance(body[0], ast.Return) and body[0].value is not None:
            return Located(reader.where(body[0]), reader.value(body[0].value))
        reader.refuse(body[0], "get_info that does more than return a literal is not data")


class PackSource:
    """A directory with the layout of a pack, such as one written by an import."""

    kind = "pack"

    def __init__(self, tree: SourceTree) -> None:
        self._tree = tree

    def database(self, layout: Layout, name: str) -> Database:
        """See :class:`Source`."""
        return _database(self._tree, f"{layout.domain}_db/{name}.json")

    def tasks(self, layout: Layout, split: str) -> list[Located]:
        """See :class:`Source`."""
        file = f"{layout.domain}_{split}_tasks.json"
        return [_located_json(f"{file}: task {index}", task) for index, task in enumerate(_list(self._tree, file))]

    def tools(self, layout: Layout) -> list[Located]:
        """See :class:`Source`."""
        file = f"{layout.domain}_tools.json"
        return [Located(f"{file}: tool {index}", tool) for index, tool in enumerate(_list(self._tree, file))]

    def wiki(self, layout: Layout) -> str:
        """See :class:`Source`."""
        return self._tree.read_text(f"{layout.domain}_wiki.md")

    def rules(self, layout: Layout) -> Located:
        """See :class:`Source`."""
        file = f"{layout.domain}_rules.json"
        return Located(file, self._tree.read_json(file))

    def few_shot(self, layouts: Iterable[Layout]) -> list[Located]:
        """See :class:`Source`."""
        return _json_lines(self._tree, FEW_SHOT_NAME) if self._tree.has(FEW_SHOT_NAME) else []


def _folder(layout: Layout) -> str:
    return f"tau_bench/envs/{layout.domain}"


def _database(tree: SourceTree, file: str) -> Database:
    content = tree.read_bytes(file)
    return Database(file, content, tree.parse_json(content, file))


def _list(tree: SourceTree, file: str) -> list[Json]:
    value = tree.read_json(file)
    if not isinstance(value, list):
        tree.fail(f"{file}: not a list")
    return value


def _json_lines(tree: SourceTree, file: str) -> list[Located]:
    return [Located(f"{file}: display {index}", value) for index, value in enumerate(tree.read_json_lines(file))]


def _located_task(file: str, index: int, task: Any) -> Located:
    """A ``Task(...)`` call as a mapping; its ``Action(...)`` calls keep their own location."""
    if not isinstance(task, Call) or task.name != "Task":
        return Located(f"{file}: task {index}", task)
    fields = dict(task.fields)
    if isinstance(actions := fields.get("actions"), list):
        fields["actions"] = [_located_action(task.where, action) for action in actions]
    return Located(task.where, fields)


def _located_action(where: str, action: Any) -> Located:
    if isinstance(action, Call) and action.name == "Action":
        return Located(action.where, dict(action.fields))
    return Located(where, action)


def _located_json(where: str, task: Json) -> Located:
    if not isinstance(task, dict) or not isinstance(task.get("actions"), list):
        return Located(where, task)
    actions = [Located(f"{where}, action {index}", action) for index, action in enumerate(task["actions"])]
    return Located(where, {**task, "actions": actions})


def _imported(reader: LiteralReader, element: ast.expr, modules: Mapping[str, str]) -> tuple[str, str]:
    if isinstance(element, ast.Name) and element.id in modules:
        return modules[element.id], element.id
    reader.refuse(element, "a tool that is not imported from its own module is not known")
