"""Separates what a model thought from what it answered when both are in one text.

Models mark their reasoning in several ways: a block between tags (``<think>``, ``<thinking>``, ``[THINK]``, ``<seed:think>``, ...), a block
whose opening tag was part of the prompt, so that only the closing one is left, a block cut off by the token limit, notes between tags that
may also be part of an answer (``<analysis>``, ``<scratchpad>``, ``<reflection>``), or the channels of OpenAI's Harmony format.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_THOUGHTS = (
    r"(?:(?:think(?:ing)?|thoughts?|reasoning)(?:[_-]process)?|chain[_-]of[_-]thoughts?"
    r"|(?:inner|internal)[_-](?:monologue|thoughts?|reasoning))"
)
_TAG = re.compile(
    r"((?:<|\uff1c|&lt;)(?=[ \t/|\w])"
    rf"(?:[ \t]{{0,3}}+/?+[ \t]{{0,3}}+(?:seed:|mm:|ant:?)?{_THOUGHTS}(?:[ \t]+\w+=[^<>\n]{{0,80}})?\s{{0,3}}(?:>|\uff1e|&gt;)"
    r"|\|(?:/?think(?:ing)?|(?:begin|end)_of_(?:thought|thinking)|(?:start|end)_thinking)\|>"
    r"|\|channel>[ \t]{0,3}(?:thoughts?|thinking|analysis)\b|channel\|>"
    r"|/?(?:analysis|scratch_?pad|reflection)[ \t]{0,3}(?:>|\uff1e|&gt;))|\[(?=[/tr])/?(?:think(?:ing)?|reasoning)\]|◁/?think▷)"
)
"""A tag in a text in lower case."""
_AROUND = re.compile(r"&[lg]t;|[^a-z_\[\]]")
"""What is not the name of a tag."""
_CLOSES = re.compile(r"(?:<|\uff1c|&lt;|\[|◁)[ \t]*(?:/|\|/|\|e|channel)")
_NOTES = ("analysis", "scratchpad", "scratch_pad", "reflection", "[reasoning]")
_QUOTES = frozenset("`\"'“”‘’«»„*_()")
_MENTIONED = re.compile(r"[.,;:!?)](?=[\s*_`\"'”’»)]|\Z)|[ \t]+([^\W\d_])")
"""What follows a tag that is only mentioned: a sentence's mark, or a further word of the sentence, if that is in lower case."""
_BLANK = "> \t\r\x0b\x0c*\xa0\u3000"
"""What may stand before a tag that begins its line."""
_CHANNEL = "<|channel|>"
_IN_MARKS = ("think", "thought", "reasoning", "monologue", _CHANNEL, "channel|>", *_NOTES)
"""Every mark contains one of these, in lower case."""
_NAMED_CHANNEL = re.compile(
    r"<\|channel\|>[ \t]{0,3}(?:analysis|commentary|final|thoughts?|thinking|reasoning)\b", re.IGNORECASE
)
_HARMONY = re.compile(r"<\|(start|channel|message|end|return|call)\|>", re.IGNORECASE)


