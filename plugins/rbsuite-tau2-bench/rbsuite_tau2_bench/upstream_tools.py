"""Tool schemas of a checkout: names, parameters and types as this project knows them, descriptions from upstream's docstrings.

The Python files are parsed and their docstrings read; nothing is run.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

from rbsuite.data.checkout import SourceTree

_SECTION = re.compile(r"^(Args|Arguments|Returns|Raises|Example|Examples):\s*$")
_ARGUMENT = re.compile(r"^(\w+)\s*(?:\([^)]*\))?:\s*(.*)$")


def described(tree: SourceTree, file: str, known: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The schemas of a toolkit with upstream's descriptions, in upstream's order.

    Args:
        tree: the checkout.
        file: the toolkit's file in it.
        known: this project's schemas of the same tools.

    Raises:
        DataError: the file is missing or not Python, or a tool is not in it.
    """
    docstrings = dict(_tools(tree.read_module(file)))
    by_name = {entry["function"]["name"]: entry for entry in known}
    if missing := [name for name in by_name if name not in docstrings]:
        tree.fail(f"{file} has no tool {missing[0]!r}")
    return [_worded(by_name[name], docstrings[name]) for name in docstrings if name in by_name]


def _tools(module: ast.Module) -> Iterator[tuple[str, str]]:
    """The methods that are declared as tools, with their docstrings."""
    for kit in module.body:
        if isinstance(kit, ast.ClassDef):
            for method in kit.body:
                if isinstance(method, ast.FunctionDef) and any(map(_declares_tool, method.decorator_list)):
                    yield method.name, ast.get_docstring(method) or ""


def _declares_tool(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Name) and called.id == "is_tool"


def _worded(entry: dict[str, Any], docstring: str) -> dict[str, Any]:
    description, arguments = _read(docstring)
    worded = copy.deepcopy(entry)
    worded["function"]["description"] = description
    for name, schema in worded["function"]["parameters"].get("properties", {}).items():
        if name in arguments:
            schema["description"] = arguments[name]
        else:
            schema.pop("description", None)
    return worded


def _read(docstring: str) -> tuple[str, Mapping[str, str]]:
    """The description in a docstring, and those of its arguments."""
    lines = docstring.split("\n")
    start = next((place for place, line in enumerate(lines) if _SECTION.match(line)), len(lines))
    first, rest = lines[0] if lines else "", "\n".join(lines[1:start]).strip("\n")
    arguments: dict[str, str] = {}
    name, section = "", ""
    for line in lines[start:]:
        if heading := _SECTION.match(line):
            section = heading.group(1)
        elif section.startswith("Arg") and line.strip():
            found = _ARGUMENT.match(line.strip())
            if found and len(line) - len(line.lstrip()) <= 4:
                name, arguments[found.group(1)] = found.group(1), found.group(2)
            elif name:
                arguments[name] += f"\n{line.strip()}"
    return f"{first.strip()}\n\n{rest}".strip(), arguments
