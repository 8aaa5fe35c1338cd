"""An agent that keeps every rule for agents, and for each rule one that breaks it."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from rbsuite.agents.base import AgentStart
from rbsuite.agents.tools import ToolsAgent
from rbsuite.errors import ModelError
from rbsuite.models.base import Completion
from rbsuite.options import Option
from rbsuite.specs import AgentSpec
from rbsuite.trajectory import Action, Message, Observation


class Good(ToolsAgent):
    """Calls tools."""


GOOD = AgentSpec("good", "calls tools", f"{__name__}:Good", action_modes=("tools",))


class NoAct:
    def start(self, start: AgentStart) -> None: ...

    def remember(self, memory: str) -> None: ...

    def decided(self, observation: Observation) -> bool:
        return False


class WithOption(Good):
    def __init__(self, k: int) -> None:
        super().__init__()


class SaysText(Good):
    async def act(self, observation: Observation) -> Any:
        return (await super().act(observation)).text


class SaysNothing(Good):
    async def act(self, observation: Observation) -> Action:
        action = await super().act(observation)
        return action if action.calls else Action("It lies nowhere.")


class Random(Good):
    async def act(self, observation: Observation) -> Action:
        return replace(await super().act(observation), thought=str(random.Random().random()))


class GlobalChance(Good):
    def start(self, start: AgentStart) -> None:
        random.random()
        super().start(start)


class OfTheClass(Good):
    """Goes on with the memory of another rollout where it has none."""

    last: ClassVar[str] = ""

    def start(self, start: AgentStart) -> None:
        OfTheClass.last = start.memory or OfTheClass.last
        super().start(replace(start, memory=OfTheClass.last))


class NoRules(Good):
    def instructions(self, policy: str, observation: Observation) -> str:
        return "Go on."


class NoMemory(Good):
    def start(self, start: AgentStart) -> None:
        super().start(replace(start, memory=""))

    def remember(self, memory: str) -> None: ...


class AlwaysAnnounces(Good):
    def start(self, start: AgentStart) -> None:
        super().start(replace(start, memory=start.memory or "(nothing yet)"))


class Forgets(Good):
    def remember(self, memory: str) -> None: ...


class NeedsReplies(Good):
    def answer(self, completion: Completion) -> Action:
        if completion.text.startswith("{"):
            json.loads(completion.text)
        return super().answer(completion)


class MakesUp(Good):
    async def act(self, observation: Observation) -> Action:
        try:
            return await super().act(observation)
        except ModelError:
            return Action("Sorry.")


class Unfences(Good):
    def _system(self) -> list[Message]:
        return [replace(one, content=one.text.replace("<<", "").replace(">>", "")) for one in super()._system()]


def _of(agent: type[Any], **changed: Any) -> AgentSpec:
    return replace(GOOD, name="broken", factory=f"{__name__}:{agent.__name__}", **changed)


BROKEN: Mapping[str, AgentSpec] = {
    "name": replace(GOOD, name="Agent"),
    "summary": replace(GOOD, name="broken", summary=""),
    "factory": _of(NoAct),
    "options": _of(WithOption, options=(Option("k", "int", 0, "how many", minimum=1),)),
    "import": replace(GOOD, name="broken", factory="broken.work:Agent"),
    "modes": replace(GOOD, name="broken", action_modes=()),
    "returns": _of(SaysText),
    "solves": _of(SaysNothing),
    "repeatable": _of(Random),
    "own-chance": _of(GlobalChance),
    "fresh": _of(OfTheClass),
    "shown": _of(NoRules),
    "memory": _of(NoMemory),
    "no-memory": _of(AlwaysAnnounces),
    "remember": _of(Forgets),
    "any-reply": _of(NeedsReplies),
    "model-fails": _of(MakesUp),
    "fenced": _of(Unfences),
}
"""A spec for each rule."""
