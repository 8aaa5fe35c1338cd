"""Simulated users: actors besides the agent, who answer the observations whose turn is ``user``.

The user of an episode first gets an observation that carries its instruction as a system message and the agent's greeting as text; after
that, what the agent says, or what its own tools returned. If the environment offers the user tools, it may call them. It ends the
conversation by saying :data:`STOP`.

The model-driven strategies follow ``tau_bench/envs/user.py`` of sierra-research/tau-bench at
59a200c6d575d595120f1cb70fea53cef0632f6b in what enters the history, in the number of attempts and in how replies are read. The prompts
are our own.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from rbsuite.errors import ModelError, ParseFailure
from rbsuite.fencing import fence
from rbsuite.models.base import Completion
from rbsuite.models.reasoning import in_lower_case
from rbsuite.models.services import ToolServices
from rbsuite.models.usable import fault_of, message_of
from rbsuite.reading.actions import RESPOND, RESULT_PREFIX, parse_action, schemas
from rbsuite.reading.asking import reply_of
from rbsuite.reading.calls import readable_calls
from rbsuite.reading.layers import Layer, Unreadable, first_read
from rbsuite.trajectory import Action, Message, Observation, ToolResult, ToolSpec

STOP = "###STOP###"
"""What a simulated user says when its goal is met. Words of this form (``###LIKE-THIS###``) are signals, and no transcript shows them."""

VERIFY_REPLIES = 3
"""How many replies ``verify`` lets the model make for one turn."""

_WORD = re.compile(r"[a-z0-9]+")
_PART = re.compile(r"[.,:;!?\n—–]++|\b(?:because|since|as)\b")
_TRUE_OR_FALSE = re.compile(
    r"\W*+(?:(?:it|this|that|so|therefore|is|(?:the|my)|verdict|answer)\b\W*+)*+(true|false)\W*+"
)
_RESPONSE = re.compile(r"User Response[*_]*+:[*_]*+")
_LABELS = {"user": "Customer", "assistant": "Agent"}
# Upstream labels by chat role, and the simulated customer's own words have the role "assistant": the two names are swapped.
_LABELS_RIGHT = {"user": "Agent", "assistant": "Customer"}


class UserServices(ToolServices, Protocol):
    """What a simulated user may use. The cost counts as ``user``; ``temperature=None`` means the provider's default."""


@dataclass(frozen=True, slots=True)
class UserStart:
    """What a user is given before its first turn.

    Attributes:
        services: model and prompts.
        script: what the reference solution has the user do, opening first; for ``scripted``, which needs no model.
        seed: what the user's own choices are derived from.
    """

    services: UserServices
    script: Sequence[Action] = ()
    seed: int = 0


class User(Protocol):
    """The other side of a conversation. A fresh one takes part in every rollout."""

    def start(self, start: UserStart) -> None:
        """Begin a conversation."""

    async def act(self, observation: Observation) -> Action:
        """Answer an observation whose turn is ``user``: with words, or with calls of the tools that it was offered.

        Raises:
            ModelError: the user's model failed, or its reply cannot be read; that says nothing about the agent.
        """

    def fork(self, services: UserServices) -> User:
        """A user who remembers the same conversation and goes on with services of its own.

        The rollouts of a task share one opening of the user, from which each goes on separately.
        """


def asks_for(words: str, tool: str) -> bool:
    """Whether words ask for a tool: whether every part of its name occurs in them, as in "please restart the router"."""
    said = set(_WORD.findall(words.lower()))
    return all(part in said for part in _WORD.findall(tool.lower()))


def next_place(script: Sequence[Action], place: int, heard: str | None) -> int:
    """The place of the action that a script's user takes next, from ``place`` on.

    A call is skipped if the agent has not asked for it: the owner of a device does to it only what the agent asks for.

    Args:
        script: the actions.
        place: the place of the first action that is left.
        heard: what the agent said last; ``None``: the user has not spoken yet, and acts of its own accord.
    """
    while place < len(script) and heard is not None:
        calls = script[place].calls
        if not calls or any(asks_for(heard, call.name) for call in calls):
            break
        place += 1
    return place


class ScriptedUser:
    """Says what the script says, in order, whatever the agent does, then says :data:`STOP`. It needs no model.

    It makes the script's tool calls if the agent has asked for them (:func:`next_place`).

    Args:
        script: the actions, opening first; :meth:`start` gives them too.
    """

    def __init__(self, script: Sequence[Action] = ()) -> None:
        self._script = tuple(script)
        self._done = 0
        self._spoken = False
        self._heard: str | None = None

    def start(self, start: UserStart) -> None:
        """See :class:`User`."""
        self._script, self._done, self._spoken, self._heard = tuple(start.script), 0, False, None

    async def act(self, observation: Observation) -> Action:
        """The next action of the script."""
        return self.next(observation)

    def next(self, observation: Observation) -> Action:
        """The next action, for callers that do not await."""
        if observation.role != "tool":
            self._heard = observation.text
        place = next_place(self._script, self._done, self._heard if self._spoken else None)
        self._done = place + 1
        action = self._script[place] if place < len(self._script) else Action(STOP)
        self._spoken = self._spoken or action.speaks
        return action

    def fork(self, services: UserServices) -> ScriptedUser:
        """See :class:`User`."""
        forked = ScriptedUser(self._script)
        forked._done, forked._spoken, forked._heard = self._done, self._spoken, self._heard
        return forked


class LlmUser:
    """A model in the user's place: every text of the agent is added, every answer is the user's turn.

    If the environment offers the user tools, the model may call them; upstream's users have none.

    Args:
        fidelity: ``"upstream"`` keeps upstream's quirks.
        calls: how it calls tools: ``"native"``, or ``"text"``: they are in its instructions, and it writes one action per reply.
    """

    template = "user/llm.j2"
    _services: UserServices

    def __init__(self, *, fidelity: str = "upstream", calls: str = "native") -> None:
        self._upstream = fidelity == "upstream"
        self._in_text = calls == "text"
        self._history: list[Message] = []
        self._tools: tuple[ToolSpec, ...] = ()

    def start(self, start: UserStart) -> None:
        """See :class:`User`."""
        self._services = start.services
        self._history = []

    async def act(self, observation: Observation) -> Action:
        """See :class:`User`."""
        if not self._history:
            instruction = "\n\n".join(message.text for message in observation.messages)
            told = self._services.render(self.template, instruction=fence(instruction, "brief"), stop=STOP)
            if self._in_text and observation.tools:
                tools = schemas(observation.tools)
                told += "\n" + self._services.render("user/tools.j2", tools=tools, respond=RESPOND, stop=STOP)
            self._history.append(Message("system", told))
        self._tools = observation.tools or self._tools
        self._history += self._heard(observation)
        if not self._tools:
            return Action(await self._next())
        if self._in_text:
            completion = await self._reply(self._history, read=_read_action)
            self._history.append(message_of(completion))
            return parse_action(completion.text, thought=completion.reasoning)
        completion = await self._reply(self._history, self._tools)
        self._history.append(message_of(completion))
        return Action(completion.text, completion.tool_calls, thought=completion.reasoning)

    def _heard(self, observation: Observation) -> list[Message]:
        """Results answer the open calls; everything else was said by the agent."""
        calls = self._history[-1].tool_calls
        if self._in_text and observation.role == "tool":
            return [Message("user", RESULT_PREFIX + observation.text)]
        if observation.role != "tool" or not calls:
            return [Message("user", observation.text)]
        results = observation.results or (ToolResult(calls[0].id, calls[0].name, observation.text),)
        return [Message("tool", one.text, tool_call_id=one.id, name=one.name) for one in results]

    def fork(self, services: UserServices) -> LlmUser:
        """See :class:`User`."""
        forked = copy.copy(self)
        forked._services, forked._history = services, list(self._history)
        return forked

    async def _next(self) -> str:
        return await self._generate(self._history)

    async def _generate(self, messages: Sequence[Message]) -> str:
        """Ask for the user's words; they always enter the history."""
        completion = await self._reply(messages)
        self._history.append(message_of(completion))
        return completion.text

    async def _approved(self, response: str, messages: Sequence[Message]) -> bool:
        answer = await self._ask("user/verify.j2", response, messages)
        return "true" in answer.lower() if self._upstream else _is_true(answer)

    async def _ask(
        self, template: str, response: str, messages: Sequence[Message], read: Callable[[str], str] = str
    ) -> str:
        """Ask the same model a question about a response, outside the conversation; returns what is read from its answer."""
        labels = _LABELS if self._upstream else _LABELS_RIGHT
        lines = (f"{labels.get(message.role, message.role.capitalize())}: {message.text}" for message in messages)
        prompt = self._services.render(
            template, transcript=fence("\n".join(lines), "transcript"), response=fence(response, "response")
        )
        return read((await self._reply([Message("user", prompt)], read=read)).text)

    async def _reply(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), read: Callable[[str], str] = str
    ) -> Completion:
        """A reply that can be used. For one that is empty, cut off, withheld or unreadable, the model is asked again once; that is kept out
        of the history.

        Args:
            messages: the conversation.
            tools: what the model may call.
            read: raises :class:`~rbsuite.reading.layers.Unreadable` for a text that cannot be used.

        Raises:
            ModelError: there is none.
        """
        asked = list(messages)
        for last in (False, True):
            completion = await self._services.complete(asked, tools)
            try:
                if fault := fault_of(completion):
                    raise Unreadable(fault)
                if completion.tool_calls:
                    return replace(completion, tool_calls=readable_calls(completion.tool_calls))
                read(completion.text)
                return completion
            except Unreadable as problem:
                if last or completion.finish_reason == "context_overflow":
                    tried = ", even when asked again" if last else ""
                    raise ModelError(
                        f"the simulated user's model gave no usable reply{tried}: {problem}.",
                        "Choose another --user-model, or another --user.",
                    ) from None
                told = self._services.render("user/retry.j2", problem=str(problem))
            asked += [*reply_of(completion), Message("user", told)]
        raise AssertionError("the loop returns or raises")


