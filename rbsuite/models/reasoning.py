"""Separates what a model thought from what it answered when both are in one text.

Models mark their reasoning in several ways: a block between tags (``<think>``, ``<thinking>``, ``[THINK]``, ``<seed:think>``, ...), a block
whose opening tag was part of the prompt, so that only the closing one is left, a block cut off by the token limit, or the channels of
OpenAI's Harmony format.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_TAG = re.compile(
    r"(<(?=[/|\w])(?:/?(?:seed:|mm:|ant:?)?(?:think(?:ing)?|thoughts?|reasoning)(?:[ \t]+\w+=[^<>\n]{0,80})?[ \t]{0,3}>"
    r"|\|(?:/?think(?:ing)?|(?:begin|end)_of_thought|(?:start|end)_thinking)\|>)|\[(?=[/t])/?think\]|◁/?think▷)"
)
"""A tag in a text in lower case."""
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_CHANNEL = "<|channel|>"
_IN_MARKS = ("think", "thought", "reasoning", _CHANNEL)
"""Every mark contains one of these, in lower case."""
_NAMED_CHANNEL = re.compile(r"<\|channel\|>[ \t]?(?:analysis|commentary|final)\b")
_HARMONY = re.compile(r"<\|(start|channel|message|end|return|call)\|>")


def separate(text: str) -> tuple[str, str]:
    """The reasoning and the answer in a reply, in time linear in its length.

    A block ends at the first closing tag, whatever its spelling. A closing tag without an opening one ends a block that began with the
    reply. An opening tag that is never closed begins a block if it begins a line; else it is part of the answer. Of Harmony's channels,
    ``final`` is the answer, and so is ``commentary`` unless it is a tool call; a channel mark that names an unknown channel is text.

    Args:
        text: the reply.

    Returns:
        Reasoning and answer. The pieces of each are on lines of their own, without surrounding whitespace. A text without any mark is
        all answer, unchanged.
    """
    if not _NAMED_CHANNEL.search(text):
        return _tagged(text)
    thought, said = _channelled(text)
    more, answer = _tagged(_joined(said))
    return _joined((*thought, more)), answer


def thought_and_said(text: str) -> tuple[str, str]:
    """Like :func:`separate`, at next to no cost for a text that cannot contain a mark."""
    if "<" not in text and "[" not in text and "◁" not in text:
        return "", text
    lower = text.lower()
    return separate(text) if any(word in lower for word in _IN_MARKS) else ("", text)


def in_lower_case(text: str) -> str:
    """The text in lower case, with every character at its old place. Searching this is many times faster than a case-insensitive search."""
    lower = text.lower()
    return lower if len(lower) == len(text) else text.translate(_ASCII_LOWER)


def _joined(pieces: Iterable[str]) -> str:
    return "\n".join(filter(None, map(str.strip, pieces)))


def _tagged(text: str) -> tuple[str, str]:
    """Reasoning and answer of a text whose blocks are marked by tags."""
    between = _TAG.split(in_lower_case(text))
    tags = between[1::2]
    if not tags:
        return "", text
    closing = {tag: tag[1] == "/" or tag[1:3] in ("|/", "|e") for tag in set(tags)}
    last_close = max((len(tags) - tags[::-1].index(tag) - 1 for tag, closes in closing.items() if closes), default=-1)
    thought: list[str] = []
    said: list[str] = []
    inside, begins_line, begin, at = False, True, 0, 0
    for place, tag in enumerate(tags):
        piece = between[2 * place]
        at += len(piece)
        end = at + len(tag)
        if closing[tag]:
            if not inside:  # everything that looked like the answer was thinking
                thought += said
                said.clear()
            thought.append(text[begin:at])
            inside, begins_line, begin = False, True, end
        elif not inside:
            if place > last_close:
                _, newline, last_line = piece.rpartition("\n")
                begins_line = (begins_line or bool(newline)) and not last_line.strip()
            if begins_line or place < last_close:
                said.append(text[begin:at])
                inside, begins_line, begin = True, True, end
        at = end
    (thought if inside else said).append(text[begin:])
    if not thought and len(said) == 1:
        return "", text
    return _joined(thought), _joined(said)


def _channelled(text: str) -> tuple[list[str], list[str]]:
    """What was thought and what was said in a reply in Harmony's format, without headers (role, channel, recipient)."""
    thought: list[str] = []
    said: list[str] = []
    texts = _HARMONY.split(text)
    marks = ["", *texts[1::2], ""]
    header = ""
    for place, piece in enumerate(texts[::2]):
        mark = marks[place]
        if mark == "channel":
            header = piece
            if marks[place + 1] != "message":  # nothing says where the header ends
                header, _, piece = piece.partition(" ")
                if piece:
                    (said if _is_said(header) else thought).append(piece)
        elif piece and mark != "start":
            # What comes before all marks continues a prompt that opened the reasoning channel.
            (thought if not mark or (mark == "message" and not _is_said(header)) else said).append(piece)
    return thought, said


def _is_said(header: str) -> bool:
    return header.partition(" ")[0].strip() == "final" or header.strip() == "commentary"
