"""The agent of ACEBench: it writes calls as text, and sees of the conversation what upstream's agents see."""

from __future__ import annotations

from rbsuite.agents.chat import TextAgent
from rbsuite.models.base import Completion
from rbsuite.trajectory import Action, Message, Observation

NOT_SHOWN = "(message not kept)"
"""Stands in the place of the agent's own messages where it does not see them again; an empty message is refused by many."""


class AceAgent(TextAgent):
    """Answers in text. In a multi-step item its own earlier messages are not in what it is shown, as upstream's are not."""

    _keeps = True

    def _opening(self, observation: Observation) -> list[Message]:
        self._keeps = bool(observation.data.get("own_messages", True))
        return super()._opening(observation)

    def answer(self, completion: Completion) -> Action:
        """See :class:`~rbsuite.agents.chat.ChatAgent`."""
        action = super().answer(completion)
        if not self._keeps:
            self._messages[-1] = Message("assistant", NOT_SHOWN)
        return action
