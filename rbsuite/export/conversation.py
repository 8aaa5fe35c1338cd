"""A trajectory as the conversation that the agent had: what other formats are made from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rbsuite.store.redaction import left_out
from rbsuite.trajectory import Action, Observation, Role, ToolCall, Trajectory, content_text
from rbsuite.transcript import render_action

Cover = Callable[[str], str]
"""What is done to every text: either nothing, or it is left out."""


@dataclass(frozen=True, slots=True)
class Said:
    """A message.

    Attributes:
        role: who said it.
        text: what was said.
        turn: number of the agent's turn that it belongs to, from 0.
        thought: the reasoning of the agent.
        calls: the agent's tool calls; their ids are unique in a conversation.
        call_id, function: id and function of the call that this is the result of.
    """

    role: Role
    text: str
    turn: int
    thought: str = ""
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""
    function: str = ""


def cover_of(hidden: bool) -> Cover:
    """What is done to texts."""
    return left_out if hidden else lambda text: text.encode("utf-8", "backslashreplace").decode("utf-8")


def conversation(trajectory: Trajectory, cover: Cover) -> Sequence[Said]:
    """What the agent saw and did, from the first system message to the last observation that it was shown."""
    return list(_conversation(trajectory, cover))


def _conversation(trajectory: Trajectory, cover: Cover) -> Iterator[Said]:
    calls: tuple[ToolCall, ...] = ()
    turn = -1
    for step in trajectory.steps:
        if step.actor != "agent":
            continue
        turn += 1
        yield from _seen(step.observation, calls, turn, cover)
        calls = tuple(_call(call, f"call-{turn}-{number}", cover) for number, call in enumerate(step.action.calls))
        yield Said("assistant", cover(_words(step.action)), turn, cover(step.action.thought), calls)
    final = trajectory.final
    if final is not None and final.turn != "user":
        yield from _seen(final, calls, turn + 1, cover)


def _words(action: Action) -> str:
    return action.text if action.index is None else render_action(action)


def _call(call: ToolCall, name: str, cover: Cover) -> ToolCall:
    """A call with an id of its own; arguments that could not be read are put under ``raw``."""
    arguments = call.arguments if not call.raw else {"raw": call.raw}
    return ToolCall(name, call.name, covered(arguments, cover))


def covered(value: Any, cover: Cover) -> Any:
    """Plain data with every text in it covered."""
    if isinstance(value, Mapping):
        return {str(name): covered(item, cover) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [covered(item, cover) for item in value]
    return cover(value) if isinstance(value, str) else value


def _seen(observation: Observation, calls: Sequence[ToolCall], turn: int, cover: Cover) -> Iterator[Said]:
    for message in observation.messages:
        yield Said("system" if message.role == "system" else "user", cover(message.text), turn)
    if observation.role == "tool" and calls:
        texts = [result.text for result in observation.results] or [content_text(observation.content)]
        for number, call in enumerate(calls):
            text = texts[number] if number < len(texts) else ""
            yield Said("tool", cover(text), turn, call_id=call.id, function=call.name)
    else:
        yield Said("user", cover(content_text(observation.content)), turn)
