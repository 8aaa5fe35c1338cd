"""The native tool-calling agent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rbsuite.agents.chat import ChatAgent
from rbsuite.errors import ParseFailure
from rbsuite.models.base import Completion
from rbsuite.trajectory import Action, Message, Observation, ToolCall, ToolResult, ToolSpec
from rbsuite.transcript import render_action


class ToolsAgent(ChatAgent):
    """Offers the environment's tools to the model; a reply without a tool call is text.

    Where an environment carries out the first of several calls only, as tau-bench does, the others are cut from the conversation, like
    ``tau_bench/agents/tool_calling_agent.py`` (sierra-research/tau-bench, 59a200c6).
    """

    def offered(self) -> Sequence[ToolSpec]:
        """All tools of the environment."""
        return self._tools

    def heard(self, observation: Observation) -> Sequence[Message]:
        """Results answer the calls that are open; all else is said by the user. Calls that nothing answers leave the conversation."""
        last = self._messages[-1] if self._messages else None
        if last is None or not last.tool_calls:
            return [Message("user", observation.content)]
        if observation.role == "tool":
            answered = _answered(last.tool_calls, observation)
            if len(answered) < len(last.tool_calls):
                self._messages[-1] = replace(last, tool_calls=tuple(call for call, _ in answered))
            told = [Message("tool", result.text, tool_call_id=call.id, name=call.name) for call, result in answered]
            return [*told, Message("user", observation.images)] if observation.images else told
        # The call was taken as speech. Providers refuse a call that nothing answers, so it becomes speech here too.
        call = last.tool_calls[0]
        spoken = call.arguments.get("content")
        self._messages[-1] = Message(
            "assistant", spoken if isinstance(spoken, str) else render_action(Action(calls=(call,)))
        )
        return [Message("user", observation.content)]

    def answer(self, completion: Completion) -> Action:
        """The text and the calls of the reply; what an environment does with several is its own matter."""
        calls = completion.tool_calls
        self._messages.append(Message("assistant", completion.text, tool_calls=calls))
        unread = next((call for call in calls if call.raw and not call.arguments), None)
        if unread is not None:
            # The conversation must not keep a call whose arguments no provider would take back.
            said = completion.text or f"{unread.name}({unread.raw})"
            self._messages[-1] = Message("assistant", said)
            raise ParseFailure(
                f"the arguments of the model's call of {unread.name!r} are not a JSON object: {unread.raw[:120]!r}."
            )
        return Action(completion.text, calls, thought=completion.reasoning)


def _answered(calls: Sequence[ToolCall], observation: Observation) -> Sequence[tuple[ToolCall, ToolResult]]:
    """The calls that an observation answers: by id, or where the ids are not those of the calls, from the first on."""
    results = observation.results
    if not results:
        return [(calls[0], ToolResult("", "", observation.text))]
    by_id = {result.id: result for result in results}
    open_ids = [call.id for call in calls]
    if len(by_id) == len(results) and len(set(open_ids)) == len(open_ids) and by_id.keys() <= set(open_ids):
        return [(call, by_id[call.id]) for call in calls if call.id in by_id]
    return list(zip(calls, results, strict=False))
