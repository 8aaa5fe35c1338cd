"""The ``calculate`` tool: Python's arithmetic on a fixed set of characters, bounded, without ``eval``.

Upstream evaluates the expression as Python (``tools/calculate.py``, commit 59a200c), behind a whitelist of characters. Its language is
therefore everything that Python's grammar allows with them: numbers, ``+ - * / // **``, parentheses, and three things nobody intends,
``()`` (a tuple), ``...`` (the ellipsis) and ``2(3)`` (a call). They parse and then fail with their own error text, which a model sees, so
they are part of the language here too.

The expression is compiled to postfix order, which is Python's order of evaluation, and run on a stack. Nothing recurses.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from rbsuite_dialogue.values import Value

MAX_LENGTH = 4096
"""Maximum length of an expression, in characters."""

MAX_DEPTH = 128
"""Operators and parentheses that may be open at the same time."""

MAX_BITS = 16_384
"""Bits of an integer in intermediate results; a float has no more than 1,024 before the point."""

_CHARACTERS = "0123456789+-*/(). "
_TOKEN = re.compile(r" +|(?P<number>\d+\.\d*|\.\d+|\d+)|(?P<sign>\*\*|//|\.\.\.|[-+*/().])")
_LEADING_ZERO = "leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers"

_GROUP, _UNARY_RANK, _POWER_RANK = 0, 3, 4
_RANKS = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "**": _POWER_RANK}


class ForbiddenCharacters(ValueError):
    """An expression with characters that are not allowed; each benchmark words it in its own way."""

    def __init__(self) -> None:
        super().__init__("invalid characters in expression")


class LimitExceeded(Exception):
    """An expression beyond the limits of this module; upstream might have answered it, failed or hung."""


class ExpressionSyntaxError(Exception):
    """An expression that is not Python; worded as CPython 3.11 words the common cases."""

    def __init__(self, message: str = "invalid syntax", line: int = 1) -> None:
        super().__init__(f"{message} (<string>, line {line})")


def calculate(expression: Value) -> str:
    """The observation of ``calculate`` for this expression: the text of its value, rounded to two places.

    Raises:
        ForbiddenCharacters: it has characters that are not allowed.
        LimitExceeded: the expression is too long, is nested too deeply or has too large an integer as an intermediate result.
        ExpressionSyntaxError: it is not an expression.
        Exception: any error of Python's arithmetic (division by zero, overflow), with Python's text.
    """
    if not isinstance(expression, str):
        # Fail as upstream does: its whitelist checks the elements of any iterable.
        if not all(element in _CHARACTERS for element in expression):
            raise ForbiddenCharacters
        raise TypeError("eval() arg 1 must be a string, bytes or code object")
    if expression.strip(_CHARACTERS):
        raise ForbiddenCharacters
    if len(expression) > MAX_LENGTH:
        raise LimitExceeded(f"expression is longer than {MAX_LENGTH} characters")
    if not expression.strip(" "):
        raise ExpressionSyntaxError(line=0)
    return str(round(float(_run(_Compiler(expression).program())), 2))


# --- compiling ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Push:
    value: Any


@dataclass(frozen=True, slots=True)
class _Apply:
    """Replace the topmost ``arity`` values by what ``function`` makes of them."""

    arity: int
    function: Callable[..., Any]


_Step = _Push | _Apply


@dataclass(frozen=True, slots=True)
class _Open:
    """Something that waits for its right-hand side: an operator, a parenthesis (rank 0, no step) or a call (rank 0)."""

    rank: int
    step: _Apply | None


class _Compiler:
    """Python's expression grammar over the whitelist, as operator precedence with an explicit stack."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._place = 0
        self._steps: list[_Step] = []
        self._open: list[_Open] = []

    def program(self) -> list[_Step]:
        """The steps that compute the expression."""
        wants_operand = True
        while self._place < len(self._tokens):
            token = self._tokens[self._place]
            self._place += 1
            wants_operand = self._operand(token) if wants_operand else self._operator(token)
            if len(self._open) > MAX_DEPTH:
                raise LimitExceeded(f"expression has more than {MAX_DEPTH} operators and parentheses open")
        if any(waiting.rank == _GROUP for waiting in self._open):
            raise ExpressionSyntaxError("'(' was never closed")
        if wants_operand:
            raise ExpressionSyntaxError
        self._close(_GROUP)
        return self._steps

    def _operand(self, token: str) -> bool:
        """Take a token where an operand must start; says whether one is still wanted."""
        if token in ("+", "-"):
            self._open.append(_Open(_UNARY_RANK, _UNARY[token]))
            return True
        if token == "(":
            if not self._accept(")"):
                self._open.append(_Open(_GROUP, None))
                return True
            self._steps.append(_Push(()))
            return False
        if token == ")":
            self._refuse_close()
        self._steps.append(_Push(_literal(token)))
        return False

    def _operator(self, token: str) -> bool:
        """Take a token where an operand has just ended; says whether one is wanted now."""
        if token == "(":
            return self._call()
        if token == ")":
            self._close(_GROUP)
            if not self._open:
                self._refuse_close()
            step = self._open.pop().step
            if step is not None:
                self._steps.append(step)
            return False
        rank = _RANKS.get(token)
        if rank is None:
            raise ExpressionSyntaxError
        # A power is right-associative: it leaves a power on its left open.
        self._close(rank if rank == _POWER_RANK else rank - 1)
        self._open.append(_Open(rank, _BINARY[token]))
        return True

    def _call(self) -> bool:
        if self._accept(")"):
            self._steps.append(_CALL_EMPTY)
            return False
        step = _CALL_STARRED if self._accept("*") else _CALL_KEYWORDS if self._accept("**") else _CALL
        self._open.append(_Open(_GROUP, step))
        return True

    def _accept(self, token: str) -> bool:
        found = self._place < len(self._tokens) and self._tokens[self._place] == token
        self._place += found
        return found

    def _close(self, rank: int) -> None:
        """Finish the open operators that bind tighter than ``rank``."""
        while self._open and self._open[-1].rank > rank:
            step = self._open.pop().step
            assert step is not None
            self._steps.append(step)

    def _refuse_close(self) -> NoReturn:
        is_open = any(waiting.rank == _GROUP for waiting in self._open)
        raise ExpressionSyntaxError("invalid syntax" if is_open else "unmatched ')'")


