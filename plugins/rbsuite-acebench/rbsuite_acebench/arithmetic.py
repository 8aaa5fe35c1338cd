"""Works out the arithmetic that models write into arguments (``message='a' + 'b'``, ``price=2 * 34.0``), within bounds.

Upstream passes such text to ``eval``. Here only constants, signs and binary operators are evaluated, and results are bounded in size.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

MOST_CHARACTERS = 10_000
"""How long a text or list may become."""
MOST_BITS = 4_096
"""How large a whole number may become."""

_OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
_SIGNS: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}


def work_out(node: ast.expr) -> Any:
    """The value of an expression of constants.

    Raises:
        ValueError: it contains anything else, or its value would be too large.
        TypeError, ArithmeticError: its values are incompatible.
    """
    match node:
        case ast.Constant(value=value):
            return value
        case ast.List(elts=items):
            return [work_out(item) for item in items]
        case ast.Tuple(elts=items):
            return tuple(work_out(item) for item in items)
        case ast.UnaryOp(op=sign, operand=operand):
            return _SIGNS[type(sign)](work_out(operand))
        case ast.BinOp(left=left, op=sign, right=right):
            return _combined(sign, work_out(left), work_out(right))
    raise ValueError(f"{type(node).__name__} is not arithmetic")


def _combined(sign: ast.operator, left: Any, right: Any) -> Any:
    if isinstance(sign, ast.Pow | ast.LShift):
        if isinstance(left, int) and isinstance(right, int) and abs(right) * max(left.bit_length(), 1) > MOST_BITS:
            raise ValueError("the power is too large")
        return left**right if isinstance(sign, ast.Pow) else left << right
    if isinstance(sign, ast.RShift):
        return left >> right
    if type(sign) not in _OPERATORS:
        raise ValueError(f"{type(sign).__name__} is not arithmetic")
    if isinstance(sign, ast.Mult):
        for times, many in ((left, right), (right, left)):
            if isinstance(times, int) and isinstance(many, str | bytes | list | tuple):
                _check_size(times * len(many), MOST_CHARACTERS)
    if isinstance(sign, ast.Mod) and isinstance(left, str | bytes):
        raise ValueError("formatting is not arithmetic")  # '%9999999999d' % 1
    value = _OPERATORS[type(sign)](left, right)
    if isinstance(value, int):
        _check_size(value.bit_length(), MOST_BITS)
    elif isinstance(value, str | bytes | list | tuple):
        _check_size(len(value), MOST_CHARACTERS)
    return value


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise ValueError("the value is too large")
