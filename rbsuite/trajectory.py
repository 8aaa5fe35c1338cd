"""What happens in a rollout: messages, observations, actions, steps, usage.

An :class:`Observation` says whose turn it is. An agent only ever gets those with ``turn="agent"``; those with ``turn="user"`` go to the
simulated user.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from functools import lru_cache
from operator import attrgetter
from typing import Any, Literal, get_args

from rbsuite.errors import in_words
from rbsuite.frozen import Same, dataclass

Role = Literal["system", "user", "assistant", "tool"]
Actor = Literal["agent", "user"]
Turn = Literal["agent", "user", "over"]
EndReason = Literal[
    "finished",
    "max_steps",
    "parse_errors",
    "timeout",
    "budget",
    "context_overflow",
    "refused",
    "env_error",
    "model_error",
]

END_REASONS: tuple[EndReason, ...] = get_args(EndReason)
BROKEN_ENDS: frozenset[EndReason] = frozenset({"env_error", "model_error"})
"""Ends that say nothing about the agent: never judged, never learned from, always counted."""

EVERYONE: tuple[Actor, ...] = ("agent", "user")
NO_CHOICE = -1
"""The ``index`` of a reply that named none of the actions."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image in a message or an observation.

    Attributes:
        media_type: e.g. ``"image/png"``.
        data: the bytes in base64, so that records stay JSON.
        description: what replaces it where only text is possible.
    """

    media_type: str
    data: str
    description: str = "image"

    @classmethod
    def of(cls, data: bytes, media_type: str = "image/png", description: str = "image") -> Image:
        """An image from its bytes."""
        return cls(media_type, base64.b64encode(data).decode("ascii"), description)

    @property
    def url(self) -> str:
        """The image as a data URL, as chat APIs take it."""
        return f"data:{self.media_type};base64,{self.data}"


Part = str | Image
Content = str | tuple[Part, ...]
"""What a message contains: a text, or texts and images in order."""


def content_text(content: Content) -> str:
    """A content as text; an image is shown as its description in brackets."""
    if isinstance(content, str):
        return content
    return "\n".join(part if isinstance(part, str) else f"[{part.description}]" for part in content)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's request to call a tool. ``arguments`` is the parsed object, or ``{}`` with the unparsed text in ``raw``."""

    id: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    raw: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What one of several calls returned.

    Attributes:
        id: id of the call.
        name: the tool.
        text: the result.
    """

    id: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message, in the form every provider knows."""

    role: Role
    content: Content
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    name: str = ""

    @property
    def text(self) -> str:
        """The content as text."""
        content = self.content
        return content if isinstance(content, str) else content_text(content)


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model sees it: name, description, JSON schema of its parameters."""

    name: str
    description: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


_FIELDS: Mapping[type, Mapping[str, Any]] = {
    ToolCall: {"id": str, "name": str, "arguments": Mapping, "raw": str},
    ToolResult: {"id": str, "name": str, "text": str},
    ToolSpec: {"name": str, "description": str, "parameters": Mapping},
    Image: {"media_type": str, "data": str, "description": str},
    Message: {"role": str, "content": str | tuple, "tool_calls": tuple, "tool_call_id": str, "name": str},
}
"""What the fields of the parts that plugins make are instances of."""
_USUAL = {
    kind: (
        attrgetter(*fields),
        tuple(dict if it is Mapping else str if it == str | tuple else it for it in fields.values()),
    )
    for kind, fields in _FIELDS.items()
}
"""What the fields usually are exactly: this is quick to see."""


def misfit(part: ToolCall | ToolResult | ToolSpec | Image | Message) -> str:
    """The first field of a part whose value is not what it declares, as in ``a ToolCall whose id is None``; empty if there is none."""
    if (
        type(part) is ToolCall
        and type(part.name) is str
        and type(part.id) is str
        and type(part.arguments) is dict
        and type(part.raw) is str
    ):  # checked most often
        return ""
    values, usual = _USUAL[type(part)]
    if tuple(map(type, values(part))) != usual:
        for name, kind in _FIELDS[type(part)].items():
            if not isinstance(value := getattr(part, name), kind):
                return f"{in_words(part)} whose {name} is {in_words(value)}"
    return _misfit_within(part) if isinstance(part, Message) else ""


def _misfit_within(message: Message) -> str:
    if message.role not in get_args(Role):
        return f"a Message whose role is {message.role!r}"
    for name, parts, kind in (("content", message.content, Image), ("tool_calls", message.tool_calls, ToolCall)):
        for one in () if isinstance(parts, str) else parts:
            if isinstance(one, kind):
                if found := misfit(one):
                    return found
            elif not (kind is Image and isinstance(one, str)):
                return f"a Message with {in_words(one)} in its {name}"
    return ""


@dataclass(frozen=True, slots=True)
class Observation:
    """What an environment shows to the actor whose turn it is.

    Attributes:
        text: the observation itself: a tool's result, the user's words, the question, a scene.
        turn: who acts next; ``over`` ends the episode, and the text is the last thing the agent is shown.
        role: how the text enters a chat: ``"tool"`` for the result of tool calls, else ``"user"``.
        messages: messages that come before the text, in the first observation of an actor: the policy, the instruction of a simulated
            user.
        tools: the tools that the actor may call; given in its first observation and whenever they change.
        choices: the named actions, if the action mode is ``choice``; an action's ``index`` points into them.
        images: images that belong to the text.
        results: if an action made several calls, what each returned, in their order; ``text`` then contains all of them.
        data: further plain data for adapters and reports; never ground truth. In the last observation, ``answer`` is the answer as it was
            understood (``""``: not at all), which a vote over rollouts counts (:class:`rbsuite.scaling.selectors.MajoritySelector`).
    """

    text: str
    turn: Turn = "agent"
    role: Literal["user", "tool"] = "user"
    messages: tuple[Message, ...] = ()
    tools: tuple[ToolSpec, ...] = ()
    choices: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    results: tuple[ToolResult, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_results(cls, results: Sequence[ToolResult], turn: Turn = "agent") -> Observation:
        """The observation of the results of several calls."""
        return cls("\n".join(result.text for result in results), turn, "tool", results=tuple(results))

    @property
    def content(self) -> Content:
        """Text and images, as they go into a message."""
        return (self.text, *self.images) if self.images else self.text


@dataclass(frozen=True, slots=True)
class Action:
    """What an agent or a user does: it says something, calls tools, or takes one of the named actions.

    Attributes:
        text: what is said. For a named action: its name, or the reply that named none, for whoever reads the trajectory. Where actions are
            named, an empty text without an index means that the agent is done.
        calls: tool calls, in order.
        index: which of the named actions; :data:`NO_CHOICE` for a reply that named none; ``None`` if this is not a choice.
        thought: reasoning that goes with the action: part of the trajectory, but the environment does not see it.
    """

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    index: int | None = None
    thought: str = ""

    @classmethod
    def call(cls, name: str, arguments: Mapping[str, Any] | None = None, *, id: str = "", thought: str = "") -> Action:
        """An action with one tool call."""
        return cls(calls=(ToolCall(id, name, {} if arguments is None else arguments),), thought=thought)

    @classmethod
    def choose(cls, index: int, name: str = "", *, thought: str = "") -> Action:
        """A named action."""
        return cls(text=name, index=index, thought=thought)

    @property
    def speaks(self) -> bool:
        """Whether the action is only a text."""
        return not self.calls and self.index is None


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

    @classmethod
    def total(cls, several: Sequence[Usage]) -> Usage:
        """The sum of many, faster than adding them one after the other."""
        costs = [one.cost for one in several if one.cost is not None]
        return cls(
            sum(one.calls for one in several),
            sum(one.input_tokens for one in several),
            sum(one.output_tokens for one in several),
            math.fsum(costs) if len(costs) == len(several) else None,
        )

    @property
    def tokens(self) -> int:
        """Tokens in and out together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Spent:
    """What an experiment has cost so far, in all its sessions, including tries that were thrown away and calls that failed.

    Attributes:
        calls: model calls begun; one that is retried after a fault counts once.
        tokens: in and out; an estimate for a call that does not report them.
        cost: US dollars of the calls whose price is known.
        unpriced: calls whose price is not known.
        seconds: how long it has been running.
    """

    calls: int = 0
    tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0
    seconds: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.calls + other.calls,
            self.tokens + other.tokens,
            self.cost + other.cost,
            self.unpriced + other.unpriced,
            self.seconds + other.seconds,
        )

    def __sub__(self, other: Spent) -> Spent:
        return Spent(
            self.calls - other.calls,
            self.tokens - other.tokens,
            self.cost - other.cost,
            self.unpriced - other.unpriced,
            self.seconds - other.seconds,
        )


