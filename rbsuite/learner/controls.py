"""``sim/noop`` and ``sim/random``: agents that show how much an environment gives away for free. In other roles they are the oracle."""

from __future__ import annotations

from typing import Any

from rbsuite.environments.base import Environment, Opener
from rbsuite.learner import wording as text
from rbsuite.learner.simulated import SimulatedOracle, metered
from rbsuite.models.base import ChatModel, Completion, ModelRequest
from rbsuite.seeds import rng
from rbsuite.task import Task
from rbsuite.trajectory import Action, ToolCall

WORDS = ("yes", "no", "order", "flight", "item", "date", "name", "2024-05-20", "0", "help")


class _Control(SimulatedOracle):
    """Acts by a rule of its own and leaves the other roles to the oracle."""

    async def for_task(self, task: Task, environment: Environment, opener: Opener) -> ChatModel:
        """The control on one task."""
        return _BoundControl(self, await super().for_task(task, environment, opener))

    def act(self, request: ModelRequest) -> Completion:
        """What it does as agent."""
        raise NotImplementedError


class _BoundControl:
    def __init__(self, control: _Control, oracle: ChatModel) -> None:
        self.name = control.name
        self._control = control
        self._oracle = oracle

    async def complete(self, request: ModelRequest) -> Completion:
        """Act as the control, or answer as the oracle."""
        return self._control.act(request) if request.purpose == "agent" else await self._oracle.complete(request)

    async def aclose(self) -> None:
        """Nothing to release."""


class SimulatedNoop(_Control):
    """``sim/noop``: does nothing but say that it cannot help."""

    name = "sim/noop"

    def act(self, request: ModelRequest) -> Completion:
        """Decline."""
        return metered(request, text.Utterance("I am not able to help with this."))


class SimulatedRandom(_Control):
    """``sim/random``: calls tools at random with made-up arguments of the right type, and now and then says something.

    If actions are named, it names one.
    """

    name = "sim/random"

    def act(self, request: ModelRequest) -> Completion:
        """A random tool call or named action, or a random text."""
        draw = rng(request.seed, "random")
        if ids := text.named_actions(request.messages):
            turn = text.Turn("", Action.choose(draw.choice(ids)))
            return metered(request, text.word([turn], request, 0))
        if not request.tools or draw.random() < 0.15:
            return metered(request, text.Utterance(" ".join(draw.choices(WORDS, k=4)) + "."))
        tool = draw.choice(request.tools)
        properties = tool.parameters.get("properties", {})
        arguments = {
            name: _made_up(schema, draw.choice(WORDS), draw.randrange(100)) for name, schema in properties.items()
        }
        return metered(request, text.Utterance("", (ToolCall("call_0", tool.name, arguments),)))


def _made_up(schema: Any, word: str, number: int) -> Any:
    if not isinstance(schema, dict):
        return word
    if schema.get("enum"):
        return schema["enum"][number % len(schema["enum"])]
    kind = schema.get("type")
    if kind == "array":
        return [_made_up(schema.get("items", {}), word, number)]
    if kind == "object":
        return {name: _made_up(part, word, number) for name, part in schema.get("properties", {}).items()}
    return {"integer": number, "number": float(number), "boolean": bool(number % 2)}.get(str(kind), word)