class ReactUser(LlmUser):
    """Thinks before it speaks.

    Under ``fidelity="upstream"`` the label ``Thought:`` is looked for first, as upstream does, so that the thought and the label
    ``User Response:`` reach the agent; otherwise only what follows the last ``User Response:`` outside fences and quotes does.
    """

    template = "user/react.j2"

    async def _next(self) -> str:
        read = partial(_read_react, upstream=self._upstream)
        completion = await self._reply(self._history, read=read)
        self._history.append(message_of(completion))
        return read(completion.text)


class VerifyUser(LlmUser):
    """Has every reply approved by a second call; after :data:`VERIFY_REPLIES` rejections the last one stands.

    A rejected reply never enters the history, not even the one that stands.
    """

    async def _next(self) -> str:
        text = ""
        for _ in range(VERIFY_REPLIES):
            completion = await self._reply(self._history)
            text = completion.text
            if await self._approved(text, self._history):
                self._history.append(message_of(completion))
                break
        return text


class ReflectionUser(LlmUser):
    """Has a reply approved, and if it is rejected, tries once more after a reflection; if that fails too, the first reply stands.

    Rejected replies stay in the history; the reflection does not enter it.
    """

    async def _next(self) -> str:
        before = list(self._history)
        first = await self._generate(before)
        if await self._approved(first, before):
            return first
        read = partial(_read_reflection, upstream=self._upstream)
        before.append(Message("user", await self._ask("user/reflect.j2", first, before, read)))
        second = await self._generate(before)
        return second if await self._approved(second, before) else first


