"""Agents that write their actions as text: ``react`` with a thought before each, ``act`` without.

The protocol is that of ``tau_bench/agents/chat_react_agent.py`` (sierra-research/tau-bench, 59a200c6); the prompts are
our own.
"""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.agents.chat import ChatAgent
from rbsuite.models.base import Completion
from rbsuite.models.usable import message_of
from rbsuite.reading.actions import LABEL, RESPOND, RESULT_PREFIX, parse_action, parse_strictly, schemas
from rbsuite.trajectory import Action, Message, Observation


class ActAgent(ChatAgent):
    """The tools' schemas are in the system prompt; the action is the JSON after the last ``Action:``; see :class:`ChatAgent`."""

    template = "agent/act.j2"
    thinks = False

    def instructions(self, policy: str, observation: Observation) -> str:
        """The policy, the tools and the form of an action."""
        return self._services.render(self.template, policy=policy, tools=schemas(observation.tools), respond=RESPOND)

    def heard(self, observation: Observation) -> Sequence[Message]:
        """A tool's result comes back as a marked user message."""
        prefix = RESULT_PREFIX if observation.role == "tool" else ""
        content = prefix + observation.text
        return [Message("user", (content, *observation.images) if observation.images else content)]

    def answer(self, completion: Completion) -> Action:
        """The action that the reply names."""
        self._messages.append(message_of(completion))
        if self._strict:
            before = completion.text.rpartition(LABEL)[0].strip().removeprefix("Thought:").strip()
            thought = " ".join(filter(None, (completion.reasoning, before if self.thinks else "")))
            return parse_strictly(completion.text, thought=thought)
        return parse_action(completion.text, thought=completion.reasoning, keep_thought=self.thinks)


class ReactAgent(ActAgent):
    """Like :class:`ActAgent`, with a thought before each action; the thought is kept in the trajectory."""

    template = "agent/react.j2"
    thinks = True
