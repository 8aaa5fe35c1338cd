"""One rollout: the agent and the simulated user take turns in an episode until it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import field
from itertools import pairwise
from typing import Any

from rbsuite.agents.base import Agent
from rbsuite.environments.base import Episode, EpisodeServices, Opener
from rbsuite.environments.checks import (
    check_audience,
    check_episode,
    check_flag,
    check_grade,
    check_observation,
    check_reward,
)
from rbsuite.environments.hosting import CLOSING_SECONDS
from rbsuite.environments.users import User
from rbsuite.errors import (
    BudgetSpent,
    ContextOverflow,
    EnvironmentFailure,
    ModelError,
    ParseFailure,
    PluginError,
    RbsuiteError,
    ReplyRefused,
    is_mistake,
    told,
)
from rbsuite.frozen import dataclass
from rbsuite.run.checks import check_action
from rbsuite.run.openings import OPENING, Openings, limited
from rbsuite.run.recalls import TurnRecalls
from rbsuite.specs import EnvironmentSpec
from rbsuite.task import Task
from rbsuite.trajectory import BROKEN_ENDS, Action, Actor, EndReason, Grade, Observation, Step, Trajectory
from rbsuite.transcript import render_action

CHECK: Mapping[str, Any] = {"check": True}
"""Marks the observations that ask an agent to check its answer; they come from the harness, not from the environment."""

_ENDS: Mapping[type[RbsuiteError], EndReason] = {
    ParseFailure: "parse_errors",
    ContextOverflow: "context_overflow",
    ReplyRefused: "refused",
    BudgetSpent: "budget",
    ModelError: "model_error",
    EnvironmentFailure: "env_error",
}
"""The failures that end a rollout, besides its time limit; any other failure ends the run."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where rollouts take place.

    Attributes:
        spec: what the environment declares.
        opener: opens episodes.
        services: what an episode is given.
        max_steps: turns an agent may take.
        seconds: time that the turns of a rollout may take, and then its grade; ``None``: no limit.
        openings: the environment's episodes that are being opened.
    """

    spec: EnvironmentSpec
    opener: Opener
    services: EpisodeServices
    max_steps: int
    seconds: float | None = None
    openings: Openings = field(default_factory=Openings)


@dataclass(frozen=True, slots=True)
class Opening:
    """What happens before the agent's first turn, the same for all rollouts of a task.

    Attributes:
        user_actions: what the simulated user did, in order; empty if the agent acts first.
        query: what memory is searched with.
        user: the simulated user afterwards; every rollout goes on with a fork.
        failure: why the task could not be opened; there is then no rollout to play.
    """

    user_actions: tuple[Action, ...]
    query: str
    user: User | None
    failure: RbsuiteError | None = None


@dataclass(frozen=True, slots=True)
class Players:
    """Who takes part in a rollout, and by which rules.

    Attributes:
        agent: acts when it is the agent's turn.
        user: acts when it is the user's; ``None`` if no user takes part.
        recalls: what recalls before each turn of the agent that it has not decided yet; ``None`` if memory is not asked then.
        checks: what the agent is told, one after another, when it would close the episode, before that counts.
        watch: told each step as it is taken.
    """

    agent: Agent
    user: User | None
    recalls: TurnRecalls | None = None
    checks: Sequence[str] = ()
    watch: Callable[[int, Step], None] | None = None


async def open_task(stage: Stage, task: Task, user: User | None, seed: int) -> Opening:
    """Let the simulated user act until it is the agent's turn; nothing is opened if none takes part and the task states its query."""
    if user is None and task.query:
        return Opening((), task.query, None)
    done: list[Action] = []
    try:
        async with _Opened(stage, task, seed) as episode:
            while episode.observation.turn == "user":
                _check_user_turns(len(done), stage)
                done.append(await _user_action(user, episode.observation))
                episode.observation = await _in_time(stage, _act(stage, episode, done[-1]), "a turn of the user")
            return Opening(tuple(done), task.query or episode.observation.text, user)
    except (EnvironmentFailure, ModelError) as error:
        return Opening(tuple(done), task.query, user, error)


async def play(stage: Stage, task: Task, opening: Opening, players: Players, *, rollout: int, seed: int) -> Trajectory:
    """Play one rollout from the opening to its end, and have it graded, once, unless it broke."""
    steps: list[Step] = []
    final: Observation | None = None
    grade: Grade | None = None
    error = ""
    try:
        if opening.failure is not None:
            raise opening.failure
        async with _Opened(stage, task, seed) as episode:
            try:
                limit = None if stage.seconds is None else asyncio.timeout(stage.seconds)
                async with limit or nullcontext():
                    end = await _take_turns(stage, episode, opening, players, steps)
            except TimeoutError:
                if limit is None or not limit.expired():
                    raise
                end, error = "timeout", f"the rollout has taken {stage.seconds:g} s (--rollout-max-time)."
            except tuple(_ENDS) as failure:
                end, error = _end_of(failure), str(failure)
            final = episode.observation
            if end not in BROKEN_ENDS:
                grade = checked_grade(stage.spec, task, await _in_time(stage, episode.grade(end), "grading"))
    except (ModelError, EnvironmentFailure) as failure:
        end, error, grade = _end_of(failure), str(failure), None
    return Trajectory(task.id, rollout, seed, opening.query, tuple(steps), final, end, error, grade)


