"""Labels at the beginning of lines, in the many ways in which models write them.

``Verdict: x``, ``**Verdict:** x``, ``## Verdict`` with the text below it, ``- Verdict - x``, ``3. __Verdict__``, ``### **Verdict 1**: x``,
``<verdict>x</verdict>`` and ``| Verdict | x |`` are the same label. It may be indented, listed, numbered, a heading of any level, bold,
a tag, and followed by a colon, a dash or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Literal

from rbsuite.frozen import dataclass
from rbsuite.models.reasoning import in_lower_case
from rbsuite.reading.layers import MOST, Layer, Unclear

Style = Literal["heading", "bold", "plain"]
STYLES: tuple[Style, ...] = ("heading", "bold", "plain")
"""From the clearest sign of a label to the weakest."""

_LEAD = r"(?P<lead>[ \t#*_`<\[(+•–|-]*+(?:\d{1,3}[.):][ \t#*_`<\[(-]*+)?+)"
_NUMBER = r"(?:[ \t_]*+(?:no\.?|number|[#№])?[ \t]*+\(?\d{1,4}\)?(?![.,]?\d)(?:[ \t]*(?:of|/)[ \t]*\d{1,4})?)?+"
_AFTER = (
    r"(?P<tail>[ \t]*+[*_`>\]]*+[ \t]*+)(?P<colon>[:：=|]|->|[-–—](?=[ \t]))?+(?P<bold>[*_`]*+)[ \t]*+(?P<rest>[^\n]*+)"
)
_RULE = re.compile(r"(?:\n|\A)[ \t]*(?:[-_*=]{3,}|</[\w -]{1,20}>)\s*\Z")
_LONGEST_RULE = 60
_CLOSING = re.compile(r"[ \t]*(?:</[\w -]{1,20}>|\|)[ \t]*\Z")
_BULLET = re.compile(r"^\s*+(?:[-+•–*](?=\s)|\(?\d{1,4}[.):](?=\s))\s*+")
_WRAPS = ("***", "**", "__", "*", "_", "`", '"', "'")
_WRAPPING = frozenset("*_`\"'")


@dataclass(frozen=True, slots=True)
class Label:
    """A label in a layer.

    Attributes:
        name: which of the requested names it is.
        style: how it is written.
        start: where its line begins.
        value: where the text after it begins.
        rest: the text after it on the same line, without marks around it.
    """

    name: str
    style: Style
    start: int
    value: int
    rest: str


def find_labels(layer: Layer, names: Mapping[str, str], *, numbered: bool = True) -> Sequence[Label]:
    """The labels outside fences and quotes, in order.

    Args:
        layer: what is read.
        names: labels' names, each with a regular expression for its words in lower case, which matches either case. Words
            that end in " is" need no colon after them.
        numbered: whether a number after a name belongs to the label, as in ``Title 1``.

    Raises:
        Unclear: there are too many.
    """
    found: list[Label] = []
    matches = _pattern(tuple(names.items()), numbered).finditer(in_lower_case(layer.outside))
    for match in islice(matches, MOST):
        lead, tail, colon, bold = match.group("lead", "tail", "colon", "bold")
        begin, end = match.span("rest")
        rest = layer.text[begin:end]
        emphasised = "*" in lead or "_" in lead
        style: Style = "heading" if "#" in lead else "bold" if emphasised else "plain"
        name = next(filter(match.group, names))
        tagged = "<" in lead and ">" in tail
        marked = tagged or colon is not None or match[name].endswith(" is")
        if not marked and rest.strip().strip(" .!") and not (emphasised and (tail.strip() or bold)):
            continue
        rest = unwrapped(_CLOSING.sub("", rest) if tagged or "|" in lead else rest)
        for mark in ("**", "__") if emphasised else ():  # the label was emphasised together with its text
            rest = rest.removesuffix(mark).rstrip() if rest.count(mark) == 1 else rest
        found.append(Label(name, style, match.start(), match.start("rest"), rest))
    if next(matches, None) is not None:
        raise Unclear("it has too many lines with labels")
    return found


def with_ends(layer: Layer, labels: Sequence[Label]) -> Sequence[tuple[Label, int]]:
    """Each label with the place where the next one begins or the layer ends."""
    ends = [label.start for label in labels[1:]] + [len(layer.text)] * bool(labels)
    return list(zip(labels, ends, strict=True))


def entries(layer: Layer, labels: Sequence[Label], name: str) -> Sequence[str]:
    """The text after all labels with a name: the rest of the line, or the entries of the list below."""
    return [
        text
        for label, end in with_ends(layer, labels)
        if label.name == name
        for text in ([label.rest] if label.rest else listed(layer.outside[label.value : end]))
    ]


def text_of(layer: Layer, label: Label, end: int) -> str:
    """The text after a label, up to a place, without whitespace and rules at its end."""
    text = layer.text[label.value : end].strip()
    for _ in range(3):
        rule = _RULE.search(text, max(0, len(text) - _LONGEST_RULE))
        if rule is None:
            break
        text = text[: rule.start()].rstrip()
    return label.rest if label.rest and "\n" not in text else text


def listed(text: str) -> list[str]:
    """The entries of a list under a label, without bullets and numbers; each line that is not blank is an entry."""
    entries = (_BULLET.sub("", line).strip() for line in islice(text.splitlines(), MOST))
    return [unwrapped(entry) for entry in entries if entry and not _RULE.fullmatch(entry)]


def between(outside: str, text: str, tag: str) -> str | None:
    """The text between the last closing tag and its opening tag; ``None`` without such a pair.

    A pair of tags on lines of their own takes precedence over others, since a text may mention its tags.

    Args:
        outside: the text with what does not count blanked out.
        text: the same text.
        tag: a regular expression for the tag's name.
    """
    for alone in (True, False):
        begin: int | None = None
        pair: tuple[int, int] | None = None
        for match in islice(_tags(tag, alone).finditer(outside), MOST):
            if not match["close"]:
                begin = match.end() if begin is None or not alone else begin
            elif begin is not None:
                pair, begin = (begin, match.start()), None
        if pair is not None:
            return text[slice(*pair)].strip()
    return None


def unwrapped(text: str) -> str:
    """One line of text without emphasis or quotation marks around the whole of it."""
    text = text.strip()
    for mark in _WRAPS if text[:1] in _WRAPPING else ():
        inner = text[len(mark) : -len(mark)]
        if len(text) > 2 * len(mark) and text.startswith(mark) and text.endswith(mark) and mark not in inner:
            return inner.strip()
    return text


@lru_cache(maxsize=16)
def _tags(tag: str, alone: bool) -> re.Pattern[str]:
    name = rf"<(?P<close>/?)[ \t]*(?:{tag})[ \t]*>"
    return re.compile(rf"^[ \t*]{{0,8}}{name}[ \t*]{{0,8}}$" if alone else name, re.IGNORECASE | re.MULTILINE)


@lru_cache(maxsize=64)
def _pattern(names: tuple[tuple[str, str], ...], numbered: bool) -> re.Pattern[str]:
    alternatives = "|".join(f"(?P<{name}>{words})" for name, words in names)
    return re.compile(rf"^(?!\n){_LEAD}(?:{alternatives})(?![^\W_]){_NUMBER if numbered else ''}{_AFTER}", re.MULTILINE)
