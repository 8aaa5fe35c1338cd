"""Our environments as Gymnasium's: the ordinary view of one agent, with ``reset`` and ``step``."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

import gymnasium
from gymnasium.error import ClosedEnvironmentError, ResetNeeded

from rbsuite.environments.base import Environment, Episode, PlainServices, SyncEnvironment
from rbsuite.environments.hosting import Host, Recipe
from rbsuite.environments.users import ScriptedUser
from rbsuite.errors import UnknownNameError, UsageError
from rbsuite.gym.spaces import ActionSpace, ObservationSpace
from rbsuite.gym.waiting import BackgroundLoop, finish
from rbsuite.options import OptionValue, PartReference
from rbsuite.plugins import Plugins, load_plugins
from rbsuite.seeds import derive_seed
from rbsuite.specs import EnvironmentSpec, plain_name
from rbsuite.task import Task
from rbsuite.trajectory import Action, Observation

NAMESPACE = "rbsuite"

UserFunction = Callable[[Observation], str | Action]
"""Plays the user: gets each observation whose turn is ``user``. One that carries ``messages`` starts a new conversation."""

_log = logging.getLogger(__name__)

_T = TypeVar("_T")
_registered: dict[str, EnvironmentSpec] = {}


def gym_id(name: str) -> str:
    """The id of an environment in Gymnasium's registry, which allows no brackets: ``rbsuite/eb-alfred-symbolic-v0``."""
    return f"{NAMESPACE}/{plain_name(name)}-v0"


def register_environments(plugins: Plugins) -> tuple[str, ...]:
    """Register the environments that are not registered yet, under each of their names.

    Returns:
        the ids of all of them, registered now or before.
    """
    ids: dict[str, EnvironmentSpec] = {}
    for spec in plugins.environments.values():
        ids |= {gym_id(name): spec for name in (spec.name, *spec.aliases)}
    for identifier, spec in list(ids.items()):
        _registered[spec.name] = spec
        if identifier not in gymnasium.registry:
            entry = f"{GymEnvironment.__module__}:{GymEnvironment.__name__}"
            try:
                gymnasium.register(id=identifier, entry_point=entry, kwargs={"environment": spec.name})
            except gymnasium.error.Error:  # a name that its registry cannot hold: the others must not suffer
                _log.warning("Gymnasium's registry cannot hold the name %r", identifier)
                del ids[identifier]
    return tuple(ids)


