"""Where the episodes of synchronous worlds run: on the event loop, in a thread, or in a process of their own.

An :class:`~rbsuite.environments.base.Episode` that awaits is left to itself; it is opened as it is, one at a time if the spec says
``exclusive``.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from rbsuite.environments.base import Environment, Episode, EpisodeServices, SyncEnvironment, SyncEpisode
from rbsuite.errors import EnvironmentFailure, RbsuiteError, is_mistake, told
from rbsuite.specs import load_object
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, Actor, EndReason, Grade, Observation

if TYPE_CHECKING:
    from rbsuite.specs import Concurrency

CLOSING_SECONDS = 10.0
"""How long a thread or process is waited for when an episode is closed, before it is left behind (a thread) or killed (a process)."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make an environment, even in another process.

    Attributes:
        factory: ``"module:attribute"`` of the environment's class.
        owner: what errors name, e.g. ``"environment 'toy'"``.
        options: the values of its options.
        split, domain, data: what :meth:`rbsuite.Environment.tasks` is asked for.
        prompts: template directories that come before the core's own.
    """

    factory: str
    owner: str
    options: Mapping[str, Any] = field(default_factory=dict)
    split: str = ""
    domain: str = ""
    data: str = ""
    prompts: tuple[Path, ...] = ()

    def environment(self) -> Environment:
        """A new environment."""
        environment: Environment = load_object(self.factory, self.owner)(**self.options)
        return environment

    def tasks(self, environment: Environment) -> TaskSet:
        """Its tasks."""
        return environment.tasks(self.split, domain=self.domain, data=self.data)


class Host:
    """Opens the episodes of an environment where its spec says they run, and ends the processes that this takes.

    Args:
        environment: the environment; its tasks have already been read.
        concurrency: see :class:`rbsuite.specs.EnvironmentSpec`.
        recipe: how to make it again, for ``process``; and what errors name.
        seconds: how long the turns of a rollout may take; ``None``: no limit.

    Attributes:
        owner: what errors name.
        seconds: what is given.
    """

    def __init__(
        self, environment: Environment, concurrency: Concurrency, recipe: Recipe, seconds: float | None = None
    ) -> None:
        self._environment = environment
        self._concurrency = concurrency
        self._recipe = recipe
        self.owner = recipe.owner
        self.seconds = seconds
        self._turn = asyncio.Lock()
        self._idle: list[_WorldProcess] = []

    async def open(self, task: Task, *, seed: int, services: EpisodeServices) -> Episode:
        """A fresh episode. See :meth:`rbsuite.Environment.open`."""
        if self._concurrency == "exclusive":
            await self._turn.acquire()
            try:
                return _Exclusive(await self._opened(task, seed, services), self._turn)
            except BaseException:
                self._turn.release()
                raise
        return await self._opened(task, seed, services)

    async def _opened(self, task: Task, seed: int, services: EpisodeServices) -> Episode:
        environment = self._environment
        if not isinstance(environment, SyncEnvironment) or self._concurrency == "inline":
            return await environment.open(task, seed=seed, services=services)
        if self._concurrency == "process":
            process = self._idle.pop() if self._idle else _WorldProcess(self._recipe)
            return await _ProcessEpisode.begin(process, task, seed, self._idle)
        return await _ThreadEpisode.begin(environment, task, seed, services)

    async def aclose(self) -> None:
        """End the idle processes; the environment stays open."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(process.aclose() for process in idle))


