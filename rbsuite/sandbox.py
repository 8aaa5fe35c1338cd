"""A Jinja2 sandbox in which a template can neither run forever nor use up the memory.

Jinja2's own sandbox keeps templates away from the interpreter and bounds ``range``. Here each rendering has :data:`STEPS`, and everything
takes some: an iteration of a loop, a call, a filter, every :data:`CHARACTERS` characters that are handled. What makes much out of little
(powers, products, repetition, padding, formats) is refused before it is computed. The counts depend only on the template and its variables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextvars import ContextVar
from functools import wraps
from types import BuiltinMethodType
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Undefined
from jinja2.sandbox import SandboxedEnvironment
from jinja2.visitor import NodeTransformer

STEPS = 1_000_000
"""How many steps one rendering may take; about a second."""

CHARACTERS = 100
"""How many characters count as one step."""

CALL = 10
"""What a call or a filter takes, in steps; an iteration of a loop takes one."""

MAX_TEXT = 10_000_000
"""Most characters of a text that a template makes, its result included."""

MAX_PARTS = 100_000
"""Most parts of a list or mapping that a template makes, at all depths."""

MAX_BITS = 10_000
"""Largest size of a whole number."""

MAX_ARGUMENT = 1_000_000
"""Largest number that may be given to a filter or a method of a text."""

_SHORT = CALL * CHARACTERS
"""Texts below this length take no steps of their own: whatever makes one takes as many."""

_left: ContextVar[list[int]] = ContextVar("steps of a rendering that are left")
_WIDE = re.compile(r"\d{5}|\*|\{[^{}]*\{")
_MULTIPLY = frozenset(["indent", "center", "ljust", "rjust", "zfill", "expandtabs"])
_UNSAFE = ("lipsum",)


class LimitedEnvironment(SandboxedEnvironment):
    """The environment. Use :meth:`limited` to render."""

    intercepted_binops = frozenset(["*", "**", "%", "+"])

    def __init__(self, **options: Any) -> None:
        super().__init__(finalize=_finalized, **options)
        self.filters = {name: _checked(name, function) for name, function in self.filters.items()}
        self.filters |= {"_turns": _turns, "_bounded": _bounded}
        for name in _UNSAFE:
            self.globals.pop(name, None)

    def limited(self, name: str, variables: Mapping[str, Any]) -> str:
        """Render a template.

        Raises:
            jinja2.TemplateError: as Jinja2 does; its ``SecurityError`` for a template that does too much.
        """
        token = _left.set([STEPS])
        try:
            return self.get_template(name).render(**variables)
        finally:
            _left.reset(token)

    def compile(self, source: Any, name: Any = None, filename: Any = None, *rest: Any, **options: Any) -> Any:
        """Compile a template so that its loops count their iterations."""
        if isinstance(source, str):
            source = _Limits(self).visit(self.parse(source, name, filename))
        return super().compile(source, name, filename, *rest, **options)

    def make_globals(self, given: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The globals of a template: a plain dict, since Jinja2 copies them at every rendering, and its own ``ChainMap`` slowly."""
        return {**self.globals, **(given or {})}

    @staticmethod
    def concat(pieces: Iterable[str]) -> str:
        """The pieces as one text."""
        made, size = [], 0
        for piece in pieces:
            size += len(piece)
            if size > MAX_TEXT:
                raise _too_much(f"a text of more than {MAX_TEXT:,} characters")
            made.append(piece)
        return "".join(made)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Compute, unless the result would be too large."""
        spend(1 + (_size(left) + _size(right)) // CHARACTERS)
        if operator == "**" and not (isinstance(right, int | float) and abs(right) <= MAX_BITS):
            raise _too_much("a power")
        bits = _bits(left) * max(int(right), 1) if operator == "**" else _bits(left) + _bits(right)
        if operator in ("*", "**") and bits > MAX_BITS:
            raise _too_much("a product" if operator == "*" else "a power")
        if operator == "*":
            repeated, times = (right, left) if isinstance(left, int) else (left, right)
            if isinstance(times, int) and isinstance(repeated, str | bytes | list | tuple):
                _allow(max(len(repeated), 1) * times, MAX_TEXT if isinstance(repeated, str | bytes) else MAX_PARTS)
        if operator == "%" and isinstance(left, str):
            _check_format(left, "%", _given(right))
        return _bounded(super().call_binop(context, operator, left, right))

    def wrap_str_format(self, value: Any) -> Any:
        """What replaces the methods ``format`` and ``format_map`` of a text."""
        wrapped = super().wrap_str_format(value)
        if wrapped is None:
            return None

        def checked(*args: Any, **kwargs: Any) -> str:
            _check_format(value.__self__, "{", (*args, *kwargs.values(), *(x for one in args for x in _given(one))))
            return wrapped(*args, **kwargs)

        return checked

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call what a template calls."""
        spend(CALL + sum(map(_size, args)) // CHARACTERS)
        if isinstance(__obj, BuiltinMethodType):
            _check_method(__obj.__self__, getattr(__obj, "__name__", ""), (*args, *kwargs.values()))
        return _bounded(super().call(__context, __obj, *args, **kwargs))


class _Limits(NodeTransformer):
    """Puts limits into a parsed template."""

    def __init__(self, environment: LimitedEnvironment) -> None:
        self._environment = environment

    def visit_For(self, node: nodes.For) -> nodes.For:
        found: nodes.For = self.generic_visit(node)  # type: ignore[assignment]
        found.iter = self._filtered(found.iter, "_turns")
        return found

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:
        return self._filtered(self.generic_visit(node), "_bounded")

    def visit_List(self, node: nodes.List) -> nodes.Expr:
        return self._filtered(self.generic_visit(node), "_bounded")

    def visit_Dict(self, node: nodes.Dict) -> nodes.Expr:
        return self._filtered(self.generic_visit(node), "_bounded")

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        found: nodes.Tuple = self.generic_visit(node)  # type: ignore[assignment]
        return found if found.ctx == "store" else self._filtered(found, "_bounded")

    def _filtered(self, node: nodes.Node, name: str) -> nodes.Filter:
        made = nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)
        made.environment = self._environment
        return made


