"""The backend that asks the user's own EmbodiedBench, with its real simulators, through :mod:`rbsuite_embodied.bridge`.

It is another environment than the symbolic one: results of the two are never mixed.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

from rbsuite.environments.base import Environment
from rbsuite.errors import EnvironmentFailure, UnknownNameError, UsageError
from rbsuite.task import Task, TaskSet
from rbsuite_embodied.bridge.client import Bridge
from rbsuite_embodied.bridge.messages import Start
from rbsuite_embodied.bridge.provenance import describe_package
from rbsuite_embodied.bridge.settings import Settings
from rbsuite_embodied.environment import FEEDBACK, VISIBLE, EmbodiedEnvironment
from rbsuite_embodied.world import Achieved, Outcome

SPLIT = "test"
_CHECK_TIMEOUT = 60.0
"""Seconds at most that ``rbsuite doctor`` waits for an answer."""


class BridgePool:
    """The processes behind a task set, kept from one episode to the next.

    An episode has a process for itself; when it is over, the next one goes on with it. Every process ends with :meth:`close`, when it is
    collected, or with the interpreter.

    Args:
        environment: ``eb-alfred`` or ``eb-habitat``.
    """

    def __init__(self, environment: str) -> None:
        self.environment = environment
        self._idle: list[Bridge] = []
        self._lock = threading.Lock()
        self._facts: Mapping[str, Any] | None = None

    def facts(self) -> Mapping[str, Any]:
        """Which EmbodiedBench answers, in which Python, once it has been imported there; no path is part of it.

        Raises:
            EnvironmentFailure: none does.
        """
        with self._lock:
            if self._facts is not None:
                return self._facts
        bridge = self._start()
        bridge.load()
        self.give_back(bridge)
        return _facts(bridge, self.environment)

    def open(self, eval_set: str, index: int) -> SimulatorWorld:
        """Begin an episode.

        Args:
            eval_set: upstream's name of the set.
            index: the episode's place in the set's own list, from 0.

        Raises:
            EnvironmentFailure: EmbodiedBench cannot be had, or failed.
        """
        bridge = self._take(eval_set) or self._start()
        return SimulatorWorld(self, bridge, bridge.start(eval_set, index))

    def give_back(self, bridge: Bridge) -> None:
        """Let the next episode go on with a process; one that has failed is forgotten."""
        if bridge.alive:
            with self._lock:
                self._idle.append(bridge)

    def close(self) -> None:
        """End the processes that no episode is under way in."""
        with self._lock:
            idle, self._idle = self._idle, []
        for bridge in idle:
            bridge.close()

    def _take(self, eval_set: str) -> Bridge | None:
        """An idle process, if possible one whose simulator has the set open."""
        with self._lock:
            self._idle.sort(key=lambda bridge: bridge.eval_set == eval_set)
            return self._idle.pop() if self._idle else None

    def _start(self) -> Bridge:
        bridge = Bridge(self.environment, Settings.read(os.environ))
        facts = _facts(bridge, self.environment)
        with self._lock:
            first = self._facts = self._facts or facts
        if facts != first:
            bridge.close()
            raise EnvironmentFailure(
                f"EmbodiedBench ({self.environment}) has changed since this command was started.",
                "Undo the change, or begin a new experiment.",
            )
        return bridge


def _facts(bridge: Bridge, environment: str) -> Mapping[str, Any]:
    return {
        "embodiedbench": describe_package(Path(bridge.hello.folder), environment),
        "python": bridge.hello.python,
        "packages": bridge.hello.packages,
    }


class SimulatorWorld:
    """An episode in a simulator, as a :class:`rbsuite_embodied.world.World`.

    How far a task is upstream tells after an action only; before the first, nothing is achieved.

    Args:
        pool: gets the process back.
        bridge: the process.
        start: the episode before its first action.
    """

    def __init__(self, pool: BridgePool, bridge: Bridge, start: Start) -> None:
        self._pool = pool
        self._bridge: Bridge | None = bridge
        self._visible = start.visible
        self.instruction = start.instruction
        self.names = start.names
        self.achieved = Achieved(False, 0.0)

    def do(self, index: int) -> Outcome:
        """See :class:`rbsuite_embodied.world.World`. Limits that upstream keeps too are not its own reason to end."""
        moved = self._open.step(index)
        self.achieved = Achieved(moved.success, moved.progress)
        self._visible = moved.visible
        return Outcome(moved.feedback, moved.valid, moved.stopped)

    def visible(self) -> tuple[str, ...]:
        """The types in view, sorted."""
        return self._visible

    def refuse(self) -> None:
        """See :class:`rbsuite_embodied.world.World`."""
        self._open.refuse()

    def fork(self) -> Self:
        """Always raises.

        Raises:
            NotImplementedError: a simulator's state cannot be copied.
        """
        raise NotImplementedError("an episode in a simulator cannot be forked: its state cannot be copied")

    def close(self) -> None:
        """Give the process back."""
        if self._bridge is not None:
            self._pool.give_back(self._bridge)
            self._bridge = None

    @property
    def _open(self) -> Bridge:
        if self._bridge is None:
            raise EnvironmentFailure("the episode is closed.", "Call reset first.")
        return self._bridge


class SimulatorEnvironment(EmbodiedEnvironment):
    """Upstream's tasks in upstream's simulators. A plugin's subclass sets the class variables, and no more.

    The tasks are those of the symbolic backend, read from the imported pack: same ids, same instructions. There are no solutions, so
    simulated models cannot act in it.

    Args:
        tasks: the task set; default: all of the split ``test``.
        obs_mode: see :class:`rbsuite_embodied.environment.EmbodiedEnvironment`.

    Raises:
        UsageError: ``visible`` where upstream does not tell what is in view.
    """

    default_split = SPLIT
    name: ClassVar[str]
    """Of the environment, with the backend: ``eb-alfred[simulator]``."""
    upstream: ClassVar[str]
    """Upstream's environment: ``eb-alfred`` or ``eb-habitat``."""
    symbolic: ClassVar[type[Environment]]
    """The symbolic backend, whose ``load`` gives the tasks."""
    tells_view: ClassVar[bool]
    """Whether upstream tells what is in view."""

    def __init__(self, tasks: TaskSet | None = None, *, obs_mode: str = FEEDBACK) -> None:
        if obs_mode == VISIBLE and not self.tells_view:
            raise UsageError(f"{self.name} does not tell what is in view.", f"Leave obs_mode at {FEEDBACK!r}.")
        super().__init__(tasks, obs_mode=obs_mode)
        assert isinstance(self.tasks.resources, BridgePool)
        self._pool = self.tasks.resources

    @classmethod
    def load(cls, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """See :meth:`rbsuite.Environment.load`; there is no bundled sample, since upstream has no such scenes."""
        if split != SPLIT:
            raise UnknownNameError(f"split of {cls.name}", split, [SPLIT])
        tasks = cls.symbolic.load(split, domain=domain, data=data)
        return replace(tasks, environment=cls.name, resources=BridgePool(cls.upstream))

    def open_world(self, task: Task) -> SimulatorWorld:
        """The task's episode, whose instruction must be the task's."""
        world = self._pool.open(task.domain, int(task.id.rpartition("/")[2]))
        if world.instruction.split() != task.query.split():
            world.close()
            raise EnvironmentFailure(
                f"EmbodiedBench's instruction of {task.id} is {world.instruction!r}, the imported data says {task.query!r}.",
                "Import the data of the EmbodiedBench that is asked.",
            )
        return world

    def prompt_variables(self, task: Task) -> Mapping[str, Any]:
        """Whether the agent is told what is in view."""
        return {"visible": self._obs_mode == VISIBLE}

    def indices(self, names: Sequence[str]) -> Mapping[str, int]:
        """The index of each name."""
        return {name: index for index, name in enumerate(names)}

    def facts(self) -> Mapping[str, Any]:
        """Which EmbodiedBench answers; it is asked, so an experiment that has none ends before it begins."""
        return {**super().facts(), **self._pool.facts()}


def check_alfred() -> str:
    """Whether EB-ALFRED's simulator can be asked, for ``rbsuite doctor``: ``""``, or what is missing in one line."""
    return _check("eb-alfred")


def check_habitat() -> str:
    """Whether EB-Habitat's simulator can be asked, for ``rbsuite doctor``: ``""``, or what is missing in one line."""
    return _check("eb-habitat")


def _check(environment: str) -> str:
    try:
        settings = Settings.read(os.environ)
        bridge = Bridge(environment, replace(settings, timeout=min(settings.timeout, _CHECK_TIMEOUT)))
        bridge.load()
        bridge.close()
    except EnvironmentFailure as error:
        return str(error)
    return ""
