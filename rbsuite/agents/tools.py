"""The native tool-calling agent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rbsuite.agents.chat import ChatAgent
from rbsuite.errors import ParseFailure
from rbsuite.models.base import Completion
from rbsuite.trajectory import Action, Message, Observation, ToolSpec
from rbsuite.transcript import render_action


class ToolsAgent(ChatAgent):
    """Offers the environment's tools to the model; a reply without a tool call is text.

    Only the first tool call of a reply is carried out, and the others are cut from the conversation, as
    ``tau_bench/agents/tool_calling_agent.py`` (sierra-research/tau-bench, 59a200c6) does.
    """

    def offered(self) -> Sequence[ToolSpec]:
        """All tools of the environment."""
        return self._tools

    def heard(self, observation: Observation) -> Message:
        """A tool's result answers the call that is open; all else is said by the user."""
        last = self._messages[-1] if self._messages else None
        if last is None or not last.tool_calls:
            return Message("user", observation.text)
        call = last.tool_calls[0]
        if observation.role == "tool":
            return Message("tool", observation.text, tool_call_id=call.id, name=call.name)
        # The call was taken as speech. Providers refuse a call that nothing answers, so it becomes speech here too.
        spoken = call.arguments.get("content")
        said = (
            spoken
            if isinstance(spoken, str)
            else render_action(Action("tool", name=call.name, arguments=call.arguments))
        )
        self._messages[-1] = Message("assistant", said)
        return Message("user", observation.text)

    def answer(self, completion: Completion) -> Action:
        """The first tool call, with the text beside it as thought; or the text."""
        calls = completion.tool_calls[:1]
        self._messages.append(Message("assistant", completion.text, tool_calls=calls))
        if not calls:
            return Action(text=completion.text)
        call = calls[0]
        if call.raw and not call.arguments:
            # The conversation must not keep a call whose arguments no provider would take back.
            self._messages[-1] = replace(self._messages[-1], tool_calls=())
            raise ParseFailure(
                f"the arguments of the model's call of {call.name!r} are not a JSON object: {call.raw[:120]!r}."
            )
        return Action("tool", name=call.name, arguments=call.arguments, thought=completion.text)
