"""Derives a scene's receptacles, and where experts first took things from, from layouts and trajectories.

Upstream's data says where objects are but not what they are in, and lists no receptacle that nobody opens. Both are derived from what
experts did in the same scene.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rbsuite.jsonable import Json
from rbsuite_eb_alfred.upstream import Layout
from rbsuite_eb_alfred.upstream_trajectory import Box, PickUp, Point, Trajectory, rounded

SAME_PLACE = 0.1
"""Two receptacles of the same type closer to each other than this, in metres, are one."""
SAME_BASIN = 0.8
"""Likewise for basins: an id contains the place of the sink or bathtub, a box that of the basin in it."""

_BASIN = "Basin"


@dataclass(slots=True)
class Evidence:
    """What trajectories tell about a scene, in the order of the trajectories.

    Attributes:
        labels: the first pick-ups.
        filled: ids of receptacles that something was put into.
        turned_on: ids of what was turned on.
    """

    labels: list[PickUp] = field(default_factory=list)
    filled: set[str] = field(default_factory=set)
    turned_on: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Receptacle:
    """A receptacle of a scene.

    Attributes:
        id: upstream's id, or one of its form.
        box: its type and position.
        stand: where to stand to reach it (x, z, rotation, horizon), if the layout says.
        source: ``layout``, ``traj`` (something was put into it) or ``pickup`` (something was taken from it).
    """

    id: str
    box: Box
    stand: Json
    source: str

    def table(self) -> Json:
        """As stored in ``scenes.json``."""
        return {
            "id": self.id,
            "type": self.box.type,
            "pos": list(self.box.position),
            "stand": self.stand,
            "src": self.source,
        }


def gather(trajectories: Iterable[Trajectory]) -> tuple[dict[int, Evidence], int]:
    """What trajectories tell about each scene, and how many there were."""
    scenes: dict[int, Evidence] = {}
    count = 0
    for trajectory in trajectories:
        count += 1
        evidence = scenes.setdefault(trajectory.scene, Evidence())
        evidence.labels.extend(trajectory.pick_ups)
        evidence.filled.update(trajectory.filled)
        evidence.turned_on.update(trajectory.turned_on)
    return scenes, count


def receptacles(layout: Layout, evidence: Evidence, movable: Collection[str]) -> list[Receptacle]:
    """The receptacles of a scene: those of its layout in its order, then those that trajectories add, by id.

    Args:
        layout: the scene's layout.
        evidence: what trajectories tell about the scene.
        movable: types of receptacles that are themselves objects.
    """
    found = [Receptacle(name, box_of(name), stand, "layout") for name, stand in layout.stands.items()]
    filled = sorted(evidence.filled - layout.stands.keys())
    found += [Receptacle(name, box, None, "traj") for name in filled if (box := box_of(name)).type not in movable]
    taken: list[Receptacle] = []
    for label in evidence.labels:
        box = label.receptacle
        if box.type not in movable and not _is_known(box, [*found, *taken]):
            name = id_of(box)
            taken.append(Receptacle(name, box_of(name), None, "pickup"))
    return [*found, *sorted(taken, key=lambda each: each.id)]


def scene_table(layout: Layout, evidence: Evidence, found: Sequence[Receptacle]) -> Json:
    """A scene as stored in ``scenes.json``."""
    return {
        "receptacles": [each.table() for each in found],
        "toggleables": sorted(evidence.turned_on),
        "object_types": list(layout.object_types),
        "reachable_xz": [list(point) for point in layout.reachable],
    }


def label_table(scenes: Mapping[int, Evidence]) -> Json:
    """The first pick-ups by scene, as stored in ``pickup_labels.json``, sorted."""
    return {
        str(scene): sorted(
            [
                each.thing.type,
                rounded(each.thing.position, 3),
                each.receptacle.type,
                rounded(each.receptacle.position, 3),
            ]
            for each in evidence.labels
        )
        for scene, evidence in sorted(scenes.items())
        if evidence.labels
    }


def box_of(name: str) -> Box:
    """Type and position given by an id: ``Type|x|y|z``, or ``Sink|x|y|z|SinkBasin``, where the type comes last."""
    parts = name.split("|")
    return Box(parts[-1] if len(parts) > 4 else parts[0], point_of(name))


def point_of(name: str) -> Point:
    """The position given by an id."""
    x, y, z = name.split("|")[1:4]
    return float(x), float(y), float(z)


def id_of(box: Box) -> str:
    """An id in upstream's form; a basin's starts with the type of what it is in."""
    x, y, z = box.position
    name = f"{box.type.removesuffix(_BASIN)}|{x:+06.2f}|{y:+06.2f}|{z:+06.2f}"
    return f"{name}|{box.type}" if box.type.endswith(_BASIN) else name


def _is_known(box: Box, known: Iterable[Receptacle]) -> bool:
    reach = SAME_BASIN if box.type.endswith(_BASIN) else SAME_PLACE
    return any(each.box.type == box.type and math.dist(each.box.position, box.position) < reach for each in known)
