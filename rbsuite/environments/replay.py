"""Plays given actions with a scripted user, for checking reference solutions."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.environments.base import Environment, Opener, PlainServices
from rbsuite.environments.checks import check_episode, check_grade, check_observation
from rbsuite.environments.users import ScriptedUser
from rbsuite.task import Task
from rbsuite.trajectory import Action, Grade, Observation


def owner_of(environment: Environment, opener: Opener | None) -> str:
    """Who is to blame for an episode, in words: what its host says, or the environment by its class."""
    return getattr(opener, "owner", "") or f"environment {type(environment).__name__}"


async def play_actions(
    environment: Environment,
    task: Task,
    actions: Sequence[Action],
    user: Sequence[Action],
    *,
    opener: Opener | None = None,
    seed: int = 0,
    max_steps: int | None = None,
) -> tuple[Grade, tuple[Observation, ...]]:
    """The grade of given actions, and every observation they led to, whoever was to see it.

    If the episode is not over when the actions are used up, it is graded as a rollout that ran out of steps.

    Args:
        environment: the environment that the task comes from.
        task: the task.
        actions: what the agent does.
        user: what a scripted user does, opening first; it stops when they are used up.
        opener: opens the episode; ``None``: the environment itself.
        seed: seeds the world.
        max_steps: agent turns after which the rollout is cut off; ``None``: no limit.

    Raises:
        EnvironmentFailure: the environment could not go on.
        PluginError: its episode returned what breaks the contract.
    """
    owner = f"{owner_of(environment, opener)} on task {task.id!r}"
    script = ScriptedUser(user)
    rest = iter(actions[:max_steps])
    opened = await (opener or environment).open(task, seed=seed, services=PlainServices(environment))
    episode = check_episode(opened, owner)
    seen = [episode.observation]
    try:
        while episode.observation.turn != "over":
            action = script.next(episode.observation) if episode.observation.turn == "user" else next(rest, None)
            if action is None:
                break
            episode.observation = check_observation(await episode.act(action), owner)
            seen.append(episode.observation)
        over = episode.observation.turn == "over" and not episode.truncated
        return check_grade(await episode.grade("finished" if over else "max_steps"), owner), tuple(seen)
    finally:
        await episode.aclose()