@dataclass(frozen=True, slots=True)
class Grade:
    """An environment's own verdict on a rollout: the ground truth.

    Attributes:
        score: in [0, 1].
        measures: the further figures that the environment's spec declares, by name, each in [0, 1].
        truth: details of the check, for reports. If ``answered`` is one of them, it is what the rollout is taken to have answered
            (``None``: nothing that could be understood), and reports take a vote over it. ``unreadable`` and ``invalid`` say how many
            replies could not be read or carried out, and are columns of reports.
    """

    score: float
    measures: Mapping[str, float] = field(default_factory=dict)
    truth: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One turn.

    Attributes:
        actor: whose turn it was.
        observation: what the actor saw.
        action: what it did.
        reward: the environment's reward for it; ``None`` if there is none or it was stripped.
        audience: who saw the action.
    """

    actor: Actor
    observation: Observation
    action: Action
    reward: float | None = None
    audience: tuple[Actor, ...] = EVERYONE


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
        error: one line about the failure, if ``end`` is an error.
        grade: the environment's own verdict, the ground truth; ``None`` if there is none or it was stripped.
    """

    task_id: str
    rollout: int
    seed: int
    query: str
    steps: tuple[Step, ...]
    final: Observation | None
    end: EndReason
    error: str = ""
    grade: Grade | None = None

    @property
    def score(self) -> float | None:
        """The environment's own score in [0, 1]; ``None`` if there is none."""
        return None if self.grade is None else self.grade.score

    @property
    def broken(self) -> bool:
        """Whether the rollout says nothing about the agent (environment or model failed)."""
        return self.end in BROKEN_ENDS

    @property
    def agent_steps(self) -> int:
        """Number of turns the agent took."""
        return sum(step.actor == "agent" for step in self.steps)

    def shown(self) -> Trajectory:
        """The trajectory as its agent saw it: no grade, no rewards, nothing that only the user saw or did.

        This is the only form that memory and judges get (ground truth is stripped before anything is shown).
        """
        return _shown(Same(self))


@lru_cache(maxsize=16)  # a judge and then a memory are shown the same one
def _shown(whole: Same[Trajectory]) -> Trajectory:
    its = whole.value
    steps = tuple(_shown_step(step) for step in its.steps if step.actor == "agent" or "agent" in step.audience)
    final = its.final if its.final is not None and its.final.turn != "user" else None
    return Trajectory(its.task_id, its.rollout, its.seed, its.query, steps, final, its.end, its.error)


def _shown_step(step: Step) -> Step:
    if step.actor == "agent":
        return step if step.reward is None else replace(step, reward=None)
    # What the user saw contains its hidden instruction, and its thoughts are its own; what it said, the agent heard.
    return Step(step.actor, Observation("", turn="user"), replace(step.action, thought=""), None, step.audience)
