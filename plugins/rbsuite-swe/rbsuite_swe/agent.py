"""The agent of mini-swe-agent: every reply contains exactly one block of commands."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rbsuite.agents.chat import ChatAgent
from rbsuite.errors import ParseFailure
from rbsuite.models.base import Completion
from rbsuite.models.reasoning import separate
from rbsuite.models.usable import message_of
from rbsuite.trajectory import Action, Message, Observation
from rbsuite_swe.episode import TOOL

_STRICT = re.compile(r"```bash\n(.*?)\n```", re.DOTALL)
"""mini-swe-agent's own form."""
_BLOCK = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([\w+-]*)[ \t]*\n(.*?)\n?[ \t]*\1[ \t]*$", re.DOTALL | re.MULTILINE)
_HERE = re.compile(r"(?<!<)<<-?[ \t]*(['\"]?)([A-Za-z_]\w*)\1")
"""The start of a here-document."""
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
        blocks = [(match.span(), match[1]) for match in _STRICT.finditer(text)] if self._strict else _blocks(text)
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
    for found in _HERE.finditer(command):
        rest = command[found.end() :].split("\n")[1:]
        if found[2] not in (line.strip() for line in rest):
            return found[2]
    return ""


def _blocks(text: str) -> list[tuple[tuple[int, int], str]]:
    """The blocks of commands: those marked as bash, else those marked as another shell's, else those without a mark."""
    found = [(match.span(), match[2].lower(), match[3]) for match in _BLOCK.finditer(text)]
    for marks in (_SHELLS[:1], _SHELLS[1:], ("",)):
        blocks = [(span, command) for span, mark, command in found if mark in marks and command.strip()]
        if blocks:
            return blocks
    return []