async def _take_turns(
    stage: Stage, episode: Episode, opening: Opening, players: Players, steps: list[Step]
) -> EndReason:
    turns = in_a_row = 0
    owner = f"environment {stage.spec.name!r}"
    checks = list(players.checks)
    if checks and not episode.has_closing_actions:
        # Sequential scaling continues the same trajectory by holding back what closes it; if nothing does, it would have no effect.
        raise PluginError(
            "it says refine='continue', but no action closes its episodes.",
            "Implement closes in its episode, or declare refine='retry'.",
            owner=owner,
        )
    said = iter(opening.user_actions)
    while episode.observation.turn != "over":
        seen = episode.observation
        if seen.turn == "user":
            _check_user_turns(in_a_row, stage)
            in_a_row += 1
            action = next(said, None) or await _user_action(players.user, seen)
        else:
            in_a_row = 0
            if turns == stage.max_steps:
                return "max_steps"
            turns += 1
            if players.recalls is not None and not check_flag("decided", players.agent.decided(seen)):
                await players.recalls.before_turn(steps)
            action = check_action(await players.agent.act(seen))
            # If no turn is left to check an answer, it stands: scaling must not take from a rollout what it had.
            if checks and turns < stage.max_steps and check_flag("closes", _ask(episode.closes, action), owner):
                steps.append(Step("agent", seen, action, audience=("agent",)))
                episode.observation = Observation(checks.pop(0), data=CHECK)
                continue
        actor: Actor = "user" if seen.turn == "user" else "agent"
        episode.observation = await _act(stage, episode, action)
        audience = check_audience(_ask(episode.audience, actor, action), owner)
        steps.append(Step(actor, seen, action, episode.reward, audience))
        if players.watch is not None:
            players.watch(len(steps) - 1, steps[-1])
    return "max_steps" if check_flag("truncated", episode.truncated, owner) else "finished"


def held_back(steps: Sequence[Step]) -> tuple[str, ...]:
    """The answers that were held back for a check, with the reasoning that went with them: the notes of the refinement rounds."""
    held = [step.action for step, following in pairwise(steps) if following.observation.data.get("check")]
    return tuple(f"{action.thought} {render_action(action)}".strip() for action in held)


def checked_grade(spec: EnvironmentSpec, task: Task, grade: Grade) -> Grade:
    """An environment's grade, if it keeps to the contract.

    Raises:
        PluginError: it is not a grade, or a figure is missing or not a number in [0, 1].
    """
    where = f"environment {spec.name!r} on task {task.id!r}"
    return check_grade(grade, where, measures=[one.name for one in spec.measures])


class _Opened:
    """An episode, which is closed on every path."""

    def __init__(self, stage: Stage, task: Task, seed: int) -> None:
        self._stage = stage
        self._opening = stage.opener.open(task, seed=seed, services=stage.services)
        self._owner = f"environment {stage.spec.name!r}"

    async def __aenter__(self) -> Episode:
        opening, seconds = _of_environment(self._opening), self._stage.seconds
        if seconds is not None:
            opening = self._stage.openings.in_time(opening, OPENING * seconds)
        self._episode = check_episode(await opening, self._owner)
        return self._episode

    async def __aexit__(self, *error: object) -> None:
        try:
            # Its host gives up a thread or process earlier, and then nothing is amiss.
            await _in_time(self._stage, self._episode.aclose(), "closing the episode", at_least=2 * CLOSING_SECONDS)
        finally:
            self._stage.openings.one_closed()


async def _act(stage: Stage, episode: Episode, action: Action) -> Observation:
    owner = f"environment {stage.spec.name!r}"
    observation = check_observation(await _of_environment(episode.act(action)), owner)
    check_reward(episode.reward, owner)
    return observation


async def _of_environment(work: Awaitable[Any]) -> Any:
    """What an environment's coroutine returns. What it raises by mistake is a failure of the environment; the suite's own errors pass."""
    try:
        return await work
    except BaseException as error:
        if not is_mistake(error):
            raise
        raise _fault(error) from error


async def _in_time(stage: Stage, work: Awaitable[Any], what: str, at_least: float = 0.0) -> Any:
    """What an environment's coroutine returns; it may take as long as the turns of a rollout may."""
    if stage.seconds is None:
        return await _of_environment(work)
    return await limited(_of_environment(work), max(stage.seconds, at_least), what, {})


def _ask(method: Callable[..., Any], *arguments: Any) -> Any:
    """What an episode's method returns; see :func:`_of_environment`."""
    try:
        return method(*arguments)
    except BaseException as error:
        if not is_mistake(error):
            raise
        raise _fault(error) from error


def _fault(error: BaseException) -> EnvironmentFailure:
    return EnvironmentFailure(f"the environment raised {told(error)}")


async def _user_action(user: User | None, observation: Observation) -> Action:
    if user is None:
        raise EnvironmentFailure("the environment gives the turn to a user, but its spec declares no users.")
    action = check_action(await user.act(observation))
    if action.speaks and not action.text.strip():
        raise ModelError("the simulated user said nothing.", "Choose another --user-model, or another --user.")
    return action


def _check_user_turns(in_a_row: int, stage: Stage) -> None:
    """A user may take several turns, to use its tools; one that never gives the turn back would go on forever."""
    if in_a_row > stage.max_steps:
        raise EnvironmentFailure(f"the user took {in_a_row} turns in a row.")


def _end_of(failure: RbsuiteError) -> EndReason:
    return next(end for kind, end in _ENDS.items() if isinstance(failure, kind))
