"""What filters, and methods of texts, lists and mappings, take; those that make much out of little are refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import wraps
from itertools import chain
from typing import Any

from jinja2.runtime import Undefined
from jinja2.utils import pass_context

from rbsuite.templating.steps import (
    BUILTIN,
    CALL,
    CHARACTERS,
    MAX_PARTS,
    MAX_TEXT,
    PLAIN,
    SHORT,
    allow,
    bits_of,
    bounded,
    chosen,
    counted,
    size_of,
    spend,
    spend_on_key,
    spend_on_search,
    steps_of_search,
    text_of,
    too_much,
    turns_of,
    walk,
)

MAX_ARGUMENT = 1_000_000
"""Largest number that may be given to a filter or a method of a text."""

_WIDE = re.compile(r"\d{5}|\*|\{[^{}]*\{")
_WORD = re.compile(r"\S{100,}|[^\S\n]{100,}")
_MULTIPLY = frozenset(["indent", "center", "ljust", "rjust", "zfill", "expandtabs"])
_FORWARDS = frozenset(["find", "index", "count", "replace", "split", "partition", "in"])
_BACKWARDS = frozenset(["rfind", "rindex", "rsplit", "rpartition", "strip", "lstrip", "rstrip", "trim"])
_CODECS = frozenset(["utf-8", "utf8", "utf_8", "ascii", "latin-1", "latin1", "iso-8859-1", "utf-16", "utf-32"])
_SLOW = {
    "title": 20,
    "urlencode": 20,
    "wordwrap": 20,
    "urlize": 200,
    "pprint": 20,
    "xmlattr": 20,
    "wordcount": 10,
    "tojson": 5,
}

_SLOW |= {"striptags": 5, "sort": 20, "dictsort": 20, "groupby": 20, "unique": 5, "min": 5, "max": 5}
"""How many times more than other filters some take."""

_OF_PARTS = frozenset(
    ["batch", "dictsort", "groupby", "items", "join", "list", "map", "max", "min", "reject", "rejectattr"]
)

_OF_PARTS |= {"reverse", "select", "selectattr", "slice", "sort", "sum", "unique"}
"""Filters that go through the parts of a value, also if it is a text."""

_OF_NONE = frozenset(["attr", "count", "d", "default", "first", "last", "length", "random"])
"""Filters that neither go through the parts nor make a text of them."""

_AT_ONCE = frozenset(["dictsort", "groupby", "list", "max", "min", "slice", "sort", "sum", "unique", "urlencode"])
"""Filters that go through an iterator at once."""


def given_to(value: Any) -> Iterable[Any]:
    """The values in the one argument that a format is given."""
    return value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,)


def check_format(pattern: Any, sign: str, values: Iterable[Any]) -> None:
    """Refuse a format that pads to a large width, or repeats what is long."""
    if isinstance(pattern, bytes):
        pattern = pattern.decode("latin-1")
    if _WIDE.search(pattern):
        raise too_much("a format")
    times = pattern.count(sign)
    spend(CALL + 2 * times + len(pattern) // CHARACTERS)
    if times:
        allow(times * max(map(_length, values), default=0), 10 * MAX_TEXT)


def _length(value: Any) -> int:
    """About how long the text of a value is."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, Undefined) or type(value) in PLAIN:
        return bits_of(value) // 3
    if isinstance(value, BUILTIN):
        parts, characters = walk(value, shown=True)
        return 4 * parts + characters
    return len(text_of(value))


