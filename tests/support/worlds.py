"""Small environments of the new contract, for tests of Gymnasium's view: one that computes, one that awaits, one with a user."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from rbsuite.environments.base import Environment, Episode, EpisodeServices, SyncEnvironment, SyncEpisode
from rbsuite.environments.solution import Solution
from rbsuite.environments.users import STOP
from rbsuite.hookspecs import hookimpl
from rbsuite.seeds import rng
from rbsuite.specs import EnvironmentSpec, Measure, Option, Split
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, EndReason, Grade, Message, Observation, ToolSpec


def tasks_of(name: str, split: str, domain: str) -> TaskSet:
    tasks = (Task(f"{name}/{n}", "g", f"d{n % 2}", f"Say word{n}.", {"word": f"word{n}"}) for n in range(4))
    return TaskSet(name, split, tuple(task for task in tasks if domain in ("", task.domain)))


class Guess(SyncEnvironment):
    """Three tries to say the word. Options: ``loud`` wants it in capitals."""

    def __init__(self, *, loud: bool = False) -> None:
        self.loud = loud

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        return tasks_of("guess", split, domain)

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> SyncEpisode:
        return _Guess(task, seed, loud=self.loud)


class _Guess(SyncEpisode):
    def __init__(self, task: Task, seed: int, *, loud: bool) -> None:
        word = str(task.payload["word"])
        self.word = word.upper() if loud else word
        self.tries, self.right, self.graded, self.closed = 0, False, 0, 0
        self.observation = Observation(f"{task.query} ({rng(seed).randrange(10**6)})")

    def act(self, action: Action) -> Observation:
        self.tries += 1
        self.right = action.text == self.word
        self.truncated = self.tries == 3 and not self.right
        over = self.right or self.truncated
        return Observation(f"{self.tries} of 3", turn="over" if over else "agent")

    def grade(self, end: EndReason) -> Grade:
        self.graded += 1
        assert self.graded == 1
        return Grade(float(self.right), {"patience": self.tries / 3}, {"end": end})

    def close(self) -> None:
        self.closed += 1
        assert self.closed == 1


class Doors(SyncEnvironment):
    """Three named doors, the last of which is right; a reward for each."""

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        return tasks_of("doors", split, domain)

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> SyncEpisode:
        return _Doors()


class _Doors(SyncEpisode):
    def __init__(self) -> None:
        self.best = 0.0
        self.observation = Observation("Three doors.", choices=("left", "middle", "right"))

    def act(self, action: Action) -> Observation:
        index = action.index if action.index is not None and 0 <= action.index < 3 else 0
        self.reward = index / 4
        self.best = max(self.best, index / 2)
        return Observation(f"door {index}", turn="over" if index == 2 else "agent", data={"valid": True})

    def grade(self, end: EndReason) -> Grade:
        return Grade(self.best)


class Chat(Environment):
    """Awaits, on one loop and off the main thread's; a user and a tool take part; the agent scores by telling the user the word."""

    def __init__(self) -> None:
        self.loops: set[asyncio.AbstractEventLoop] = set()
        self.open_episodes = self.closed = 0

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        return tasks_of("chat", split, domain)

    async def open(self, task: Task, *, seed: int, services: EpisodeServices) -> Episode:
        await self.work()
        self.open_episodes += 1
        return _Chat(self, task)

    def solution(self, task: Task) -> Solution:
        return Solution((Action(str(task.payload["word"])),), (Action(f"I want {task.id}"), Action("Thanks")))

    async def aclose(self) -> None:
        await self.work()
        self.closed += 1

    async def work(self) -> None:
        await asyncio.sleep(0)
        self.loops.add(asyncio.get_running_loop())
        assert len(self.loops) == 1


class _Chat(Episode):
    tool = ToolSpec("look", "look it up", {"properties": {"word": {"type": "string"}, "how": {"enum": ["a", "b"]}}})

    def __init__(self, owner: Chat, task: Task) -> None:
        self.owner, self.word, self.told = owner, str(task.payload["word"]), False
        self.observation = Observation("Hello?", turn="user", messages=(Message("system", "Be a user."),))

    async def act(self, action: Action) -> Observation:
        await self.owner.work()
        if self.observation.turn == "user":
            return Observation(action.text, turn="over" if STOP in action.text else "agent", tools=(self.tool,))
        if action.calls:
            return Observation(f"looked {sorted(action.calls[0].arguments)}", role="tool")
        self.told = self.told or self.word in action.text
        return Observation(action.text, turn="user")

    async def grade(self, end: EndReason) -> Grade:
        await self.owner.work()
        return Grade(float(self.told), {}, {"end": end})

    async def aclose(self) -> None:
        await self.owner.work()
        self.owner.open_episodes -= 1


class Threaded(Guess):
    """As :class:`Guess`, in threads, of which it keeps the names."""

    names: Sequence[str] = ()

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> SyncEpisode:
        self.names = [*self.names, threading.current_thread().name]
        return super().begin(task, seed=seed, services=services)


def spec(name: str, world: str, **more: Any) -> EnvironmentSpec:
    return EnvironmentSpec(
        name, "a toy", f"{__name__}:{world}", splits=(Split("all", "all", bundled=True), Split("rest", "rest")), **more
    )


SPECS: Mapping[str, EnvironmentSpec] = {
    one.name: one
    for one in (
        spec(
            "gym-guess",
            "Guess",
            options=(Option("loud", "bool", False, "in capitals"),),
            measures=(Measure("patience", "tries"),),
        ),
        spec("gym-doors[small]", "Doors", aliases=("gym-doors",), action_mode="choice", max_steps=4),
        spec("gym-chat", "Chat", action_mode="tools", users=("scripted",)),
        spec("gym-threaded", "Threaded", concurrency="thread"),
        spec("gym-process", "Guess", concurrency="process"),
        spec("gym-exclusive", "Doors", concurrency="exclusive", action_mode="choice"),
    )
}


class WorldsPlugin:
    """Declares them."""

    @hookimpl
    def rbsuite_environments(self) -> Sequence[EnvironmentSpec]:
        return tuple(SPECS.values())
