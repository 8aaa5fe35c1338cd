"""Agents that write their actions as text: ``react`` with a thought before each, ``act`` without.

The protocol is that of ``tau_bench/agents/chat_react_agent.py`` (sierra-research/tau-bench, 59a200c6); the prompts are
our own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from rbsuite.agents.chat import ChatAgent
from rbsuite.errors import ParseFailure
from rbsuite.models.base import Completion
from rbsuite.trajectory import Action, Message, Observation, ToolSpec

RESPOND = "respond"
"""The action whose argument ``content`` is said to the user."""

RESULT_PREFIX = "API output: "


class ActAgent(ChatAgent):
    """The tools' schemas stand in the system prompt; the action is the JSON after the last ``Action:``."""

    template = "agent/act.j2"

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
        self._messages.append(Message("assistant", completion.text))
        return parse_action(completion.text, thought=completion.reasoning)


class ReactAgent(ActAgent):
    """As :class:`ActAgent`, with a thought before each action; the thought is kept in the trajectory."""

    template = "agent/react.j2"

    def answer(self, completion: Completion) -> Action:
        """The action that the reply names, with the thought before it."""
        self._messages.append(Message("assistant", completion.text))
        before = completion.text.rpartition("Action:")[0].strip().removeprefix("Thought:").strip()
        thought = " ".join(filter(None, (completion.reasoning, before)))
        return parse_action(completion.text, thought=thought)


def schemas(tools: Sequence[ToolSpec]) -> str:
    """The tools as a JSON list of function schemas."""
    listing = [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
        }
        for tool in tools
    ]
    return json.dumps(listing)


def parse_action(reply: str, *, thought: str = "") -> Action:
    """Read the action of a reply.

    What follows the last ``Action:`` (or the whole reply) is a JSON object with ``name`` and ``arguments``; if it is not
    JSON it is said to the user as it stands.

    Raises:
        ParseFailure: it is JSON, but not such an object.
    """
    text = reply.rsplit("Action:", 1)[-1].strip()
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return Action(text=text, thought=thought)
    except (ValueError, RecursionError):
        raise ParseFailure(f"the model's action is JSON beyond what can be read: {text[:60]!r}...") from None
    if (
        not isinstance(value, dict)
        or not isinstance(value.get("name"), str)
        or not isinstance(value.get("arguments"), dict)
    ):
        raise ParseFailure(f"the model's action is not an object with 'name' and 'arguments': {text[:120]!r}.")
    name, arguments = value["name"], value["arguments"]
    if name != RESPOND:
        return Action.call(name, arguments, thought=thought)
    if not isinstance(arguments.get("content"), str):
        raise ParseFailure(f"the model's action {RESPOND!r} has no text in 'content': {text[:120]!r}.")
    return Action(text=arguments["content"], thought=thought)
