"""The agent of mini-swe-agent: every reply contains exactly one block of commands."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice

from rbsuite.agents.chat import ChatAgent
from rbsuite.errors import ParseFailure
from rbsuite.models.base import Completion
from rbsuite.models.reasoning import separate
from rbsuite.models.usable import message_of
from rbsuite.reading.layers import MOST
from rbsuite.trajectory import Action, Message, Observation
from rbsuite_swe.episode import TOOL

_STRICT = ("```bash\n", "\n```")
"""How a block begins and ends in mini-swe-agent's own form."""
_OPENING = re.compile(r"^[ \t]*+(`{3,}+|~{3,}+)[ \t]*+([\w+-]*+)[ \t]*+\n", re.MULTILINE)
_CLOSINGS = {
    "`": re.compile(r"(?<!`)`{3,}+(?=[ \t]*+$)", re.MULTILINE),
    "~": re.compile(r"(?<!~)~{3,}+(?=[ \t]*+$)", re.MULTILINE),
}
"""The marks at the end of a line; a block ends at the first that are as many as those it begins with, or more."""
_HERE = re.compile(r"(?<!<)<<-?[ \t]*+(['\"]?)([A-Za-z_]\w*+)\1")
"""The start of a here-document."""
_WORD_ALONE = re.compile(r"^[^\S\n]*+([A-Za-z_]\w*+)[^\S\n]*+$", re.MULTILINE)
_SHELLS = ("bash", "sh", "shell", "console", "zsh")


class BashAgent(ChatAgent):
    """Reads the one fenced block of a reply as a command; the text around it is the thought.

    A reply with any other number of blocks goes back to the model once. If the next one has no command either, it does nothing, and the
    environment says so, up to three times in a row.

    Args:
        strict: only blocks that match mini-swe-agent's pattern count, and only the environment reports errors to the model.
    """

    template = "swe/bash.j2"

    def instructions(self, policy: str, observation: Observation) -> str:
        """The rules and the form of a reply."""
        return self._services.render(self.template, policy=policy)

    def heard(self, observation: Observation) -> Sequence[Message]:
        """Output comes back as a user's message."""
        return [Message("user", observation.content)]

    def answer(self, completion: Completion) -> Action:
        """The command of a reply."""
        self._messages.append(message_of(completion))
        text = separate(completion.text)[1].replace("\r\n", "\n")
        blocks = _strict_blocks(text) if self._strict else _blocks(text)
        if len(blocks) != 1:
            raise ParseFailure(f"the model's reply must hold exactly one block of bash, and holds {len(blocks)}.")
        (begin, end), command = blocks[0]
        if not self._strict and (word := _open_document(command)):
            raise ParseFailure(
                f"the here-document {word} has no end in its block; where a file holds ```, fence the command by ````."
            )
        said = " ".join(filter(None, (completion.reasoning, text[:begin].strip(), text[end:].strip())))
        return Action.call(TOOL, {"command": command.strip("\n")}, thought=said)

    def unread(self, completion: Completion, failure: ParseFailure) -> Action:
        """The reply as text, which executes nothing."""
        return Action(completion.text, thought=completion.reasoning)


def _open_document(command: str) -> str:
    """The delimiter of an unterminated here-document; empty if all end. In a file that contains a fence, a block ends too early."""
    last = {line[1]: line.start() for line in _WORD_ALONE.finditer(command)}
    for found in _HERE.finditer(command):
        if last.get(found[2], -1) < found.end():
            return found[2]
    return ""


def _strict_blocks(text: str) -> list[tuple[tuple[int, int], str]]:
    """The blocks in mini-swe-agent's own form."""
    opening, closing = _STRICT
    blocks: list[tuple[tuple[int, int], str]] = []
    end = 0
    while (start := text.find(opening, end)) >= 0:
        begin = start + len(opening)
        close = text.find(closing, begin)
        if close < 0:
            break
        end = close + len(closing)
        blocks.append(((start, end), text[begin:close]))
    return blocks


def _blocks(text: str) -> list[tuple[tuple[int, int], str]]:
    """The blocks of commands: those marked as bash, else those marked as another shell's, else those without a mark."""
    found = list(islice(_fenced(text), MOST))
    for marks in (_SHELLS[:1], _SHELLS[1:], ("",)):
        blocks = [(span, command) for span, mark, command in found if mark in marks and command.strip()]
        if blocks:
            return blocks
    return []


def _fenced(text: str) -> Iterator[tuple[tuple[int, int], str, str]]:
    """Where each block is, its mark in lower case, and what it holds."""
    closings: dict[str, tuple[list[int], list[int], list[int]]] = {}
    opening = _OPENING.search(text)
    while opening is not None:
        begin, kind, length = opening.end(), opening[1][0], len(opening[1])
        if kind not in closings:
            lengths = [len(marks) for marks in _CLOSINGS[kind].findall(text)]
            longest = list(accumulate(reversed(lengths), max))[::-1]
            closings[kind] = [match.end() for match in _CLOSINGS[kind].finditer(text)], lengths, longest
        ends, lengths, longest = closings[kind]
        place = bisect_left(ends, begin)
        end = begin
        if place < len(ends) and longest[place] >= length:  # so the search ends at a closing, and goes on behind it
            while lengths[place] < length:
                place += 1
            close = ends[place] - length
            command = text[begin:close].rstrip(" \t")
            end = ends[place]
            yield (opening.start(), end), opening[2].lower(), command.removesuffix("\n")
        opening = _OPENING.search(text, end)
