"""One rollout: the environment, the agent and the simulated user take turns until the episode ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rbsuite.agents.base import Agent
from rbsuite.environments.base import Environment
from rbsuite.environments.user import User
from rbsuite.errors import EnvironmentFailure, ModelError, ParseFailure, RbsuiteError
from rbsuite.task import Task
from rbsuite.trajectory import Action, EndReason, Observation, Step, Trajectory


@dataclass(frozen=True, slots=True)
class Opening:
    """What happens before the agent's first turn, the same for all rollouts of a task.

    Attributes:
        said: what the simulated user said, in order; empty where the agent acts first.
        query: what memory is searched with.
        user: the simulated user after it; every rollout goes on with a fork.
        failure: why the task could not be opened; then it has no rollout to play.
    """

    said: tuple[str, ...]
    query: str
    user: User | None
    failure: RbsuiteError | None = None


class Episode:
    """An environment in the middle of an episode, and the steps so far."""

    def __init__(self, environment: Environment, task: Task, seed: int) -> None:
        self._environment = environment
        self.steps: list[Step] = []
        self.truth: Mapping[str, Any] = {}
        self.ended = False
        self.observation = self._reset(task, seed)

    def _reset(self, task: Task, seed: int) -> Observation:
        try:
            return self._environment.reset(seed=seed, options={"task": task.id})[0]
        except Exception as error:
            raise _environment_failure(error) from error

    def take(self, action: Action) -> None:
        """Carry out an action of the one whose turn it is.

        Raises:
            EnvironmentFailure: the environment failed.
        """
        seen = self.observation
        try:
            self.observation, reward, self.ended, _, info = self._environment.step(action)
        except Exception as error:
            raise _environment_failure(error) from error
        self.steps.append(Step(seen.turn, seen, action, reward))
        self.truth = info["truth"]

    @property
    def score(self) -> float:
        """The environment's own score."""
        return self._environment.score


async def open_task(environment: Environment, task: Task, user: User | None, seed: int) -> Opening:
    """Let the simulated user speak until it is the agent's turn."""
    said: list[str] = []
    try:
        episode = Episode(environment, task, seed)
        while episode.observation.turn == "user" and not episode.ended:
            said.append(await _words(user, episode.observation))
            episode.take(Action(text=said[-1]))
    except (EnvironmentFailure, ModelError) as error:
        return Opening(tuple(said), task.query, user, error)
    return Opening(tuple(said), task.query or episode.observation.text, user)


async def play(
    environment: Environment,
    task: Task,
    opening: Opening,
    agent: Agent,
    user: User | None,
    *,
    rollout: int,
    seed: int,
    max_steps: int,
) -> Trajectory:
    """Play one rollout from the opening to its end."""
    episode: Episode | None = None
    end: EndReason
    error: str = ""
    try:
        if opening.failure is not None:
            raise opening.failure
        episode = Episode(environment, task, seed)
        for words in opening.said:
            episode.take(Action(text=words))
        end = await _take_turns(episode, agent, user, max_steps)
    except ParseFailure as failure:
        end, error = "parse_errors", str(failure)
    except ModelError as failure:
        end, error = "model_error", str(failure)
    except EnvironmentFailure as failure:
        end, error = "env_error", str(failure)
    broken = end in ("model_error", "env_error")
    return Trajectory(
        task_id=task.id,
        rollout=rollout,
        seed=seed,
        query=opening.query,
        steps=tuple(episode.steps) if episode else (),
        final=episode.observation if episode else None,
        end=end,
        error=error,
        score=None if broken or episode is None else episode.score,
        truth=episode.truth if episode else {},
    )


async def _take_turns(episode: Episode, agent: Agent, user: User | None, max_steps: int) -> EndReason:
    turns = 0
    while not episode.ended:
        if episode.observation.turn == "user":
            episode.take(Action(text=await _words(user, episode.observation)))
        elif turns == max_steps:
            return "max_steps"
        else:
            turns += 1
            episode.take(await agent.act(episode.observation))
    return "finished"


async def _words(user: User | None, observation: Observation) -> str:
    if user is None:
        raise EnvironmentFailure("the environment gives the turn to a user, but declares no user strategies.")
    return await user.reply(observation)


def _environment_failure(error: Exception) -> EnvironmentFailure:
    if isinstance(error, EnvironmentFailure):
        return error
    return EnvironmentFailure(f"the environment raised {type(error).__name__}: {error}")
