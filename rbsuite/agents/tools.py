"""The native tool-calling agent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rbsuite.agents.chat import ChatAgent
from rbsuite.errors import ParseFailure
from rbsuite.models.base import Completion
from rbsuite.models.usable import fault_of, message_of
from rbsuite.reading.calls import readable_calls
from rbsuite.reading.layers import Unreadable
from rbsuite.trajectory import Action, Message, Observation, ToolCall, ToolSpec
from rbsuite.transcript import render_action


class ToolsAgent(ChatAgent):
    """Offers the environment's tools to the model; a reply without a tool call is text.

    If an environment carries out only the first of several calls, as tau-bench does, the others are cut from the conversation, as in
    ``tau_bench/agents/tool_calling_agent.py`` (sierra-research/tau-bench, 59a200c6).

    Args:
        strict: arguments must be a JSON object and nothing else; see :class:`ChatAgent`.
    """

    def offered(self) -> Sequence[ToolSpec]:
        """All tools of the environment."""
        return self._tools

    def heard(self, observation: Observation) -> Sequence[Message]:
        """Results answer the open calls; everything else is said by the user. Calls that nothing answers leave the conversation."""
        last = self._messages[-1] if self._messages else None
        if last is None or not last.tool_calls:
            return [Message("user", observation.content)]
        if observation.role == "tool":
            answered = _answered(last.tool_calls, observation)
            if len(answered) < len(last.tool_calls):
                self._messages[-1] = replace(last, tool_calls=tuple(call for call, _ in answered))
            told = [Message("tool", text, tool_call_id=call.id, name=call.name) for call, text in answered]
            return [*told, Message("user", observation.images)] if observation.images else told
        # The call was taken as speech. Providers refuse a call that nothing answers, so it becomes speech here too.
        call = last.tool_calls[0]
        spoken = call.arguments.get("content")
        self._messages[-1] = Message(
            "assistant", spoken if isinstance(spoken, str) else render_action(Action(calls=(call,)))
        )
        return [Message("user", observation.content)]

    def answer(self, completion: Completion) -> Action:
        """The text and the calls of the reply; what to do with several calls is up to the environment."""
        self._messages.append(message_of(completion))
        try:
            calls = self._readable(completion)
        except Unreadable as fault:
            # The conversation must not keep a call that no provider would take back.
            told = "\n".join(f"{call.name}({call.raw or call.arguments})" for call in completion.tool_calls)
            self._messages[-1] = Message("assistant", completion.text or told)
            raise ParseFailure(f"{fault}.") from None
        if calls != completion.tool_calls:
            self._messages[-1] = replace(self._messages[-1], tool_calls=calls)
        return Action(completion.text, calls, thought=completion.reasoning)

    def _readable(self, completion: Completion) -> tuple[ToolCall, ...]:
        """The calls of a reply, each with its arguments.

        Raises:
            Unreadable: one has no readable arguments, or the reply ended before its calls did.
        """
        calls = completion.tool_calls
        if not self._strict:
            if calls and (fault := fault_of(completion)):
                raise Unreadable(f"the model's reply is no answer: {fault}")
            return readable_calls(calls)
        unread = next((call for call in calls if call.raw and not call.arguments), None)
        if unread is not None:
            raise Unreadable(
                f"the arguments of the model's call of {unread.name!r} are not a JSON object: {unread.raw[:120]!r}"
            )
        return calls


def _answered(calls: Sequence[ToolCall], observation: Observation) -> Sequence[tuple[ToolCall, str]]:
    """The calls that an observation answers, each with its result: by id, or if the ids are not those of the calls, from the first on."""
    results = observation.results
    if not results:
        return [(calls[0], observation.text)]
    by_id = {result.id: result.text for result in results}
    open_ids = [call.id for call in calls]
    if len(by_id) == len(results) and len(set(open_ids)) == len(open_ids) and by_id.keys() <= set(open_ids):
        return [(call, by_id[call.id]) for call in calls if call.id in by_id]
    return [(call, result.text) for call, result in zip(calls, results, strict=False)]
