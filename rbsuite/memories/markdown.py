"""Reads what extractors write: memory items with a title, a description and content, within limits, with what was dropped and why.

The form is ReasoningBank's (arXiv 2509.25140): ``# Memory Item i`` with the sections Title, Description, Content. :mod:`rbsuite.reading`
says how far a reply may depart from it; JSON objects with those keys are items too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from rbsuite.reading.labels import STYLES, Label, find_labels, text_of, unwrapped, with_ends
from rbsuite.reading.layers import MOST, Layer, Unclear, Unreadable
from rbsuite.reading.stances import first_own
from rbsuite.reading.values import is_empty, objects_with, read_values, text_of_value, without_values
from rbsuite.reading.words import closes, is_placeholder, says_nothing, states_nothing

TITLE_LIMIT = 200
DESCRIPTION_LIMIT = 600
CONTENT_LIMIT = 4000
"""Characters above which an item is dropped as too long."""

TOLD = 3
"""How many of the dropped items the problem names."""

_LONGEST_HEADING = 300
_HEADING = re.compile(r"[ \t]*(?=#|\*\*|\d)#{0,6}[ \t]*(?:\*\*)?(?:\d{1,3}[.):])?[ \t]*([^\n]+)")
_UNDERLINE = re.compile(r"\A[-=]{3,}[ \t]*\n\s*")
_ROW = re.compile(r"^[ \t]*+\|[^\n]*", re.MULTILINE)
_LABEL = r"(?:title|description|content|memory|workflow|reflection)"
_UNEVEN = re.compile(
    rf"(?P<tag></?(?:memory[ _-]?)?items?>|(?<=>)[ \t]*+(?=<{_LABEL}\b))|(?P<bold></?(?:b|strong)>)"
    rf"|(?<![^\n#*_ \t-])[\u2190-\u2bff\U0001f000-\U0001faff][\ufe0f\u200d]?[ \t]{{0,4}}(?=[*_]{{0,3}}{_LABEL}\b)",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"(?P<heading>^[ \t]*<h[1-6]>)|(?:</h[1-6]>|<br[ ]?/?>)[ \t]*$", re.IGNORECASE | re.MULTILINE)
_QUOTE = re.compile(r"^[ \t]*+>[ \t]?", re.MULTILINE)
_LEVEL = re.compile(r"[ \t]*+(#{1,6})")
_REMARK = re.compile(r"\n\s*\n[ \t]*[-*_]{3,}[ \t]*\n\s*[^\n]+\Z")
_LONGEST_REMARK = 1_000
_SECTIONS = ("title", "description", "content")
_KEYS: Mapping[str, Sequence[str]] = {
    "title": ("title", "name"),
    "description": ("description", "summary", "when", "when_to_use"),
    "content": ("content", "text", "body", "strategy", "lesson", "steps", "workflow"),
}
"""What the sections are called in JSON."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A memory item as the extractor wrote it."""

    title: str
    description: str
    content: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was read from a reply.

    Attributes:
        drafts: the items to keep, in order.
        dropped: one line for each item that was not kept, saying why.
        problem: why nothing could be read; empty if something could, or if there was nothing to learn.
        none_said: the model said that there is nothing to learn, which is not a fault.
    """

    drafts: tuple[Draft, ...] = ()
    dropped: tuple[str, ...] = ()
    problem: str = ""
    none_said: bool = False


def parse_items(reply: str, limit: int, heading: str = "Memory Item") -> Parsed:
    """Read an extractor's reply.

    Items that lack a section, are empty or too long or repeat another, and those beyond ``limit``, are dropped.

    Args:
        reply: the model's text.
        limit: how many items are kept.
        heading: what an item's heading says before its number.
    """
    missing = f"there is no line '# {heading} 1' with the sections Title, Description and Content below it"

    def read(layer: Layer) -> Parsed | None:
        values = read_values(layer)
        plain = _edited(layer, _MARKUP, lambda edit: "# " if edit["heading"] else "")
        labelled = _labelled(plain, heading)
        if not _complete(labelled) and _SECTIONS[1] in layer.outside.lower():
            labelled = _tabled(layer) or _labelled(_evened(layer), heading) or labelled
        rest = without_values(layer, values)
        if not labelled and (states_nothing(rest) or not rest.strip()):
            if all(map(is_empty, values.own if rest.strip() else values.found)):
                return Parsed(none_said=True)
            if rest.strip():
                raise Unclear("it contains items and says that there is nothing to learn")
        objects = [_of_object(value) for value, _ in objects_with(values.found, _KEYS["title"])]  # at any depth
        kept = [_kept(found, limit) for found in (labelled, objects)]
        problem = next(
            (one.problem for one in kept if one.problem), "its JSON is not closed" if values.cut else missing
        )
        found = next((one for one in kept if one.drafts), None)
        if found is None:
            raise Unreadable(problem)
        return found

    try:
        return first_own(reply, read, lambda text: Parsed(none_said=True) if says_nothing(text) else None)
    except Unreadable as fault:
        return Parsed(problem=str(fault))


def _kept(found: Sequence[Draft], limit: int) -> Parsed:
    drafts: list[Draft] = []
    dropped: list[str] = []
    for number, draft in enumerate(found, start=1):
        fault = _fault(draft, drafts, limit)
        if fault:
            dropped.append(f"item {number}: {fault}")
        else:
            drafts.append(draft)
    return Parsed(tuple(drafts), tuple(dropped), "" if drafts else "; ".join(dropped[:TOLD]))


def _fault(draft: Draft, kept: Sequence[Draft], limit: int) -> str:
    missing = [name for name in _SECTIONS if not getattr(draft, name)]
    if missing:
        return f"its {missing[0]} is missing or empty"
    unfilled = [name for name in _SECTIONS if is_placeholder(getattr(draft, name))]
    if unfilled:
        return f"its {unfilled[0]} is not filled in"
    limits = zip(_SECTIONS, (TITLE_LIMIT, DESCRIPTION_LIMIT, CONTENT_LIMIT), strict=True)
    over = next(((name, most) for name, most in limits if len(getattr(draft, name)) > most), None)
    if over is not None:
        return f"its {over[0]} is over-long ({len(getattr(draft, over[0]))} characters; {over[1]} are allowed)"
    if any(
        draft.title.casefold() == other.title.casefold() or draft.content.casefold() == other.content.casefold()
        for other in kept
    ):
        return "it repeats an earlier item"
    return "beyond the limit" if len(kept) >= limit else ""


def _labelled(layer: Layer, heading: str) -> Sequence[Draft]:
    """The items under labels. Lines in a content may look like weaker labels; they are ignored if that gives more complete items."""
    words = r"[ \t_-]*+".join(map(re.escape, heading.lower().split()))
    names = {
        "item": rf"{words}s?|记忆(?:项目?|条目)",
        "title": "title|标题",
        "description": "description|描述",
        "content": "content|内容",
    }
    labels = find_labels(layer, names)
    if not any(label.name == "title" for label in labels):
        labels = _with_headings(layer, labels)
    best: Sequence[Draft] = ()
    taken = 0
    for most in range(1, len(STYLES) + 1):
        used = [label for label in labels if label.style in STYLES[:most]]
        if len(used) > taken:
            found = list(_grouped(layer, used))
            if not best or _complete(found) > _complete(best):
                best = found
        taken = len(used)
    return best


def _evened(layer: Layer) -> Layer:
    """A layer with tags of sections on lines of their own, none around items, bold tags as marks, and without pictures before labels."""
    return _edited(layer, _UNEVEN, lambda edit: "**" if edit["bold"] else "\n" if edit["tag"] is not None else "")


def _edited(layer: Layer, pattern: re.Pattern[str], change: Callable[[re.Match[str]], str]) -> Layer:
    """A layer with what matches outside its fences and quotes changed."""
    edits = list(islice(pattern.finditer(layer.outside), MOST))
    ends = [*(edit.start() for edit in edits), len(layer.text)]

    def edited(text: str) -> str:
        new = list(map(change, edits))
        starts = [0, *(edit.end() for edit in edits)]
        kept = [text[start:end] for start, end in zip(starts, ends, strict=True)]
        return kept[0] + "".join(one + part for one, part in zip(new, kept[1:], strict=True))

    return Layer(edited(layer.text), edited(layer.outside)) if edits else layer


def _tabled(layer: Layer) -> Sequence[Draft]:
    """The items of a table whose first row names the sections."""
    lines = [line[0].strip(" \t|") for line in islice(_ROW.finditer(layer.outside), MOST)]
    rows = [[cell.strip(" \t*`") for cell in line.split("|")] for line in lines if line.strip("-:| ")]
    names = [name.lower() for name in rows[0]] if rows else []
    if not set(_SECTIONS) <= set(names):
        return ()
    return [_draft(dict(zip(names, row, strict=False))) for row in rows[1:]]


def _with_headings(layer: Layer, labels: Sequence[Label]) -> Sequence[Label]:
    """Labels that include no title, plus an item label for each line that is marked as a heading and comes right before an item."""
    found: list[Label] = []
    first = next((label.name for label in labels if label.name != "item"), "")
    for label in labels:
        if label.name == first and (not found or found[-1].name != "item"):
            window = layer.outside[max(0, label.start - _LONGEST_HEADING) : label.start]
            line = window.rstrip().rpartition("\n")[2]
            heading = _HEADING.fullmatch(line)
            if heading is not None:
                start = label.start - len(window) + len(window.rstrip()) - len(line)
                found.append(Label("item", label.style, start, label.start, heading[1].strip(" \t*:")))
        found.append(label)
    return found


def _complete(drafts: Sequence[Draft]) -> int:
    return sum(bool(draft.title and draft.description and draft.content) for draft in drafts)


def _grouped(layer: Layer, labels: Sequence[Label]) -> Iterator[Draft]:
    """The items that labels make up: an item begins at its heading, or when a section is repeated."""
    sections: dict[str, str] = {}
    level = 0
    for label, end in with_ends(layer, labels):
        if label.name == "item" or label.name in sections:
            if _SECTIONS[1] in sections or _SECTIONS[2] in sections or (sections and label.name != "item"):
                yield _draft(sections)
            sections = {}
        if label.name == "item":
            level = _level(layer, label)
            if label.rest:
                sections["heading"] = label.rest
        else:
            text = _UNDERLINE.sub("", text_of(layer, label, _own_end(layer, label, end, level)))
            sections[label.name] = _without_remarks(_unquoted(text)) if end == len(layer.text) else _unquoted(text)
    if sections.keys() & set(_SECTIONS):
        yield _draft(sections)


def _level(layer: Layer, label: Label) -> int:
    marks = _LEVEL.match(layer.outside, label.start)
    return len(marks[1]) if marks else 0


def _own_end(layer: Layer, label: Label, end: int, level: int) -> int:
    """Where a section ends: at the latest at a heading above it, or on the level of its item, after a blank line."""
    level = level or _level(layer, label) - 1
    above = _above(level).search(layer.outside, label.value, end) if level > 0 else None
    return above.start() if above and layer.outside[label.value : above.start()].strip() else end


@lru_cache(maxsize=8)
def _above(level: int) -> re.Pattern[str]:
    return re.compile(rf"\n[ \t]*\n#{{1,{level}}}[ \t]+\S")


def _unquoted(text: str) -> str:
    """A section without the marks of a block quote, if all of its lines have one."""
    marked = text.startswith(">") and all(_QUOTE.match(line) for line in text.split("\n") if line.strip())
    return _QUOTE.sub("", text).strip() if marked else text


def _without_remarks(text: str) -> str:
    """The last section without a paragraph at its end that says that this is all, or that a rule sets apart."""
    before, _, last = text.rpartition("\n\n")
    if before and closes(last):
        text = before.rstrip()
    near = max(0, len(text) - _LONGEST_REMARK)
    remark = _REMARK.search(text, near)
    return text[: remark.start()] if remark and remark.start() else text


def _draft(sections: Mapping[str, str]) -> Draft:
    title = sections.get("title") or sections.get("heading", "")
    return Draft(unwrapped(_on_one_line(title)), sections.get("description", ""), sections.get("content", ""))


def _of_object(mine: Mapping[str, Any]) -> Draft:
    title, description, content = (
        next((text_of_value(mine[key]) for key in _KEYS[name] if key in mine), "") for name in _SECTIONS
    )
    return Draft(_on_one_line(title), description, content)


def _on_one_line(text: str) -> str:
    return " ".join(filter(None, (line.strip() for line in text.split("\n"))))
