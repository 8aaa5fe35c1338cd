"""Checks of what plugins return, made where it enters the core.

One function per contract. Each returns the value, or raises a one-line :class:`~rbsuite.errors.PluginError` that says what was
expected; who is to blame is added by :meth:`rbsuite.run.roles.Roles.blaming`, or given as ``owner``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn, TypeVar, get_args

from rbsuite.environments.base import Episode
from rbsuite.errors import PLUGIN_REMEDY, PluginError, in_words
from rbsuite.experience import MemoryOp, Recall, Recalled
from rbsuite.jsonable import is_number, is_whole
from rbsuite.models.limits import MOST_COST, MOST_TOKENS
from rbsuite.models.reasoning import thought_and_said
from rbsuite.record import ALL, RolloutRecord
from rbsuite.scaling.base import Group
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import (
    Action,
    Actor,
    Image,
    Message,
    Observation,
    ToolCall,
    ToolResult,
    ToolSpec,
    Turn,
    Usage,
    misfit,
)
from rbsuite.verdict import Label, Verdict

_T = TypeVar("_T")

_LABELS = get_args(Label)
_ACTORS = frozenset(get_args(Actor))
_TURNS = get_args(Turn)
_PARTS = (("messages", Message), ("tools", ToolSpec), ("images", Image), ("results", ToolResult))


def check_recall(value: object, owner: str = "") -> Recall:
    """What a memory's ``recall`` returned."""
    if not isinstance(value, Recall):
        _refuse("recall", "a Recall", in_words(value), owner)
    _all_of("recall", "a Recall whose items are Recalled", value.items, Recalled, owner)
    for item in value.items:
        known = isinstance(item.item_id, str) and is_number(item.score)
        if not known or not (is_whole(item.revision) and is_whole(item.rank)):
            _refuse(
                "recall",
                "Recalled items with an id, a whole revision and rank, and a number as score",
                repr(item),
                owner,
            )
    for name, text in (("text", value.text), ("reason", value.reason), ("index", value.index)):
        if not isinstance(text, str):
            _refuse("recall", f"a Recall whose {name} is a str", in_words(text), owner)
    return value


def check_ops(value: object, owner: str = "") -> tuple[MemoryOp, ...]:
    """What a memory's ``absorb`` returned, as a tuple. Adding the very same item twice adds it once."""
    ops = _all_of("absorb", "a list of MemoryOp", value, MemoryOp, owner)
    return tuple(op for place, op in enumerate(ops) if op.op != "add" or op not in ops[:place])


def check_verdict(value: object, owner: str = "") -> Verdict:
    """What a judge's ``judge`` returned."""
    if not isinstance(value, Verdict):
        _refuse("judge", "a Verdict", in_words(value), owner)
    if value.label not in _LABELS:
        _refuse("judge", f"a Verdict whose label is one of {', '.join(_LABELS)}", repr(value.label), owner)
    score = value.score
    if score is not None and not (is_number(score) and 0 <= score <= 1):
        _refuse("judge", "a Verdict whose score is None or a number from 0 to 1", repr(score), owner)
    for name, text in (("rationale", value.rationale), ("source", value.source)):
        if not isinstance(text, str):
            _refuse("judge", f"a Verdict whose {name} is a str", in_words(text), owner)
    return value


def check_spent(usage: Usage, seconds: float, owner: str = "") -> Usage:
    """What a memory says it has spent elsewhere."""
    counts = (usage.calls, usage.input_tokens, usage.output_tokens) if isinstance(usage, Usage) else (-1,)
    cost = usage.cost if isinstance(usage, Usage) else None
    whole = all(is_whole(count) and 0 <= count <= MOST_TOKENS for count in counts)
    priced = cost is None or (is_number(cost) and 0 <= cost <= MOST_COST)
    if not whole or not priced or not is_number(seconds) or seconds < 0:
        raise PluginError(
            "spend must be given a Usage of whole counts, with a cost that is None or a number, and a number of seconds,"
            f" not {usage!r} and {seconds!r}.",
            PLUGIN_REMEDY,
            owner=owner,
        )
    return usage


def check_index(value: object, count: int, owner: str = "", *, averages: bool = False) -> int:
    """What a selector's ``select`` returned for ``count`` rollouts; one that averages may also return :data:`rbsuite.record.ALL`."""
    if averages and value == ALL and not isinstance(value, bool):
        return ALL
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < count:
        shown = str(value) if isinstance(value, int) else in_words(value)
        _refuse("select", f"the index of one of {count} rollouts, from 0", shown, owner)
    return value


