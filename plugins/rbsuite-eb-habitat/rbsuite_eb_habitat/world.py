"""EB-Habitat's household as a state machine.

Preconditions and effects follow ``config/task/pddl_domain_replica_cad.yaml`` and ``actions.py``, the texts
``EBHabEnv.get_env_feedback``, progress ``measures.py`` (EmbodiedBench/EmbodiedBench, b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04,
embodiedbench/envs/eb_habitat); what is near follows :mod:`rbsuite_eb_habitat.nearness`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Self

from rbsuite.trajectory import Image
from rbsuite_eb_habitat.actions import ACTION_NAMES, ACTIONS, INDICES
from rbsuite_eb_habitat.goals import Lingering
from rbsuite_eb_habitat.household import NOWHERE, Household
from rbsuite_eb_habitat.vocab import (
    CABINETS,
    CATEGORIES,
    DOORS,
    DRAWERS,
    FRIDGE,
    NAMES,
    PLACE_NUMBER,
    PLACES,
    REFRIGERATOR,
)
from rbsuite_embodied.world import Achieved, Outcome

_DONE = "Last action executed successfully"
_FAILED = "Last action is invalid."
_AGAIN = "or the robot is not near the receptacle."

NAVIGATED = Outcome(f"{_DONE}.", True)
PICKED = tuple(Outcome(f"{_DONE} and you are holding {category}.", True) for category in CATEGORIES)
PLACED = Outcome(f"{_DONE} and you are holding nothing.", True)
HAND_FULL = Outcome(
    f"{_FAILED} Robot cannot pick any object when holding something. Please place the object before picking something.",
    False,
)
NOTHING_TO_PICK = Outcome(
    f"{_FAILED} Robot cannot pick any object that is not near the robot. Navigate to other place to find the object.",
    False,
)
PLACE_NOT_NEAR = Outcome(
    f"{_FAILED} Robot cannot place any object that is not near the robot. Navigate to other place to find the object.",
    False,
)
HAND_EMPTY = Outcome(
    f"{_FAILED} Robot cannot place any object when not holding something. Please pick the object before place it.",
    False,
)
# Upstream takes the second part of ``cab_push_point_7`` for the cabinet's name, so every cabinet is called "push".
_DOOR_TEXTS = tuple("refrigerator" if door == FRIDGE else "cabinet push" for door in DOORS)
OPENED = tuple(Outcome(f"{_DONE} and now {door} is open.", True) for door in _DOOR_TEXTS)
CLOSED = tuple(Outcome(f"{_DONE} and now {door} is closed.", True) for door in _DOOR_TEXTS)
NOT_OPENED = Outcome(f"{_FAILED} Check whether the receptacle is already open {_AGAIN}", False)
NOT_CLOSED = Outcome(f"{_FAILED} Check whether the receptacle is already closed {_AGAIN}", False)

_NOTHING = Lingering()
_FREE = Lingering(free=True)
_OPENED = tuple(Lingering(opened=1 << door) for door in range(len(DOORS)))
_CLOSED = tuple(Lingering(closed=1 << door) for door in range(len(DOORS)))

_DOOR_PLACES = tuple(PLACE_NUMBER[door] for door in DOORS)
_HIDDEN = frozenset(PLACE_NUMBER[drawer] for drawer in DRAWERS)
_INSIDE = PLACE_NUMBER[REFRIGERATOR]
_FRIDGE_BIT = 1 << DOORS.index(FRIDGE)


class HabitatWorld:
    """One episode in progress; implements :class:`rbsuite_embodied.world.World`.

    Args:
        household: the episode; shared.
    """

    __slots__ = (
        *("_achieved", "_household", "_met", "_place"),
        *("held", "lies", "lingering", "open_doors", "picking", "within"),
    )

    images: tuple[Image, ...] = ()

    def __init__(self, household: Household) -> None:
        self._household = household
        self._place = -1
        self.held = -1
        self.lies = bytearray(household.lies)
        self.open_doors = household.open_doors
        self.within: frozenset[int] = frozenset()
        self.picking = -1
        self.lingering = _NOTHING
        self._met = 0
        self._achieved = Achieved(False, 0.0)
        self._look_at_goal()

    @property
    def names(self) -> tuple[str, ...]:
        """The 70 named actions."""
        return ACTION_NAMES

    @property
    def indices(self) -> Mapping[str, int]:
        """The index of each name."""
        return INDICES

    @property
    def achieved(self) -> Achieved:
        """Whether the goal holds, and the share of subgoals that have been met at some point; all of them on success."""
        return self._achieved

    def do(self, index: int) -> Outcome:
        """Carry out a named action, by its index."""
        lingered = self.lingering is not _NOTHING
        self.lingering = _NOTHING
        kind, target = _MEANINGS[index]
        if kind == "navigate":
            outcome = self._navigate(target)
        elif kind == "pick":
            outcome = self._pick(target)
        elif kind == "place":
            outcome = self._put(target)
        elif kind == "open":
            outcome = self._open(target)
        else:
            outcome = self._close(target)
        if outcome.valid or lingered:
            self._look_at_goal()
        return outcome

    def visible(self) -> tuple[str, ...]:
        """The place that the robot is at, what lies there, the doors within reach, and what is in the hand.

        That is what a camera at the standpoint shows, by name: nothing before the first navigation, nothing at other places, nothing that
        lies in a drawer or behind the closed door of the refrigerator. If two objects have the same category, its name appears twice. Names
        do not tell which of several objects is meant, nor its colour.
        """
        return tuple(self._in_view())

    def refuse(self) -> None:
        """Replies that name no action leave no trace."""

    def fork(self) -> Self:
        """An independent copy in the same state."""
        twin = object.__new__(type(self))
        twin._household, twin._place = self._household, self._place
        twin._met, twin._achieved = self._met, self._achieved
        twin.held, twin.open_doors, twin.within, twin.picking = self.held, self.open_doors, self.within, self.picking
        twin.lies, twin.lingering = self.lies.copy(), self.lingering
        return twin

    def close(self) -> None:
        """There is nothing to release."""

    def _navigate(self, place: int) -> Outcome:
        self._place = place
        self.within = self._household.reach[place]
        self.picking = self._household.picking[place]
        return NAVIGATED

    def _pick(self, category: int) -> Outcome:
        if self.held >= 0:
            return HAND_FULL
        for item in self._household.listed[category]:
            if self.lies[item] == self.picking:
                self.held = item
                self.lies[item] = NOWHERE
                self.lingering = _FREE
                return PICKED[category]
        return NOTHING_TO_PICK

    def _put(self, place: int) -> Outcome:
        if self.held < 0:
            return HAND_EMPTY
        if place not in self.within:
            return PLACE_NOT_NEAR
        self.lies[self.held] = place
        self.lingering = Lingering(held=self.held)
        self.held = -1
        return PLACED

    def _open(self, door: int) -> Outcome:
        if self.open_doors & 1 << door or _DOOR_PLACES[door] not in self.within:
            return NOT_OPENED
        self.open_doors |= 1 << door
        self.lingering = _CLOSED[door]
        return OPENED[door]

    def _close(self, door: int) -> Outcome:
        if not self.open_doors & 1 << door or _DOOR_PLACES[door] not in self.within:
            return NOT_CLOSED
        self.open_doors &= ~(1 << door)
        self.lingering = _OPENED[door]
        return CLOSED[door]

    def _look_at_goal(self) -> None:
        subgoals = self._household.subgoals
        met = self._met
        for number, holds in enumerate(subgoals):
            if not met & 1 << number and holds(self):
                met |= 1 << number
        success = self._household.solved(self)
        if met != self._met or success != self._achieved.success:
            self._met = met
            progress = 1.0 if success else met.bit_count() / len(subgoals) if subgoals else 0.0
            self._achieved = Achieved(success, progress)

    def _in_view(self) -> Iterator[str]:
        if self._place < 0:
            return
        yield NAMES[PLACES[self._place]]
        if self.picking not in _HIDDEN and (self.picking != _INSIDE or self.open_doors & _FRIDGE_BIT):
            categories = self._household.categories
            yield from (CATEGORIES[categories[item]] for item, on in enumerate(self.lies) if on == self.picking)
        for door, place in enumerate(_DOOR_PLACES):
            if place in self.within:
                name = "refrigerator" if DOORS[door] == FRIDGE else NAMES[CABINETS[door - 1]]
                yield f"{name} ({'open' if self.open_doors & 1 << door else 'closed'})"
        if self.held >= 0:
            yield f"{CATEGORIES[self._household.categories[self.held]]} (in hand)"


_MEANINGS = tuple((action.kind, action.target) for action in ACTIONS)
