"""Which part of a reply counts: never its thinking; its fences and quotes only if nothing outside them does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from rbsuite.models.reasoning import separate

T = TypeVar("T")

MOST = 2_000
"""How many fence lines, quoted lines and labels of a reply are looked at, starting from the first: many times what any form has."""

_FENCE = re.compile(
    r"(^[ \t]{0,12}(?:`{3,}|~{3,})[^`\n]*$|^<<(?:end of )?[\w ]{1,40} [0-9a-f]{12}>>$)",
    re.MULTILINE,
)
_MARK = re.compile(r"[ \t]*(`{3,}|~{3,})[ \t]*[\w+-]*[ \t]*|<<(end of )?([\w ]+)>>")
_BLOCK = re.compile(r"^[ \t]{0,12}>[^\n]*", re.MULTILINE)
_QUOTED = re.compile(r"^[ \t]{0,12}(?:>[> \t]*+([^\n]*)|[\"“'«„]([^\n]{1,400})[\"”'»“][ \t]*$)", re.MULTILINE)
_NEWLINES = ("\r\n", "\r", "\u2028", "\u2029", "\x85")
_INVISIBLE = ("\ufeff", "\u200b", "\u2060")
_DEEPEST = 3


class Unreadable(Exception):
    """A reply that does not follow its form. The text says what is wrong, in words that go back to the model."""


class Undecided(Unreadable):
    """A reply that contradicts itself. What it fences or quotes does not settle it, so no further part is read."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A part of a reply that is read on its own.

    Attributes:
        text: what it says.
        outside: the same text, with fences and quotes blanked out; places in it are places in ``text``.
    """

    text: str
    outside: str


def clean(reply: str) -> str:
    """A reply without its thinking, with plain newlines and without invisible characters.

    Raises:
        Unreadable: there is nothing besides thinking, or nothing at all.
    """
    text = separate(reply)[1]
    for mark in _NEWLINES:
        if mark in text:
            text = text.replace(mark, "\n")
    for mark in () if text.isascii() else _INVISIBLE:
        text = text.replace(mark, "")
    if not text.strip():
        raise Unreadable("all of it was thinking, and no answer followed" if reply.strip() else "it was empty")
    return text


def first_read(
    reply: str, read: Callable[[Layer], T | None], otherwise: Callable[[str], T | None] = lambda text: None
) -> T:
    """What a reply says, taken from the first part that says anything: the text outside fences and quotes, the text in fences, quoted
    text, and finally all of it together.

    Args:
        reply: the model's text.
        read: returns what a layer says, ``None`` for nothing, or raises :class:`Unreadable`: it says something, but not what it should.
        otherwise: returns what the whole reply means if no layer says anything that can be read.

    Raises:
        Unreadable: nothing can be read; the fault is that of the outermost layer that has one.
        Undecided: the first layer that says anything contradicts itself.
    """
    text = clean(reply)
    fault: Unreadable | None = None
    for layer in _layers(text, _DEEPEST):
        try:
            found = read(layer)
        except Undecided:
            raise
        except Unreadable as problem:
            fault = fault or problem
        else:
            if found is not None:
                return found
    found = otherwise(text)
    if found is not None:
        return found
    raise fault or Unreadable("it holds nothing of the form that was asked for")


def _layers(text: str, depth: int) -> Iterator[Layer]:
    outside, fenced = _without_fences(text)
    quotes = [block or inner for block, inner in (match.groups() for match in islice(_QUOTED.finditer(outside), MOST))]
    if quotes and ">" in outside:
        outside = _BLOCK.sub(lambda match: " " * len(match[0]), outside, count=MOST)
    if outside is text or outside.strip():
        yield Layer(text, outside)
    if fenced and depth:
        yield from _layers("\n".join(fenced), depth - 1)
    if quotes:
        quoted = "\n".join(filter(None, quotes))
        yield Layer(quoted, quoted)
    if fenced and depth == _DEEPEST:  # what looked like a fence may be a stray mark in a sentence
        yield Layer(text, text)


def _without_fences(text: str) -> tuple[str, list[str]]:
    """The text with its fenced parts blanked out, and those parts. A fence that is never closed does not count."""
    if "```" not in text and "~~~" not in text and "<<" not in text:
        return text, []
    parts = _FENCE.split(text, maxsplit=MOST)
    lines = parts[1::2]
    marks = {line: _MARK.match(line) for line in set(lines)}
    kept: list[str] = []
    fenced: list[str] = []
    at = done = begin = depth = 0
    opened: re.Match[str] | None = None
    for before, line in zip(parts[::2], lines, strict=False):
        at += len(before)
        end = at + len(line)
        mark = marks[line]
        assert mark is not None  # every line that is found begins with one
        if opened is None:
            if not mark[2]:
                opened, start, begin, depth = mark, at, at + mark.end(), 1
        elif opened[3]:
            depth -= bool(mark[2]) and mark[3] == opened[3]
        elif mark[1] and mark[1].startswith(opened[1]):
            depth += 1 if line.strip(" \t`~") else -1
        if opened is not None and depth == 0:
            kept += [text[done:start], " " * (end - start)]
            fenced.append(text[begin:at].strip("\n"))
            done, opened = end, None
        at = end
    return ("".join([*kept, text[done:]]) if fenced else text), fenced
