"""gymnasium wrappers over environments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from rbsuite.environments.base import Environment
from rbsuite.environments.users import ScriptedUser
from rbsuite.trajectory import Action, Observation

UserFunction = Callable[[Observation], str]


class UserPolicy(gymnasium.Wrapper[Observation, Action, Observation, Action], RecordConstructorArgs):
    """The ordinary single-agent view of an environment in which a simulated user takes part.

    Every observation whose turn is ``user`` is answered by the policy, so ``reset`` and ``step`` only give the agent's.

    Args:
        env: the environment, or a wrapper of it.
        policy: gives the user's words. An observation that carries ``messages`` starts a new conversation. Default: the
            task's script.
    """

    def __init__(self, env: gymnasium.Env[Observation, Action], policy: UserFunction | None = None) -> None:
        RecordConstructorArgs.__init__(self, policy=policy)  # lets gymnasium make the wrapped environment again
        gymnasium.Wrapper.__init__(self, env)
        self._given = policy
        self._policy: UserFunction = policy or ScriptedUser(()).line

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode; the first observation is the agent's."""
        observation, info = self.env.reset(seed=seed, options=options)
        if self._given is None:
            environment = self.env.unwrapped
            assert isinstance(environment, Environment)
            self._policy = ScriptedUser(environment.script(environment.task)).line
        observation, _, _, _, info = self._hand_over(observation, 0.0, False, False, info)
        return observation, info

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Carry out the agent's action and the user's answers to it; their rewards are added up."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        return self._hand_over(observation, float(reward), terminated, truncated, info)

    def _hand_over(
        self, observation: Observation, reward: float, terminated: bool, truncated: bool, info: dict[str, Any]
    ) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        while observation.turn == "user" and not (terminated or truncated):
            words = Action(text=self._policy(observation))
            observation, gained, terminated, truncated, more = self.env.step(words)
            reward += float(gained)
            info = {**info, **more}
        return observation, reward, terminated, truncated, info
