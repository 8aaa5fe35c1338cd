"""Importing this module registers every installed environment with gymnasium, as ``rbsuite/NAME-v0``, under each of its names.

    gymnasium.make("rbsuite.gym:rbsuite/tau-bench-v0")

imports it first. The observations of such an environment say whose turn it is; :class:`UserPolicy`, re-exported here, gives
the ordinary single-agent view.
"""

from __future__ import annotations

import logging

import gymnasium

from rbsuite.environments.wrappers import UserPolicy
from rbsuite.plugins import Plugins, load_plugins
from rbsuite.specs import plain_name

__all__ = ["UserPolicy", "gym_id", "register_environments"]

NAMESPACE = "rbsuite"


def gym_id(name: str) -> str:
    """The id of an environment in gymnasium's registry, which bears no brackets: ``rbsuite/eb-alfred-symbolic-v0``."""
    return f"{NAMESPACE}/{plain_name(name)}-v0"


def register_environments(plugins: Plugins) -> tuple[str, ...]:
    """Register the environments that are not registered yet.

    Returns:
        the ids of all of them, registered now or before.
    """
    ids: dict[str, str] = {}
    for spec in plugins.environments.values():
        ids |= {gym_id(name): spec.factory for name in (spec.name, *spec.aliases)}
    for identifier, factory in ids.items():
        if identifier not in gymnasium.registry:
            gymnasium.register(id=identifier, entry_point=factory)
    return tuple(ids)


logging.getLogger(__name__).debug("registered %s", ", ".join(register_environments(load_plugins())))
