"""Reads ALFRED's trajectories: what an expert picked up, put down and turned on, and where things were.

Schema after askforalfred/alfred, f91f4c0c96c7a29f33d0557f86b0a21035379b3b, ``data/json_2.1.0/**/traj_data.json``;
EmbodiedBench's ``ann_<n>.json`` has the same with further fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from rbsuite.errors import DataError
from rbsuite.jsonable import Json

Point = tuple[float, float, float]
"""x, y (up) and z in metres."""

_REMEDY = "Restore the file, or get a fresh copy of the source."
_ID = re.compile(r"[A-Za-z]\w*(\|[+-]?\d{1,4}\.\d{1,4}){3}(\|\w+)?", re.ASCII)
_LISTED = ("location", "objectId", "receptacleObjectId")
_BOXED = ("coordinateObjectId", "coordinateReceptacleObjectId")


@dataclass(frozen=True, slots=True)
class Box:
    """A type and the position of a thing of that type."""

    type: str
    position: Point


@dataclass(frozen=True, slots=True)
class PickUp:
    """The first time that an expert picks up a thing.

    Attributes:
        id: the thing's id, which says where it was at the start.
        thing: its type and position.
        receptacle: where it was taken from.
    """

    id: str
    thing: Box
    receptacle: Box


@dataclass(frozen=True, slots=True)
class Trajectory:
    """The parts of a trajectory that are used.

    Attributes:
        trial: its name, ``trial_T<date>_<time>_<number>``: when it was recorded.
        scene: number of the scene.
        pick_ups: first pick-ups of things that were in or on something.
        filled: ids of the receptacles that something was put into.
        turned_on: ids of what was turned on.
    """

    trial: str
    scene: int
    pick_ups: tuple[PickUp, ...]
    filled: tuple[str, ...]
    turned_on: tuple[str, ...]


def read_trajectory(value: Any, trial: str, file: str) -> Trajectory:
    """Extract the parts that are used from a trajectory's JSON value.

    Args:
        value: the value.
        trial: the trial's name.
        file: its name in messages.

    Raises:
        DataError: it is malformed.
    """
    record = Record(value, file)
    plan = record.record("plan")
    low = [step.record("api_action") for step in plan.records("low_actions")]
    return Trajectory(
        trial=trial,
        scene=record.record("scene").number("scene_num"),
        pick_ups=tuple(first_pick_ups(plan)),
        filled=tuple(step.object_id("receptacleObjectId") for step in low if step.value.get("action") == "PutObject"),
        turned_on=tuple(step.object_id("objectId") for step in low if step.value.get("action") == "ToggleObjectOn"),
    )


def first_pick_ups(plan: Record) -> Iterator[PickUp]:
    """The pick-ups of a plan that tell where a thing was at the start.

    A thing that was picked up or put down before has moved, while its id and its box still say where it was at first.
    """
    moved: set[str] = set()
    for step in plan.records("high_pddl"):
        action = step.record("planner_action")
        kind = action.value.get("action")
        if kind not in ("PickupObject", "PutObject"):
            continue
        name = action.object_id("objectId")
        if kind == "PickupObject" and name not in moved and _BOXED[1] in action.value:
            yield PickUp(name, action.box(_BOXED[0]), action.box(_BOXED[1]))
        moved.add(name)


def read_plan(plan: Record) -> list[Json]:
    """The steps of a plan in the form a pack has: without masks, with boxes as [type, position to three places]."""
    return [dict(_step(step)) for step in plan.records("high_pddl")]


def _step(step: Record) -> Iterator[tuple[str, Json]]:
    action = step.record("planner_action")
    yield "action", action.text("action")
    yield "args", step.record("discrete_action").texts("args")
    for field in _LISTED:
        if field in action.value:
            yield field, action.text(field)
    for field in _BOXED:
        if field in action.value:
            box = action.box(field)
            yield field, [box.type, rounded(box.position, 3)]


def rounded(position: Point, places: int) -> list[float]:
    """A position as a list, rounded."""
    return [round(axis, places) for axis in position]


def is_id(text: str) -> bool:
    """Whether a text has the form of an object's id: ``Type|x|y|z``, or ``Sink|x|y|z|SinkBasin`` for a part."""
    return bool(_ID.fullmatch(text))


class Record:
    """A JSON object whose fields are checked as they are read.

    Args:
        value: the object.
        where: its name in messages.

    Raises:
        DataError: it is not an object; or, from any method, a field is missing or malformed.
    """

    __slots__ = ("_where", "value")

    def __init__(self, value: Any, where: str) -> None:
        self._where = where
        if not isinstance(value, dict):
            self.refuse("it is not an object")
        self.value: Mapping[str, Any] = value

    def record(self, field: str) -> Record:
        """A field that is an object."""
        return Record(self.value.get(field), f"{self._where}: {field}")

    def records(self, field: str) -> Iterator[Record]:
        """The objects of a field that is a list of them."""
        for index, item in enumerate(self.items(field)):
            yield Record(item, f"{self._where}: {field} {index}")

    def items(self, field: str) -> Sequence[Any]:
        """A field that is a list."""
        value = self.value.get(field)
        return value if isinstance(value, list) else self.refuse(f"{field} is not a list")

    def texts(self, field: str) -> list[str]:
        """A field that is a list of texts."""
        items = self.items(field)
        if not all(isinstance(item, str) for item in items):
            self.refuse(f"{field} is not a list of strings")
        return list(items)

    def text(self, field: str) -> str:
        """A field that is text."""
        value = self.value.get(field)
        return value if isinstance(value, str) else self.refuse(f"{field} is not text")

    def object_id(self, field: str) -> str:
        """A field that is the id of an object, which contains its position."""
        value = self.text(field)
        return value if is_id(value) else self.refuse(f"{field} is not the id of an object: {value!r}")

    def number(self, field: str) -> int:
        """A field that is a whole number."""
        value = self.value.get(field)
        return value if type(value) is int else self.refuse(f"{field} is not a whole number")

    def flag(self, field: str) -> bool:
        """A field that is true or false."""
        value = self.value.get(field)
        return value if isinstance(value, bool) else self.refuse(f"{field} is neither true nor false")

    def point(self, field: str) -> Point:
        """A field that is an object of x, y and z."""
        axes = self.record(field).value
        return self._point(field, (axes.get("x"), axes.get("y"), axes.get("z")))

    def box(self, field: str) -> Box:
        """A field that is [type, [x, x, z, z, y, y]], the lengths in quarters of a metre."""
        match self.value.get(field):
            case [str() as kind, [x, _, z, _, y, _]]:
                far = self._point(field, (x, y, z))
                return Box(kind, (far[0] / 4, far[1] / 4, far[2] / 4))
        self.refuse(f"{field} is not a type with a box")

    def refuse(self, what: str) -> NoReturn:
        """Raise the error about this object."""
        raise DataError(f"{self._where}: {what}.", _REMEDY)

    def _point(self, field: str, axes: tuple[Any, Any, Any]) -> Point:
        if not all(isinstance(axis, int | float) and not isinstance(axis, bool) for axis in axes):
            self.refuse(f"{field} is not a position")
        return axes
