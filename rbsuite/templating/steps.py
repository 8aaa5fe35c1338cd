"""The steps of a rendering, and what values and searches take of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from itertools import chain
from typing import Any

from jinja2.exceptions import SecurityError
from jinja2.runtime import Undefined
from jinja2.utils import Namespace

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

SHORT = CALL * CHARACTERS
"""Texts below this length take no steps of their own: whatever makes one takes as many."""

current_rendering: ContextVar[list[Any]] = ContextVar(
    "a rendering: the steps that are left, and the modules of the templates that it has loaded"
)
_NONE: dict[Any, Any] = {}
Keys, Values, Items = type(_NONE.keys()), type(_NONE.values()), type(_NONE.items())
BUILTIN = (str, bytes, list, tuple, dict, set, frozenset, range, Keys, Values, Items)
_WALKED = (*BUILTIN, Namespace)
PLAIN = frozenset([int, float, bool, type(None)])


def spend(steps: int) -> None:
    """Take steps from the current rendering.

    Raises:
        SecurityError: not enough are left.
    """
    rendering = current_rendering.get(None)
    if rendering is not None:
        rendering[0] -= steps
        if rendering[0] < 0:
            raise too_much(f"more than {STEPS:,} steps")


def too_much(what: str) -> SecurityError:
    """The error of a template that does too much."""
    return SecurityError(f"it does too much: {what}")


def too_long() -> SecurityError:
    """The error of a template that is too long to be compiled."""
    return SecurityError("it is too long, or nested too deeply")


def allow(size: int, most: int) -> None:
    """Refuse what is too large."""
    if size > most:
        raise too_much(f"something of {size:.3g} characters or parts")


def bits_of(value: Any) -> int:
    """The size of a whole number; 0 for anything else."""
    return value.bit_length() if isinstance(value, int) else 0


def size_of(value: Any) -> int:
    """Characters of a text, or parts of something else; 0 for what has no size."""
    return len(value) if isinstance(value, BUILTIN) else 0


def pieces_of(pieces: Iterable[str]) -> list[str]:
    """The pieces of a text, if it is not too long."""
    made, size = [], 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_TEXT:
            raise too_much(f"a text of more than {MAX_TEXT:,} characters")
        made.append(piece)
    if size >= SHORT:
        spend(size // CHARACTERS)
    return made


def bounded(value: Any) -> Any:
    """A value, if it is not too large as a whole: what it contains several times counts several times."""
    if (type(value) is str and len(value) < SHORT) or type(value) in (bool, float):
        return value
    if isinstance(value, str | bytes):
        spend(len(value) // CHARACTERS)
        allow(len(value), MAX_TEXT)
    elif isinstance(value, int):
        allow(bits_of(value), MAX_BITS)
    elif value is not None:
        walk(value)
    return value


def showable(value: Any) -> Any:
    """A value, if it is not too large to be made a text."""
    if isinstance(value, str | bytes | int | float):
        return bounded(value)
    walk(value, shown=True)
    return value


def walk(value: Any, shown: bool = False, hashed: bool = False) -> tuple[int, int]:
    """Take steps for the parts of a value at all depths.

    Args:
        value: any value; one that is no list, mapping or the like has no parts.
        shown: whether its parts are made a text, so that the texts of other objects count too.
        hashed: whether they become keys, so that those count more that can be chosen to stand all in one place.

    Returns:
        how many parts there are, and how many characters.
    """
    parts = characters = large = 0
    waiting = [value]
    while waiting:
        one = waiting.pop()
        children: Iterable[Any]
        if isinstance(one, list | tuple | set | frozenset | Keys | Values | range):
            parts += len(one)
            children = () if isinstance(one, range) else one
        elif isinstance(one, dict):
            parts += 2 * len(one)
            children = chain(one, one.values())
        elif isinstance(one, Items):
            parts += 3 * len(one)
            children = chain.from_iterable(one)
        elif isinstance(one, Namespace):
            children = (object.__getattribute__(one, "_Namespace__attrs"),)
        else:
            if shown and one is not value and not isinstance(one, Undefined):
                characters += len(repr(one))
                allow(characters, MAX_TEXT)
            continue
        allow(parts, MAX_PARTS)
        for child in children:
            kind = type(child)
            if kind is str:
                characters += len(child)
            elif kind is int:
                bits = child.bit_length()
                if bits > 32 or (child < 0 and type(one) is tuple):
                    characters += bits
                    large += bits > 60 or type(one) is tuple
            elif kind in PLAIN:
                pass
            elif isinstance(child, str | bytes):
                characters += len(child)
            elif shown or isinstance(child, list | tuple | dict | set | frozenset | Keys | Items | Values | Namespace):
                waiting.append(child)
                parts += 1
        allow(characters, MAX_TEXT)
    spend(2 + parts // 10 + characters // CHARACTERS + (large * large // 20 if hashed else 0))
    return parts, characters


def text_of(value: Any) -> str:
    """A value as a text."""
    if isinstance(value, str):
        bounded(value)
        return str(value)
    if isinstance(value, int):
        allow(bits_of(value), MAX_BITS)
    elif isinstance(value, _WALKED):
        walk(value, shown=True)
    text = str(value)
    spend(1 + len(text) // CHARACTERS)
    allow(len(text), MAX_TEXT)
    return text


def turns_of(value: Any) -> Any:
    """A value to iterate over: an iterator takes a step for each of its values."""
    return value if isinstance(value, BUILTIN) else counted(value)


def counted(values: Iterable[Any], turn: int = 1) -> Iterator[Any]:
    """Values, each of which takes some steps."""
    for value in values:
        spend(turn)
        yield value


def spend_on_search(part: Any, whole: Any) -> None:
    """Take steps for looking for something in something else."""
    if isinstance(whole, str | bytes):
        if isinstance(part, str | bytes):
            spend(steps_of_search(len(whole), len(part)))
    elif isinstance(whole, range) and isinstance(part, int):
        pass
    elif isinstance(whole, dict | set | frozenset | Keys | Items):
        spend_on_key(whole, part)
    else:
        spend(size_of(whole) // 10)
        if type(part) not in PLAIN and not (isinstance(part, str) and len(part) < SHORT):
            walk(whole)
            bounded(part)


def spend_on_key(whole: Any, key: Any) -> None:
    """Take steps for a key, which may be long, or chosen to stand in the place of others."""
    if isinstance(key, str | bytes):
        spend(len(key) // CHARACTERS)
        return
    walk((key,))
    if chosen(key):
        spend(size_of(whole) // 5)


def chosen(key: Any) -> bool:
    """Whether a key may be chosen to stand in the place of others: a large whole number, or a tuple of other things than texts."""
    if isinstance(key, tuple):
        return not all(type(one) is str or (type(one) is int and 0 <= one < 2**32) for one in key)
    return bits_of(key) > 60 or isinstance(key, frozenset)


def steps_of_search(size: int, sought: int, backwards: bool = False) -> int:
    """The steps of a search in a text, at the worst: a long text is searched in proportion to its length, but not backwards."""
    tries = sought if backwards or size < 2500 else min(sought, 100 if size < 30_000 else 8)
    return size // CHARACTERS + size * max(tries - 1, 0) // 1000
