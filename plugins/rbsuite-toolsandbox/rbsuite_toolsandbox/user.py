"""A model in place of ToolSandbox's user: answers from what it was told, and ends the conversation with a tool call.

Follows the rules of upstream's simulated user (``tool_sandbox/roles/openai_api_user.py``, apple/ToolSandbox, 165848b9) in our own prompt.
"""

from __future__ import annotations

from rbsuite.environments.users import LlmUser
from rbsuite.fencing import fence
from rbsuite.trajectory import Action, Message, Observation
from rbsuite_toolsandbox.tools.catalogue import END_CONVERSATION


class SandboxUser(LlmUser):
    """Plays the user. It has already opened the conversation, so its own first words are in its history."""

    template = "user/toolsandbox.j2"

    def __init__(self) -> None:
        super().__init__()

    async def act(self, observation: Observation) -> Action:
        """See :class:`rbsuite.environments.users.User`."""
        if not self._history and observation.messages:
            brief, *said = observation.messages
            examples = [fence(text, "example") for text in observation.data.get("examples", ())]
            prompt = self._services.render(
                self.template, brief=fence(brief.text, "brief"), examples=examples, tool=END_CONVERSATION
            )
            self._history += [Message("system", prompt), *said]
        return await super().act(observation)
