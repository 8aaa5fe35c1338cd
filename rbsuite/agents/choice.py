"""Agents that act by named actions: ``planner`` writes plans of several at once, ``stepwise`` one at a time.

The planner's protocol is that of ``embodiedbench/planner/vlm_planner.py`` without images and chat history
(EmbodiedBench/EmbodiedBench, b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04); the prompts are our own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rbsuite.agents.chat import RETRY, ChatAgent
from rbsuite.agents.plans import PlanReply, read_plan, read_plan_strictly, read_step, read_step_strictly
from rbsuite.errors import EnvironmentFailure, ParseFailure
from rbsuite.fencing import fence
from rbsuite.models.base import Completion
from rbsuite.models.usable import CUT, message_of
from rbsuite.reading.asking import reply_of, told_fault
from rbsuite.trajectory import NO_CHOICE, Action, Image, Message, Observation


def _object(**properties: Any) -> Mapping[str, Any]:
    """The schema of an object with exactly these properties, all of them required, as providers demand of schemas."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_TEXT = {"type": "string"}
PLAN_SCHEMA = _object(
    reasoning_and_reflection=_TEXT,
    language_plan=_TEXT,
    executable_plan={"type": "array", "items": _object(action_id={"type": "integer"}, action_name=_TEXT)},
)
"""The form that ``agent/planner.j2`` asks for."""
STEP_SCHEMA = _object(reasoning=_TEXT, action_id={"type": ["integer", "null"]})
"""The form that ``agent/stepwise.j2`` asks for."""

STOP = Action()
"""With the empty text, an agent ends an episode of named actions."""


class PlannerAgent(ChatAgent):
    """Asks for a plan as JSON and carries it out until it is used up, an action fails, or the agent is asked to check.

    Every request contains the whole history as text in one message, one line for each action. A reply that cannot be read goes back once,
    with what is wrong with it; the second time, it becomes an action without an index, which the environment refuses, and the next request
    names the fault. An empty plan ends the episode.

    Args:
        strict: replies are read as upstream does, and one that cannot be read is followed by the same request again.
        schema: whether the JSON schema of a plan is sent along, as upstream does.
    """

    template = "agent/planner.j2"

    def __init__(self, strict: bool = False, schema: bool = False) -> None:
        super().__init__(strict, PLAN_SCHEMA if schema else None)
        self._plan: deque[Action] = deque()
        self._last: Action | None = None
        self._choices: Sequence[str] = ()
        self._policy = ""
        self._task = ""
        self._exchanges: list[Message] = []
        self._lines: list[str] = []
        self._count = 0
        self._reply = ""
        self._fault = ""
        self._images: tuple[Image, ...] = ()

    def decided(self, observation: Observation) -> bool:
        """Whether the plan goes on."""
        goes_on = observation.data.get("valid", True) and not observation.data.get("check")
        return bool(self._plan) and bool(goes_on) and observation.choices in ((), self._choices)

    async def act(self, observation: Observation) -> Action:
        """The next action of the plan, or the first of a new one."""
        self._hear(observation)
        if not self._plan:
            self._plan.extend(await self._planned())
        self._last = self._plan.popleft()
        return self._last

    async def _planned(self) -> Sequence[Action]:
        """The actions of a new plan, at least one."""
        said = Message("user", (self._said(), *self._images) if self._images else self._said())
        request = [*self._system(), *self._exchanges, said]
        completion = await self._asked(request)
        plan = self._read(completion)
        if not plan.readable and not self._strict:
            again = Message("user", self._services.render(RETRY, problem=told_fault(plan.fault, completion)))
            completion = await self._asked([*request, *reply_of(completion), again])
            plan = self._read(completion)
        self._reply, self._fault = completion.text, "" if self._strict else plan.fault
        return _actions(plan, completion, self._choices)

    def _read(self, completion: Completion) -> PlanReply:
        if self._strict:
            return read_plan_strictly(completion.text, len(self._choices))
        if completion.finish_reason == "length" and not any(bracket in completion.text for bracket in "}]"):
            return PlanReply((), readable=False, fault=CUT)  # nothing in it is complete
        return read_plan(completion.text, len(self._choices))

    def instructions(self, policy: str, observation: Observation) -> str:
        """What the environment says, the named actions, and the form of a plan."""
        self._policy = policy or self._policy
        return self._services.render(self.template, policy=self._policy, choices=named(observation))

    def _hear(self, observation: Observation) -> None:
        self._images = observation.images
        if self._last is None:
            self._task = fence(observation.text, "request")
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
        return self._services.render("agent/planner_turn.j2", task=self._task, history=self._lines, problem=self._fault)


class StepwiseAgent(ChatAgent):
    """Names one action at a time as JSON, in a conversation that keeps everything.

    Args:
        strict: a reply must be JSON and nothing else, in a code fence or not, and one that cannot be read is not sent back.
        schema: whether the JSON schema of a reply is sent along.
    """

    template = "agent/stepwise.j2"

    def __init__(self, strict: bool = False, schema: bool = False) -> None:
        super().__init__(strict, STEP_SCHEMA if schema else None)
        self._choices: Sequence[str] = ()
        self._policy = ""

    async def act(self, observation: Observation) -> Action:
        """See :class:`rbsuite.agents.base.Agent`; if the named actions change, so does the system prompt."""
        if self._messages and observation.choices and observation.choices != self._choices:
            self._instructions = self.instructions(self._policy, observation)
            self._messages = [*self._system(), *self._messages[1:]]
        return await super().act(observation)

    def instructions(self, policy: str, observation: Observation) -> str:
        """What the environment says, the named actions, and the form of a reply."""
        self._policy, self._choices = policy, named(observation)
        return self._services.render(self.template, policy=policy, choices=self._choices)

    def answer(self, completion: Completion) -> Action:
        """The action that the reply names; no id ends the episode.

        Raises:
            ParseFailure: it names none.
        """
        self._messages.append(message_of(completion))
        plan = (read_step_strictly if self._strict else read_step)(completion.text, len(self._choices))
        if not plan.readable:
            raise ParseFailure(f"the reply names no action: {plan.fault}.")
        return _actions(plan, completion, self._choices)[0]

    def unread(self, completion: Completion, failure: ParseFailure) -> Action:
        """An action without an index, which the environment refuses."""
        return _actions(PlanReply((), readable=False), completion, self._choices)[0]


def named(observation: Observation) -> Sequence[str]:
    """The named actions of an observation that must have them.

    Raises:
        EnvironmentFailure: it has none.
    """
    if not observation.choices:
        raise EnvironmentFailure("the environment's first observation names no actions.")
    return observation.choices


def _actions(plan: PlanReply, completion: Completion, names: Sequence[str]) -> list[Action]:
    """The actions of a plan, at least one: the thought goes with the first."""
    reply, reasoning = completion.text, completion.reasoning
    if not plan.readable:
        return [Action.choose(NO_CHOICE, reply.strip(), thought=reasoning)]
    thought = " ".join(filter(None, (reasoning, plan.thought)))
    if not plan.indices:
        return [replace(STOP, thought=thought)]
    first, *others = (Action.choose(index, names[index]) for index in plan.indices)
    return [replace(first, thought=thought), *others]
