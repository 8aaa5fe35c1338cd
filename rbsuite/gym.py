"""Importing this module registers every installed environment with gymnasium, as ``rbsuite/NAME-v0``.

    gymnasium.make("rbsuite.gym:rbsuite/tau-bench-v0")

imports it first. The observations of such an environment say whose turn it is; :class:`UserPolicy`, re-exported here, gives
the ordinary single-agent view.
"""

from __future__ import annotations

import logging

import gymnasium

from rbsuite.environments.wrappers import UserPolicy
from rbsuite.plugins import Plugins, load_plugins

__all__ = ["UserPolicy", "gym_id", "register_environments"]

NAMESPACE = "rbsuite"


def gym_id(name: str) -> str:
    """The id of an environment in gymnasium's registry."""
    return f"{NAMESPACE}/{name}-v0"


def register_environments(plugins: Plugins) -> tuple[str, ...]:
    """Register the environments that are not registered yet.

    Returns:
        the ids of all of them, registered now or before.
    """
    ids = []
    for name, spec in plugins.environments.items():
        identifier = gym_id(name)
        if identifier not in gymnasium.registry:
            gymnasium.register(id=identifier, entry_point=spec.factory)
        ids.append(identifier)
    return tuple(ids)


logging.getLogger(__name__).debug("registered %s", ", ".join(register_environments(load_plugins())))
