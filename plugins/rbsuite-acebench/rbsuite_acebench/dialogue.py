"""The two rollout protocols of agent items: who writes to whom, what is carried out, and when it ends.

Follows ``multi_turn_inference`` and ``multi_step_inference`` in ``model_inference/apimodel_inference.py`` and the roles they use
(ACEBench/ACEBench, e6db74b735ead22c24f27367606a9408573b848f).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from rbsuite_acebench.calls import Call, Unparsable, read_message
from rbsuite_acebench.cases import Item, Protocol
from rbsuite_acebench.execution import execute
from rbsuite_acebench.worlds import Instances, methods_of, new_instances, saved

MOST_MESSAGES = 40
"""Messages after the opening; upstream's ``max_dialog_turns``."""
FINISH = "finish conversation"
DO_NOT_ASK = "Please do not ask me any questions, use the known conditions to solve the problem"

Turn = Literal["agent", "user", "over"]

_BRACKETS = re.compile(r"^[^\[\n]*+\[[^\]\n]*+\]", re.MULTILINE)
_OPENS_WITH_BRACKETS = re.compile(r"\[.*?\]")


@dataclass(frozen=True, slots=True)
class Said:
    """A message of a dialogue."""

    sender: str
    recipient: str
    message: Any

    def plain(self) -> dict[str, Any]:
        """The message in the form of upstream's ``dialogue_history``."""
        return {"sender": self.sender, "recipient": self.recipient, "message": self.message}


class Dialogue:
    """A rollout of an agent item, in fresh worlds.

    Args:
        item: the item.
        starts: the start values of the worlds by class.
        protocol: ``official`` or ``fixed``.
        opening: what the user says first in a multi-turn item; ``None`` in a multi-step item, which its question opens.

    Attributes:
        history: all messages.
        process: the messages that were sent to execution.
        turn: who writes next.
        cut: whether it ended because :data:`MOST_MESSAGES` were reached.
    """

    def __init__(
        self, item: Item, starts: Mapping[str, Mapping[str, Any]], protocol: Protocol, opening: str | None = None
    ) -> None:
        self._multi_turn = item.category == "agent_multi_turn"
        self._fixed = protocol == "fixed"
        self._worlds: Instances = new_instances(
            item.entry["involved_classes"], item.config(protocol), starts, item.language
        )
        self._methods = methods_of(self._worlds)
        first = opening if opening is not None else str(item.entry["question"])
        self.history: list[Said] = [Said("user", "agent", first)]
        self.process: list[str] = []
        self.turn: Turn = "agent"
        self.cut = False
        self._saves = False

    @property
    def last(self) -> Said:
        """The last message."""
        return self.history[-1]

    @property
    def result(self) -> list[dict[str, Any]]:
        """The saved state; empty if nothing was executed after which upstream saves a state."""
        return saved(self._worlds) if self._saves else []

    def user_says(self, text: str) -> None:
        """The user's turn."""
        self._add(Said("user", "agent", text), "agent")

    def agent_says(self, text: str) -> None:
        """The agent's turn; what it sends to execution is carried out at once."""
        calls = self._calls(text) if not self._multi_turn or _BRACKETS.search(text) else None
        if self._multi_turn:
            to_execution = calls is not None
            recipient = "execution" if to_execution else "user"
        else:
            # Whoever the message is addressed to, it goes to execution.
            recipient = "execution" if _OPENS_WITH_BRACKETS.match(text) else "user"
            to_execution = True
        self._add(Said("agent", recipient, text), "user")
        if to_execution and self.turn != "over":
            self.process.append(text)
            self._add(Said("execution", "agent", self._carried_out(calls)), "agent")

    def fork(self) -> Self:
        """An independent copy in the same state."""
        twin = copy.copy(self)
        twin.history, twin.process = list(self.history), list(self.process)
        twin._worlds = copy.deepcopy(self._worlds)
        twin._methods = methods_of(twin._worlds)
        return twin

    def _calls(self, text: str) -> Sequence[Call] | None:
        """The calls of a message, ``None`` if it cannot be read."""
        try:
            return read_message(text.strip() if self._fixed else text, strict=not self._multi_turn)
        except Unparsable:
            return None

    def _carried_out(self, calls: Sequence[Call] | None) -> Any:
        if calls is None:
            return DO_NOT_ASK
        characters = self._multi_turn and not self._fixed
        shown, fine = execute(calls, self._methods, errors="characters" if characters else "listed", clear=self._fixed)
        self._saves = self._saves or fine or not characters
        return shown

    def _add(self, said: Said, then: Turn) -> None:
        self.history.append(said)
        written = len(self.history) - 1  # the opening is not counted
        if written > 2 and FINISH in said.message:
            self.turn = "over"
        elif written >= MOST_MESSAGES:
            self.turn, self.cut = "over", True
        else:
            self.turn = then


def play(dialogue: Dialogue, agent: Sequence[str], user: Sequence[str], *, agent_ends: str, user_ends: str) -> None:
    """Let scripts play a dialogue to its end; a side that has used up its script repeats its last words from then on.

    Args:
        dialogue: a fresh one.
        agent: what the agent writes.
        user: what the user says after its opening.
        agent_ends: the agent's last words.
        user_ends: the user's last words.
    """
    lines = {"agent": iter(agent), "user": iter(user)}
    while dialogue.turn != "over":
        if dialogue.turn == "user":
            dialogue.user_says(next(lines["user"], user_ends))
        else:
            dialogue.agent_says(next(lines["agent"], agent_ends))