def _tokens(text: str) -> Iterator[str]:
    # Every allowed character starts a token, so the matches cover the text.
    for match in _TOKEN.finditer(text):
        token = match["number"] or match["sign"]
        if token:
            yield token


def _literal(token: str) -> Any:
    if token == "...":
        return ...
    if not token[-1].isdigit() and token[0] not in "0123456789":
        raise ExpressionSyntaxError
    if "." in token:
        return float(token)
    if token[0] == "0" and token.strip("0"):
        raise ExpressionSyntaxError(_LEADING_ZERO)
    return int(token)


# --- running --------------------------------------------------------------------------------------------------------------


def _run(program: list[_Step]) -> Any:
    stack: list[Any] = []
    for step in program:
        if isinstance(step, _Push):
            value = step.value
        else:
            operands = stack[-step.arity :]
            del stack[-step.arity :]
            value = step.function(*operands)
        if type(value) is int and value.bit_length() > MAX_BITS:
            _refuse_size()
        stack.append(value)
    return stack[0]


def _power(base: Any, exponent: Any) -> Any:
    if type(base) is int and type(exponent) is int and (base.bit_length() - 1) * exponent > MAX_BITS:
        _refuse_size()
    return base**exponent


def _refuse_size() -> NoReturn:
    raise LimitExceeded(f"expression has an integer of more than {MAX_BITS} bits")


def _call(callee: Any, *_arguments: Any) -> NoReturn:
    raise TypeError(f"'{type(callee).__name__}' object is not callable")


def _call_starred(callee: Any, arguments: Any) -> NoReturn:
    if not isinstance(arguments, tuple):
        raise TypeError(f"{callee} argument after * must be an iterable, not {type(arguments).__name__}")
    _call(callee)


def _call_keywords(callee: Any, arguments: Any) -> NoReturn:
    raise TypeError(f"{callee} argument after ** must be a mapping, not {type(arguments).__name__}")


_UNARY = {"+": _Apply(1, operator.pos), "-": _Apply(1, operator.neg)}
_BINARY = {
    "+": _Apply(2, operator.add),
    "-": _Apply(2, operator.sub),
    "*": _Apply(2, operator.mul),
    "/": _Apply(2, operator.truediv),
    "//": _Apply(2, operator.floordiv),
    "**": _Apply(2, _power),
}
_CALL_EMPTY = _Apply(1, _call)
_CALL = _Apply(2, _call)
_CALL_STARRED = _Apply(2, _call_starred)
_CALL_KEYWORDS = _Apply(2, _call_keywords)
