"""A small environment whose episodes keep count of what happens to them, and a model that says the same whatever it is asked."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from rbsuite.environments.base import Environment, Episode, EpisodeServices, SyncEnvironment, SyncEpisode
from rbsuite.errors import ModelError, ParseFailure
from rbsuite.hookspecs import hookimpl
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.specs import AgentSpec, EnvironmentSpec, ModelSpec, Option, Split
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, Actor, EndReason, Grade, Message, Observation

HERE = __name__


@dataclass
class Tally:
    """What happened to environments and episodes of this process.

    Attributes:
        opened, closed: episodes.
        most: most of them that were open at once.
        graded: task, and why the rollout ended, in the order of the grades.
        acting: told when an episode is acted in.
        threads: names of the threads in which episodes were acted in.
        environments: how often an environment was closed.
    """

    opened: int = 0
    closed: int = 0
    most: int = 0
    graded: list[tuple[str, EndReason]] = field(default_factory=list)
    acting: threading.Event = field(default_factory=threading.Event)
    threads: set[str] = field(default_factory=set)
    environments: int = 0

    def open(self) -> None:
        self.opened += 1
        self.most = max(self.most, self.opened - self.closed)


class Counted(SyncEnvironment):
    """Eight tasks of some turns.

    Args:
        turns: after which an episode is over.
        seconds: that every turn takes, during which its thread is blocked.
        fault: where the second task goes wrong: ``open``, or the method of the episode that raises an error; ``kill`` ends the process.
    """

    tally: ClassVar[Tally] = Tally()

    def __init__(self, *, turns: int = 2, seconds: float = 0.0, fault: str = "") -> None:
        self.turns, self.seconds, self.fault = turns, seconds, fault

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        return TaskSet("counted", split, tuple(Task(f"n/{number}", "g", "n", f"Go {number}.") for number in range(8)))

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> SyncEpisode:
        fault = self.fault if task.id == "n/1" else ""
        if fault == "open":
            raise TimeoutError("open")
        self.tally.open()
        return _Counted(self, task, fault)

    async def aclose(self) -> None:
        self.tally.environments += 1


class _Counted(SyncEpisode):
    def __init__(self, environment: Counted, task: Task, fault: str) -> None:
        self._environment, self._task, self._fault = environment, task, fault
        self._left = environment.turns
        self.observation = Observation(f"{task.query} Process {os.getpid()}.")

    def act(self, action: Action) -> Observation:
        self._environment.tally.threads.add(threading.current_thread().name)
        self._environment.tally.acting.set()
        time.sleep(self._environment.seconds)
        self._raise("act")
        if self._fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1
        return Observation(f"{self._left} to go.", turn="agent" if self._left else "over")

    def grade(self, end: EndReason) -> Grade:
        self._environment.tally.graded.append((self._task.id, end))
        self._raise("grade")
        return Grade(1.0 - self._left / self._environment.turns)

    def closes(self, action: Action) -> bool:
        self._raise("closes")
        return False

    def audience(self, actor: Actor, action: Action) -> tuple[Actor, ...]:
        self._raise("audience")
        return super().audience(actor, action)

    def close(self) -> None:
        self._environment.tally.closed += 1
        self._raise("close")

    def _raise(self, where: str) -> None:
        if self._fault == where:
            raise TimeoutError(where)


class Asking(Environment):
    """One turn; the grade is what a model says of the answer."""

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        return Counted().tasks(split)

    async def open(self, task: Task, *, seed: int, services: EpisodeServices) -> Episode:
        return _Asking(task, services)


class _Asking(Episode):
    def __init__(self, task: Task, services: EpisodeServices) -> None:
        self._services, self._said = services, ""
        self.observation = Observation(task.query)

    async def act(self, action: Action) -> Observation:
        self._said = action.text
        return Observation("", turn="over")

    async def grade(self, end: EndReason) -> Grade:
        completion = await self._services.complete([Message("user", f"How good is {self._said!r}?")], temperature=0.0)
        return Grade(float("success" in completion.text), truth={"grader": completion.text})


class Saying:
    """``test/saying``: the same words for everything, which a judge would take for a success.

    Args:
        latency: seconds per call.
        failing: the purpose for which it fails.
    """

    name = "test/saying"

    def __init__(self, *, latency: float = 0.0, failing: str = "") -> None:
        self._latency, self._failing = latency, failing

    async def complete(self, request: ModelRequest) -> Completion:
        await asyncio.sleep(self._latency)
        if request.purpose == self._failing:
            raise ModelError("the provider is down.")
        return Completion("Reasoning: so it seems.\nVerdict: success")

    async def aclose(self) -> None:
        """Nothing to give back."""


class Mumbling:
    """An agent whose replies cannot be read."""

    def start(self, start: Any) -> None:
        """Nothing to keep."""

    def decided(self, observation: Observation) -> bool:
        return False

    async def act(self, observation: Observation) -> Action:
        raise ParseFailure("the model mumbled.")


OPTIONS = (
    Option("turns", "int", 2, "turns"),
    Option("seconds", "float", 0.0, "seconds a turn"),
    Option("fault", "str", "", "what goes wrong"),
)
SPEC = EnvironmentSpec(
    "counted", "counts", f"{HERE}:Counted", OPTIONS, splits=(Split("all", "all", bundled=True),), agent="text"
)


class CountersPlugin:
    """``counted`` (also ``-thread``, ``-process``, ``-exclusive``, ``-limited``), ``asking``, ``mumbling``, ``test/saying``."""

    @hookimpl
    def rbsuite_environments(self) -> Sequence[EnvironmentSpec]:
        return [
            SPEC,
            replace(SPEC, name="counted-thread", concurrency="thread"),
            replace(SPEC, name="counted-process", concurrency="process"),
            replace(SPEC, name="counted-exclusive", concurrency="exclusive"),
            replace(SPEC, name="counted-limited", rollout_max_cost=0.75),
            replace(SPEC, name="asking", factory=f"{HERE}:Asking", options=()),
        ]

    @hookimpl
    def rbsuite_agents(self) -> Sequence[AgentSpec]:
        return [AgentSpec("mumbling", "mumbles", f"{HERE}:Mumbling", action_modes=("text",))]

    @hookimpl
    def rbsuite_models(self) -> Sequence[ModelSpec]:
        options = (Option("latency", "float", 0.0, "seconds"), Option("failing", "str", "", "purpose"))
        return [ModelSpec("test/saying", "says the same", f"{HERE}:Saying", options, simulated=True)]
