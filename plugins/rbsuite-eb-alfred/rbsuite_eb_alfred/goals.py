"""The goal conditions of ALFRED's seven task types.

Follows ``env/tasks.py`` (EmbodiedBench/EmbodiedBench, b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04, from askforalfred/alfred) with its quirk:
a name refers to the objects whose id contains it, so that a Knife may be a ButterKnife and a Pot a Potato.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rbsuite.errors import DataError
from rbsuite_eb_alfred.scene import Household, Thing
from rbsuite_eb_alfred.state import State

SLICED = "Sliced"


@dataclass(frozen=True, slots=True)
class Goal:
    """What a trial asks for.

    Attributes:
        task_type: one of :data:`TASK_TYPES`.
        objects: indices of the objects that count, slices included.
        receptacles: indices of the receptacles that they belong in.
        carriers: indices of the movable receptacles that they belong in first.
        lights: indices of the lamps to look at them under.
        sliced: whether slices are asked for.
        total: the number of conditions.
    """

    task_type: str
    objects: tuple[int, ...]
    receptacles: frozenset[int]
    carriers: tuple[int, ...]
    lights: tuple[int, ...]
    sliced: bool
    total: int

    def met(self, state: State) -> int:
        """How many of the conditions hold."""
        present = [index for index in self.objects if state.present(index)]
        points = _CONDITIONS[self.task_type][1](self, state, present)
        if self.sliced:
            most = 2 if self.task_type == _TWO else 1
            points += min(most, sum(state.thing(index).whole >= 0 for index in present))
        return points


def build_goal(asked: Mapping[str, Any], household: Household) -> Goal:
    """The goal of a trial.

    Args:
        asked: ``task_type`` and ``pddl_params``, as in an entry of ``trials.json``.
        household: the trial's household.

    Raises:
        DataError: the trial's type is unknown.
    """
    task_type, params = asked["task_type"], asked["pddl_params"]
    if task_type not in _CONDITIONS:
        raise DataError(f"EB-ALFRED data: unknown task type {task_type!r}.", f"Known: {', '.join(TASK_TYPES)}.")
    # An empty name would be part of every id.
    movable, light = params["mrecep_target"] or "", params["toggle_target"] or ""
    wanted = str(params["object_target"]) + (SLICED if params["object_sliced"] else "")
    sliced = SLICED in wanted
    total = _CONDITIONS[task_type][0]
    return Goal(
        task_type=task_type,
        objects=_named(household, wanted, lambda thing: thing.pickupable),
        receptacles=frozenset(_named(household, params["parent_target"] or "", lambda thing: thing.receptacle)),
        carriers=_named(household, movable, lambda thing: thing.pickupable) if movable else (),
        lights=_named(household, light, lambda thing: thing.toggleable) if light else (),
        sliced=sliced,
        total=total + ((2 if task_type == _TWO else 1) if sliced else 0),
    )


def _named(household: Household, name: str, has: Callable[[Thing], bool]) -> tuple[int, ...]:
    return tuple(thing.index for thing in household.things if name in thing.id and has(thing))


def _within(goal: Goal, state: State, index: int) -> bool:
    return any(receptacle in goal.receptacles for receptacle in state.around(index))


def _one_placed(goal: Goal, state: State, present: list[int]) -> int:
    return int(any(_within(goal, state, index) for index in present))


def _two_placed(goal: Goal, state: State, present: list[int]) -> int:
    counts: dict[int, int] = {}
    for index in present:
        for receptacle in state.around(index):
            counts[receptacle] = counts.get(receptacle, 0) + 1
    return min(2, max((counts.get(receptacle, 0) for receptacle in goal.receptacles), default=0))


def _looked_at(goal: Goal, state: State, present: list[int]) -> int:
    lit = any(light in state.on and state.visible(light) for light in goal.lights)
    return int(state.held in present) + int(lit)


def _treated(goal: Goal, state: State, present: list[int], done: frozenset[int]) -> int:
    placed = {index for index in present if _within(goal, state, index)}
    treated = {index for index in present if index in done}
    return bool(placed) + bool(treated) + bool(placed & treated)


def _carried(goal: Goal, state: State, present: list[int]) -> int:
    loaded = {index for index in goal.carriers if any(index in state.around(inside) for inside in present)}
    brought = {index for index in goal.carriers if state.present(index) and _within(goal, state, index)}
    return bool(loaded) + bool(brought) + bool(loaded & brought)


_TWO = "pick_two_obj_and_place"
_CONDITIONS: Mapping[str, tuple[int, Callable[[Goal, State, list[int]], int]]] = {
    "pick_and_place_simple": (1, _one_placed),
    _TWO: (2, _two_placed),
    "look_at_obj_in_light": (2, _looked_at),
    "pick_heat_then_place_in_recep": (3, lambda goal, state, present: _treated(goal, state, present, state.heated)),
    "pick_cool_then_place_in_recep": (3, lambda goal, state, present: _treated(goal, state, present, state.cooled)),
    "pick_clean_then_place_in_recep": (3, lambda goal, state, present: _treated(goal, state, present, state.cleaned)),
    "pick_and_place_with_movable_recep": (3, _carried),
}

TASK_TYPES: tuple[str, ...] = tuple(_CONDITIONS)
"""ALFRED's task types."""
