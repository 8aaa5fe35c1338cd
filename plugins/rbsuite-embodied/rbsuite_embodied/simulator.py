"""The backend that uses the user's own EmbodiedBench, with its real simulators, through :mod:`rbsuite_embodied.bridge`.

It is a different environment from the symbolic one: results of the two are never mixed.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, NoReturn, TypeVar

from rbsuite.environments.base import Environment, Episode, EpisodeServices
from rbsuite.errors import EnvironmentFailure, UnknownNameError, UsageError
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, Actor, EndReason, Grade, Image, Observation
from rbsuite_embodied.bridge.client import Bridge
from rbsuite_embodied.bridge.messages import Start
from rbsuite_embodied.bridge.provenance import describe_package
from rbsuite_embodied.bridge.settings import MOST_SIMULATORS, Settings
from rbsuite_embodied.environment import FEEDBACK, VISIBLE, EmbodiedEnvironment, EmbodiedEpisode
from rbsuite_embodied.world import Achieved, Outcome

SPLIT = "test"
_CHECK_TIMEOUT = 60.0
"""Maximum number of seconds that ``rbsuite doctor`` waits for an answer."""

_T = TypeVar("_T")


class SimulatorWorld:
    """An episode in a simulator, as a :class:`rbsuite_embodied.world.World`.

    Upstream reports progress only after an action; before the first, nothing is achieved.

    Args:
        bridge: the process; whoever holds it returns it.
        start: the episode before its first action.
    """

    def __init__(self, bridge: Bridge, start: Start) -> None:
        self._bridge = bridge
        self._visible, self._image = start.visible, start.image
        self.names = start.names
        self.indices: Mapping[str, int] = {name: index for index, name in enumerate(start.names)}
        self.achieved = Achieved(False, 0.0)

    @property
    def images(self) -> tuple[Image, ...]:
        """See :class:`rbsuite_embodied.world.World`; after a reply that named no action, it is still the last one."""
        return (Image("image/png", self._image, "what the robot sees"),) if self._image else ()

    def do(self, index: int) -> Outcome:
        """See :class:`rbsuite_embodied.world.World`. Limits that upstream also enforces do not count as its own reason to end."""
        moved = self._bridge.step(index)
        self.achieved = Achieved(moved.success, moved.progress)
        self._visible, self._image = moved.visible, moved.image
        return Outcome(moved.feedback, moved.valid, moved.stopped)

    def visible(self) -> tuple[str, ...]:
        """The types in view, sorted."""
        return self._visible

    def refuse(self) -> None:
        """See :class:`rbsuite_embodied.world.World`."""
        self._bridge.refuse()

    def fork(self) -> NoReturn:
        """Always raises.

        Raises:
            NotImplementedError: a simulator's state cannot be copied.
        """
        raise NotImplementedError("an episode in a simulator cannot be forked: its state cannot be copied")

    def close(self) -> None:
        """It has nothing of its own to release."""


class SimulatorEpisode(Episode):
    """An episode whose world blocks its caller, so it is played in a thread.

    Args:
        played: the episode.
        bridge: the process behind it.
        executor: where it is played.
        leave: what to do at the end.
    """

    def __init__(
        self, played: EmbodiedEpisode, bridge: Bridge, executor: Executor, leave: Callable[[Bridge], None]
    ) -> None:
        self._played = played
        self._bridge = bridge
        self._executor = executor
        self._leave = leave
        self.observation = played.observation

    async def act(self, action: Action) -> Observation:
        """See :class:`rbsuite.Episode`. Cancelling it ends the process."""
        played = self._played
        played.observation = await _in_thread(self._executor, self._bridge, played.act, action)
        self.reward, self.truncated = played.reward, played.truncated
        return played.observation

    async def grade(self, end: EndReason) -> Grade:
        """See :class:`rbsuite.Episode`; the process is not asked again."""
        return self._played.grade(end)

    def closes(self, action: Action) -> bool:
        """See :class:`rbsuite.Episode`."""
        return self._played.closes(action)

    def audience(self, actor: Actor, action: Action) -> tuple[Actor, ...]:
        """See :class:`rbsuite.Episode`."""
        return self._played.audience(actor, action)

    async def aclose(self) -> None:
        """Return the process."""
        self._leave(self._bridge)


class SimulatorEnvironment(Environment):
    """Upstream's tasks in upstream's simulators. A plugin's subclass only sets the class variables.

    The tasks are those of the symbolic backend, read from the imported pack: same ids, same instructions. There are no solutions, so
    simulated models cannot act in it. Each episode has a process to itself; when it is over, the next one reuses it.
    :attr:`rbsuite_embodied.bridge.settings.Settings.simulators` limits how many there may be at the same time; further episodes wait.

    Args:
        obs_mode: see :class:`rbsuite_embodied.environment.EmbodiedEnvironment`.
        images: whether to add to each observation what upstream's agents are shown, the picture of the robot's camera.

    Raises:
        UsageError: ``visible`` if upstream does not report what is in view.
    """

    name: ClassVar[str]
    """The environment's name, with the backend: ``eb-alfred[simulator]``."""
    upstream: ClassVar[str]
    """Upstream's environment: ``eb-alfred`` or ``eb-habitat``."""
    symbolic: ClassVar[type[EmbodiedEnvironment]]
    """The symbolic backend, which provides the tasks and the template."""
    tells_view: ClassVar[bool]
    """Whether upstream reports what is in view."""

    def __init__(self, *, obs_mode: str = FEEDBACK, images: bool = False) -> None:
        if obs_mode == VISIBLE and not self.tells_view:
            raise UsageError(f"{self.name} does not report what is in view.", f"Leave obs_mode at {FEEDBACK!r}.")
        self._obs_mode = obs_mode
        self._images = images
        self._idle: list[Bridge] = []
        self._turns: asyncio.Semaphore | None = None
        # The semaphore ensures that no more threads are at work than there are simulators.
        self._executor = ThreadPoolExecutor(MOST_SIMULATORS, f"{self.upstream} simulator")
        self._facts: Mapping[str, Any] = {}
        self._facts_lock = threading.Lock()

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """See :meth:`rbsuite.Environment.tasks`; there is no bundled sample, since upstream has no such scenes."""
        if split != SPLIT:
            raise UnknownNameError(f"split of {self.name}", split, [SPLIT])
        return replace(self.symbolic().tasks(split, domain=domain, data=data), environment=self.name)

    async def open(self, task: Task, *, seed: int, services: EpisodeServices) -> Episode:
        """The task's episode, whose instruction must be the task's. The simulators' own randomness is not seeded.

        Raises:
            EnvironmentFailure: EmbodiedBench is unavailable, or failed.
        """
        if self._turns is None:
            self._turns = asyncio.Semaphore(Settings.read(os.environ).simulators)
        await self._turns.acquire()
        try:
            bridge = self._take(task.domain)
        except BaseException:
            self._turns.release()
            raise
        try:
            played = await _in_thread(self._executor, bridge, self._begin, bridge, task, services)
        except BaseException:
            self._leave(bridge)
            raise
        return SimulatorEpisode(played, bridge, self._executor, self._leave)

    def prompt_variables(self, task: Task) -> Mapping[str, Any]:
        """Whether the agent is told what is in view, and whether it gets images."""
        return {"visible": self._obs_mode == VISIBLE, "images": self._images}

    def facts(self) -> Mapping[str, Any]:
        """Which EmbodiedBench answers, in which Python, once it has been imported there; paths are not included.

        EmbodiedBench is actually asked, so an experiment without one ends before it begins.

        Raises:
            EnvironmentFailure: none answers.
        """
        if not self._facts:
            bridge = self._take()
            self._recognise(bridge)
            bridge.load()
            self._idle.append(bridge)
        return self._facts

    async def aclose(self) -> None:
        """End the processes."""
        idle, self._idle = self._idle, []
        try:
            await asyncio.gather(*(_in_thread(self._executor, bridge, bridge.close) for bridge in idle))
        finally:
            self._executor.shutdown(wait=False)

    def _take(self, eval_set: str = "") -> Bridge:
        """An idle process that is still alive, if possible one whose simulator has the set open; otherwise a new one."""
        self._idle = sorted((idle for idle in self._idle if not idle.ended), key=lambda idle: idle.eval_set == eval_set)
        return self._idle.pop() if self._idle else Bridge(self.upstream, Settings.read(os.environ))

    def _leave(self, bridge: Bridge) -> None:
        """Let the next episode reuse a process; one that has failed is dropped, which ends it."""
        assert self._turns is not None
        self._turns.release()
        if bridge.alive:
            self._idle.append(bridge)

    def _begin(self, bridge: Bridge, task: Task, services: EpisodeServices) -> EmbodiedEpisode:
        prompt = services.render(self.symbolic.template, **self.prompt_variables(task))
        if bridge.hello is None:
            self._recognise(bridge)
        start = bridge.start(task.domain, int(task.id.rpartition("/")[2]), images=self._images)
        if start.instruction.split() != task.query.split():
            raise EnvironmentFailure(
                f"EmbodiedBench's instruction for {task.id} is {start.instruction!r}, but that of the imported data is {task.query!r}.",
                "Import the data of the EmbodiedBench in use.",
            )
        return EmbodiedEpisode(SimulatorWorld(bridge, start), task.query, prompt, self._obs_mode)

    def _recognise(self, bridge: Bridge) -> None:
        """Note who answers in a new process.

        Raises:
            EnvironmentFailure: it is not the EmbodiedBench that answered first.
        """
        hello = bridge.greet()
        package = describe_package(Path(hello.folder), self.upstream)
        facts = {"embodiedbench": package, "python": hello.python, "packages": hello.packages}
        with self._facts_lock:
            first = self._facts = self._facts or facts
        if facts != first:
            bridge.close()
            raise EnvironmentFailure(
                f"EmbodiedBench ({self.upstream}) has changed since this command was started.",
                "Undo the change, or start a new experiment.",
            )


async def _in_thread(executor: Executor, bridge: Bridge, function: Callable[..., _T], *arguments: Any) -> _T:
    """The result of a function that waits for a bridge. If this is cancelled, the process is killed, which ends the function too."""
    work = asyncio.get_running_loop().run_in_executor(executor, lambda: function(*arguments))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        bridge.kill()
        await asyncio.wait([work])
        work.exception()  # it has failed, as it should; if nobody looked, asyncio would report it
        raise


def check_alfred() -> str:
    """Whether EB-ALFRED's simulator can be used, for ``rbsuite doctor``: ``""``, or what is missing in one line."""
    return _check("eb-alfred")


def check_habitat() -> str:
    """Whether EB-Habitat's simulator can be used, for ``rbsuite doctor``: ``""``, or what is missing in one line."""
    return _check("eb-habitat")


def _check(environment: str) -> str:
    try:
        settings = Settings.read(os.environ)
        bridge = Bridge(environment, replace(settings, timeout=min(settings.timeout, _CHECK_TIMEOUT)))
        bridge.greet()
        bridge.load()
        bridge.close()
    except EnvironmentFailure as error:
        return str(error)
    return ""
