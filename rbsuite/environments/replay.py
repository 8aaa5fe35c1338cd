"""Plays given actions with a scripted user, for what checks reference solutions."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.environments.base import Environment
from rbsuite.environments.users import ScriptedUser
from rbsuite.task import Task
from rbsuite.trajectory import Action


def play_actions(environment: Environment, task: Task, actions: Sequence[Action], lines: Sequence[str]) -> float:
    """The score of given actions; 0 if the episode has not ended when they are used up.

    Args:
        environment: any environment over the task's set; it is reset.
        task: the task.
        actions: what the agent does.
        lines: what a scripted user says, opening first; it stops when they are used up.

    Raises:
        EnvironmentFailure: the environment could not go on.
    """
    user = ScriptedUser(lines)
    rest = iter(actions)
    observation, _ = environment.reset(options={"task": task.id})
    ended = False
    while not ended:
        action = Action(text=user.line(observation)) if observation.turn == "user" else next(rest, None)
        if action is None:
            return 0.0
        observation, _, terminated, truncated, _ = environment.step(action)
        ended = terminated or truncated
    return environment.score
