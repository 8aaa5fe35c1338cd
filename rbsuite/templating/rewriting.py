"""What is put into a parsed template so that its loops, bodies, comparisons and slices take steps."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, nodes
from jinja2.utils import pass_context
from jinja2.visitor import NodeTransformer

from rbsuite.templating.steps import (
    BUILTIN,
    CHARACTERS,
    PLAIN,
    bounded,
    counted,
    pieces_of,
    size_of,
    spend,
    spend_on_search,
    text_of,
    walk,
)

_BODY = 64
"""A body with fewer expressions and statements takes nothing of its own: what enters it takes as much."""

_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gteq": operator.ge,
    "lt": operator.lt,
    "lteq": operator.le,
    "in": lambda one, other: one in other,
    "notin": lambda one, other: one not in other,
}


def limited(template: nodes.Template, environment: Environment) -> nodes.Template:
    """A parsed template, changed so that it takes steps. The environment needs the filters :data:`INSERTED`."""
    found: nodes.Template = _Limits(environment).visit(template)
    return found


class _Limits(NodeTransformer):
    """Puts limits into a parsed template."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def visit_For(self, node: nodes.For) -> nodes.For:
        turn = 1 + (count_nodes(*node.body) + (count_nodes(node.test) if node.test else 0)) // 4
        found: nodes.For = self.generic_visit(node)  # type: ignore[assignment]
        found.iter = self._filtered(found.iter, "_turns", nodes.Const(turn))
        if node.recursive:  # its later levels are calls
            found.body.insert(0, self._spending(turn, node.lineno))
        return found

    def visit_Template(self, node: nodes.Template) -> nodes.Node:
        return self._with_body(node)

    def visit_Block(self, node: nodes.Block) -> nodes.Node:
        return self._with_body(node)

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:
        return self._with_body(node)

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:
        return self._with_body(node)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:
        found: nodes.Concat = self.generic_visit(node)  # type: ignore[assignment]
        return self._filtered(found.nodes[0], "_joined", *found.nodes[1:])

    def visit_Compare(self, node: nodes.Compare) -> nodes.Expr:
        found: nodes.Compare = self.generic_visit(node)  # type: ignore[assignment]
        if len(found.ops) == 1:
            return self._filtered(found.expr, "_compared", found.ops[0].expr, nodes.Const(found.ops[0].op))
        found.expr = self._filtered(found.expr, "_weighed")
        for one in found.ops:
            one.expr = self._filtered(one.expr, "_weighed")
        return found

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Expr:
        found: nodes.Getitem = self.generic_visit(node)  # type: ignore[assignment]
        if not isinstance(found.arg, nodes.Slice):
            return found
        bounds = (found.arg.start, found.arg.stop, found.arg.step)
        return self._filtered(found.node, "_sliced", *(nodes.Const(None) if one is None else one for one in bounds))

    def visit_List(self, node: nodes.List) -> nodes.Expr:
        return self._filtered(self.generic_visit(node), "_bounded")

    def visit_Dict(self, node: nodes.Dict) -> nodes.Expr:
        return self._filtered(self.generic_visit(node), "_keys")

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        found: nodes.Tuple = self.generic_visit(node)  # type: ignore[assignment]
        return found if found.ctx == "store" else self._filtered(found, "_bounded")

    def _with_body(self, node: nodes.Template | nodes.Block | nodes.Macro | nodes.CallBlock) -> nodes.Node:
        count = count_nodes(*node.body)
        self.generic_visit(node)
        if count >= _BODY:
            node.body.insert(0, self._spending(count // 4, node.lineno))
        return node

    def _spending(self, steps: int, line: int) -> nodes.ExprStmt:
        return nodes.ExprStmt(self._filtered(nodes.Const(steps, lineno=line), "_spent"), lineno=line)

    def _filtered(self, node: nodes.Node, name: str, *arguments: nodes.Expr) -> nodes.Filter:
        made = nodes.Filter(node, name, list(arguments), [], None, None, lineno=node.lineno)
        made.environment = self._environment
        for one in arguments:
            one.set_environment(self._environment)
        return made


def count_nodes(*parts: nodes.Node) -> int:
    """The nodes of a template, without the bodies that count for themselves."""
    count, waiting = 0, list(parts)
    while waiting:
        node = waiting.pop()
        count += 1
        own = isinstance(node, nodes.For | nodes.Macro | nodes.CallBlock)
        waiting.extend(node.iter_child_nodes(exclude=("body", "test") if own else None))
    return count


def _keys(value: Any) -> Any:
    """A mapping that a template writes out."""
    walk(value, hashed=True)
    return value


@pass_context
def _spent(context: Any, steps: int) -> None:
    """Takes the steps of a body."""
    spend(abs(steps))


@pass_context
def _turns(context: Any, value: Any, turn: int) -> Any:
    """What a loop iterates over."""
    turn = max(turn, 1)
    if isinstance(value, BUILTIN):
        spend(len(value) * turn)
        return value
    return counted(value, turn)


@pass_context
def _joined(context: Any, *values: Any) -> str:
    """The texts of values, one after the other."""
    return "".join(pieces_of(map(text_of, values)))


@pass_context
def _sliced(context: Any, value: Any, start: Any, stop: Any, step: Any) -> Any:
    """A part of a value."""
    part = value[start:stop:step]
    spend(1 + size_of(part) // (CHARACTERS if isinstance(part, str | bytes) else 10))
    return part


@pass_context
def compared(context: Any, left: Any, right: Any, how: str) -> Any:
    """Whether a comparison holds."""
    if how in ("in", "notin"):
        spend_on_search(left, right)
    elif type(left) not in PLAIN and type(right) not in PLAIN:
        same = how in ("eq", "ne")
        if isinstance(left, str | bytes):
            if isinstance(right, str | bytes) and (not same or len(left) == len(right)):
                spend(min(len(left), len(right)) // CHARACTERS)
        elif not (same and (isinstance(right, str | bytes) or _differ(left, right))):
            walk(left)
            walk(right)
    return _OPERATORS[how](left, right)


def _differ(left: Any, right: Any) -> bool:
    """Whether two lists or mappings differ in length."""
    return isinstance(left, list | tuple | dict) and isinstance(right, list | tuple | dict) and len(left) != len(right)


@pass_context
def _weighed(context: Any, value: Any) -> Any:
    """A value in a chain of comparisons, each of which may be a search."""
    if isinstance(value, str | bytes):
        spend(len(value) // CHARACTERS)
    elif type(value) not in PLAIN:
        walk(value)
    return value


INSERTED: Mapping[str, Callable[..., Any]] = {
    "_spent": _spent,
    "_turns": _turns,
    "_joined": _joined,
    "_sliced": _sliced,
    "_compared": compared,
    "_weighed": _weighed,
    "_bounded": bounded,
    "_keys": _keys,
}
"""The filters that are put into templates, by the names that these use."""