def separate(text: str) -> tuple[str, str]:
    """The reasoning and the answer in a reply, in time linear in its length.

    A block ends at the first closing tag, whatever its spelling. A closing tag without an opening one ends a block that began with the
    reply. An opening tag that is never closed begins a block, up to the end of the reply, if it begins or ends its line, or if thoughts
    seem to follow it: not if it is only mentioned in a sentence, that is, if it stands between quotation marks, or is followed by the
    sentence's punctuation or by a further word in lower case. Such a mention is part of the answer.

    Notes (``<analysis>``, ``<scratchpad>``, ``<reflection>``) are thoughts only if their opening tag begins a line and the closing tag of
    the same name follows; a reply that is nothing else has no answer. Of Harmony's channels, ``final`` is the answer, and so is
    ``commentary`` unless it is a tool call; a channel mark that names an unknown channel is text.

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
    if not ("<" in text or "[" in text or "&" in text or not text.isascii()):  # how every mark begins
        return "", text
    lower = in_lower_case(text)
    return separate(text) if any(word in lower for word in _IN_MARKS) else ("", text)


def in_lower_case(text: str) -> str:
    """The text in lower case, with every character at its old place. Searching this is many times faster than a case-insensitive search."""
    return text.replace("\u0130", "i").lower()  # no other character becomes longer


def _joined(pieces: Iterable[str]) -> str:
    return "\n".join(filter(None, map(str.strip, pieces)))


def _tagged(text: str) -> tuple[str, str]:
    """Reasoning and answer of a text whose blocks are marked by tags."""
    between = _TAG.split(in_lower_case(text))
    tags = between[1::2]
    if not tags:
        return "", text
    kinds = {tag: (_AROUND.sub("", tag), _closes(tag)) for tag in set(tags)}
    last = {
        name if name in _NOTES else "": place  # where the last closing tag of each kind is
        for place, (name, closes) in enumerate(map(kinds.__getitem__, tags))
        if closes
    }
    last_close = last.get("", -1)
    thought: list[str] = []
    said: list[str] = []
    notes = ""
    inside, begins_line, begin, at = False, True, 0, 0
    for place, tag in enumerate(tags):
        piece = between[2 * place]
        at += len(piece)
        end = at + len(tag)
        name, closes = kinds[tag]
        if not inside and not notes and (begins_line or "\n" in piece):
            begins_line = not piece.rpartition("\n")[2].strip(_BLANK)
        if name in _NOTES:
            if closes and name == notes and not inside:
                thought.append(text[begin:at])
                notes, begins_line, begin = "", True, end
            elif not closes and begins_line and not notes and not inside and place < last.get(name, -1):
                said.append(text[begin:at])
                notes, begin = name, end
            elif not inside and not notes:
                begins_line = False
        elif closes:
            if not inside:  # everything that looked like the answer was thinking
                thought += said
                said.clear()
            thought.append(text[begin:at])
            notes = notes if inside and place < last.get(notes, -1) else ""
            inside, begins_line, begin = False, True, end
        elif not inside and notes:
            inside = place < last_close
        elif not inside and (begins_line or place < last_close or not _is_mentioned(text, at, end)):
            said.append(text[begin:at])
            inside, begin = True, end
        at = end
    (thought if inside else said).append(text[begin:])
    if not thought and len(said) == 1:
        return "", text
    return _joined(thought), _joined(said)


def _closes(tag: str) -> bool:
    return _CLOSES.match(tag) is not None


def _is_mentioned(text: str, start: int, end: int) -> bool:
    """Whether a tag that does not begin its line is a part of the sentence."""
    if text[start - 1] in _QUOTES and text[end : end + 1] in _QUOTES:
        return True
    found = _MENTIONED.match(text, end)
    return found is not None and (found[1] is None or found[1].islower())


def _channelled(text: str) -> tuple[list[str], list[str]]:
    """What was thought and what was said in a reply in Harmony's format, without headers (role, channel, recipient)."""
    thought: list[str] = []
    said: list[str] = []
    texts = _HARMONY.split(text)
    marks = ["", *texts[1::2], ""]
    header = ""
    for place, piece in enumerate(texts[::2]):
        mark = marks[place].lower()
        if mark == "channel":
            header = piece
            if marks[place + 1].lower() != "message":  # nothing says where the header ends
                header, piece = (*piece.split(None, 1), "", "")[:2]
                if piece:
                    (said if _is_said(header) else thought).append(piece)
        elif piece and mark != "start":
            # What comes before all marks continues a prompt that opened the reasoning channel.
            (thought if not mark or (mark == "message" and not _is_said(header)) else said).append(piece)
    return thought, said


def _is_said(header: str) -> bool:
    words = header.lower().split()
    return words[:1] == ["final"] or words == ["commentary"]
