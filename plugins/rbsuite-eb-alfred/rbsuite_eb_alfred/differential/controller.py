"""The simulator's controller as upstream's code sees it: actions in, events with metadata out.

Format after AI2-THOR 2.1.0 as far as upstream reads it (EmbodiedBench/EmbodiedBench, b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04,
thor_connector.py, env/thor_env.py, env/tasks.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rbsuite_eb_alfred.differential.room import EYE, Room
from rbsuite_eb_alfred.scene import Household

UNIMPORTANT = frozenset({"Initialize", "SetStateOfAllObjects", "SetObjectPoses", "RotateHand", "Pass"})
"""Actions that succeed and change nothing here."""
BLOCKED = frozenset({"MoveAhead", "MoveBack", "MoveLeft", "MoveRight"})
"""Actions that fail: the body does not move on its own."""
SAME_ANGLE = 1e-3
"""Degrees. Upstream rounds the angle when it looks up and down; a direction this close to a known one is taken to be that one."""


class Coordinate(float):
    """A number that remembers whose position it is part of."""

    owner: str

    def __new__(cls, value: float, owner: str) -> Coordinate:
        """A float like any other."""
        self = super().__new__(cls, value)
        self.owner = owner
        return self


class Stage:
    """What the parts that upstream's code creates itself have in common.

    Attributes:
        household: that of the next episode.
        room: that of the current one.
        sought: id of the thing for which the nearest reachable point was last requested; forgotten at the next action.
    """

    def __init__(self) -> None:
        self.household: Household | None = None
        self.room: Room | None = None
        self.sought = ""


@dataclass(frozen=True, slots=True)
class Event:
    """What follows an action."""

    metadata: dict[str, Any]
    frame: None = None
    pose_discrete: tuple[int, int, int, int] = (0, 0, 0, 0)


def controller_class(stage: Stage) -> type:
    """The base class of upstream's connector."""

    class Controller(StandIn):
        """Bound to its stage."""

        def __init__(self, **_: object) -> None:
            super().__init__(stage)

    return Controller


