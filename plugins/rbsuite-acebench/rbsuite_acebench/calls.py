"""Reads calls from what models write: parsed as Python syntax, never run.

There are two readers, as in upstream: :func:`read_message` for the messages of agents (``model_inference/*/execution_role*.py``) and
:func:`read_output` for single-turn outputs (``model_inference/utils.py``; ACEBench/ACEBench, e6db74b735ead22c24f27367606a9408573b848f).
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rbsuite_acebench.arithmetic import work_out

MOST_CHARACTERS = 50_000
"""Longer messages are not read; upstream's models may write 1000 tokens."""

_FAULTS = (SyntaxError, ValueError, TypeError, ArithmeticError, AttributeError, RecursionError, MemoryError, KeyError)


class Unparsable(Exception):
    """A text contains no calls that can be read."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a message.

    Attributes:
        name: of the function; dotted if it was written so, ``""`` if it has none.
        arguments: by keyword; positional ones are dropped, as in upstream.
    """

    name: str
    arguments: Mapping[str, Any]

    def text(self) -> str:
        """The call as upstream rewrites it."""
        return _written(self.name, self.arguments)


@dataclass(frozen=True, slots=True)
class Nested:
    """An argument that is itself a call, or a dict that upstream takes for one."""

    name: str
    arguments: Mapping[str, Any]

    def __repr__(self) -> str:
        return _written(self.name, self.arguments)


def read_message(message: str, *, strict: bool) -> list[Call]:
    """The calls of an agent's message.

    One leading space is removed and brackets are added if missing; then brackets and quotes are stripped from both ends, so that a trailing
    space or newline makes a call unparsable.

    Args:
        message: what the agent wrote.
        strict: whether a list element that is not a call makes the message unparsable (multi-step) or is skipped (multi-turn).

    Raises:
        Unparsable: it cannot be read.
    """
    text = message.removeprefix(" ")
    text = text if text.startswith("[") else "[" + text
    text = text if text.endswith("]") else text + "]"
    if not message or len(message) > MOST_CHARACTERS:
        raise Unparsable("empty or too long")
    try:
        body = _parse(text.strip("[]'"))
        elements = body.elts if isinstance(body, ast.Tuple | ast.List) else [body]
        listed = isinstance(body, ast.Tuple | ast.List)
        if strict and listed and not all(isinstance(element, ast.Call) for element in elements):
            raise Unparsable("an element is not a call")
        return [_call(element) for element in elements if isinstance(element, ast.Call)]
    except _FAULTS as fault:
        raise Unparsable(str(fault)) from fault


def read_output(output: str) -> list[dict[str, Any]]:
    """The calls of a single-turn output, each as ``{name: arguments}``; all whitespace is deleted first, in strings too, as in upstream.

    Raises:
        Unparsable: it is not a list of calls.
    """
    if len(output) > MOST_CHARACTERS:
        raise Unparsable("too long")
    try:
        body = _parse("".join(output.split()))
        if not isinstance(body, ast.List | ast.Tuple | ast.Set):
            raise Unparsable("no list")
        if not all(isinstance(element, ast.Call) for element in body.elts):
            raise Unparsable("an element is not a call")
        return [_value(element, nested_text=False) for element in body.elts]
    except _FAULTS as fault:
        raise Unparsable(str(fault)) from fault


def _parse(text: str) -> ast.expr:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about escapes in a model's strings
        return ast.parse(text, mode="eval").body


def _call(node: ast.Call) -> Call:
    arguments = {}
    for name, value in _keywords(node, nested_text=True).items():
        arguments[name] = _as_call(value) if isinstance(value, dict) else value
    return Call(_name(node), arguments)


def _as_call(value: dict[Any, Any]) -> Nested:
    """An argument that is a dict: upstream writes its first key as a function, with the items of its value as arguments."""
    name, arguments = next(iter(value.items()), ("", None))
    if not isinstance(arguments, dict):
        raise Unparsable("a dict is no argument")
    inner = {key: _as_call(one) if isinstance(one, dict) else one for key, one in arguments.items()}
    return Nested(str(name), inner)


def _name(node: ast.Call) -> str:
    parts = []
    function = node.func
    while isinstance(function, ast.Attribute):
        parts.append(function.attr)
        function = function.value
    if isinstance(function, ast.Name):
        parts.append(function.id)
    return ".".join(reversed(parts))


def _keywords(node: ast.Call, *, nested_text: bool) -> dict[str, Any]:
    # An argument ``**x`` has no name; upstream calls it None.
    return {str(word.arg): _value(word.value, nested_text=nested_text) for word in node.keywords}


def _value(node: ast.expr | None, *, nested_text: bool) -> Any:
    """The value of an argument: constants, containers, signs, arithmetic; a name becomes its text.

    Args:
        node: its syntax.
        nested_text: whether a call without keywords becomes its text or ``{name: {}}``.
    """
    match node:
        case ast.Constant(value=value):
            return "..." if value is Ellipsis else value
        case ast.UnaryOp(operand=ast.Constant(value=value)):
            return -value  # type: ignore[operator]  # whichever sign it is, as in upstream; a string raises TypeError
        case ast.List(elts=items):
            return [_value(item, nested_text=nested_text) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item, nested_text=nested_text) for item in items)
        case ast.Dict(keys=keys, values=values):
            return {
                _value(key, nested_text=nested_text): _value(value, nested_text=nested_text)
                for key, value in zip(keys, values, strict=True)
            }
        case ast.BinOp():
            return work_out(node)
        case ast.Name(id=name):
            return name
        case ast.Call(keywords=[]) if nested_text:
            return ast.unparse(node)
        case ast.Call():
            return {_name(node): _keywords(node, nested_text=nested_text)}
        case ast.Subscript():
            return f"{ast.unparse(node.value)}[{ast.unparse(node.slice)}]"
    raise Unparsable(f"{type(node).__name__} is no value")


def _written(name: str, arguments: Mapping[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"


_QUOTE_ENDS = re.compile(r"\s*[,)\]}:]|\s*$")


def requoted(text: str) -> str:
    """A call whose strings contain unescaped quotes (``'Domino's'``), with those escaped.

    A quote ends a string if a comma, a colon or a closing bracket follows.
    """
    made, inside = [], False
    for place, character in enumerate(text):
        if character != "'" or (place and text[place - 1] == "\\"):
            made.append(character)
        elif not inside or _QUOTE_ENDS.match(text, place + 1):
            inside = not inside
            made.append(character)
        else:
            made.append("\\'")
    return "".join(made)
