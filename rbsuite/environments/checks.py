"""Checks of what an environment's episodes return, wherever these are played: in a rollout, or to try something out.

One function per contract. Each returns the value, or raises a one-line :class:`~rbsuite.errors.PluginError` that says what was
expected.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar, get_args

from rbsuite.environments.base import Episode
from rbsuite.errors import PLUGIN_REMEDY, PluginError, in_words
from rbsuite.jsonable import is_number
from rbsuite.trajectory import Actor, Grade, Image, Message, Observation, ToolResult, ToolSpec, Turn, misfit

_T = TypeVar("_T")

_ACTORS = frozenset(get_args(Actor))
_TURNS = get_args(Turn)
_NONE: tuple[Any, ...] = ()
_KNOWN: list[tuple[ToolSpec, ...]] = [_NONE]
"""The tools that were checked last: they are mostly the same for all tasks, and nothing of them can change."""


def check_episode(value: object, owner: str = "") -> Episode:
    """What an environment's ``open`` returned, with its first observation."""
    if not isinstance(value, Episode):
        refuse("open", "an Episode", in_words(value), owner)
    check_observation(
        getattr(value, "observation", None), owner, method="open", wanted="an Episode whose observation is"
    )
    return value


def check_observation(value: object, owner: str = "", *, method: str = "act", wanted: str = "") -> Observation:
    """What an episode's ``act`` returned, or the observation it begins with."""
    if not isinstance(value, Observation):
        refuse(method, f"{wanted} an Observation".strip(), in_words(value), owner)
    if not isinstance(value.text, str):
        refuse(method, f"{wanted} an Observation whose text is a str".strip(), in_words(value.text), owner)
    if value.turn not in _TURNS:
        refuse(method, f"an Observation whose turn is one of {', '.join(_TURNS)}", repr(value.turn), owner)
    if value.role not in ("tool", "user"):
        refuse(method, "an Observation whose role is user or tool", repr(value.role), owner)
    if type(value.data) is not dict and not isinstance(value.data, Mapping):
        refuse(method, "an Observation whose data is a mapping", in_words(value.data), owner)
    # Mostly there are none, and the empty tuple is one object.
    if value.messages is not _NONE:
        parts_of(method, "an Observation whose messages are", value.messages, Message, owner)
    if value.tools is not _NONE and value.tools is not _KNOWN[0]:
        parts_of(method, "an Observation whose tools are", value.tools, ToolSpec, owner)
        _KNOWN[0] = value.tools if type(value.tools) is tuple else _NONE
    if value.images is not _NONE:
        parts_of(method, "an Observation whose images are", value.images, Image, owner)
    if value.results is not _NONE:
        parts_of(method, "an Observation whose results are", value.results, ToolResult, owner)
    if value.choices is not _NONE:
        all_of(method, "an Observation whose choices are str", value.choices, str, owner)
    return value


def check_reward(value: object, owner: str = "") -> float | None:
    """An episode's reward after an action."""
    if value is not None and not is_number(value):
        raise PluginError(
            f"an episode's reward must be None or a number, not {in_words(value)}.", PLUGIN_REMEDY, owner=owner
        )
    return None if value is None else float(value)


def check_audience(value: object, owner: str = "") -> tuple[Actor, ...]:
    """What an episode's ``audience`` returned."""
    if not isinstance(value, tuple) or not _ACTORS.issuperset(value):
        shown = repr(value) if isinstance(value, tuple) else in_words(value)
        refuse("audience", f"a tuple of {' and '.join(map(repr, get_args(Actor)))}", shown, owner)
    return value


def check_flag(name: str, value: object, owner: str = "") -> bool:
    """What an episode says of itself: whether it was truncated, or whether an action closes it."""
    if type(value) is not bool and (callable(value) or isinstance(value, Awaitable)):
        raise PluginError(f"{name} must be True or False, not {in_words(value)}.", PLUGIN_REMEDY, owner=owner)
    return bool(value)


def check_grade(value: object, owner: str = "", *, measures: Sequence[str] = ()) -> Grade:
    """What an episode's ``grade`` returned; ``measures`` are the names of the figures that its environment declares."""
    if not isinstance(value, Grade):
        raise PluginError(f"grade returned {in_words(value)}, not a Grade.", "Return a Grade.", owner=owner)
    if not isinstance(value.truth, Mapping) or not isinstance(value.measures, Mapping):
        raise PluginError("its truth or its measures are no mapping.", "Give dicts.", owner=owner)
    figures = {"score": value.score, **{f"measure {name!r}": value.measures.get(name) for name in measures}}
    for name, figure in figures.items():
        if not is_number(figure) or not 0 <= figure <= 1:
            raise PluginError(f"its {name} is {figure!r}.", "Give a number from 0 to 1.", owner=owner)
    for name, figure in value.measures.items():
        if not is_number(figure):
            raise PluginError(f"its measure {name!r} is {figure!r}.", "Give a number from 0 to 1.", owner=owner)
    return value


def all_of(method: str, wanted: str, values: object, kind: type[_T], owner: str) -> tuple[_T, ...]:
    """A sequence whose parts are all of a kind, as a tuple; ``wanted`` says in words what ``method`` must return."""
    if values == ():
        return ()
    if type(values) is not tuple and (isinstance(values, str | bytes) or not isinstance(values, Sequence)):
        refuse(method, wanted, in_words(values), owner)
    for item in values:
        if type(item) is not kind and not isinstance(item, kind):
            refuse(method, wanted, f"one with {in_words(item)} in it", owner)
    return tuple(values)


def parts_of(method: str, wanted: str, values: object, kind: type[Any], owner: str) -> None:
    """Refuses a sequence with a part that is not of a kind, or not well-formed (:func:`rbsuite.trajectory.misfit`)."""
    for part in all_of(method, f"{wanted} {kind.__name__}", values, kind, owner):
        if found := misfit(part):
            refuse(method, f"{wanted} well-formed {kind.__name__}", found, owner)


def refuse(method: str, wanted: str, given: str, owner: str) -> NoReturn:
    """Raises the error that says what a method must return and what it returned, in words."""
    raise PluginError(f"{method} must return {wanted}, not {given}.", PLUGIN_REMEDY, owner=owner)
