"""A trial's household before anybody acts: the things, where they are, what they are called. Shared by all its worlds.

Where movable objects are is recorded; what they are in is not, and is derived: the data names the fixed receptacle, and an object that
could be in a movable receptacle next to it is assumed to be (:data:`NESTING_DISTANCE`). Things are ordered by their ids, since upstream
orders them as the simulator happens to list them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rbsuite.errors import DataError
from rbsuite_eb_alfred.actions import Command, Instances, base_actions, commands, further_actions, name_instances
from rbsuite_eb_alfred.vocabulary import MOVABLE_RECEPTACLES, OPEN_AT_FIRST, OPENABLE, SLICES, TOGGLEABLE

Point = tuple[float, float, float]
"""x, y (up) and z in metres."""

FLOOR = -1
IN_HAND = -2
ABSENT = -3
"""Places that are not receptacles; :data:`ABSENT` is for what does not exist: slices before the cut, the whole after it."""

NESTING_DISTANCE = 0.12
"""An object starts in a movable receptacle if they are no further apart than this, in metres along the floor."""
NESTING_HEIGHT = 0.1
"""And no further apart than this in height."""


@dataclass(frozen=True, slots=True)
class Thing:
    """An object of a household.

    Attributes:
        index: its position among the household's things.
        id: upstream's object id, e.g. ``Mug|-00.20|+01.22|+00.38``.
        type: its type, e.g. ``SinkBasin``.
        kind: what actions find it by: the id's first part in lower case.
        spot: where it is at the start.
        place: what it is in at the start: the index of a receptacle, :data:`FLOOR` or :data:`ABSENT`.
        receptacle, pickupable, openable, toggleable: what can be done with it.
        slices: indices of the pieces that slicing makes of it; empty if it cannot be sliced.
        whole: index of what it is a slice of, or -1.
        part: whether its id has five parts, like those of basins and slices.
    """

    index: int
    id: str
    type: str
    kind: str
    spot: Point
    place: int = FLOOR
    receptacle: bool = False
    pickupable: bool = False
    openable: bool = False
    toggleable: bool = False
    slices: tuple[int, ...] = ()
    whole: int = -1
    part: bool = False


@dataclass(frozen=True, slots=True)
class Household:
    """The household at the start of a trial's episodes.

    Attributes:
        scene: number of the scene.
        things: all things; slices that may be cut come last.
        of_kind: indices of the things of each kind, in their order.
        index: index of each thing by id.
        labels: what each thing is called: its instance's name, else the first part of its id; for a slice, its type.
        names: the named actions.
        indices: index of each name.
        commands: the actions taken apart.
        reachable: the points one can stand at, (x, z) in metres.
        stand: (x, z) where the agent stands at the start.
        rotation: where the agent faces then, in degrees clockwise from z.
        on: indices of what is turned on at the start.
        stands: the nearest reachable point by place, as far as computed.
    """

    scene: int
    things: tuple[Thing, ...]
    of_kind: Mapping[str, tuple[int, ...]]
    index: Mapping[str, int]
    labels: tuple[str, ...]
    names: tuple[str, ...]
    indices: Mapping[str, int]
    commands: tuple[Command, ...]
    reachable: tuple[tuple[float, float], ...]
    stand: tuple[float, float]
    rotation: float
    on: frozenset[int]
    stands: dict[tuple[float, float], tuple[float, float]] = field(default_factory=dict, compare=False, repr=False)

    def of_type(self, kind: str) -> tuple[Thing, ...]:
        """The things of a type, e.g. ``SinkBasin``, in their order."""
        return tuple(thing for thing in self.things if thing.type == kind)

    def nearest_stand(self, x: float, z: float) -> tuple[float, float]:
        """The reachable point nearest to a place, the first of several equally near; there must be one."""
        known = self.stands.get((x, z))
        if known is None:
            # Two threads may compute the same point.
            known = min(self.reachable, key=lambda point: math.hypot(point[0] - x, point[1] - z))
            self.stands[x, z] = known
        return known


def build_household(trial: Mapping[str, Any], scenes: Mapping[str, Mapping[str, Any]]) -> Household:
    """The household of a trial.

    Args:
        trial: an entry of ``trials.json``.
        scenes: ``scenes.json``.

    Raises:
        DataError: the trial's scene does not exist, or an object is in a receptacle that does not.
    """
    number = trial["scene_num"]
    scene = scenes.get(str(number))
    if scene is None:
        raise DataError(f"EB-ALFRED data: there is no scene {number}.", "Import the data again.")
    things = _with_slices(_placed(_ordered(_fixed(scene), _movable(trial)), trial, number))
    index = {thing.id: thing.index for thing in things}
    instances = _instances(things)
    names = base_actions() + further_actions(instances)
    start = trial["init_action"]
    on = {entry["objectType"] for entry in trial["object_toggles"] if entry["isOn"]}
    return Household(
        scene=number,
        things=things,
        of_kind=_grouped(things),
        index=index,
        labels=_labels(things, instances),
        names=names,
        indices={name: position for position, name in enumerate(names)},
        commands=commands(names, instances, index),
        reachable=tuple((float(x), float(z)) for x, z in scene["reachable_xz"]),
        stand=(float(start["x"]), float(start["z"])),
        rotation=float(start["rotation"]),
        on=frozenset(thing.index for thing in things if thing.toggleable and thing.type in on),
    )


def _fixed(scene: Mapping[str, Any]) -> list[Thing]:
    """Receptacles, and what can be turned on and off; a microwave is both."""
    toggled = set(scene["toggleables"])
    things = [
        _thing(
            entry["id"],
            entry["type"],
            _point(entry["pos"]),
            receptacle=True,
            toggleable=entry["id"] in toggled or entry["type"] in TOGGLEABLE,
        )
        for entry in scene["receptacles"]
    ]
    known = {thing.id for thing in things}
    for identifier in sorted(toggled - known):
        kind, x, y, z = identifier.split("|")[:4]
        things.append(_thing(identifier, kind, (float(x), float(y), float(z)), toggleable=True))
    return things


def _movable(trial: Mapping[str, Any]) -> list[Thing]:
    return [
        _thing(
            entry["id"],
            entry["type"],
            _point(pose["pos"]),
            pickupable=True,
            receptacle=entry["type"] in MOVABLE_RECEPTACLES,
        )
        for entry, pose in zip(trial["derived_initial"], trial["objects"], strict=True)
    ]


def _thing(
    identifier: str,
    kind: str,
    spot: Point,
    *,
    receptacle: bool = False,
    pickupable: bool = False,
    toggleable: bool = False,
) -> Thing:
    parts = identifier.split("|")
    return Thing(
        index=-1,
        id=identifier,
        type=kind,
        kind=parts[0].casefold(),
        spot=spot,
        receptacle=receptacle,
        pickupable=pickupable,
        openable=kind in OPENABLE,
        toggleable=toggleable,
        part=len(parts) == 5,
    )


def _ordered(*groups: Iterable[Thing]) -> list[Thing]:
    """Ordered by id; of two things with the same id, the first is kept."""
    by_id: dict[str, Thing] = {}
    for group in groups:
        for thing in group:
            by_id.setdefault(thing.id, thing)
    return [replace(by_id[identifier], index=index) for index, identifier in enumerate(sorted(by_id))]


def _placed(things: Sequence[Thing], trial: Mapping[str, Any], scene: int) -> list[Thing]:
    index = {thing.id: thing.index for thing in things}
    places: dict[str, int] = {}
    for entry in trial["derived_initial"]:
        if entry["in"] is not None and entry["in"] not in index:
            raise DataError(
                f"EB-ALFRED data: {entry['id']} lies in {entry['in']}, which scene {scene} does not have.",
                "Import the data again.",
            )
        places.setdefault(entry["id"], FLOOR if entry["in"] is None else index[entry["in"]])
    nests = [thing for thing in things if thing.pickupable and thing.receptacle]
    return [replace(thing, place=_nest(thing, nests, places.get(thing.id, FLOOR))) for thing in things]


def _nest(thing: Thing, nests: Sequence[Thing], place: int) -> int:
    """The nearest movable receptacle that the thing could be in, if it is near enough; otherwise the given place."""
    if not thing.pickupable:
        return FLOOR
    best, nearest = place, NESTING_DISTANCE
    for nest in nests:
        apart = math.hypot(thing.spot[0] - nest.spot[0], thing.spot[2] - nest.spot[2])
        near = apart <= nearest and abs(thing.spot[1] - nest.spot[1]) <= NESTING_HEIGHT
        # Receptacles are never in a movable one, so no two are in each other.
        if near and not thing.receptacle and thing.type in MOVABLE_RECEPTACLES[nest.type]:
            best, nearest = nest.index, apart
    return best


def _with_slices(things: Sequence[Thing]) -> tuple[Thing, ...]:
    """The things, followed by the slices that may be cut from them, absent so far.

    A slice's id is that of the whole with ``|<Type>Sliced_<number>``.
    """
    whole: list[Thing] = []
    slices: list[Thing] = []
    for thing in things:
        count = SLICES.get(thing.type, 0) if thing.pickupable else 0
        first = len(things) + len(slices)
        kind = f"{thing.type}Sliced"
        for number in range(count):
            piece = replace(thing, index=first + number, id=f"{thing.id}|{kind}_{number}", type=kind, place=ABSENT)
            slices.append(replace(piece, whole=thing.index, part=True))
        whole.append(replace(thing, slices=tuple(range(first, first + count))))
    return (*whole, *slices)


def _instances(things: Iterable[Thing]) -> Instances:
    receptacles: dict[str, list[str]] = {}
    objects: dict[str, list[str]] = {}
    for thing in things:
        if thing.place != ABSENT and (thing.receptacle or thing.pickupable):
            (receptacles if thing.receptacle else objects).setdefault(thing.type, []).append(thing.id)
    return name_instances(receptacles, objects)


def _labels(things: Iterable[Thing], instances: Instances) -> tuple[str, ...]:
    names = {identifier: name for name, identifier in instances.ids.items()}
    return tuple(
        thing.type if thing.whole >= 0 else names.get(thing.id, thing.id.partition("|")[0]) for thing in things
    )


def _grouped(things: Iterable[Thing]) -> Mapping[str, tuple[int, ...]]:
    grouped: dict[str, list[int]] = {}
    for thing in things:
        grouped.setdefault(thing.kind, []).append(thing.index)
    return {kind: tuple(members) for kind, members in grouped.items()}


def opened_at_first(things: Iterable[Thing]) -> frozenset[int]:
    """Indices of the things that are open at the start of an episode."""
    return frozenset(thing.index for thing in things if thing.type in OPEN_AT_FIRST)


def _point(value: Sequence[float]) -> Point:
    x, y, z = value
    return (float(x), float(y), float(z))
