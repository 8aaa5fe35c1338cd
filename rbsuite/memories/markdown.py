"""Reads the Markdown form in which extractors write memory items: strictly, with what was dropped and why.

The form is ReasoningBank's (arXiv 2509.25140): ``# Memory Item i`` with the sections Title, Description, Content.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

TITLE_LIMIT = 200
DESCRIPTION_LIMIT = 600
CONTENT_LIMIT = 4000
"""Characters above which an item is dropped as over-long."""

TOLD = 3
"""How many of the items that were dropped the problem names."""

_FENCE = re.compile(r"^```\w*[ \t]*$", re.MULTILINE)
_SECTION = re.compile(r"^## (Title|Description|Content)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Draft:
    """A memory item as the extractor wrote it."""

    title: str
    description: str
    content: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a reply gave.

    Attributes:
        drafts: the items to keep, in order.
        dropped: one line for each item that was not kept, saying why.
        problem: why nothing could be read; empty if something could.
    """

    drafts: tuple[Draft, ...] = ()
    dropped: tuple[str, ...] = ()
    problem: str = ""


def parse_items(reply: str, limit: int, heading: str = "Memory Item") -> Parsed:
    """Read an extractor's reply.

    Items that lack a section, are empty, over-long or repeat another, and those beyond ``limit``, are dropped. Text before the first
    heading (thinking aloud) is not kept. A code fence around the items is taken off, with what follows it.

    Args:
        reply: the model's text.
        limit: how many items are kept.
        heading: what an item's heading says before its number.
    """
    body = reply.replace("\r\n", "\n")
    starts = list(re.finditer(rf"^# {re.escape(heading)} \d+[ \t]*$", body, re.MULTILINE))
    if not starts:
        return Parsed(problem=f"there is no line '# {heading} 1'")
    drafts: list[Draft] = []
    dropped: list[str] = []
    ends = [start.start() for start in starts[1:]] + [_end(body, starts[0].start(), starts[-1].end())]
    for number, (start, end) in enumerate(zip(starts, ends, strict=True), start=1):
        draft, fault = _read_item(body[start.end() : end])
        fault = fault or _fault(draft, drafts, limit)
        if fault:
            dropped.append(f"item {number}: {fault}")
        elif draft is not None:
            drafts.append(draft)
    return Parsed(tuple(drafts), tuple(dropped), "" if drafts else "; ".join(dropped[:TOLD]))


def _end(body: str, first: int, last: int) -> int:
    """Where the last item ends: at the fence's end where the items stand in one, else with the text."""
    before = body[:first].rstrip().rpartition("\n")[2]
    fences = list(_FENCE.finditer(body, last)) if _FENCE.fullmatch(before) else []
    return fences[-1].start() if fences else len(body)


def _read_item(text: str) -> tuple[Draft | None, str]:
    marks = list(_SECTION.finditer(text))
    names = [mark.group(1) for mark in marks]
    if names != ["Title", "Description", "Content"]:
        return None, "it does not have the sections Title, Description, Content in this order"
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    title, description, content = (text[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=True))
    return Draft(title, description, content), ""


def _fault(draft: Draft | None, kept: Sequence[Draft], limit: int) -> str:
    if draft is None:
        return "unreadable"
    if not (draft.title and draft.description and draft.content):
        return "a section is empty"
    if (
        len(draft.title) > TITLE_LIMIT
        or len(draft.description) > DESCRIPTION_LIMIT
        or len(draft.content) > CONTENT_LIMIT
    ):
        return "over-long"
    if any(
        draft.title.casefold() == other.title.casefold() or draft.content.casefold() == other.content.casefold()
        for other in kept
    ):
        return "it repeats an earlier item"
    return "beyond the limit" if len(kept) >= limit else ""
