"""The state of one episode: where everything is, what is open and on, where the agent stands; and what follows from that.

Geometry is approximate: positions are the recorded ones, but nothing blocks the view, and the view has no pitch (reference figures and
rules are this project's own; see the fidelity rows of the plugin).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Self

from rbsuite_eb_alfred.actions import Command
from rbsuite_eb_alfred.scene import ABSENT, FLOOR, IN_HAND, Household, Point, Thing, opened_at_first

REACH = 1.5
"""How far the agent sees and reaches, in metres along the floor (upstream's VISIBILITY_DISTANCE)."""
HALF_VIEW = math.cos(math.radians(45.0))
"""Cosine of the angle to either side within which it sees."""
EYE_HEIGHT = 0.9
"""Height from which distances are measured, in metres (upstream's agent_height)."""
HAND_DISTANCE = 0.5
"""Distance, in metres, of what is in the hand; a dropped object falls this far in front of the agent."""


class State:
    """What changes in an episode. Indices are those of the household's things.

    Attributes:
        household: the shared start.
        places: for each thing, the receptacle it is directly in, or FLOOR, IN_HAND or ABSENT.
        spots: where each thing is, in metres; for what is in the hand, where it was before.
        open, on: what is open, what is turned on.
        held: what is in the hand, or -1.
        stand: (x, z) of the agent.
        facing: unit vector (x, z) of its view.
        found: what it last went to, or -1.
        found_in: the outermost receptacle that was in at the time, or -1.
        target: what ``put down`` puts on: the object of the last ``find``, as long as only ``put down`` and ``open`` have followed.
        sliced: whether slicing was ever tried; slices are preferred from then on.
        puts: how often a put was tried, by the key of the place.
        heated, cooled, cleaned: what has been heated, cooled or cleaned in the episode.
    """

    __slots__ = (
        "cleaned",
        "cooled",
        "facing",
        "found",
        "found_in",
        "heated",
        "held",
        "household",
        "on",
        "open",
        "places",
        "puts",
        "sliced",
        "spots",
        "stand",
        "target",
    )

    def __init__(self, household: Household) -> None:
        self.household = household
        self.places = [thing.place for thing in household.things]
        self.spots: list[Point] = [thing.spot for thing in household.things]
        self.open: set[int] = set(opened_at_first(household.things))
        self.on: set[int] = set(household.on)
        self.held = -1
        self.stand = household.stand
        angle = math.radians(household.rotation)
        self.facing = (math.sin(angle), math.cos(angle))
        self.found = self.found_in = -1
        self.target: Command | None = None
        self.sliced = False
        self.puts: dict[str, int] = {}
        self.heated: frozenset[int] = frozenset()
        self.cooled: frozenset[int] = frozenset()
        self.cleaned: frozenset[int] = frozenset()

    def fork(self) -> Self:
        """An independent copy."""
        twin = object.__new__(type(self))
        for name in State.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.places = self.places.copy()
        twin.spots = self.spots.copy()
        twin.open = self.open.copy()
        twin.on = self.on.copy()
        twin.puts = self.puts.copy()
        return twin

    def thing(self, index: int) -> Thing:
        """A thing by its index."""
        return self.household.things[index]

    def present(self, index: int) -> bool:
        """Whether the thing exists now."""
        return self.places[index] != ABSENT

    def around(self, index: int) -> Iterator[int]:
        """The receptacles that a thing is in, innermost first; what is in a bowl on a table is in both."""
        place = self.places[index]
        while place >= 0:
            yield place
            place = self.places[place]

    def outermost(self, index: int) -> int:
        """The outermost receptacle that a thing is in, or -1."""
        place = -1
        for receptacle in self.around(index):
            place = receptacle
        return place

    def carried(self, index: int) -> bool:
        """Whether a thing is in the hand, or inside what is in the hand."""
        held = self.held
        return held >= 0 and (index == held or held in self.around(index))

    def shut(self, index: int) -> bool:
        """Whether a thing can be opened and is closed."""
        return index not in self.open and self.household.things[index].openable

    def enclosed(self, index: int) -> bool:
        """Whether a thing is inside something closed."""
        return any(self.shut(receptacle) for receptacle in self.around(index))

    def contents(self, receptacle: int) -> tuple[int, ...] | None:
        """What is in a receptacle, at any depth, in the things' order; ``None`` if it is not a receptacle."""
        if not self.household.things[receptacle].receptacle:
            return None
        return tuple(
            index for index, place in enumerate(self.places) if place >= 0 and receptacle in self.around(index)
        )

    def distance(self, index: int) -> float:
        """Metres from the agent to a thing."""
        if self.carried(index):
            return HAND_DISTANCE
        x, y, z = self.spots[index]
        return math.hypot(x - self.stand[0], y - EYE_HEIGHT, z - self.stand[1])

    def visible(self, index: int) -> bool:
        """Whether the agent sees a thing, and therefore whether it can reach it.

        True if the thing is not in a closed receptacle and is what was last gone to, its receptacle, in that receptacle, or near and ahead.
        """
        if self.places[index] == ABSENT or self.enclosed(index):
            return False
        return self.carried(index) or self._at_hand(index) or self._ahead(index)

    def in_view(self) -> tuple[int, ...]:
        """What the agent sees, in the things' order."""
        return tuple(index for index in range(len(self.places)) if self.visible(index))

    def move(self, index: int, place: int, spot: Point) -> None:
        """Move a thing somewhere, with what is in it."""
        things = self.household.things
        if things[index].receptacle:
            for inside in self.contents(index) or ():
                self.spots[inside] = spot
        self.places[index] = place
        self.spots[index] = spot
        self.held = index if place == IN_HAND else -1 if index == self.held else self.held

    def before(self) -> Point:
        """The spot on the floor in front of the agent."""
        return (
            self.stand[0] + HAND_DISTANCE * self.facing[0],
            0.0,
            self.stand[1] + HAND_DISTANCE * self.facing[1],
        )

    def drop(self) -> None:
        """Let what is in the hand fall to the floor."""
        self.move(self.held, FLOOR, self.before())

    def go_to(self, index: int) -> bool:
        """Stand at the reachable point nearest to a thing, and face it.

        Returns:
            whether there is such a point. The simulator's teleports may fail for other reasons; these do not.
        """
        if not self.household.reachable:
            return False
        # Upstream goes to what is in the hand as to anything else.
        x, _, z = self.before() if self.carried(index) else self.spots[index]
        self.stand = self.household.nearest_stand(x, z)
        ahead = (x - self.stand[0], z - self.stand[1])
        length = math.hypot(*ahead)
        # Directly above or below a thing, upstream's angle is 0.
        self.facing = (ahead[0] / length, ahead[1] / length) if length else (0.0, 1.0)
        self.found, self.found_in = index, self.outermost(index)
        return True

    def _at_hand(self, index: int) -> bool:
        found, found_in = self.found, self.found_in
        if found < 0:
            return False
        if index in (found, found_in) or self.household.things[index].whole == found:
            return True
        return any(receptacle in (found, found_in) for receptacle in self.around(index))

    def _ahead(self, index: int) -> bool:
        x, _, z = self.spots[index]
        dx, dz = x - self.stand[0], z - self.stand[1]
        away = math.hypot(dx, dz)
        return away <= REACH and dx * self.facing[0] + dz * self.facing[1] >= HALF_VIEW * away