class CallThread:
    """A thread that makes one call after another. A daemon, so that a call which never returns does not keep Python alive."""

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    async def call(self, function: Callable[..., _T], *arguments: Any) -> _T:
        """What the function returns. Cancelling the wait does not stop the function."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_T] = loop.create_future()

        def settle(result: Any, error: BaseException | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        def work() -> None:
            result: Any = None
            error: BaseException | None = None
            try:
                result = function(*arguments)
            except (StopIteration, GeneratorExit) as stop:  # neither can be raised from what awaits it
                error = RuntimeError(told(stop))
            except BaseException as raised:
                error = raised
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, result, error)

        self._calls.put(work)
        return await future

    async def end(self, last: Callable[[], None]) -> None:
        """Make a last call after those that are waiting, and end. What takes too long is left behind."""
        try:
            async with asyncio.timeout(CLOSING_SECONDS) as limit:
                await self.call(last)
        except TimeoutError:
            if not limit.expired():
                raise
        finally:
            self._calls.put(None)

    def _run(self) -> None:
        while (work := self._calls.get()) is not None:
            work()


class _ThreadEpisode(Episode):
    """A synchronous episode in a thread of its own."""

    def __init__(self, thread: CallThread, world: SyncEpisode) -> None:
        self._thread = thread
        self._world = world
        self.observation = world.observation

    @classmethod
    async def begin(
        cls, environment: SyncEnvironment, task: Task, seed: int, services: EpisodeServices
    ) -> _ThreadEpisode:
        thread = CallThread(f"episode of {task.id}")
        opened: list[SyncEpisode] = []

        def begin() -> SyncEpisode:
            opened.append(environment.begun(task, seed=seed, services=services))
            return opened[0]

        try:
            return cls(thread, await thread.call(begin))
        except BaseException:
            await asyncio.shield(thread.end(lambda: opened[0].close() if opened else None))
            raise

    async def act(self, action: Action) -> Observation:
        def act() -> Observation:
            self._world.observation = self._world.act(action)
            return self._world.observation

        observation = await self._thread.call(act)
        self.reward, self.truncated = self._world.reward, self._world.truncated
        return observation

    async def grade(self, end: EndReason) -> Grade:
        return await self._thread.call(self._world.grade, end)

    @property
    def has_closing_actions(self) -> bool:
        return self._world.has_closing_actions

    def closes(self, action: Action) -> bool:
        return self._world.closes(action)

    def audience(self, actor: Actor, action: Action) -> tuple[Actor, ...]:
        return self._world.audience(actor, action)

    async def aclose(self) -> None:
        await self._thread.end(self._world.close)


class _WorldProcess:
    """A process with an environment of its own, in which one episode runs after another."""

    def __init__(self, recipe: Recipe) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._child = context.Process(target=_serve, args=(theirs, recipe), daemon=True)
        self._thread = CallThread("process of episodes")
        self._started = False
        self._theirs: Connection | None = theirs

    @property
    def alive(self) -> bool:
        """Whether it can take another episode."""
        return self._child.is_alive()

    async def ask(self, method: str, *arguments: Any) -> Any:
        """What a method of the episode returns.

        Raises:
            EnvironmentFailure: the process ended.
            Exception: what the method raised.
        """
        return _opened(await self._thread.call(self._ask, method, arguments))

    def ask_now(self, method: str, *arguments: Any) -> Any:
        """Like :meth:`ask`, but without yielding to the event loop; for what takes no time, while the process is idle."""
        return _opened(self._ask(method, arguments))

    def _ask(self, method: str, arguments: tuple[Any, ...]) -> tuple[Any, Exception | None]:
        if not self._started:
            self._child.start()
            self._started = True
            assert self._theirs is not None
            self._theirs.close()
        try:
            self._pipe.send((method, arguments))
            reply: tuple[Any, Exception | None] = self._pipe.recv()
            return reply
        except (EOFError, OSError):
            # Not raised from here: see rbsuite.run.processes.
            self._child.join(CLOSING_SECONDS)
        raise EnvironmentFailure(f"the process of the episode ended (exit code {self._child.exitcode}).")

    async def aclose(self) -> None:
        """End the process, by force if it does not end on its own."""
        if self._started:
            self._child.terminate()
        await self._thread.end(self._end)

    def _end(self) -> None:
        if self._started:
            self._child.join(1.0)
            if self._child.is_alive():
                self._child.kill()
                self._child.join()
        elif self._theirs is not None:
            self._theirs.close()
        self._pipe.close()


def _opened(reply: tuple[Any, Exception | None]) -> Any:
    value, error = reply
    if error is not None:
        raise error
    return value


def _serve(pipe: Connection, recipe: Recipe) -> None:
    """Answer what :class:`_WorldProcess` asks, until it hangs up."""
    from rbsuite.prompts import Prompts

    prompts = Prompts(recipe.prompts)
    environment: SyncEnvironment | None = None
    episode: SyncEpisode | None = None

    def begin(task: Task, seed: int) -> Observation:
        nonlocal environment, episode
        if environment is None:
            made = recipe.environment()
            assert isinstance(made, SyncEnvironment)
            recipe.tasks(made)
            environment = made
        episode = environment.begun(task, seed=seed, services=_Rendering(prompts))
        return episode.observation

    def act(action: Action) -> tuple[Observation, float | None, bool, tuple[Actor, ...]]:
        world = _held(episode)
        actor: Actor = "user" if world.observation.turn == "user" else "agent"
        world.observation = world.act(action)
        return world.observation, world.reward, world.truncated, world.audience(actor, action)

    def close() -> None:
        nonlocal episode
        if episode is not None:
            episode.close()
        episode = None

    methods: Mapping[str, Callable[..., Any]] = {
        "begin": begin,
        "act": act,
        "close": close,
        "grade": lambda end: _held(episode).grade(end),
        "closes": lambda action: _held(episode).closes(action),
        "has_closing_actions": lambda: _held(episode).has_closing_actions,
    }
    while True:
        try:
            method, arguments = pipe.recv()
        except (EOFError, OSError, KeyboardInterrupt):
            close()
            return
        reply: tuple[Any, Exception | None]
        try:
            reply = methods[method](*arguments), None
        except RbsuiteError as error:
            plain = type(error).__init__ is RbsuiteError.__init__  # made of message and remedy, as most are
            reply = None, type(error)(error.message, error.remedy) if plain else EnvironmentFailure(str(error))
        except BaseException as error:
            if not is_mistake(error):
                raise
            reply = None, EnvironmentFailure(f"the environment raised {told(error)}")
        try:
            pipe.send(reply)
        except Exception as error:  # nothing was sent yet
            pipe.send((None, EnvironmentFailure(f"what its {method} returned cannot be sent here: {told(error)}")))


def _held(episode: SyncEpisode | None) -> SyncEpisode:
    assert episode is not None
    return episode


class _Rendering:
    """The services of an episode in another process."""

    def __init__(self, prompts: Any) -> None:
        self._prompts = prompts

    def render(self, template: str, **variables: Any) -> str:
        text: str = self._prompts.render(template, **variables)
        return text

    async def complete(self, messages: Any, *, temperature: float | None = None) -> Any:
        raise EnvironmentFailure("an episode that runs in another process has no model.", "Grade in an async Episode.")


class _ProcessEpisode(Episode):
    """A synchronous episode in a process of its own."""

    def __init__(self, process: _WorldProcess, observation: Observation, idle: list[_WorldProcess]) -> None:
        self._process = process
        self._idle = idle
        self._busy = False
        self._heard: tuple[Actor, ...] = ()
        self.observation = observation

    @classmethod
    async def begin(cls, process: _WorldProcess, task: Task, seed: int, idle: list[_WorldProcess]) -> _ProcessEpisode:
        try:
            observation = await process.ask("begin", task, seed)
        except BaseException:
            await asyncio.shield(process.aclose())
            raise
        return cls(process, observation, idle)

    async def _ask(self, method: str, *arguments: Any) -> Any:
        self._busy = True
        answer = await self._process.ask(method, *arguments)
        self._busy = False
        return answer

    async def act(self, action: Action) -> Observation:
        observation, self.reward, self.truncated, self._heard = await self._ask("act", action)
        assert isinstance(observation, Observation)
        return observation

    @property
    def has_closing_actions(self) -> bool:
        return bool(self._process.ask_now("has_closing_actions"))

    def closes(self, action: Action) -> bool:
        return bool(self._process.ask_now("closes", action))

    def audience(self, actor: Actor, action: Action) -> tuple[Actor, ...]:
        return self._heard  # of the action that was carried out last

    async def grade(self, end: EndReason) -> Grade:
        grade: Grade = await self._ask("grade", end)
        return grade

    async def aclose(self) -> None:
        """The process goes to the next episode, unless it is in the middle of something or has failed."""
        if self._busy or not self._process.alive:
            await self._process.aclose()
            return
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._ask("close")
        except (TimeoutError, RbsuiteError):
            await self._process.aclose()
        else:
            self._idle.append(self._process)


class _Exclusive(Episode):
    """An episode that no other runs alongside."""

    def __init__(self, episode: Episode, turn: asyncio.Lock) -> None:
        self._episode = episode
        self._turn = turn
        self.observation = episode.observation

    async def act(self, action: Action) -> Observation:
        self._episode.observation = observation = await self._episode.act(action)
        self.reward, self.truncated = self._episode.reward, self._episode.truncated
        return observation

    async def grade(self, end: EndReason) -> Grade:
        return await self._episode.grade(end)

    @property
    def has_closing_actions(self) -> bool:
        return self._episode.has_closing_actions

    def closes(self, action: Action) -> bool:
        return self._episode.closes(action)

    def audience(self, actor: Actor, action: Action) -> tuple[Actor, ...]:
        return self._episode.audience(actor, action)

    async def aclose(self) -> None:
        try:
            await self._episode.aclose()
        finally:
            self._turn.release()
