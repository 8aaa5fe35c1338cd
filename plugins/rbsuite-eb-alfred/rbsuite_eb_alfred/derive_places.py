"""Derives what each object of a trial is in, or on, at the start.

In this order: where the trial's own expert took it from; where most pick-ups within 0.15 m were from; where the nearest pick-up within 0.3
m was from; the nearest receptacle, horizontal distance first, with the object slightly above it. When left out of the labels, 92 % of
pick-ups were assigned to the right instance (measured when the rule was written).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from rbsuite.jsonable import Json
from rbsuite_eb_alfred.derive import Receptacle, id_of, point_of
from rbsuite_eb_alfred.upstream import Trial
from rbsuite_eb_alfred.upstream_trajectory import Box, PickUp, Point

VOTING_DISTANCE = 0.15
NEAREST_DISTANCE = 0.3
HEIGHT_WEIGHT = 0.7
"""A metre of height counts as much as this on the floor."""
USUAL_HEIGHT = 0.1
"""Metres that an object is above the position given by its receptacle's id."""

_TIE = 1e-6


class Placer:
    """Determines what the objects of a scene are in.

    Args:
        receptacles: the receptacles of the scene, at least one.
        labels: the first pick-ups in it, in the order in which they were recorded, which breaks ties.
    """

    def __init__(self, receptacles: Sequence[Receptacle], labels: Sequence[PickUp]) -> None:
        self._receptacles = receptacles
        self._labels = [
            (label.thing.position, found)
            for label in labels
            if (found := nearest_of_type(receptacles, label.receptacle)) is not None
        ]

    def places(self, trial: Trial) -> list[Json]:
        """Id, type and receptacle of each object of a trial, as stored in ``derived_initial``."""
        taken = {}
        for pick_up in trial.pick_ups:
            if (found := nearest_of_type(self._receptacles, pick_up.receptacle)) is not None:
                taken[_key(pick_up.id)] = found
        return [self._place(Box(kind, position), taken) for kind, position in trial.things]

    def _place(self, thing: Box, taken: dict[tuple[str, Point], Receptacle]) -> Json:
        name = id_of(thing)
        found = (
            taken.get(_key(name))
            or self._by_labels(thing.position)
            or min(self._receptacles, key=lambda each: _remoteness(each.box.position, thing.position))
        )
        return {"id": name, "type": thing.type, "in": found.id}

    def _by_labels(self, position: Point) -> Receptacle | None:
        near = [
            (distance, found)
            for where, found in self._labels
            if (distance := math.dist(where, position)) <= NEAREST_DISTANCE
        ]
        votes = Counter(found.id for distance, found in near if distance <= VOTING_DISTANCE)
        if votes:
            chosen = max(votes, key=votes.__getitem__)
            return next(found for _, found in near if found.id == chosen)
        if not near:
            return None
        least = min(distance for distance, _ in near)
        # Several pick-ups at the same distance: the one from the nearest receptacle.
        equal = [found for distance, found in near if distance <= least + _TIE]
        return min(equal, key=lambda each: math.dist(each.box.position, position))


def nearest_of_type(receptacles: Sequence[Receptacle], box: Box) -> Receptacle | None:
    """The receptacle that a trajectory's box refers to."""
    same = [each for each in receptacles if each.box.type == box.type]
    return min(same, key=lambda each: math.dist(each.box.position, box.position), default=None)


def _remoteness(receptacle: Point, thing: Point) -> float:
    along = math.hypot(thing[0] - receptacle[0], thing[2] - receptacle[2])
    return along + HEIGHT_WEIGHT * abs(thing[1] - receptacle[1] - USUAL_HEIGHT)


def _key(name: str) -> tuple[str, Point]:
    """Type and position given by an object's id (for a slice, those of the whole); ids write zero in several ways."""
    return name.partition("|")[0], point_of(name)