def spend(steps: int) -> None:
    """Take steps from the current rendering.

    Raises:
        SecurityError: not enough are left.
    """
    left = _left.get(None)
    if left is not None:
        left[0] -= steps
        if left[0] < 0:
            raise _too_much(f"more than {STEPS:,} steps")


def _too_much(what: str) -> SecurityError:
    return SecurityError(f"it does too much: {what}")


def _allow(size: int, most: int) -> None:
    if size > most:
        raise _too_much(f"something of {size:.3g} characters or parts")


def _bits(value: Any) -> int:
    return value.bit_length() if isinstance(value, int) else 0


def _size(value: Any) -> int:
    """Characters of a text, or parts of something else; 0 for what has no size."""
    return len(value) if isinstance(value, str | bytes | list | tuple | dict | set | frozenset | range) else 0


def _bounded(value: Any) -> Any:
    """A value, if it is not too large as a whole: what it contains several times counts several times."""
    if type(value) is str and len(value) < _SHORT:
        return value
    if isinstance(value, str | bytes):
        spend(len(value) // CHARACTERS)
        _allow(len(value), MAX_TEXT)
    elif isinstance(value, int):
        _allow(_bits(value), MAX_BITS)
    elif isinstance(value, list | tuple | dict):
        parts = characters = 0
        waiting = [value]
        while waiting:
            one = waiting.pop()
            children = [*one, *one.values()] if isinstance(one, dict) else one
            parts += len(children)
            characters += sum(len(child) for child in children if isinstance(child, str))
            _allow(parts, MAX_PARTS)
            _allow(characters, MAX_TEXT)
            waiting.extend(child for child in children if isinstance(child, list | tuple | dict))
        spend(parts // 10 + characters // CHARACTERS)
    return value


def _finalized(value: Any) -> Any:
    """What a template prints."""
    return value if isinstance(value, Undefined) else _bounded(value)


def _turns(value: Any) -> Any:
    """What a loop iterates over."""
    if isinstance(value, str | bytes | list | tuple | dict | set | frozenset | range):
        spend(len(value))
        return value
    return _counted(value)


def _counted(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        spend(1)
        yield value


def _given(value: Any) -> Iterable[Any]:
    """The values in the one argument that a format is given."""
    return value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,)


def _check_format(pattern: str, sign: str, values: Iterable[Any]) -> None:
    """Refuse a format that pads to a large width, or repeats what is long."""
    if _WIDE.search(pattern):
        raise _too_much("a format")
    _allow(pattern.count(sign) * max((_size(one) for one in values), default=0), 10 * MAX_TEXT)


def _check_method(value: Any, name: str, arguments: tuple[Any, ...]) -> None:
    """Refuse a method or filter that would make much out of little."""
    numbers = [abs(one) for one in arguments if isinstance(one, int)]
    if name == "format":  # the filter; methods of that name do not get here
        return _check_format(str(value), "%", arguments)
    if any(number > MAX_ARGUMENT for number in numbers):
        raise _too_much(f"{name} with {'a large number' if max(numbers) > 10**300 else f'{max(numbers):.3g}'}")
    size, longest = _size(value), max((len(one) for one in arguments if isinstance(one, str | bytes)), default=0)
    if name in _MULTIPLY:
        _allow((size + 1) * max(numbers, default=0), 10 * MAX_TEXT)
    if name in ("replace", "join", "translate", "wordwrap"):
        # The method joins its argument with the text; the filter is given the text as its argument.
        parts = max((_size(one) for one in arguments if not isinstance(one, str)), default=size)
        _allow(
            (max(size, parts) + 1) * max(longest, size if name == "join" and isinstance(value, str) else 1),
            10 * MAX_TEXT,
        )
        if name == "translate":
            raise _too_much("translate")


def _checked(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that takes steps and may not do too much; a filter that is passed Jinja2's context first still gets it first."""
    place = 1 if hasattr(function, "jinja_pass_arg") else 0

    @wraps(function)
    def limited(*arguments: Any, **options: Any) -> Any:
        value, given = arguments[place], (*arguments[place + 1 :], *options.values())
        spend(CALL + (_size(value) + sum(map(_size, given))) // CHARACTERS)
        if not isinstance(value, Undefined):
            _bounded(value)
        _check_method(value, name, given)
        return _bounded(function(*arguments, **options))

    return limited
