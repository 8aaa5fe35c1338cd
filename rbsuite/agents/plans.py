"""Reads plans and steps of named actions: leniently, or as EmbodiedBench's planner does."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rbsuite.reading.labels import find_labels, with_ends
from rbsuite.reading.layers import Layer, Unclear, Unreadable
from rbsuite.reading.stances import check_stands, first_own, own_values
from rbsuite.reading.values import objects_with, plain_keys, read_values, values_in, without_values
from rbsuite.reading.words import chosen, whole_number

_PLANS = ("executable_plan", "plan", "action_plan", "actions", "steps")
_IDS = ("action_id", "id", "action", "action_index", "index")
_STEP = ("action_id", "action_index", "next_action_id", "id", "action", "index")
_NAMED = tuple(key for key in _STEP if "action" in key)
"""Keys that name an action and nothing else; several of them must not contradict each other."""
_SAID = ("reasoning_and_reflection", "language_plan")
_THOUGHTS = ("reasoning", "thought", "thoughts", "reasoning_and_reflection")
_PLAN = r"executable[ \t_]plan"
_ACTION = r"(?:next[ \t_]+)?action[ \t_](?:id|index)"
_NAMED_ID = re.compile(r"\baction[ _]id[\"'*_`]*+[ \t]*+[:=]?[ \t]*+[\"'*_`]*+(\d{1,9})\b", re.IGNORECASE)
_NOT_TO_DO = re.compile(r"(?i)\b(?:not|never|instead of|rather than|skip|avoid) (?:the )?[\"'*_`]{0,3}action[ _]id")
_ENDS = frozenset(["null", "none", "nil", ""])
_MOST = 10_000
"""How many ids of a plan are looked at, from the first on."""


@dataclass(frozen=True, slots=True)
class PlanReply:
    """What a reply says to do.

    Attributes:
        indices: the actions in order; empty to end the episode.
        thought: the reasoning that goes with them.
        readable: whether the reply could be read.
        fault: why not, in words that go back to the model.
    """

    indices: tuple[int, ...]
    thought: str = ""
    readable: bool = True
    fault: str = ""


def read_plan(reply: str, n: int) -> PlanReply:
    """The plan in a reply of the form ``{"reasoning_and_reflection", "language_plan", "executable_plan": [{"action_id"}]}``.

    Only the ids count. A plan is cut at the first id that does not exist; if that is its first, the reply cannot be read. An empty list
    ends the episode. See :mod:`rbsuite.reading` for what departs from the form but is read anyway.

    Args:
        reply: the model's text.
        n: number of named actions.
    """

    def read(layer: Layer) -> PlanReply:
        values = read_values(layer)
        if values.twice:
            raise Unclear("an object says different things under one key")
        own = own_values(values)
        plans = [(_ids(told), mine) for mine, told in objects_with(own, _PLANS[:1])]
        plans = plans or [(_ids(told), mine) for mine, told in objects_with(own, _PLANS[1:]) if isinstance(told, list)]
        if not plans and not values.broken and not values.cut:
            bare = [value for value in values.found if isinstance(value, list)] or [list(values.found)]
            plans = [(_ids(value), {}) for value in bare if value and all(_has_id(one) for one in value)]
        prose = without_values(layer, values)
        rest = Layer(prose, prose)
        labels = find_labels(rest, {"plan": _PLAN})
        for label, end in with_ends(rest, labels):
            ids: list[int | None] = [int(one) for one in _NAMED_ID.findall(prose[label.value : end])[:_MOST]]
            if ids and _NOT_TO_DO.search(prose, label.value, end):
                raise Unclear("beside its actions, the plan names others")
            plans += [(ids, {})] * bool(ids)
        if not plans:
            raise Unreadable(_missing("executable_plan", values.cut))
        if values.more or any(ids != plans[0][0] for ids, _ in plans):
            raise Unclear("it holds several plans")
        check_stands(prose, values, labels, others=True)
        return _cut(plans[0][0], n, _said(plans[0][1], _SAID))

    return _told(reply, read)


def read_step(reply: str, n: int) -> PlanReply:
    """The action in a reply of the form ``{"reasoning", "action_id"}``; the id ``null`` ends the episode.

    Args:
        reply: the model's text.
        n: number of named actions.
    """

    named: set[int | None] = {None}

    def read(layer: Layer) -> PlanReply:
        values = read_values(layer)
        if values.twice:
            raise Unclear("an object says different things under one key")
        prose = without_values(layer, values)
        named.update(chosen(prose))
        own = own_values(values)
        objects = objects_with(own, _STEP[:1]) or objects_with(own, _STEP[1:])
        told = [(value, _said(mine, _THOUGHTS)) for mine, value in objects]
        labels = find_labels(Layer(prose, prose), {"action": _ACTION})
        labelled = [label.rest for label in labels]
        if not told and not values.found and not values.cut:
            told = [(rest, "") for rest in labelled]
        if not told:
            raise Unreadable(_missing("action_id", values.cut))
        if values.more or any(value != told[0][0] for value, _ in told):
            raise Unclear("it names several actions")
        check_stands(prose, values, labels, others=True)
        value, thought = told[0]
        named.update(whole_number(mine[key]) for mine, _ in objects for key in _NAMED if key in mine)
        if not named.union(map(whole_number, labelled)) <= {None, _id(value)}:
            raise Unclear("it names several actions")
        if value is None or (isinstance(value, str) and value.strip().lower() in _ENDS):
            return PlanReply((), thought)
        return _cut([_id(value)], n, thought)

    return _told(reply, read)


def read_plan_strictly(reply: str, n: int) -> PlanReply:
    """The plan in a reply as upstream reads it, except for a code fence around the JSON, which is removed, and for ids that are not whole
    numbers, on which upstream fails. What follows the first id that does not exist is not looked at.

    Args:
        reply: the model's text: JSON, in a code fence or not.
        n: number of named actions.
    """
    value = _strict_json(reply)
    items = value.get("executable_plan") if isinstance(value, dict) else None
    if items and not (
        isinstance(items, list) and all(isinstance(item, dict) and "action_id" in item for item in items)
    ):
        return _unreadable(_missing("executable_plan", False))
    if items is None or isinstance(items, bool | int | float):
        return _unreadable(_missing("executable_plan", False))
    ids: list[int] = []
    for number in (item["action_id"] for item in items):
        if isinstance(number, int | float) and not 0 <= number < n:
            break
        if type(number) is not int:
            return _unreadable(f"{number!r} is no action's id")
        ids.append(number)
    if items and not ids:
        return _unreadable(f"its first id is not one of 0 to {n - 1}")
    return PlanReply(tuple(ids), _said(value, _SAID))


def read_step_strictly(reply: str, n: int) -> PlanReply:
    """The action in a reply that is JSON and nothing else, in a code fence or not.

    Args:
        reply: the model's text.
        n: number of named actions.
    """
    value = _strict_json(reply)
    if not isinstance(value, dict) or "action_id" not in value:
        return _unreadable(_missing("action_id", False))
    number, thought = value["action_id"], _said(value, _THOUGHTS[:1])
    if number is None:
        return PlanReply((), thought)
    readable = type(number) is int and 0 <= number < n
    return PlanReply((number,), thought) if readable else _unreadable(f"{number!r} is no action's id")


def _told(reply: str, read: Any) -> PlanReply:
    try:
        found: PlanReply = first_own(reply, read)
    except Unreadable as fault:
        return _unreadable(str(fault))
    return found


def _unreadable(fault: str) -> PlanReply:
    return PlanReply((), readable=False, fault=fault)


def _missing(key: str, cut: bool) -> str:
    return "its JSON is not closed" if cut else f'there is no JSON object with the key "{key}"'


def _ids(told: object) -> list[int | None]:
    """The ids of a plan; ``None`` for anything that is not one."""
    if isinstance(told, str):
        values = values_in(told).found
        told = values[0] if len(values) == 1 else told
    if isinstance(told, dict) and _has_id(told):
        told = [told]
    if not isinstance(told, list):
        raise Unreadable('the plan is not a list of objects with the key "action_id"')
    return [_id(one) for one in told]


def _has_id(value: object) -> bool:
    return isinstance(value, dict) and any(key in plain_keys(value) for key in _IDS)


def _id(value: object) -> int | None:
    if isinstance(value, dict):
        mine = plain_keys(value)
        if len({whole_number(mine.get(key)) for key in _NAMED} - {None}) > 1:
            raise Unclear("an object names several actions")
        value = next((mine[key] for key in _IDS if key in mine), None)
    return whole_number(value)


def _cut(ids: Sequence[int | None], n: int, thought: str) -> PlanReply:
    """The plan up to the first id that does not exist.

    Raises:
        Unreadable: that is its first, or something before it is not an id.
    """
    known: list[int] = []
    for number in ids:
        if number is None:
            raise Unreadable("an action's id is not a whole number")
        if not 0 <= number < n:
            break
        known.append(number)
    if ids and not known:
        raise Unreadable(f"there is no action {ids[0]}: the ids go from 0 to {n - 1}")
    return PlanReply(tuple(known), thought)


def _said(value: Mapping[str, Any], keys: Sequence[str]) -> str:
    said = (value.get(key) for key in keys)
    return " ".join(text.strip() for text in said if isinstance(text, str) and text.strip())


def _strict_json(reply: str) -> Any:
    text = reply.strip()
    if text.startswith("```") and text.endswith("```"):
        text = text.removeprefix("```json").strip("`").strip()
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
