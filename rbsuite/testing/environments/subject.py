"""An environment as seen by the rules: its tasks, and episodes played with given actions."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from rbsuite.environments.base import Environment, Episode, PlainServices
from rbsuite.environments.hosting import Host, Recipe
from rbsuite.environments.solution import Solution
from rbsuite.environments.users import ScriptedUser
from rbsuite.errors import DataError
from rbsuite.specs import EnvironmentSpec
from rbsuite.task import Task, TaskSet
from rbsuite.testing.rules import NotTried, require
from rbsuite.testing.subjects import Subject
from rbsuite.trajectory import Action, Grade, Observation

if TYPE_CHECKING:
    from rbsuite.testing.environments.hiding import Decisive

KIND = "environment"
TASKS_PLAYED = 4
"""Number of tasks that most rules play."""
TASKS_SOLVED = 24
"""Number of tasks whose reference solutions are replayed."""
SEED = 20_261

_SAID_BEFORE_STOP = (Action("Hello."), Action("I do not know."))


@dataclass(frozen=True, slots=True)
class PlayedEpisode:
    """The course of one episode.

    Attributes:
        seen: every observation, whoever's turn it was.
        rewards: the reward of every action.
        grade: the final grade.
    """

    seen: tuple[Observation, ...]
    rewards: tuple[float | None, ...]
    grade: Grade

    @property
    def over(self) -> bool:
        """Whether the episode reached its end."""
        return self.seen[-1].turn == "over"

    @property
    def shown(self) -> tuple[Observation, ...]:
        """What agent, memory and judge may see."""
        return tuple(seen for seen in self.seen if seen.turn != "user")


class EnvironmentSubject(Subject[EnvironmentSpec]):
    """An environment, with one split of its tasks. What is created for it is kept until :meth:`aclose`."""

    decisive: Sequence[Decisive] | None = None
    """The values that decide only the score, once they have been searched for."""

    @cached_property
    def environment(self) -> Environment:
        """The environment, which has provided :attr:`tasks`."""
        made: Environment = self.make()
        return made

    @cached_property
    def split(self) -> str:
        """A split that can be read here, a bundled one if possible."""
        names = [split.name for split in sorted(self.spec.splits, key=lambda split: not split.bundled)]
        bundled = {split.name for split in self.spec.splits if split.bundled}
        for name in names:
            if name in bundled:
                return name
            try:
                if self.environment.at_hand(name) and self.environment.tasks(name).tasks:
                    return name
            except DataError:
                continue
        raise NotTried("none of its splits has its data here")

    @cached_property
    def tasks(self) -> TaskSet:
        """The tasks of the split."""
        return self.environment.tasks(self.split)

    @cached_property
    def played(self) -> Sequence[Task]:
        """A few tasks: the first of each domain, and others to make up the number."""
        firsts = {task.domain: task for task in reversed(self.tasks.tasks)}
        return (*reversed(firsts.values()), *spaced(self.tasks.tasks, TASKS_PLAYED))[:TASKS_PLAYED]

    @property
    def solved(self) -> Sequence[tuple[Task, Solution]]:
        """Tasks with their reference solutions.

        Raises:
            NotTried: there are none.
        """
        pairs = ((task, self.environment.solution(task)) for task in spaced(self.tasks.tasks, TASKS_SOLVED))
        found = [(task, solution) for task, solution in pairs if solution is not None]
        if not found:
            raise NotTried("it has no reference solutions")
        return found

    def another(self) -> Environment:
        """Another environment, which has provided the same tasks."""
        made: Environment = self.make()
        made.tasks(self.split)
        return made

    @cached_property
    def recipe(self) -> Recipe:
        """How to make it in another process."""
        return Recipe(
            self.spec.factory, self.name, self.part.values, self.split, prompts=tuple(self.plugins.prompt_dirs)
        )

    @cached_property
    def host(self) -> Host:
        """The host that opens its episodes where its spec says they run."""
        _ = self.tasks
        return Host(self.environment, self.spec.concurrency, self.recipe)

    @asynccontextmanager
    async def opened(
        self, task: Task, seed: int = SEED, environment: Environment | None = None
    ) -> AsyncIterator[Episode]:
        """An episode, closed at the end."""
        opener = self.host if environment is None else environment
        episode = await opener.open(task, seed=seed, services=PlainServices(environment or self.environment))
        try:
            yield episode
        finally:
            await episode.aclose()

    def lines(self, task: Task) -> ScriptedUser:
        """The scripted user, with the reference's words or a few of our own."""
        solution = self.environment.solution(task) if self.spec.users else None
        return ScriptedUser(_SAID_BEFORE_STOP if solution is None else solution.user)

    def actions(self, task: Task) -> tuple[Action, ...]:
        """Actions to try an environment: those of the reference, or else a few suitable ones."""
        solution = self.environment.solution(task)
        if solution is not None:
            return solution.actions
        return (Action("1"), Action.choose(0), Action("2"), Action.choose(1))

    async def play(
        self, task: Task, actions: Sequence[Action], *, environment: Environment | None = None, seed: int = SEED
    ) -> PlayedEpisode:
        """Play actions of the agent; when they run out, the episode is cut off and graded."""
        async with self.opened(task, seed, environment) as episode:
            return await play_on(episode, actions, self.lines(task))

    async def use(self) -> list[PlayedEpisode]:
        """Episodes of a few tasks."""
        return [await self.play(task, self.actions(task)) for task in self.played]

    async def aclose(self) -> None:
        """Close what was created."""
        if "host" in self.__dict__:
            await self.host.aclose()
        if "environment" in self.__dict__:
            await self.environment.aclose()


async def play_on(episode: Episode, actions: Iterable[Action], user: ScriptedUser) -> PlayedEpisode:
    """Play an open episode until the actions run out, and have it graded."""
    rest, seen, rewards = iter(actions), [episode.observation], list[float | None]()
    while episode.observation.turn != "over":
        action = user.next(episode.observation) if episode.observation.turn == "user" else next(rest, None)
        if action is None:
            break
        episode.observation = await episode.act(action)
        seen.append(episode.observation)
        rewards.append(episode.reward)
        require(len(seen) < 10_000, "the user's turns never end")
    over = episode.observation.turn == "over" and not episode.truncated
    return PlayedEpisode(tuple(seen), tuple(rewards), await episode.grade("finished" if over else "max_steps"))


def spaced(tasks: Sequence[Task], most: int) -> Sequence[Task]:
    """At most ``most`` of the tasks, evenly spaced, including the first."""
    step = max(1, math.ceil(len(tasks) / most))
    return tasks[::step]