class StandIn:
    """A controller over a :class:`Room`.

    Args:
        stage: where it finds the household.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.last_event = Event({})
        self._objects: list[dict[str, Any]] | None = None

    def start(self, **_: object) -> None:
        """Nothing is started."""

    def stop(self) -> None:
        """Nothing is stopped."""

    def reset(self, scene: str) -> Event:
        """Start with the stage's household, which must be the scene's."""
        household = self.stage.household
        assert household is not None
        assert scene == f"FloorPlan{household.scene}"
        self.stage.room = Room(household)
        self._objects = None
        return self._answer("Reset", True)

    def step(self, action: Mapping[str, Any]) -> Event:
        """Carry out an action."""
        name, room = action["action"], self._room
        if name == "GetReachablePositions":
            points = [{"x": x, "y": EYE, "z": z} for x, z in room.household.reachable]
            return self._answer(name, True, points)
        if name in BLOCKED:
            return self._answer(name, False)
        if name in UNIMPORTANT:
            return self._answer(name, True)
        succeeded = _ACTIONS[name](self, action)
        if succeeded:
            self._objects = None
        return self._answer(name, succeeded)

    @property
    def _room(self) -> Room:
        assert self.stage.room is not None
        return self.stage.room

    def _answer(self, name: str, succeeded: bool, returned: object = None) -> Event:
        self.stage.sought = ""
        room = self._room
        if self._objects is None:
            self._objects = [_described(room, identifier) for identifier in room.things if identifier in room.holds]
        held = [room.things[room.held]] if room.held else []
        x, z = room.stand
        self.last_event = Event(
            {
                "objects": self._objects,
                "inventoryObjects": [{"objectId": thing.id, "objectType": thing.type} for thing in held],
                "agent": {
                    "position": {"x": x, "y": EYE, "z": z},
                    "rotation": {"y": _compass(room.heading)},
                    "cameraHorizon": 0.0,
                },
                "lastAction": name,
                "lastActionSuccess": succeeded,
                "errorMessage": "" if succeeded else "refused",
                "actionReturn": returned,
            }
        )
        return self.last_event

    def teleport(self, action: Mapping[str, Any]) -> bool:
        """Stand at a point and face a direction: that of what was sought, if the two agree."""
        room, stand, angle = self._room, (float(action["x"]), float(action["z"])), float(action["rotation"])
        sought, heading = self.stage.sought, (math.sin(math.radians(angle)), math.cos(math.radians(angle)))
        known = [room.heading]
        if sought:
            x, _, z = room.spot(sought)
            ahead = (x - stand[0], z - stand[1])
            length = math.hypot(*ahead)
            known = [(ahead[0] / length, ahead[1] / length)] if length else []
        for direction in known:
            if abs((angle - _compass(direction) + 180.0) % 360.0 - 180.0) <= SAME_ANGLE:
                heading = direction
        if sought:
            room.arrive(stand, heading, sought)
        else:
            room.stand, room.heading = stand, heading
        return True


def nearest_points(stage: Stage) -> type:
    """The class of the search tree over the reachable points; of equally near points, the first is returned."""

    class KDTree:
        """Tells the stage what is sought."""

        def __init__(self, points: Iterable[Sequence[float]]) -> None:
            self._points = [(float(x), float(z)) for x, _, z in points]

        def query(self, spot: Sequence[float], k: int) -> tuple[list[float], list[int]]:
            """The ``k`` nearest points: distances and indices."""
            x, z = spot[0], spot[2]
            stage.sought = x.owner if isinstance(x, Coordinate) else ""
            away = [math.hypot(to_x - x, to_z - z) for to_x, to_z in self._points]
            nearest = sorted(range(len(away)), key=away.__getitem__)[:k]
            return [away[index] for index in nearest], nearest

    return KDTree


def _described(room: Room, identifier: str) -> dict[str, Any]:
    thing, (x, y, z) = room.things[identifier], room.spot(identifier)
    number = thing.id.rpartition("_")[2]
    return {
        "objectId": thing.id,
        "objectType": thing.type,
        "name": f"{thing.id.partition('|')[0]}_00c0ffee" + (f"_Slice_{number}" if thing.whole >= 0 else ""),
        "position": {"x": Coordinate(x, thing.id), "y": y, "z": z},
        "rotation": {"y": _front(room, identifier)},
        "distance": room.distance(identifier),
        "visible": room.visible(identifier),
        "receptacle": thing.receptacle,
        "pickupable": thing.pickupable,
        "openable": thing.openable,
        "isOpen": identifier in room.opened,
        "toggleable": thing.toggleable,
        "isToggled": identifier in room.running,
        "sliceable": bool(thing.slices),
        "isSliced": False,
        "dirtyable": False,
        "isDirty": False,
        "receptacleObjectIds": room.contents(identifier) if thing.receptacle else None,
        "parentReceptacles": room.inwards(identifier) or None,
    }


def _front(room: Room, identifier: str) -> float:
    """Degrees. Fridges and microwaves are oriented so that upstream accepts the point nearest to them."""
    thing = room.things[identifier]
    if thing.type not in ("Fridge", "Microwave"):
        return 0.0
    x, _, z = thing.spot
    stand = min(room.household.reachable, key=lambda point: math.hypot(point[0] - x, point[1] - z))
    return _compass((x - stand[0], z - stand[1])) + (90.0 if thing.type == "Fridge" else 0.0)


def _compass(direction: tuple[float, float]) -> float:
    """Degrees clockwise from z."""
    return math.degrees(math.atan2(*direction)) % 360.0


def _on_object(change: Callable[[Room, str], bool]) -> Callable[[StandIn, Mapping[str, Any]], bool]:
    return lambda controller, action: change(controller._room, action["objectId"])


def _toggles(controller: StandIn, action: Mapping[str, Any]) -> bool:
    controller._room.toggle_kinds((entry["objectType"], entry["isOn"]) for entry in action["objectToggles"])
    return True


_ACTIONS: Mapping[str, Callable[[StandIn, Mapping[str, Any]], bool]] = {
    "TeleportFull": StandIn.teleport,
    "SetObjectToggles": _toggles,
    "PickupObject": _on_object(Room.pick_up),
    "PutObject": lambda controller, action: controller._room.put(action["objectId"], action["receptacleObjectId"]),
    "DropHandObject": lambda controller, action: controller._room.drop(),
    "OpenObject": _on_object(lambda room, identifier: room.set_open(identifier, True)),
    "CloseObject": _on_object(lambda room, identifier: room.set_open(identifier, False)),
    "ToggleObjectOn": _on_object(lambda room, identifier: room.set_running(identifier, True)),
    "ToggleObjectOff": _on_object(lambda room, identifier: room.set_running(identifier, False)),
    "SliceObject": _on_object(Room.slice),
}