def check_group(value: object, owner: str = "", *, averages: bool = False) -> Group:
    """What a scaling's ``run`` returned; its selection may be anything that the selector may return."""
    if not isinstance(value, Group):
        _refuse("run", "a Group", in_words(value), owner)
    if not _all_of("run", "a Group whose rollouts are RolloutRecord", value.rollouts, RolloutRecord, owner):
        _refuse("run", "a Group of at least one rollout", "an empty one", owner)
    selected = value.selected
    if averages and selected == ALL and not isinstance(selected, bool):
        return value
    if isinstance(selected, bool) or not isinstance(selected, int) or not 0 <= selected < len(value.rollouts):
        _refuse(
            "run",
            f"a Group whose selected is the index of one of its {len(value.rollouts)} rollouts",
            repr(selected),
            owner,
        )
    return value


def check_action(value: object, owner: str = "") -> Action:
    """What the ``act`` of an agent or a user returned; thoughts in its text are separated from what is said, whoever made it."""
    if not isinstance(value, Action):
        _refuse("act", "an Action", in_words(value), owner)
    if not isinstance(value.text, str):
        _refuse("act", "an Action whose text is a str", in_words(value.text), owner)
    if value.thought is not None and not isinstance(value.thought, str):
        _refuse("act", "an Action whose thought is a str", in_words(value.thought), owner)
    if value.index is not None and not is_whole(value.index):
        _refuse("act", "an Action whose index is None or a whole number", in_words(value.index), owner)
    _parts_of("act", "an Action whose calls are", value.calls, ToolCall, owner)
    thought, said = thought_and_said(value.text)
    if said == value.text:
        return value
    return replace(value, text=said, thought=" ".join(filter(None, (value.thought, thought))))


def check_tasks(value: object, owner: str = "") -> TaskSet:
    """What an environment's ``tasks`` returned."""
    if not isinstance(value, TaskSet):
        _refuse("tasks", "a TaskSet", in_words(value), owner)
    for task in _all_of("tasks", "a TaskSet whose tasks are Task", value.tasks, Task, owner):
        for name in ("id", "group", "domain", "query"):
            if not isinstance(getattr(task, name), str):
                given = f"{in_words(getattr(task, name))} in task {task.id!r}"
                _refuse("tasks", f"Tasks whose {name} is a str", given, owner)
        if not isinstance(task.payload, Mapping):
            _refuse("tasks", "Tasks whose payload is a mapping", f"{in_words(task.payload)} in task {task.id!r}", owner)
        if task.difficulty is not None and not is_number(task.difficulty):
            given = f"{in_words(task.difficulty)} in task {task.id!r}"
            _refuse("tasks", "Tasks whose difficulty is None or a number", given, owner)
    return value


def check_episode(value: object, owner: str = "") -> Episode:
    """What an environment's ``open`` returned, with its first observation."""
    if not isinstance(value, Episode):
        _refuse("open", "an Episode", in_words(value), owner)
    check_observation(
        getattr(value, "observation", None), owner, method="open", wanted="an Episode whose observation is"
    )
    return value


def check_observation(value: object, owner: str = "", *, method: str = "act", wanted: str = "") -> Observation:
    """What an episode's ``act`` returned, or the observation it begins with."""
    if not isinstance(value, Observation):
        _refuse(method, f"{wanted} an Observation".strip(), in_words(value), owner)
    if not isinstance(value.text, str):
        _refuse(method, f"{wanted} an Observation whose text is a str".strip(), in_words(value.text), owner)
    if value.turn not in _TURNS:
        _refuse(method, f"an Observation whose turn is one of {', '.join(_TURNS)}", repr(value.turn), owner)
    if value.role not in ("tool", "user"):
        _refuse(method, "an Observation whose role is user or tool", repr(value.role), owner)
    for name, kind in _PARTS:
        if (parts := getattr(value, name)) != ():
            _parts_of(method, f"an Observation whose {name} are", parts, kind, owner)
    if not isinstance(value.data, Mapping):
        _refuse(method, "an Observation whose data is a mapping", in_words(value.data), owner)
    if value.choices != ():
        _all_of(method, "an Observation whose choices are str", value.choices, str, owner)
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
        _refuse("audience", f"a tuple of {' and '.join(map(repr, get_args(Actor)))}", shown, owner)
    return value


def _all_of(method: str, wanted: str, values: object, kind: type[_T], owner: str) -> tuple[_T, ...]:
    if values == ():
        return ()
    if type(values) is not tuple and (isinstance(values, str | bytes) or not isinstance(values, Sequence)):
        _refuse(method, wanted, in_words(values), owner)
    for item in values:
        if type(item) is not kind and not isinstance(item, kind):
            _refuse(method, wanted, f"one with {in_words(item)} in it", owner)
    return tuple(values)


def _parts_of(method: str, wanted: str, values: object, kind: type[Any], owner: str) -> None:
    for part in _all_of(method, f"{wanted} {kind.__name__}", values, kind, owner):
        if found := misfit(part):
            _refuse(method, f"{wanted} well-formed {kind.__name__}", found, owner)


def _refuse(method: str, wanted: str, given: str, owner: str) -> NoReturn:
    raise PluginError(f"{method} must return {wanted}, not {given}.", PLUGIN_REMEDY, owner=owner)
