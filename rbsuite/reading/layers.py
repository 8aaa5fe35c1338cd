"""Which part of a reply counts: never its thinking; its fences and quotes only where nothing outside of them does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from rbsuite.models.reasoning import separate

T = TypeVar("T")

_FENCE = re.compile(
    r"^[ \t]{0,12}(?P<mark>`{3,}|~{3,})(?P<info>[^`\n]*)$|^<<(?P<end>end of )?(?P<label>[\w ]{1,40} [0-9a-f]{12})>>$",
    re.MULTILINE,
)
_BLOCK = re.compile(r"^[ \t]{0,12}>[^\n]*\n?", re.MULTILINE)
_QUOTED = re.compile(
    r"^[ \t]{0,12}(?:>[> \t]*+(?P<block>[^\n]*)|[\"“'«„](?P<inner>[^\n]{1,400}?)[\"”'»“][ \t]*$)", re.MULTILINE
)
_FIRST_WORD = re.compile(r"[ \t]*[\w+-]*[ \t]*")
_NEWLINES = ("\r\n", "\r", "\u2028", "\u2029", "\x85")
_INVISIBLE = ("\ufeff", "\u200b", "\u2060")
_DEEPEST = 3


class Unreadable(Exception):
    """A reply that does not keep to its form. Its text says what is wrong, in words that go back to the model."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A part of a reply that is read by itself.

    Attributes:
        text: what it says.
        outside: the same text, with what stands in fences and quotes blanked; places in it are places in ``text``.
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


def layers(reply: str) -> Iterator[Layer]:
    """The parts of a reply, in the order in which they count: what stands outside of fences and quotes, what stands in fences, what is
    quoted, and last all of it together.

    Raises:
        Unreadable: there is nothing besides thinking, or nothing at all.
    """
    text = clean(reply)
    yield from _layers(text, _DEEPEST)


def first_read(reply: str, read: Callable[[Layer], T | None]) -> T:
    """What the first layer says that says anything.

    Args:
        reply: the model's text.
        read: gives what a layer says, ``None`` for nothing, or raises :class:`Unreadable`: it says something, but not what it should.

    Raises:
        Unreadable: no layer says anything that can be read; the fault is that of the outermost one that has one.
    """
    fault: Unreadable | None = None
    for layer in layers(reply):
        try:
            found = read(layer)
        except Unreadable as problem:
            fault = fault or problem
            continue
        if found is not None:
            return found
    raise fault or Unreadable("it holds nothing of the form that was asked for")


def _layers(text: str, depth: int) -> Iterator[Layer]:
    if "```" not in text and "~~~" not in text and "<<" not in text and not _QUOTED.search(text):
        yield Layer(text, text)
        return
    outside, fenced = _without_fences(text)
    quotes = [block or inner for block, inner in _QUOTED.findall(outside)]
    yield Layer(text, _BLOCK.sub(lambda match: _blank(match[0]), outside) if ">" in outside else outside)
    if fenced and depth:
        yield from _layers("\n".join(fenced), depth - 1)
    if quotes:
        quoted = "\n".join(quotes)
        yield Layer(quoted, quoted)
    yield Layer(text, text)


def _without_fences(text: str) -> tuple[str, list[str]]:
    """The text with its fenced parts blanked, and those parts. A fence that nothing closes is none."""
    kept: list[str] = []
    fenced: list[str] = []
    done = begin = depth = 0
    mark = label = ""
    start = -1
    for match in _FENCE.finditer(text):
        if start < 0:
            if match["end"]:
                continue
            start, mark, label, depth = match.start(), match["mark"] or "", match["label"] or "", 1
            word = _FIRST_WORD.match(match["info"]) if mark else None
            begin = match.start("info") + word.end() if word else match.end()
            continue
        if label:
            depth -= match["label"] == label and bool(match["end"])
        elif match["mark"] and match["mark"].startswith(mark):
            depth += 1 if match["info"].strip() else -1
        if depth == 0:
            kept += [text[done:start], _blank(text[start : match.end()])]
            fenced.append(text[begin : match.start()].strip("\n"))
            done, start = match.end(), -1
    return "".join([*kept, text[done:]]), fenced


def _blank(text: str) -> str:
    """As many characters that say nothing: a newline at the end stays one."""
    return " " * (len(text) - 1) + "\n" if text.endswith("\n") else " " * len(text)
