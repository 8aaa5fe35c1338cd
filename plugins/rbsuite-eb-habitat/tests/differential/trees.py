"""Goals made up at random, some of them malformed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from rbsuite_eb_habitat.vocab import CATEGORIES, CONSTANTS, PARENTS

_PREDICATES: Mapping[str, int] = {
    **dict.fromkeys(("on_top", "in", "at"), 2),
    **dict.fromkeys(("holding", "robot_at", "robot_at_obj"), 1),
    **dict.fromkeys(("opened_fridge", "closed_fridge", "opened_cab", "closed_cab"), 1),
    "not_holding": 0,
    "likes": 1,
}
_LOW = ("recep_type", "static_obj_type", "robot_entity_type", "goal_entity_type", "spaceship")
_HIGH = ("movable_entity_type", "place_receptacle", "cab_type", "fridge_type", "art_receptacle_entity_type")


def tree(items: Mapping[str, str], rng: random.Random) -> Any:
    """A goal over an episode's objects (``items`` gives the category of each)."""
    return _tree(items, {}, rng, rng.randrange(3))


def _tree(items: Mapping[str, str], bound: Mapping[str, str], rng: random.Random, depth: int) -> Any:
    made: dict[str, Any] = {"expr_type": rng.choice(("AND", "AND", "OR", "NAND", "NOR"))}
    inputs: list[dict[str, str]] = []
    quantifier = rng.choice(("EXISTS", "FORALL", None))
    if quantifier is not None:  # inputs without one are refused by the engine; upstream fails when it evaluates them
        names = rng.sample(("X", "Y", "Z"), rng.choice((1, 1, 1, 2)))
        inputs = [{"name": name, "expr_type": _kind(items, rng)} for name in names]
        made["inputs"] = inputs
    if quantifier is not None or rng.random() < 0.5:
        made["quantifier"] = quantifier
    inside = {**bound, **{entry["name"]: entry["expr_type"] for entry in inputs}}
    parts: list[Any] = [_predicate(items, inside, rng) for _ in range(rng.randrange(3))]
    if depth:
        parts += [_tree(items, inside, rng, depth - 1) for _ in range(rng.randrange(3))]
    rng.shuffle(parts)
    made["sub_exprs"] = parts
    return made


def _kind(items: Mapping[str, str], rng: random.Random) -> str:
    there = sorted(set(items.values()))
    chance = rng.random()
    if chance < 0.6:
        return rng.choice(there)
    return rng.choice(_HIGH if chance < 0.85 else CATEGORIES if chance < 0.95 else (*_LOW, *PARENTS))


def _predicate(items: Mapping[str, str], bound: Mapping[str, str], rng: random.Random) -> str:
    name = rng.choice((*_PREDICATES, "on_top", "on_top", "robot_at", "holding") if rng.random() < 0.98 else ("likes",))
    count = _PREDICATES[name] if rng.random() < 0.98 else rng.randrange(3)
    chosen = [_argument(name, place, items, bound, rng) for place in range(count)]
    return f"{name}({rng.choice((',', ', ')).join(chosen)})"


def _argument(name: str, place: int, items: Mapping[str, str], bound: Mapping[str, str], rng: random.Random) -> str:
    """Mostly one that fits."""
    chance = rng.random()
    if chance < 0.03:
        return rng.choice(("nowhere", *CONSTANTS))
    fitting = _fitting(name, place)
    variables = [
        variable for variable, kind in bound.items() if kind in fitting or (kind in CATEGORIES and "item" in fitting)
    ]
    if variables and chance < 0.7:
        return rng.choice(variables)
    things = [entity for entity, kind in CONSTANTS.items() if kind in fitting]
    return rng.choice([*items] if "item" in fitting and (not things or rng.random() < 0.5) else things)


def _fitting(name: str, place: int) -> Sequence[str]:
    if name in ("opened_fridge", "closed_fridge"):
        return ("fridge_type",)
    if name in ("opened_cab", "closed_cab"):
        return ("cab_type",)
    if place == 1:
        return {"in": ("fridge_type", "cab_type"), "at": ("fridge_type", "place_receptacle")}.get(
            name, ("place_receptacle",)
        )
    item = ("item", "movable_entity_type")
    return (*item, "place_receptacle", "cab_type", "fridge_type") if name == "robot_at" else item
