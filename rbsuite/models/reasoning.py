"""Tells what a model thought from what it answered, where both stand in one text.

Models mark their reasoning in several ways: a block between tags (``<think>``, ``<thinking>``, ``[THINK]``, ``<seed:think>``, ...), a block
whose opening tag was part of the prompt, so that only the closing one is left, a block that the limit of tokens cut, or the channels of
OpenAI's Harmony format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_NAME = r"(?:seed:)?(?:think(?:ing)?|thoughts?|reasoning)"
_TAG = re.compile(
    rf"<(?P<angle>/?){_NAME}[ \t]{{0,3}}>|\[(?P<square>/?)THINK\]|◁(?P<triangle>/?)think▷|<\|(?P<word>begin|end)_of_thought\|>",
    re.IGNORECASE,
)
_CHANNEL = "<|channel|>"
_HARMONY = re.compile(r"<\|(start|channel|message|end|return|call)\|>")
_Piece = tuple[bool, str]
"""A piece of a reply, and whether it was thought."""


def separate(text: str) -> tuple[str, str]:
    """The reasoning in a reply and the answer, in time linear in its length.

    A block ends at the first closing tag, whatever its spelling. A closing tag without an opening one ends a block that began with the
    reply. An opening tag that nothing closes begins a block if it begins a line; else it is part of the answer. Of Harmony's channels
    ``final`` is the answer, and ``commentary`` where it is no tool call.

    Args:
        text: the reply.

    Returns:
        Reasoning and answer. The pieces of each stand on lines of their own, without the space around them. A text without any mark is
        the answer as it stands.
    """
    if _CHANNEL not in text:
        return _join(_tagged(text), text)
    thought, answer = _join(_channelled(text), text)
    more, answer = _join(_tagged(answer), answer)
    return "\n".join(filter(None, (thought, more))), answer


def _join(pieces: Iterator[_Piece], text: str) -> tuple[str, str]:
    """Pieces as reasoning and answer; the text itself where it is one piece."""
    found = list(pieces)
    if len(found) == 1 and found[0] == (False, text):
        return "", text
    thought, said = (
        "\n".join(filter(None, (piece.strip() for is_thought, piece in found if is_thought is wanted)))
        for wanted in (True, False)
    )
    return thought, said


def _tagged(text: str) -> Iterator[_Piece]:
    tags = list(_TAG.finditer(text))
    last_close = max((tag.start() for tag in tags if _closes(tag)), default=-1)
    said: list[str] = []
    inside, begins_line, begin, seen = False, True, 0, 0
    for tag in tags:
        between, seen = text[seen : tag.start()], tag.end()
        _, newline, last_line = between.rpartition("\n")
        begins_line = (begins_line or bool(newline)) and not last_line.strip()
        if _closes(tag):
            if not inside:  # all that seemed to be said was thought
                yield from ((True, piece) for piece in said)
                said.clear()
            yield True, text[begin : tag.start()]
        elif inside or not (begins_line or tag.start() < last_close):
            begins_line = False
            continue
        else:
            said.append(text[begin : tag.start()])
        inside, begins_line, begin = not _closes(tag), True, tag.end()
    yield from ((False, piece) for piece in said)
    yield inside, text[begin:]


def _closes(tag: re.Match[str]) -> bool:
    return "/" in (tag["angle"], tag["square"], tag["triangle"]) or (tag["word"] or "").lower() == "end"


def _channelled(text: str) -> Iterator[_Piece]:
    """The messages of a reply in Harmony's format, without their headers (role, channel, recipient)."""
    mark, header, begin = "", "", 0
    for found in (*_HARMONY.finditer(text), None):
        piece = text[begin : found.start() if found else None]
        follows = found[1] if found else ""
        if mark == "channel" and follows != "message":  # no word says where the header ends
            header, _, piece = piece.partition(" ")
            yield not _is_said(header), piece
        elif mark == "channel":
            header = piece
        elif mark != "start":
            # What stands before all marks goes on from a prompt that opened the channel of the reasoning.
            yield not mark or (mark == "message" and not _is_said(header)), piece
        if found:
            mark, begin = follows, found.end()


def _is_said(header: str) -> bool:
    return header.partition(" ")[0].strip() == "final" or header.strip() == "commentary"
