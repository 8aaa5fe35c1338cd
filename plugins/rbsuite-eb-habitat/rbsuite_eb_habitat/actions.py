"""The 70 named actions, the same in every episode, in upstream's order.

Their order is that of the domain's constants and actions, their names those of ``transform_action_to_natural_language`` in ``EBHabEnv.py``
(EmbodiedBench/EmbodiedBench, b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04, embodiedbench/envs/eb_habitat).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from rbsuite.trajectory import Action
from rbsuite_eb_habitat.vocab import CABINETS, CATEGORIES, DOORS, FRIDGE, NAMES, PLACE_NUMBER, PLACES, RECEPTACLES

Kind = Literal["navigate", "pick", "place", "open", "close"]
_DOOR_KINDS: tuple[Kind, ...] = ("open", "close")


@dataclass(frozen=True, slots=True)
class NamedAction:
    """What an action does.

    Attributes:
        kind: what it does.
        target: number of the place (navigate, place), of the category (pick), or of the door (open, close).
        name: what the agent calls it.
        call: the same in the domain's terms, e.g. ``place(receptacle_aabb_sink_kitchen_counter)``.
    """

    kind: Kind
    target: int
    name: str
    call: str


def _all() -> Iterator[NamedAction]:
    for number, place in enumerate(PLACES):
        yield NamedAction("navigate", number, f"navigate to the {NAMES[place]}", f"nav({place})")
    for number, category in enumerate(CATEGORIES):
        yield NamedAction("pick", number, f"pick up the {category}", f"pick_{category}()")
    for receptacle in RECEPTACLES:
        number = PLACE_NUMBER[receptacle]
        yield NamedAction("place", number, f"place at the {NAMES[receptacle]}", f"place({receptacle})")
    for kind in _DOOR_KINDS:
        yield NamedAction(kind, DOORS.index(FRIDGE), f"{kind} the refrigerator", f"{kind}_fridge({FRIDGE})")
    for kind in _DOOR_KINDS:
        for cabinet in CABINETS:
            yield NamedAction(kind, DOORS.index(cabinet), f"{kind} the {NAMES[cabinet]}", f"{kind}_cab({cabinet})")


ACTIONS: tuple[NamedAction, ...] = tuple(_all())
ACTION_NAMES: tuple[str, ...] = tuple(action.name for action in ACTIONS)
INDICES: Mapping[str, int] = {name: index for index, name in enumerate(ACTION_NAMES)}
"""The index of each name."""

_BY_MEANING: Mapping[tuple[Kind, int], int] = {
    (action.kind, action.target): index for index, action in enumerate(ACTIONS)
}


def index_of(kind: Kind, target: int) -> int:
    """The index of an action, by what it does and to what; see :class:`NamedAction`."""
    return _BY_MEANING[kind, target]


def choose(kind: Kind, target: int) -> Action:
    """The action as an agent takes it."""
    index = index_of(kind, target)
    return Action.choose(index, ACTION_NAMES[index])
