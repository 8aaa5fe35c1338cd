"""Reads values out of Python source without running it.

A benchmark that keeps its tasks in ``.py`` files can be imported as data: the file is parsed, and only literals and a
few named constructor calls with keyword arguments are read. Every other kind of expression or statement is refused with
its file and line.
"""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from rbsuite.errors import DataError


@dataclass(frozen=True, slots=True)
class Call:
    """A constructor call that was read, not made.

    Attributes:
        name: name of the constructor.
        fields: its keyword arguments.
        where: ``"file:line"`` of the call.
    """

    name: str
    fields: Mapping[str, Any]
    where: str


def parse_source(source: bytes, label: str) -> ast.Module:
    """The syntax tree of a Python file.

    Args:
        source: the file's bytes; an encoding declaration is honoured.
        label: the file's name in messages.

    Raises:
        DataError: the source is not Python, or too deeply nested.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of no use here: they are about escapes in upstream's strings.
            return ast.parse(source, filename=label)
    except SyntaxError as error:
        line = f":{error.lineno}" if error.lineno else ""
        raise DataError(f"{label}{line}: not valid Python: {error.msg}.", "Restore the file.") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise DataError(
            f"{label}: cannot be parsed as Python ({type(error).__name__}).", "Restore the file."
        ) from error


class LiteralReader:
    """Reads the literals of one file: strings, numbers, booleans, None, lists, tuples (as lists), dicts with string keys,
    and known calls.

    Args:
        label: the file's name in messages.
        calls: names of the constructors that may be called, with the keyword arguments each may have.
    """

    def __init__(self, label: str, calls: Mapping[str, frozenset[str]] | None = None) -> None:
        self._label = label
        self._calls = calls or {}

    def assignments(self, module: ast.Module) -> dict[str, Any]:
        """The values of all names that a module assigns. It may contain imports, a docstring and assignments, but nothing
        else.

        Raises:
            DataError: another statement, an expression that is not a literal, or a name assigned twice.
        """
        values: dict[str, Any] = {}
        for statement in module.body:
            if isinstance(statement, ast.Import | ast.ImportFrom) or _is_docstring(statement):
                continue
            name, expression = self._assignment(statement)
            if name in values:
                raise DataError(f"{self.where(statement)}: {name} is assigned twice.", "Keep one assignment.")
            values[name] = self.value(expression)
        return values

    def value(self, node: ast.expr) -> Any:
        """The value of an expression: plain JSON values, and :class:`Call` for a known constructor.

        Raises:
            DataError: the expression is not a literal.
        """
        try:
            return self._value(node)
        except RecursionError as error:
            raise DataError(f"{self.where(node)}: nested too deeply.", "Restore the file.") from error

    def where(self, node: ast.stmt | ast.expr | ast.keyword) -> str:
        """``"file:line"`` of a node."""
        return f"{self._label}:{node.lineno}"

    def refuse(self, node: ast.stmt | ast.expr | ast.keyword, why: str = "") -> NoReturn:
        """Raise the error that says where the node is and that it was not run."""
        what = why or f"{type(node).__name__} is not data"
        raise DataError(f"{self.where(node)}: {what}; the file is read, never run.", "Only literals can be imported.")

    def _assignment(self, statement: ast.stmt) -> tuple[str, ast.expr]:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=expression):
                return name, expression
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as expression):
                return name, expression
        self.refuse(statement)

    def _value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return [self._value(item) for item in items]
            case ast.Dict():
                return self._dict(node)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)) if not isinstance(
                number, bool
            ):
                return -self._constant(node.operand)
            case ast.Call():
                return self._call(node)
        self.refuse(node)

    def _constant(self, node: ast.expr) -> Any:
        value = node.value if isinstance(node, ast.Constant) else None
        if value is not None and not isinstance(value, str | int | float):
            self.refuse(node, f"a constant of type {type(value).__name__} is not data")
        if isinstance(value, float) and not math.isfinite(value):
            self.refuse(node, "a number beyond floating point is not data")
        return value

    def _dict(self, node: ast.Dict) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, item in zip(node.keys, node.values, strict=True):
            if key is None:
                self.refuse(item, "** in a dict is not data")
            name = self._value(key)
            if not isinstance(name, str):
                self.refuse(key, "a dict key that is not a string is not data")
            if name in values:
                self.refuse(key, f"the key {name!r} occurs twice in one dict")
            values[name] = self._value(item)
        return values

    def _call(self, node: ast.Call) -> Call:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in self._calls:
            self.refuse(node, f"a call of {name or 'a computed function'} is not data")
        if node.args:
            self.refuse(node.args[0], f"an argument of {name} without a keyword is not data")
        fields: dict[str, Any] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                self.refuse(keyword, f"** in a call of {name} is not data")
            if keyword.arg not in self._calls[name] or keyword.arg in fields:
                self.refuse(keyword, f"{keyword.arg!r} of {name} is unknown or given twice")
            fields[keyword.arg] = self._value(keyword.value)
        return Call(name, fields, self.where(node))


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
