"""The contract of an agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rbsuite.frozen import dataclass
from rbsuite.models.base import Completion
from rbsuite.models.services import ToolServices
from rbsuite.trajectory import Action, Message, Observation, ToolSpec


class AgentServices(ToolServices, Protocol):
    """What an agent may use. The cost counts as ``agent``; ``temperature=None`` means the experiment's."""

    async def complete(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec] = (),
        *,
        temperature: float | None = None,
        schema: Mapping[str, Any] | None = None,
    ) -> Completion:
        """Ask the model.

        Args:
            messages: the conversation.
            tools: what it may call.
            temperature: ``None``: the experiment's.
            schema: JSON schema of the reply. A model that does not accept one is asked without it.

        Raises:
            ModelError: the model failed.
        """


@dataclass(frozen=True, slots=True)
class AgentStart:
    """What an agent is given before its first turn.

    Attributes:
        services: model and prompts.
        memory: the recalled text, or ``""``; it goes into the system prompt.
        seed: what the agent's own choices are derived from.
    """

    services: AgentServices
    memory: str
    seed: int


class Agent(Protocol):
    """Turns observations into actions. A fresh one acts in every rollout."""

    def start(self, start: AgentStart) -> None:
        """Begin a rollout."""

    def remember(self, memory: str) -> None:
        """Use this text in place of the recalled one from now on; for memories that recall at every step or further rollout."""

    def decided(self, observation: Observation) -> bool:
        """Whether the answer to an observation is already decided, so that no model is asked and nothing needs to be recalled for it."""

    async def act(self, observation: Observation) -> Action:
        """Answer an observation whose turn is ``agent``.

        Raises:
            ParseFailure: the model's reply cannot be read as an action.
            ModelError: the model failed.
        """
