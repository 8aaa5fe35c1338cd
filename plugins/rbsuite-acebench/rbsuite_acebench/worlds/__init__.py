"""The five worlds of the agent tasks, and how a task's instances of them are made.

Every involved class gets its own instance, with its own Wi-Fi and login. They are created anew for every rollout: upstream keeps them in
the globals of its process, so that there a second rollout of an item starts where the first one ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from rbsuite_acebench.worlds.base import BaseApi, World
from rbsuite_acebench.worlds.food import FoodPlatform
from rbsuite_acebench.worlds.messages import MessageApi
from rbsuite_acebench.worlds.reminders import ReminderApi
from rbsuite_acebench.worlds.replies import LANGUAGES, Language
from rbsuite_acebench.worlds.travel import Travel

__all__ = ["CLASSES", "LANGUAGES", "Instances", "Language", "Methods", "methods_of", "new_instances", "saved"]

CLASSES: Mapping[str, type[World]] = {
    "BaseApi": BaseApi,
    "MessageApi": MessageApi,
    "ReminderApi": ReminderApi,
    "FoodPlatform": FoodPlatform,
    "Travel": Travel,
}
"""The worlds by upstream's name."""

BASE = "BaseApi"
_NUMBERED = frozenset(["inbox", "reminder_list"])
"""Attributes whose keys are numbers, which JSON turns into strings."""
_CHINESE_ONLY = frozenset(["search_reminders", "mark_as_notified"])

Instances = Mapping[str, World]
"""A task's worlds by class, in the order of its involved classes."""
Methods = Mapping[str, Sequence[Callable[..., Any]]]
"""What can be called in a task's worlds, by name: one method for every world that has one of that name."""


def new_instances(
    classes: Sequence[str], config: Mapping[str, Any], starts: Mapping[str, Mapping[str, Any]], language: Language
) -> Instances:
    """Fresh worlds for one rollout.

    Args:
        classes: the involved classes.
        config: what the task sets, by class; only ``wifi``, ``logged_in`` and ``logged_in_users`` matter.
        starts: the start values of each class.
        language: of the answers.
    """
    made = {}
    for name in classes:
        world = CLASSES[name](_start(starts[name]), language)
        world._configure(config.get(name, {}))
        world._configure(config.get(BASE, {}))
        made[name] = world
    return made


def methods_of(instances: Instances) -> Methods:
    """The methods of a task's worlds that can be called."""
    found: dict[str, list[Callable[..., Any]]] = {}
    for kind, world in instances.items():
        for name in _public(kind, world._language):
            found.setdefault(name, []).append(getattr(world, name))
    return found


def saved(instances: Instances) -> list[dict[str, Any]]:
    """The state of a task's worlds as upstream saves it: ``{class: attributes}``, after a round trip through JSON."""
    return [
        {name: {key: _plain(getattr(world, key)) for key in world.SAVED if key in world.__dict__}}
        for name, world in instances.items()
    ]


@cache
def _public(kind: str, language: Language) -> tuple[str, ...]:
    world = CLASSES[kind]
    hidden = frozenset[str]() if language == "zh" else _CHINESE_ONLY
    names = (name for name in dir(world) if not name.startswith("_") and name not in hidden)
    return tuple(name for name in names if callable(getattr(world, name)))


def _start(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: {int(number): _copy(one) for number, one in value.items()} if key in _NUMBERED else _copy(value)
        for key, value in values.items()
    }


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(one) for key, one in value.items()}
    return [_copy(one) for one in value] if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    """A value after a round trip through JSON; what JSON cannot represent is shown as text."""
    if isinstance(value, dict):
        return {_key(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    return str(key)