class GymEnvironment(gymnasium.Env[Observation, Action]):
    """One of our environments, seen by one agent.

    ``reset`` and ``step`` return the agent's observations; the user's turns are played in between. An episode is graded once, when it ends
    or has lasted ``max_steps`` turns of the agent: the last ``info`` then has ``grade``, with ``score`` and ``measures``. A step's reward
    is the episode's own; in an episode that gives none, the reward of the last step is the score and all others are 0.

    Episodes that wait, or run in a thread or process of their own, do so on an event loop of this object, which :meth:`close` ends.

    Args:
        environment: name of an installed environment, or the spec of one.
        split: one of its splits; ``""``: the first.
        domain: only this domain's tasks; ``""``: all.
        data: directory of a pack to read in place of the imported one.
        user: plays the user; ``None``: says what the task's reference solution has the user say.
        max_steps: turns of the agent after which an episode is cut off; ``None``: as many as the spec says.
        options: the options that the spec declares.

    Raises:
        UnknownNameError: no such environment, split, domain or option.
        UsageError: a value that cannot be used.
        DataError: the data is missing or malformed.
    """

    def __init__(
        self,
        environment: str | EnvironmentSpec,
        *,
        split: str = "",
        domain: str = "",
        data: str = "",
        user: UserFunction | None = None,
        max_steps: int | None = None,
        **options: OptionValue,
    ) -> None:
        spec = environment if isinstance(environment, EnvironmentSpec) else _registered.get(environment)
        if spec is None:
            spec = load_plugins().environment(str(environment))
        splits = [known.name for known in spec.splits]
        if split and split not in splits:
            raise UnknownNameError(f"split of {spec.name}", split, splits)
        if domain and spec.domains and domain not in spec.domains:
            raise UnknownNameError(f"domain of {spec.name}", domain, spec.domains)
        given = tuple((name, str(value)) for name, value in options.items())
        values = PartReference(spec.name, named=given).values("environment", spec.options)
        recipe = Recipe(
            spec.factory, f"environment {spec.name!r}", values, split or next(iter(splits), ""), domain, data
        )
        self._environment = recipe.environment()
        self._tasks = recipe.tasks(self._environment)
        if not self._tasks.tasks:
            raise UsageError(
                f"{spec.name}, split {recipe.split!r}: there are no tasks.", "Ask for another split or domain."
            )
        self._services = PlainServices(self._environment)
        prompts = self._environment.prompt_directory
        self._host = Host(
            self._environment, spec.concurrency, replace(recipe, prompts=() if prompts is None else (prompts,))
        )
        self._inline = (
            isinstance(self._environment, SyncEnvironment)
            and spec.concurrency == "inline"
            and type(self._environment).open is SyncEnvironment.open
        )
        self._loop = BackgroundLoop()
        self._user = user
        self._max_steps = spec.max_steps if max_steps is None else max_steps
        self._episode: Episode | None = None
        self._task = self._tasks.tasks[0]
        self._script: ScriptedUser | None = None
        self._turns = 0
        self._rewarded = self._closed = False
        self.observation_space = ObservationSpace()
        self._actions = ActionSpace(spec.action_mode)
        self.action_space = self._actions

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode.

        Args:
            seed: seeds the choice of the task and the world's own random choices.
            options: ``{"task": ID}`` names the task; otherwise one is drawn.

        Returns:
            the agent's first observation, and ``{"task": ID}``.

        Raises:
            UnknownNameError: an option that does not exist.
            UsageError: no such task, or a user takes part and there is nobody to play it.
            EnvironmentFailure: the world cannot be created.
        """
        super().reset(seed=seed)
        if self._closed:
            raise ClosedEnvironmentError("The environment is closed. Make a new one.")
        options = options or {}
        for name in options.keys() - {"task"}:
            raise UnknownNameError("option of reset", name, ["task"])
        drawn, world = (int(number) for number in self.np_random.integers((len(self._tasks), 2**63 - 1)))
        self._task = self._named(str(options["task"])) if "task" in options else self._tasks.tasks[drawn]
        self._leave()
        opening = self._host.open(self._task, seed=derive_seed("gymnasium", world), services=self._services)
        self._episode = episode = self._run(opening)
        self._script, self._turns, self._rewarded = None, 0, False
        self._actions.offer(episode.observation)
        self._play_user(episode)
        return episode.observation, {"task": self._task.id}

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Carry out the agent's action and what the user does in response.

        Returns:
            observation; reward, including that of the user's turns; whether the episode is over; whether it was cut off by a step
            limit; and ``{"task": ID}``, with ``grade`` at the end.

        Raises:
            ResetNeeded: no episode is open.
            UsageError: this is not an :class:`rbsuite.Action`.
            EnvironmentFailure: the world cannot go on.
        """
        episode = self._episode
        if episode is None:
            raise ResetNeeded("No episode is open: call reset first.")
        if not isinstance(action, Action):
            raise UsageError(f"an action is an rbsuite.Action, not a  {type(action).__name__}.", "Write Action(text).")
        self._turns += 1
        reward = self._act(episode, action) + self._play_user(episode)
        observation = episode.observation
        over = observation.turn == "over"
        truncated = episode.truncated if over else self._turns >= self._max_steps
        info: dict[str, Any] = {"task": self._task.id}
        if over or truncated:
            grade = self._run(episode.grade("max_steps" if truncated else "finished"))
            info["grade"] = {"score": grade.score, "measures": dict(grade.measures)}
            reward = reward if self._rewarded else float(grade.score)
            self._leave()
        return observation, reward, over and not truncated, truncated, info

    def close(self) -> None:
        """Release everything; may be called again."""
        if self._closed:
            return
        self._closed = True
        try:
            self._leave()
        finally:
            try:
                if not self._inline or type(self._environment).aclose is not Environment.aclose:
                    self._loop.run(self._aclose())
            finally:
                self._loop.close()

    async def _aclose(self) -> None:
        try:
            await self._host.aclose()
        finally:
            await self._environment.aclose()

    def _named(self, task_id: str) -> Task:
        if task_id in self._tasks.by_id:
            return self._tasks.by_id[task_id]
        near = difflib.get_close_matches(task_id, self._tasks.by_id, n=2) or [self._tasks.tasks[0].id]
        raise UsageError(
            f"{self._tasks.environment}, split {self._tasks.split!r}: there is no task {task_id!r}.",
            f"Ask for one such as {' or '.join(map(repr, near))}.",
        )

    def _play_user(self, episode: Episode) -> float:
        """Carry out the user's actions until it is no longer the user's turn; returns the sum of the rewards."""
        reward = 0.0
        while episode.observation.turn == "user":
            said = self._user_says(episode.observation)
            reward += self._act(episode, Action(said) if isinstance(said, str) else said)
        return reward

    def _user_says(self, observation: Observation) -> str | Action:
        if self._user is not None:
            return self._user(observation)
        if self._script is None:
            solution = self._environment.solution(self._task)
            if solution is None:
                raise UsageError(
                    f"task {self._task.id!r} has no reference solution that says what its user does.", "Give user=."
                )
            self._script = ScriptedUser(solution.user)
        return self._script.next(observation)

    def _act(self, episode: Episode, action: Action) -> float:
        episode.observation = self._run(episode.act(action))
        self._actions.offer(episode.observation)
        self._rewarded = self._rewarded or episode.reward is not None
        return float(episode.reward or 0.0)

    def _leave(self) -> None:
        episode, self._episode = self._episode, None
        if episode is not None:
            self._run(episode.aclose())

    def _run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        return finish(coroutine) if self._inline else self._loop.run(coroutine)
