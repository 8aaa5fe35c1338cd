"""Agents that act by named actions: ``planner`` writes plans of several at once, ``stepwise`` one at a time.

The planner's protocol is that of ``embodiedbench/planner/vlm_planner.py`` without images and chat history
(EmbodiedBench/EmbodiedBench, b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04); the prompts are our own.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from rbsuite.agents.chat import ChatAgent, usable
from rbsuite.errors import EnvironmentFailure
from rbsuite.models.base import Completion
from rbsuite.trajectory import NO_CHOICE, Action, Image, Message, Observation

STOP = Action()
"""By the empty text an agent ends an episode of named actions."""


@dataclass(frozen=True, slots=True)
class PlanReply:
    """What a reply says to do.

    Attributes:
        indices: the actions in order; empty to end the episode.
        thought: the reasoning that goes with them.
        readable: whether the reply could be read.
    """

    indices: tuple[int, ...]
    thought: str = ""
    readable: bool = True


UNREADABLE = PlanReply((), readable=False)


class PlannerAgent(ChatAgent):
    """Asks for a plan as JSON and carries it out until it is used up, an action fails, or the agent is asked to check.

    Every request holds the whole history as text in one message, one line for each action. A reply that cannot be read becomes
    an action without index, which the environment refuses; the same request is then made again, as upstream does. An empty plan
    ends the episode.
    """

    template = "agent/planner.j2"

    def __init__(self) -> None:
        super().__init__()
        self._plan: deque[Action] = deque()
        self._last: Action | None = None
        self._choices: Sequence[str] = ()
        self._policy = ""
        self._task = ""
        self._exchanges: list[Message] = []
        self._lines: list[str] = []
        self._count = 0
        self._reply = ""
        self._images: tuple[Image, ...] = ()

    def decided(self, observation: Observation) -> bool:
        """Whether the plan goes on."""
        goes_on = observation.data.get("valid", True) and not observation.data.get("check")
        return bool(self._plan) and bool(goes_on) and observation.choices in ((), self._choices)

    async def act(self, observation: Observation) -> Action:
        """The next action of the plan, or the first of a new one."""
        self._hear(observation)
        if not self._plan:
            said = Message("user", (self._said(), *self._images) if self._images else self._said())
            completion = usable(await self._services.complete([*self._system(), *self._exchanges, said]))
            self._reply = completion.text
            self._plan.extend(_actions(read_plan(completion.text, len(self._choices)), completion, self._choices))
        self._last = self._plan.popleft()
        return self._last

    def instructions(self, policy: str, observation: Observation) -> str:
        """What the environment says, the named actions, and the form of a plan."""
        self._policy = policy or self._policy
        return self._services.render(self.template, policy=self._policy, choices=named(observation))

    def _hear(self, observation: Observation) -> None:
        self._images = observation.images
        if self._last is None:
            self._task = observation.text
            self._exchanges = [message for message in observation.messages if message.role != "system"]
        elif observation.data.get("check"):
            self._exchanges += [Message("user", self._said()), Message("assistant", self._reply)]
            self._task, self._lines = observation.text, []
            self._plan.clear()
        elif self._last.index not in (None, NO_CHOICE):
            done = f"action id {self._last.index}, {self._last.text}"
            self._lines.append(f"Step {self._count}, {done}, env feedback: {observation.text}")
            self._count += 1
            if not observation.data.get("valid", True):
                self._plan.clear()
        if self._last is None or (observation.choices and observation.choices != self._choices):
            self._opening(observation)
            self._choices = observation.choices
            self._plan.clear()

    def _said(self) -> str:
        return self._services.render("agent/planner_turn.j2", task=self._task, history=self._lines)


class StepwiseAgent(ChatAgent):
    """Names one action at a time as JSON, in a conversation that keeps everything."""

    template = "agent/stepwise.j2"

    def __init__(self) -> None:
        super().__init__()
        self._choices: Sequence[str] = ()
        self._policy = ""

    async def act(self, observation: Observation) -> Action:
        """See :class:`rbsuite.agents.base.Agent`; where the named actions change, so does the system prompt."""
        if self._messages and observation.choices and observation.choices != self._choices:
            self._instructions = self.instructions(self._policy, observation)
            self._messages = [*self._system(), *self._messages[1:]]
        return await super().act(observation)

    def instructions(self, policy: str, observation: Observation) -> str:
        """What the environment says, the named actions, and the form of a reply."""
        self._policy, self._choices = policy, named(observation)
        return self._services.render(self.template, policy=policy, choices=self._choices)

    def answer(self, completion: Completion) -> Action:
        """The action that the reply names; no id ends the episode."""
        self._messages.append(Message("assistant", completion.text))
        return _actions(read_step(completion.text, len(self._choices)), completion, self._choices)[0]


def named(observation: Observation) -> Sequence[str]:
    """The named actions of an observation that must have them.

    Raises:
        EnvironmentFailure: it has none.
    """
    if not observation.choices:
        raise EnvironmentFailure("the environment's first observation names no actions.")
    return observation.choices


def read_plan(reply: str, n: int) -> PlanReply:
    """The plan in a reply of the form ``{"reasoning_and_reflection", "language_plan", "executable_plan": [{"action_id"}]}``.

    Only the ids count. A plan is cut at the first id that does not exist, whatever comes after it; if that is its first, nothing could be
    read. As upstream, but for a code fence around the JSON, which is taken off, and for ids that are no whole numbers, at which upstream
    fails.

    Args:
        reply: the model's text: JSON, in a code fence or not.
        n: number of named actions.
    """
    value = _json(reply)
    items = value.get("executable_plan") if isinstance(value, dict) else None
    if items and not (
        isinstance(items, list) and all(isinstance(item, dict) and "action_id" in item for item in items)
    ):
        return UNREADABLE
    if items is None or isinstance(items, bool | int | float):
        return UNREADABLE
    ids: list[int] = []
    for number in (item["action_id"] for item in items):
        if isinstance(number, int | float) and not 0 <= number < n:
            break
        if type(number) is not int:
            return UNREADABLE
        ids.append(number)
    if items and not ids:
        return UNREADABLE
    said = (value.get("reasoning_and_reflection"), value.get("language_plan"))
    return PlanReply(tuple(ids), " ".join(text.strip() for text in said if isinstance(text, str) and text.strip()))


def read_step(reply: str, n: int) -> PlanReply:
    """The action in a reply of the form ``{"reasoning", "action_id"}``; the id ``null`` ends the episode.

    Args:
        reply: the model's text: JSON, in a code fence or not.
        n: number of named actions.
    """
    value = _json(reply)
    if not isinstance(value, dict) or "action_id" not in value:
        return UNREADABLE
    number, said = value["action_id"], value.get("reasoning")
    thought = said.strip() if isinstance(said, str) else ""
    if number is None:
        return PlanReply((), thought)
    return PlanReply((number,), thought) if type(number) is int and 0 <= number < n else UNREADABLE


def _actions(plan: PlanReply, completion: Completion, names: Sequence[str]) -> list[Action]:
    """The actions of a plan, at least one: what was thought goes with the first."""
    reply, reasoning = completion.text, completion.reasoning
    if not plan.readable:
        return [Action.choose(NO_CHOICE, reply.strip(), thought=reasoning)]
    thought = " ".join(filter(None, (reasoning, plan.thought)))
    if not plan.indices:
        return [replace(STOP, thought=thought)]
    first, *others = (Action.choose(index, names[index]) for index in plan.indices)
    return [replace(first, thought=thought), *others]


def _json(reply: str) -> Any:
    text = reply.strip()
    if text.startswith("```") and text.endswith("```"):
        text = text.removeprefix("```json").strip("`").strip()
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
