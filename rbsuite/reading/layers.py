"""Which part of a reply counts: never its thinking; its fences and quotes only if nothing outside them does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TypeVar

from rbsuite.frozen import dataclass
from rbsuite.models.reasoning import separate

T = TypeVar("T")

MOST = 2_000
"""How many fence lines, quoted lines and labels a reply may have: many times what any form has. One with more cannot be read."""

_FENCE = re.compile(
    r"(^[ \t]{0,12}(?:`{3,}|~{3,})[^`\n]*$|^<<(?:end of )?[\w ]{1,40} [0-9a-f]{12}>>$)",
    re.MULTILINE,
)
_MARK = re.compile(r"[ \t]*(`{3,}|~{3,})[ \t]*[\w+-]*[ \t]*|<<(end of )?([\w ]+)>>")
_THOUGHT = re.compile(
    r"^[ \t]{0,12}(`{3,}|~{3,})[ \t]*(?:think(?:ing)?|thoughts?|reasoning)[ \t]*$(?s:.*?)(?:^[ \t]{0,12}\1[ \t]*$|\Z)",
    re.IGNORECASE | re.MULTILINE,
)
"""A fence of thinking."""
_BLOCK = re.compile(r"^[ \t]{0,12}>[^\n]*", re.MULTILINE)
_QUOTED = re.compile(r"^[ \t]{0,12}(?:>[> \t]*+([^\n]*)|[\"“'«„]([^\n]{1,400})[\"”'»“][ \t]*$)", re.MULTILINE)
_WORD = re.compile(r"\w")
_NEWLINES = "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_CONTROLS = "\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f"
_HIDDEN = "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
"""Besides these, joiners and variants are invisible, which letters and pictures outside ASCII are made of."""
_ODD = re.compile(f"[{_NEWLINES}{_CONTROLS}{_HIDDEN}]")
_REPLACED = {ord(char): "\n" if char in _NEWLINES else None for char in map(chr, range(0x10000)) if _ODD.match(char)}
_JOINERS = "[\u200c\u200d\ufe00-\ufe0f\U000e0000-\U000e01ef]"
_JOINER = re.compile(_JOINERS)
_LOOSE = re.compile(rf"(?<![^\x00-\x7f]){_JOINERS}++|(?<!{_JOINERS}){_JOINERS}++(?=[\x00-\x7f]|\Z)")
_SPACES = "\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u2800\u3000"
_DEEPEST = 3


class Unreadable(Exception):
    """A reply that does not follow its form. The text says what is wrong, in words that go back to the model."""


class Unclear(Unreadable):
    """A reply that says too much to be read: nothing else in it counts, not even what stands in its fences and quotes."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A part of a reply that is read on its own.

    Attributes:
        text: what it says.
        outside: the same text, with fences and quotes blanked out, and with plain spaces; places in it are places in ``text``.
        quoted: whether it is quoted text, beside which the reply has words of its own.
    """

    text: str
    outside: str
    quoted: bool = False


def clean(reply: str) -> str:
    """A reply without its thinking, with plain newlines and without invisible characters, except those that letters are made of.

    Raises:
        Unreadable: there is nothing besides thinking, or nothing at all.
    """
    text = reply.replace("\r\n", "\n")
    if _ODD.search(text):
        text = text.translate(_REPLACED)
    if not text.isascii() and _JOINER.search(text):
        text = _LOOSE.sub("", text)
    text = separate(text)[1]
    if "```" in text or "~~~" in text:
        text = _THOUGHT.sub("", text)
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
        read: returns what a layer says, ``None`` for nothing, or raises :class:`Unreadable`: it says something, but not what it should,
            or :class:`Unclear`.
        otherwise: returns what the whole reply means if no layer says anything that can be read.

    Raises:
        Unreadable: nothing can be read; the fault is that of the outermost layer that has one.
        Unclear: the first layer that says anything contradicts itself.
    """
    text = clean(reply)
    fault: Unreadable | None = None
    for layer in _layers(text, _DEEPEST):
        try:
            found = read(layer)
        except Unclear:
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


def without_quotes(text: str) -> str:
    """A text with its block quotes blanked out."""
    return _BLOCK.sub(lambda match: " " * len(match[0]), text) if ">" in text else text


def _layers(text: str, depth: int, beside: bool = False) -> Iterator[Layer]:
    plain = _with_plain_spaces(text)
    outside, fenced = _without_fences(text, plain)
    found = list(islice(_QUOTED.finditer(outside), MOST + 1))
    if len(found) > MOST:
        raise Unclear("it has too many quoted lines")
    quotes = [block or inner for block, inner in (match.groups() for match in found)]
    if quotes:
        outside = without_quotes(outside)
    beside = beside or _WORD.search(outside) is not None
    if outside is plain or outside.strip():
        yield Layer(text, outside)
    if fenced and depth:
        yield from _layers("\n".join(fenced), depth - 1, beside)
    if quotes:
        quoted = "\n".join(filter(None, quotes))
        yield Layer(quoted, quoted, beside)
    if fenced and depth == _DEEPEST:  # what looked like a fence may be a stray mark in a sentence
        yield Layer(text, without_quotes(plain) if beside else plain)


def _with_plain_spaces(text: str) -> str:
    for space in "" if text.isascii() else _SPACES:
        text = text.replace(space, " ")
    return text


def _without_fences(text: str, plain: str) -> tuple[str, list[str]]:
    """A text with its fenced parts blanked out, and those parts. A fence that is never closed does not count.

    Args:
        text: the text.
        plain: the same text with plain spaces.
    """
    if "```" not in text and "~~~" not in text and "<<" not in text:
        return plain, []
    parts = _FENCE.split(plain, maxsplit=MOST + 1)
    if len(parts) > 2 * MOST + 1:
        raise Unclear("it has too many fences")
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
            kept += [plain[done:start], " " * (end - start)]
            fenced.append(text[begin:at].strip("\n"))
            done, opened = end, None
        at = end
    return ("".join([*kept, plain[done:]]) if fenced else plain), fenced
