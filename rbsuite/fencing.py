"""Untrusted text in prompts: every such text is put in a fence, and this module makes all fences.

Text is untrusted if it was written by a user, an environment, a page, a tool or a data set, or by a model that had read such text: records,
lessons, a judge's reasons. Trusted are the templates, and what an environment declares as its own: its system messages and tools.

A fence is a pair of marker lines around the text. They carry a hash of it, and whatever in the text looks like a marker is altered before
it is hashed, so nothing inside can close the fence or open another, and the same text is always fenced the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from rbsuite.frozen import Same
from rbsuite.inert import without_live
from rbsuite.jsonable import text_digest

_LIKE_A_MARKER = re.compile(
    r"<<(?=[\s/]{0,20}(?:end[\s_-]{1,20}of(?![a-z])|[a-z]{1,24}(?:[\s_][a-z]{1,24})?\s{1,20}[0-9a-f]{8,64}\s{0,20}>>))",
    re.IGNORECASE,
)
_ANGLES = "<\uff1c\ufe64"
_WIDE = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | {0xFE64: ord("<"), 0xFE65: ord(">")}
"""Full-width and small forms of ASCII, and what they stand for."""
_CLOSING = re.compile(r"\n<<end of ([a-z]+) ([0-9a-f]{12})>>")
_OPENING = re.compile(r"^<<([a-z]+) ([0-9a-f]{12})>>\n", re.MULTILINE)


def fence(text: str, label: str) -> str:
    """Untrusted text between markers that it cannot contain.

    Args:
        text: any text. The ``<<`` of what looks like a marker becomes ``((``; a text in which one is hidden by invisible characters or by
            full-width letters is given without these.
        label: what it is, e.g. ``"request"``: one word in lower case.
    """
    return _fenced(Same(text), label)


@lru_cache(maxsize=64)  # rules are the same for many tasks, and a judge and a memory are shown the same transcript
def _fenced(same: Same[str], label: str) -> str:
    text = same.value if same.value.isascii() else _plain(same.value)
    inert = _LIKE_A_MARKER.sub("((", text) if "<<" in text else text
    mark = text_digest(inert)[:12]
    return f"<<{label} {mark}>>\n{inert}\n<<end of {label} {mark}>>"


def _plain(text: str) -> str:
    """A text, without what hides a marker in it."""
    if sum(map(text.count, _ANGLES)) < 2:
        return text
    plain = without_live(text).translate(_WIDE)
    hidden = len(_LIKE_A_MARKER.findall(plain)) > len(_LIKE_A_MARKER.findall(text))
    return plain if hidden else text


def one_line(text: str) -> str:
    """Untrusted text on a single line, for lists inside a fence: none of its lines can pass for an entry of the list."""
    lines = text.splitlines()
    return " ".join(filter(None, map(str.strip, lines))) if len(lines) != 1 or lines[0] != text else text


class _Texts(Protocol):
    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def content(self) -> str: ...


@dataclass(frozen=True, slots=True)
class FencedItem:
    """What was learned, as templates get it: fenced, whichever part of it is printed. Printed as a whole, it is all three texts."""

    _item: _Texts

    def __str__(self) -> str:
        item = self._item
        return fence("\n".join((one_line(item.title), one_line(item.description), item.content)), "memory")

    @property
    def title(self) -> str:
        """The title."""
        return fence(self._item.title, "title")

    @property
    def description(self) -> str:
        """The description."""
        return fence(self._item.description, "description")

    @property
    def content(self) -> str:
        """The content."""
        return fence(self._item.content, "content")


@dataclass(frozen=True, slots=True)
class Fenced:
    """A fence in a prompt: its label, the text inside, and where the fence begins and ends."""

    label: str
    text: str
    start: int
    end: int


def fences(prompt: str) -> Iterator[Fenced]:
    """The fences of a prompt in order. Markers that do not belong to the text between them are not fences."""
    begun: dict[tuple[str, str], re.Match[str]] = {}
    at = 0
    # A text has no markers in it, so only the last opening marker before a closing one can belong to it.
    for marker in sorted((*_OPENING.finditer(prompt), *_CLOSING.finditer(prompt)), key=re.Match.start):
        label, mark = marker.groups()
        if marker.re is _OPENING:
            begun[label, mark] = marker
            continue
        opening = begun.pop((label, mark), None)
        if opening is None or opening.start() < at:
            continue
        # An empty text has its closing marker right after the line break of the opening one.
        text = prompt[opening.end() : max(opening.end(), marker.start())]
        if marker.start() >= opening.end() - 1 and text_digest(text)[:12] == mark:
            at = marker.end()
            yield Fenced(label, text, opening.start(), at)


def outside(prompt: str) -> str:
    """What is outside all fences of a prompt."""
    parts, at = [], 0
    for found in fences(prompt):
        parts.append(prompt[at : found.start])
        at = found.end
    return "".join([*parts, prompt[at:]])
