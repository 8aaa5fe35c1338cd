"""What rbsuite takes a model to be: one method that turns a request into a completion."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal, Protocol

from rbsuite.frozen import dataclass
from rbsuite.trajectory import Content, Message, Role, ToolCall, ToolSpec, Usage

Purpose = Literal["agent", "user", "judge", "memory", "select", "grade"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "context_overflow"]


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call to a model.

    Attributes:
        messages: the conversation.
        purpose: what the call is for; costs are tracked per purpose. Real models never see it.
        tools: tools the model may call.
        temperature: sampling temperature; ``None``: the provider's default.
        seed: what the model's own randomness is derived from, if it supports that.
        session: the same for all calls of one conversation (one rollout and purpose); simulated models draw what stays fixed from it.
        group: the same for all calls about a task in one stream, whatever the rollout and the purpose; simulated models draw from it what
            all rollouts of a task have in common. 0: not given.
        max_tokens: limit on the reply; ``None``: the provider's default.
        schema: JSON schema of the reply, for models that follow one; ``None``: any text.
        seconds: limit on the call's time; ``None``: the model's own. It is not part of what is asked.
    """

    messages: tuple[Message, ...]
    purpose: Purpose
    tools: tuple[ToolSpec, ...] = ()
    temperature: float | None = None
    seed: int = 0
    session: int = 0
    group: int = 0
    max_tokens: int | None = None
    schema: Mapping[str, Any] | None = None
    seconds: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's reply. ``context_overflow`` and ``content_filter`` are outcomes that are recorded, not retried.

    Attributes:
        text: what it says.
        tool_calls: the calls it makes.
        usage: what it cost.
        finish_reason: why it ended.
        reasoning: what the model thought first, if the provider returns that; it is kept with the step and never shown to anybody.
        given: what else the provider returned and may want back with the conversation (signatures, blocks of reasoning).
        cached: whether it came from a cache, so that it cost nothing this time.
    """

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = Usage(calls=1)
    finish_reason: FinishReason = "stop"
    reasoning: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)
    cached: bool = False


@dataclasses.dataclass(frozen=True, slots=True, init=False)
class Reply(Message):
    """A reply in a conversation, with what its provider returned along with it, which goes back to that provider alone and into no record.

    Attributes:
        given: see :class:`Completion`.
    """

    given: Mapping[str, Any] = field(default_factory=dict)

    def __init__(self, role: Role, content: Content, *others: Any, given: Mapping[str, Any], **named: Any) -> None:
        """Fill it in as a message, and keep what was given. The base class is one that a dataclass cannot extend on its own."""
        message = Message(role, content, *others, **named)
        for kept in dataclasses.fields(message):
            object.__setattr__(self, kept.name, getattr(message, kept.name))
        object.__setattr__(self, "given", given)


class ChatModel(Protocol):
    """A chat model."""

    @property
    def name(self) -> str:
        """The name that users write and results show."""

    async def complete(self, request: ModelRequest) -> Completion:
        """Answer a request.

        Raises:
            ModelError: the call failed for good.
            ModelUnusable: no call can succeed; stops the run.
        """

    async def aclose(self) -> None:
        """Release what the model holds (connections)."""
