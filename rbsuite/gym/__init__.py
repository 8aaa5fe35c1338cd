"""Gymnasium, both ways: our environments as Gymnasium's, and any Gymnasium environment as ours. Nothing else imports gymnasium.

Importing this package registers every installed environment as ``rbsuite/NAME-v0``, under each of its names, so that

    gymnasium.make("rbsuite.gym:rbsuite/tau-bench-v0", split="sample")

makes a :class:`GymEnvironment`. :func:`rbsuite.adapters.from_gymnasium` goes the other way.
"""

from __future__ import annotations

from rbsuite.adapters import GymnasiumEnvironment, from_gymnasium, reached
from rbsuite.gym.ours import GymEnvironment, UserFunction, gym_id, register_environments
from rbsuite.gym.spaces import ActionSpace, ObservationSpace
from rbsuite.plugins import load_plugins

__all__ = [
    "ActionSpace",
    "GymEnvironment",
    "GymnasiumEnvironment",
    "ObservationSpace",
    "UserFunction",
    "from_gymnasium",
    "gym_id",
    "reached",
    "register_environments",
]

register_environments(load_plugins())
