"""Walks through upstream's environment and the engine's, action by action."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rbsuite.environments.base import PlainServices
from rbsuite.task import Task
from rbsuite.trajectory import Action
from rbsuite_eb_habitat.actions import ACTION_NAMES, ACTIONS, index_of
from rbsuite_eb_habitat.environment import EbHabitat
from rbsuite_eb_habitat.goals import Logic
from rbsuite_eb_habitat.household import NOWHERE, Household, reduced_subgoals
from rbsuite_eb_habitat.vocab import DOORS, PLACE_NUMBER, PLACES, RECEPTACLES, ROBOT
from rbsuite_eb_habitat.world import HabitatWorld

from .upstream import Upstream

LONGEST = 40
"""Actions of a walk; both cut it at 30."""


@dataclass(slots=True)
class Walks:
    """What walks have found.

    Attributes:
        walks: how many there were.
        steps: actions compared.
        valid: how many of them were carried out.
        solved: walks that reached the goal.
        ended: walks that a limit ended.
        same_progress: steps after which progress by upstream's own subgoals was the engine's.
        below, above: steps after which it was less or more than the engine's.
        progress_apart: sum of the absolute differences of the two.
        same_at_end: walks ended by a limit with the same progress by both.
        differences: what differed, in words.
    """

    walks: int = 0
    steps: int = 0
    valid: int = 0
    solved: int = 0
    ended: int = 0
    same_progress: int = 0
    below: int = 0
    above: int = 0
    progress_apart: float = 0.0
    same_at_end: int = 0
    differences: list[str] = field(default_factory=list)


def compare_walk(
    upstream: Upstream, environment: EbHabitat, task: Task, household: Household, found: Walks, actions: Iterator[int]
) -> None:
    """Walk until the episode is over or the actions end, and compare everything that can be seen.

    Args:
        upstream: upstream's environment over the task's set.
        environment: the engine's.
        task: the task.
        household: its episode.
        found: where the result goes.
        actions: the actions; what is drawn may depend on :attr:`Walker.world`.
    """
    walk = _Walk(upstream, environment, task, household, found)
    for action in actions:
        if walk.step(action):
            break


class Walker:
    """Chooses actions: some that may go, some at random, some of the task's solution.

    Args:
        household: the episode.
        rng: the source of chance.
        plan: the indices of the solution's actions.
        share: how often the next one of these is taken.
    """

    def __init__(self, household: Household, rng: random.Random, plan: Sequence[int] = (), share: float = 0.0) -> None:
        self.world = HabitatWorld(household)
        self._household, self._rng, self._plan, self._share = household, rng, list(plan), share

    def __iter__(self) -> Iterator[int]:
        for _ in range(LONGEST):
            action = self._next()
            self.world.do(action)
            yield action

    def _next(self) -> int:
        if self._plan and self._rng.random() < self._share:
            return self._plan.pop(0)
        if self._share == 1.0:
            return self._rng.randrange(len(ACTIONS))
        return self._likely() if self._rng.random() < 0.8 else self._rng.randrange(len(ACTIONS))

    def _likely(self) -> int:
        """One that may well be carried out."""
        world, rng, chance = self.world, self._rng, self._rng.random()
        doors = [door for door, name in enumerate(DOORS) if PLACE_NUMBER[name] in world.within]
        if doors and chance < 0.4:
            door = rng.choice(doors)
            return index_of("close" if world.open_doors & 1 << door else "open", door)
        if chance < 0.75:
            if world.held >= 0:
                places = [place for place in world.within if PLACES[place] in RECEPTACLES]
                if places:
                    return index_of("place", rng.choice(sorted(places)))
            near = [item for item, place in enumerate(world.lies) if place == world.picking]
            if near and world.held < 0:
                return index_of("pick", self._household.categories[rng.choice(near)])
        return index_of("navigate", rng.randrange(len(PLACES)))


class _Walk:
    def __init__(
        self, upstream: Upstream, environment: EbHabitat, task: Task, household: Household, found: Walks
    ) -> None:
        self._upstream, self._household, self._found = upstream, household, found
        self._name, self._done, self._steps = task.id, False, 0
        self._world = HabitatWorld(household)
        self._episode = environment.begin(task, seed=0, services=PlainServices(environment))
        start = upstream.reset(task.payload["index"], household)
        episode = environment.resources.episode(task)
        self._monitor = upstream.monitor([_texts(part) for part in reduced_subgoals(episode, household.goal)])
        found.walks += 1
        self._same("the instruction", start["lang_goal"], task.query)
        self._same("success at the start", bool(start["predicate_task_success"]), self._world.achieved.success)
        progress = self._monitor() if not start["predicate_task_success"] else 1.0
        self._same("progress at the start", progress, self._world.achieved.progress)

    def step(self, action: int) -> bool:
        """Take an action; whether the episode is over."""
        self._steps += 1
        over, info = self._upstream.step(action)
        outcome = self._world.do(action)
        observation = self._episode.act(Action.choose(action))
        achieved, grade = self._world.achieved, self._episode.grade("max_steps")
        truth, ended = grade.truth, observation.turn == "over"
        success, invalid = bool(info["task_success"]), bool(info["was_prev_action_invalid"])
        progress = 1.0 if success else self._monitor()
        self._same("the name", info["action_description"], ACTION_NAMES[action])
        self._same("the domain's name", info["action"], ACTIONS[action].call.replace("()", f"({ROBOT})"))
        self._same("the feedback", (info["env_feedback"],) * 2, (outcome.feedback, observation.text))
        self._same("validity", (not invalid, info["last_action_success"]), (outcome.valid, observation.data["valid"]))
        self._same("success", (success, success), (achieved.success, bool(grade.score)))
        self._same(
            "progress by the engine's subgoals", (progress, progress), (achieved.progress, grade.measures["progress"])
        )
        self._same(
            "steps and invalid actions",
            (info["env_step"], info["num_invalid_actions"], self._upstream.environment._cur_invalid_actions),
            (truth["steps"], truth["invalid_actions"], truth["invalid_actions"]),
        )
        self._same("the end", bool(over), ended)
        self._same("the state", self._upstream.simulator.where(), _where(self._world))
        self._count(not invalid, success, bool(over), info["task_progress"] - achieved.progress)
        return bool(over) or ended

    def _same(self, what: str, theirs: object, ours: object) -> None:
        if theirs != ours:
            place = f"{self._name}, action {self._steps}"
            self._found.differences.append(f"{place}: {what} is {theirs!r} for upstream, {ours!r} for the engine")

    def _count(self, valid: bool, success: bool, over: bool, apart: float) -> None:
        found = self._found
        found.steps += 1
        found.valid += valid
        found.solved += success
        found.ended += over and not success
        found.same_progress += apart == 0
        found.below += apart < 0
        found.above += apart > 0
        found.progress_apart += abs(apart)
        found.same_at_end += over and not success and apart == 0


def _where(world: HabitatWorld) -> tuple[tuple[int, ...], int, tuple[str, ...]]:
    """The engine's state as :meth:`FakeSimulator.where` tells that of upstream."""
    doors = tuple(name for door, name in enumerate(DOORS) if world.open_doors & 1 << door)
    return tuple(-1 if place == NOWHERE else place for place in world.lies), world.held, doors


def _texts(subgoal: Logic) -> list[str]:
    """The predicates of a subgoal, as episodes write them."""
    return [f"{part[0]}({','.join(part[1])})" for part in subgoal.parts if not isinstance(part, Logic)]
