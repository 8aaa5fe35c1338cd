"""Gymnasium's own checker, on our view of an environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env

from rbsuite.gym.ours import GymEnvironment, gym_id
from rbsuite.specs import EnvironmentSpec


def check_view(spec: EnvironmentSpec, split: str, options: Mapping[str, Any]) -> None:
    """Try an environment with ``check_env``.

    Args:
        spec: the environment; it need not be registered.
        split: one of its splits.
        options: values of its options.

    Raises:
        Exception: whatever the checker finds.
    """
    entry = f"{GymEnvironment.__module__}:{GymEnvironment.__name__}"
    given = {"environment": spec, "split": split, **options}
    env = gymnasium.make(EnvSpec(id=gym_id(spec.name), entry_point=entry, kwargs=given))
    try:
        check_env(env.unwrapped)
    finally:
        env.close()
