"""One rollout: the environment, the agent and the simulated user take turns until the episode ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from rbsuite.agents.base import Agent
from rbsuite.environments.base import Environment
from rbsuite.environments.users import User
from rbsuite.errors import EnvironmentFailure, ModelError, ParseFailure, RbsuiteError
from rbsuite.run.checks import check_action
from rbsuite.task import Task
from rbsuite.trajectory import BROKEN_ENDS, Action, EndReason, Observation, Step, Trajectory
from rbsuite.transcript import render_action

CHECK: Mapping[str, Any] = {"check": True}
"""Marks the observations that ask an agent to check its answer; they come from the harness, not from the environment."""


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
        self.cut = False
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
            self.observation, reward, terminated, truncated, info = self._environment.step(action)
        except Exception as error:
            raise _environment_failure(error) from error
        self.ended = terminated or truncated
        self.cut = truncated and not terminated
        self.steps.append(Step(seen.turn, seen, action, reward))
        self.truth = info["truth"]

    def closes(self, action: Action) -> bool:
        """Whether an action would end the episode by the agent's own decision."""
        return self._environment.closes(action)

    def hold_back(self, action: Action, check: str) -> None:
        """Keep an action from the environment and ask the agent to check it."""
        self.steps.append(Step("agent", self.observation, action))
        self.observation = Observation(check, data=CHECK)

    @property
    def score(self) -> float:
        """The environment's own score."""
        return self._environment.score


async def open_task(environment: Environment, task: Task, user: User | None, seed: int) -> Opening:
    """Let the simulated user speak until it is the agent's turn; nothing is begun where none takes part and the task states its query."""
    if user is None and task.query:
        return Opening((), task.query, None)
    said: list[str] = []
    try:
        episode = Episode(environment, task, seed)
        while episode.observation.turn == "user" and not episode.ended:
            said.append(await _words(user, episode.observation))
            episode.take(Action(text=said[-1]))
    except (EnvironmentFailure, ModelError) as error:
        return Opening(tuple(said), task.query, user, error)
    return Opening(tuple(said), task.query or episode.observation.text, user)


@dataclass(frozen=True, slots=True)
class Players:
    """Who takes part in a rollout, and by which rules.

    Attributes:
        agent: acts where the turn is the agent's.
        user: speaks where it is the user's; ``None`` where no user takes part.
        max_steps: turns the agent may take.
        before_turn: called with the steps so far before each turn of the agent that it has not decided yet.
        checks: what the agent is told, one after the other, when it would close the episode, before that is let count.
    """

    agent: Agent
    user: User | None
    max_steps: int
    before_turn: Callable[[Sequence[Step]], Awaitable[None]]
    checks: Sequence[str] = ()


async def play(
    environment: Environment, task: Task, opening: Opening, players: Players, *, rollout: int, seed: int
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
        end = await _take_turns(episode, players)
    except ParseFailure as failure:
        end, error = "parse_errors", str(failure)
    except ModelError as failure:
        end, error = "model_error", str(failure)
    except EnvironmentFailure as failure:
        end, error = "env_error", str(failure)
    broken = end in BROKEN_ENDS
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


async def _take_turns(episode: Episode, players: Players) -> EndReason:
    turns = 0
    checks = list(players.checks)
    while not episode.ended:
        if episode.observation.turn == "user":
            episode.take(Action(text=await _words(players.user, episode.observation)))
            continue
        if turns == players.max_steps:
            return "max_steps"
        turns += 1
        if not players.agent.decided(episode.observation):
            await players.before_turn(episode.steps)
        action = check_action(await players.agent.act(episode.observation))
        # An answer that no turn is left to check stands: scaling must not take from a rollout what it had.
        if checks and turns < players.max_steps and episode.closes(action):
            episode.hold_back(action, checks.pop(0))
        else:
            episode.take(action)
    return "max_steps" if episode.cut else "finished"


async def _words(user: User | None, observation: Observation) -> str:
    if user is None:
        raise EnvironmentFailure("the environment gives the turn to a user, but declares no user strategies.")
    return await user.reply(observation)


def held_back(steps: Sequence[Step]) -> tuple[str, ...]:
    """The answers that were held back for a check, with the reasoning that went with them: the notes of the refinement rounds."""
    held = [step.action for step, following in pairwise(steps) if following.observation.data.get("check")]
    return tuple(f"{action.thought} {render_action(action)}".strip() for action in held)


def _environment_failure(error: Exception) -> RbsuiteError:
    """What to raise for what an environment raised: a template or data that is wrong is no failed rollout, and stops the run."""
    if isinstance(error, RbsuiteError):
        return error
    return EnvironmentFailure(f"the environment raised {type(error).__name__}: {error}")
