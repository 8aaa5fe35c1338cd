"""The agent of ACEBench: it writes calls as text, and sees the same part of the conversation as upstream's agents."""

from __future__ import annotations

from rbsuite.agents.chat import TextAgent
from rbsuite.models.base import Completion
from rbsuite.trajectory import Action, Message, Observation

NOT_SHOWN = "(message not kept)"
"""Replaces the agent's own messages when it is not shown them again; many models refuse an empty message."""


class AceAgent(TextAgent):
    """Answers in text. In a multi-step item it is not shown its own earlier messages, as upstream's is not."""

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
