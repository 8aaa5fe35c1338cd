"""What all agents that talk to a chat model have in common: the conversation, and where memory goes in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rbsuite.agents.base import AgentServices, AgentStart
from rbsuite.errors import ParseFailure
from rbsuite.models.base import Completion
from rbsuite.models.usable import fault_of, message_of, usable
from rbsuite.reading.asking import told_fault
from rbsuite.trajectory import Action, Message, Observation, ToolSpec

MEMORY_TEMPLATE = "agent/memory.j2"
RETRY = "agent/retry.j2"


class ChatAgent:
    """Keeps the conversation of one rollout. Subclasses say what the system prompt contains and how replies are read.

    The system prompt is made at the first observation: the environment's system messages, what :meth:`instructions` adds,
    and last the recalled memory. Without any of them there is no system message.

    A reply that cannot be read, is empty or was cut off goes back to the model once, with what is wrong with it.

    Args:
        strict: replies are read as upstream does: one that cannot be read is not sent back, and one that was cut off counts as it is.
        schema: JSON schema of replies, for models that accept one.
    """

    _services: AgentServices

    def __init__(self, strict: bool = False, schema: Mapping[str, Any] | None = None) -> None:
        self._strict = strict
        self._schema = schema
        self._messages: list[Message] = []
        self._tools: tuple[ToolSpec, ...] = ()
        self._instructions = ""
        self._memory = ""
        self._seed = 0

    def start(self, start: AgentStart) -> None:
        """See :class:`rbsuite.agents.base.Agent`."""
        self._services = start.services
        self._memory = start.memory
        self._seed = start.seed
        self._messages = []
        self._tools = ()

    def remember(self, memory: str) -> None:
        """See :class:`rbsuite.agents.base.Agent`."""
        self._memory = memory
        if self._messages:
            others = self._messages[1:] if self._messages[0].role == "system" else self._messages
            self._messages = [*self._system(), *others]

    def decided(self, observation: Observation) -> bool:
        """See :class:`rbsuite.agents.base.Agent`: the model is asked at every turn."""
        return False

    async def act(self, observation: Observation) -> Action:
        """See :class:`rbsuite.agents.base.Agent`."""
        if observation.tools:
            self._tools = observation.tools
        if self._messages:
            self._messages.extend(observation.messages)
        else:
            self._messages.extend(self._opening(observation))
        self._messages.extend(self.heard(observation))
        for last in (self._strict, True):
            completion = await self._asked(self._messages)
            try:
                return self._answered(completion)
            except ParseFailure as failure:
                if last:
                    return self.unread(completion, failure)
                problem = told_fault(failure.message.rstrip("."), completion)
            if not (self._messages[-1].text.strip() or self._messages[-1].tool_calls):
                self._messages.pop()  # many providers refuse an empty message
            self._messages.append(Message("user", self._services.render(RETRY, problem=problem)))
        raise AssertionError("the loop returns or raises")

    async def _asked(self, messages: Sequence[Message]) -> Completion:
        """The model's reply to a conversation.

        Raises:
            ContextOverflow, ReplyRefused, ModelError: there is none.
        """
        if self._schema is None:
            return usable(await self._services.complete(messages, self.offered()))
        return usable(await self._services.complete(messages, self.offered(), schema=self._schema))

    def _answered(self, completion: Completion) -> Action:
        """The action of a reply.

        Raises:
            ParseFailure: it cannot be read, or it would be taken as speech but is empty or was cut off.
        """
        fault = "" if self._strict else fault_of(completion)
        if fault and not (completion.text.strip() or completion.tool_calls):
            self._messages.append(message_of(completion))
        else:
            action = self.answer(completion)
            if not fault or not action.speaks:
                return action
        raise ParseFailure(f"the model's reply is no answer: {fault}.")

    def unread(self, completion: Completion, failure: ParseFailure) -> Action:
        """What becomes of a reply that cannot be read, if it is not sent back (again).

        Raises:
            ParseFailure: always, unless a subclass has something else to do.
        """
        raise failure

    def instructions(self, policy: str, observation: Observation) -> str:
        """The system prompt before memory; ``policy`` is what the environment says."""
        return policy

    def offered(self) -> Sequence[ToolSpec]:
        """The tools that the model is offered natively."""
        return ()

    def heard(self, observation: Observation) -> Sequence[Message]:
        """How an observation enters the conversation."""
        return [Message("user", observation.content)]

    def answer(self, completion: Completion) -> Action:
        """Add the model's reply to the conversation and read it as an action.

        Raises:
            ParseFailure: it cannot be read.
        """
        self._messages.append(message_of(completion))
        return Action(completion.text, thought=completion.reasoning)

    def _opening(self, observation: Observation) -> list[Message]:
        policy = "\n\n".join(message.text for message in observation.messages if message.role == "system")
        self._instructions = self.instructions(policy, observation)
        return [*self._system(), *(message for message in observation.messages if message.role != "system")]

    def _system(self) -> list[Message]:
        parts = [self._instructions]
        if self._memory:
            parts.append(self._services.render(MEMORY_TEMPLATE, memory=self._memory))
        system = "\n\n".join(part for part in parts if part)
        return [Message("system", system)] if system else []


class TextAgent(ChatAgent):
    """Answers every observation with the model's text.

    A text that was cut off twice is taken as it is: what it answers, if anything, is for the environment's reader to say.
    """

    def unread(self, completion: Completion, failure: ParseFailure) -> Action:
        """The text, as far as it goes.

        Raises:
            ParseFailure: there is none.
        """
        if not completion.text.strip():
            raise failure
        return Action(completion.text, thought=completion.reasoning)