def parse_react(reply: str, *, upstream: bool = True) -> str:
    """What a reply of the form ``Thought: ... User Response: ...`` says to the agent.

    Under ``upstream`` the word :data:`STOP` ends the conversation wherever it occurs, otherwise only in what is said.

    Raises:
        ModelError: the reply has neither label, or one of them twice (where upstream gives up too).
    """
    return _read(reply, partial(_read_react, upstream=upstream))


def parse_reflection(reply: str, *, upstream: bool = True) -> str:
    """The response that a reflection of the form ``Reflection: ... Response: ...`` proposes.

    Under ``upstream`` it keeps the marks of a label that is bold.

    Raises:
        ModelError: there is not exactly one ``Response:``.
    """
    return _read(reply, partial(_read_reflection, upstream=upstream))


def _read_action(reply: str) -> str:
    try:
        parse_action(reply)
    except ParseFailure as fault:
        raise Unreadable(str(fault)) from None
    return reply


def _read(reply: str, read: Callable[[str], str]) -> str:
    try:
        return read(reply)
    except Unreadable as fault:
        raise ModelError(
            f"the simulated user's reply cannot be read: {fault}: {reply[:120]!r}.",
            "Choose another --user-model, or another --user.",
        ) from None


def _read_react(reply: str, *, upstream: bool) -> str:
    if upstream:
        return STOP if STOP in reply else _after_only("Thought:" if "Thought:" in reply else "User Response:", reply)
    words = first_read(reply, _user_response, lambda text: text if STOP in text else None)
    return STOP if STOP in words else words


def _user_response(layer: Layer) -> str:
    """What follows the last label outside fences and quotes."""
    labels = list(_RESPONSE.finditer(layer.outside))
    if not labels:
        raise _unreadable("User Response:")
    return layer.text[labels[-1].end() :].strip()


def _read_reflection(reply: str, *, upstream: bool) -> str:
    words = _after_only("Response:", reply)
    return words if upstream else words.lstrip("*_ \t\n")


def _after_only(label: str, reply: str) -> str:
    parts = reply.split(label)
    if len(parts) != 2:
        raise _unreadable(label)
    return parts[1].strip()


def _is_true(answer: str) -> bool:
    """Whether an answer is the word true, alone or in a sentence of its own, and not false as well."""
    try:
        return "true" in answer.lower() and first_read(answer, _words_of_approval) == {"true"}
    except Unreadable:
        return False


def _words_of_approval(layer: Layer) -> set[str] | None:
    parts = _PART.split(in_lower_case(layer.outside))
    return {found[1] for found in map(_TRUE_OR_FALSE.fullmatch, parts) if found} or None


def _unreadable(label: str) -> Unreadable:
    return Unreadable(f"the label {label!r} must stand in it once")
