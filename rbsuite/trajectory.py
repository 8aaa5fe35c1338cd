"""What happens in a rollout: messages, observations, actions, steps, usage.

An :class:`Observation` says whose turn it is. An agent only ever gets those with ``turn="agent"``; the others go to the simulated user.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]
Actor = Literal["agent", "user"]
ActionKind = Literal["text", "tool", "choice"]
EndReason = Literal["finished", "max_steps", "parse_errors", "timeout", "budget", "env_error", "model_error"]

END_REASONS: tuple[EndReason, ...] = (
    "finished",
    "max_steps",
    "parse_errors",
    "timeout",
    "budget",
    "env_error",
    "model_error",
)
BROKEN_ENDS: frozenset[EndReason] = frozenset({"env_error", "model_error"})
"""Ends that say nothing about the agent: never judged, never learnt from, always counted."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's request to call a tool. ``arguments`` is the parsed object, or ``{}`` with the unread text in ``raw``."""

    id: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message, in the form every provider knows."""

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model sees it: name, description, JSON schema of its parameters."""

    name: str
    description: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observation:
    """What an environment shows to the one whose turn it is.

    Attributes:
        text: the observation itself: a tool's result, the user's words, the question, a scene.
        turn: who acts next.
        role: how the text enters a chat: ``"tool"`` for the result of a tool call, else ``"user"``.
        messages: messages that stand before the text, at the first observation of an actor: the policy, the instruction of a simulated
            user.
        tools: the tools that may be called; given at the first observation and whenever they change.
        choices: the named actions, where the action mode is ``choice``; an action's ``index`` points into them.
        images: data URLs of images that belong to the text.
        data: further plain data for adapters and reports; never ground truth.
    """

    text: str
    turn: Actor = "agent"
    role: Literal["user", "tool"] = "user"
    messages: tuple[Message, ...] = ()
    tools: tuple[ToolSpec, ...] = ()
    choices: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Action:
    """What an agent (or the simulated user) does.

    ``kind`` says which fields count: ``text`` for ``"text"``, ``name`` and ``arguments`` for ``"tool"``, ``index`` for ``"choice"``.
    A choice's ``text`` is the name of the action, for whoever reads the trajectory. A choice without ``index`` is a reply, its ``text``,
    that named no action. Where actions are named, the empty text is the agent's word that it is done.
    ``thought`` is reasoning that goes with the action: it is part of the trajectory, but the environment does not see it.
    """

    kind: ActionKind = "text"
    text: str = ""
    name: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    index: int | None = None
    thought: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """What model calls cost: number of calls, tokens in and out, and money in US dollars (``None``: price unknown)."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = 0.0

    def __add__(self, other: Usage) -> Usage:
        cost = None if self.cost is None or other.cost is None else self.cost + other.cost
        return Usage(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            cost,
        )

    @property
    def tokens(self) -> int:
        """Tokens in and out together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Step:
    """One turn: what the actor saw, what it did, and the reward the environment gave for it (``None`` once stripped)."""

    actor: Actor
    observation: Observation
    action: Action
    reward: float | None = None


@dataclass(frozen=True, slots=True)
class Trajectory:
    """The steps of one rollout.

    Attributes:
        task_id: the task.
        rollout: index of the rollout within its task, from 0.
        seed: the seed the rollout's choices come from.
        query: what memory was searched with.
        steps: turns of agent and simulated user in order.
        final: the last observation, which nobody answered.
        end: why it ended.
        error: one line about the failure, where ``end`` is an error.
        score: the environment's own score in [0, 1], the ground truth; ``None`` where there is none or once stripped.
        truth: the environment's details on the score; empty once stripped.
    """

    task_id: str
    rollout: int
    seed: int
    query: str
    steps: tuple[Step, ...]
    final: Observation | None
    end: EndReason
    error: str = ""
    score: float | None = None
    truth: Mapping[str, Any] = field(default_factory=dict)

    @property
    def broken(self) -> bool:
        """Whether the rollout says nothing about the agent (environment or model failed)."""
        return self.end in BROKEN_ENDS

    @property
    def agent_steps(self) -> int:
        """Number of turns the agent took."""
        return sum(step.actor == "agent" for step in self.steps)

    def shown(self) -> Trajectory:
        """The trajectory as its agent saw it: no score, no rewards, no details of the check, no turn of the user's own brief.

        This is the only form that memory and judges get (ground truth is stripped before anything is shown).
        """
        steps = tuple(_shown_step(step) for step in self.steps)
        final = self.final if self.final is not None and self.final.turn == "agent" else None
        return replace(self, steps=steps, final=final, score=None, truth={})


def _shown_step(step: Step) -> Step:
    if step.actor == "agent":
        return replace(step, reward=None)
    # What the user saw holds its hidden instruction; what it said the agent sees as the next observation.
    return Step(step.actor, Observation(text="", turn="user"), step.action)