def check_call(owner: Any, name: str, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> tuple[Any, ...]:
    """Take steps for a method of a text, list or the like, and refuse one that would make much out of little.

    Returns:
        the arguments to give it.
    """
    size = size_of(owner)
    if isinstance(owner, str | bytes):
        if name == "join":
            arguments = tuple(bounded([*turns_of(one)]) if hasattr(one, "__next__") else one for one in arguments)
        spend(size // CHARACTERS)
        given = (*arguments, *options.values())
        longest = max((len(one) for one in given if isinstance(one, str | bytes)), default=0)
        if name in ("encode", "decode"):
            encoding = next((str(one).lower() for one in (*arguments[:1], *(options.get("encoding"),)) if one), "utf-8")
            if encoding not in _CODECS:
                spend(size * size // 10)
            if len(given) > 1:
                allow(100 * size, 10 * MAX_TEXT)
        elif name in ("startswith", "endswith", "removeprefix", "removesuffix"):
            spend(longest // CHARACTERS)
        elif name in _FORWARDS:
            spend(steps_of_search(size, longest))
        elif name in _BACKWARDS:
            spend(steps_of_search(size, longest, backwards=True))
        elif name == "striptags":
            spend(size * 5 // CHARACTERS + size * owner.count("<") // 2000 if isinstance(owner, str) else 0)
        elif name == "title":
            spend(size * 2 // CHARACTERS)
    elif isinstance(owner, list | range):
        if name in ("pop", "insert", "append", "extend"):
            spend(size // 500)
            if name != "pop":
                allow(size + (size_of(arguments[0]) if name == "extend" and arguments else 1), MAX_PARTS)
        elif name == "sort":
            spend(size * (CALL if options.get("key") else 2))
            walk(owner)
        else:
            for one in arguments:
                spend_on_search(one, owner)
            spend(size // 10)
    elif isinstance(owner, dict):
        if name not in ("get", "setdefault", "pop", "popitem", "keys", "values", "items", "update"):
            spend(size // 5)
        for one in arguments[:1]:
            if isinstance(one, dict):
                if any(map(chosen, one)):
                    spend(len(one) * size // 5)
            elif type(one) not in PLAIN or bits_of(one) > 60:
                spend_on_key(owner, one)
                if isinstance(one, Sequence) and not isinstance(one, str):
                    walk(one, hashed=True)
                    spend(
                        len(one) * size // 5 if name == "update" and any(map(chosen, chain.from_iterable(one))) else 0
                    )
    else:
        spend(size // 5)
    _check_method(owner, name, (*arguments, *options.values()))
    return arguments


def _check_method(value: Any, name: str, arguments: tuple[Any, ...]) -> None:
    """Refuse a method or filter that would make much out of little."""
    numbers = [abs(one) for one in arguments if isinstance(one, int)]
    if name == "format":  # the filter; methods of that name do not get here
        return check_format(str(value), "%", (*arguments, *(x for one in arguments for x in given_to(one))))
    if any(number > (1000 if name == "round" else MAX_ARGUMENT) for number in numbers):
        raise too_much(f"{name} with {'a large number' if max(numbers) > 10**300 else f'{max(numbers):.3g}'}")
    size, longest = size_of(value), max((len(one) for one in arguments if isinstance(one, str | bytes)), default=0)
    if name in _MULTIPLY:
        allow((size + 1) * max([longest, *numbers]), 10 * MAX_TEXT)
    if name == "tojson" and arguments:
        parts, _ = walk(value, shown=True) if isinstance(value, BUILTIN) else (1, 0)
        allow((parts + 1) * (_depth(value) + 1) * max([longest, *numbers]), 10 * MAX_TEXT)
    if name in ("replace", "join", "translate", "wordwrap", "urlize"):
        # The method joins its argument with the text; the filter is given the text as its argument.
        parts = max((size_of(one) for one in arguments if not isinstance(one, str)), default=size)
        allow(
            (max(size, parts) + 1) * max(longest, size if name == "join" and isinstance(value, str) else 1),
            10 * MAX_TEXT,
        )
        if name == "translate":
            raise too_much("translate")


def check_number(name: str, arguments: tuple[Any, ...]) -> None:
    """Refuse a method of a number that would make much out of little."""
    _check_method(0, name, arguments)


def taking_steps(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that takes steps and may not do too much; a filter that is passed Jinja2's context first still gets it first."""
    place = 1 if hasattr(function, "jinja_pass_arg") else 0
    makes_text = name not in _OF_PARTS and name not in _OF_NONE
    more = _SLOW.get(name, 1) - 1

    @wraps(function)
    def limited(*arguments: Any, **options: Any) -> Any:
        value, given = arguments[place], (*arguments[place + 1 :], *options.values())
        spend(CALL)
        if name in _AT_ONCE and hasattr(value, "__next__"):
            value = [*counted(value)]
            arguments = (*arguments[:place], value, *arguments[place + 1 :])
        if given and not all(type(one) in PLAIN or (type(one) is str and len(one) < SHORT) for one in given):
            walk(given)
        if isinstance(value, str | bytes):
            size = len(value)
            bounded(value)
            if name in _OF_PARTS:
                spend(size)
            else:
                if more:
                    spend(size * more // CHARACTERS)
                if makes_text and size >= CHARACTERS:
                    _check_text(name, str(value), given, options)
        elif type(value) not in PLAIN and not isinstance(value, Undefined):
            parts, characters = walk(value, shown=makes_text, hashed=name == "unique")
            spend(more * (parts // 10 + characters // CHARACTERS))
            if name == "pprint":
                spend(parts * _depth(value) // 10)
            if makes_text and not isinstance(value, BUILTIN):
                spend(more * len(text_of(value)) // CHARACTERS)
        else:
            bounded(value)
        _check_method(value, name, given)
        if name == "sum" and any(isinstance(one, list | tuple) for one in given):
            arguments = (*arguments[:place], _sum_steps(value), *arguments[place + 1 :])
        made = function(*arguments, **options)
        return counted(made) if hasattr(made, "__next__") else bounded(made)

    return limited


def _check_text(name: str, text: str, given: Sequence[Any], options: Mapping[str, Any]) -> None:
    """Take more steps for the filters whose work grows faster than a text."""
    longest = max((len(one) for one in given if isinstance(one, str | bytes)), default=0)
    if name in ("wordwrap", "urlize"):
        words = sum(len(word) ** 2 for word in _WORD.findall(text))
        if name == "urlize":
            spend(words // CHARACTERS)
            spend(len(text) * sum(map(size_of, (one for one in given if not isinstance(one, str)))) // 10)
        else:
            width = next((one for one in (*given[:1], options.get("width")) if isinstance(one, int)), 79)
            spend(words // (1000 * max(width, 1)) + CALL * text.count("\n"))
    elif name == "replace":
        spend(
            steps_of_search(
                len(text),
                max((len(one) for one in (*given[:1], options.get("old")) if isinstance(one, str)), default=0),
            )
        )
    elif name == "trim":
        spend(steps_of_search(len(text), longest, backwards=True))
    elif name == "striptags":
        spend(len(text) * text.count("<") // 2000)


def _depth(value: Any) -> int:
    """How deeply lists and mappings are nested; the value is not too large."""
    depth, level = 0, [value]
    while level:
        depth += 1
        level = (
            [
                child
                for one in level
                for child in (one.values() if isinstance(one, dict) else one)
                if isinstance(child, list | tuple | dict | set)
            ]
            if depth or isinstance(value, list | tuple | dict | set)
            else []
        )
    return depth


def _sum_steps(values: Iterable[Any]) -> Iterator[Any]:
    """Values to add up, each of which takes steps for the list or tuple that is copied to add it."""
    size = 0
    for value in values:
        size += sum(map(size_of, value.values() if isinstance(value, dict) else (value,)))
        allow(size, MAX_PARTS)
        spend(1 + size // 1000)
        yield value


@pass_context
def join(context: Any, value: Any, d: Any = "", attribute: Any = None) -> str:
    """The texts of a list with another between them."""
    spend(CALL + size_of(value) // CHARACTERS)
    between = text_of(d)
    if attribute is not None:
        value = context.environment.call_filter("map", value, [], {"attribute": attribute}, context)
    pieces: list[str] = []
    size = 0
    for one in value:
        text = one if type(one) is str else text_of(one)
        size += len(text) + len(between)
        pieces.append(text)
        if size > MAX_TEXT + len(between):
            raise too_much(f"a text of more than {MAX_TEXT:,} characters")
    spend(len(pieces) // 10 + size // CHARACTERS)
    return between.join(pieces)
