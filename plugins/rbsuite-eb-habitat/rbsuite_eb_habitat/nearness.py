"""What lies within reach of a standpoint.

In the simulator the robot stands next to the place it navigated to, and everything within 2 metres in front of it is within reach of
placing, opening and closing (``robot_at`` of the domain). Positions of the robot are not in the data, but the subgoals of the episodes list
what was within reach at the standpoints of upstream's expert (``standpoint_sets.json``). From these:

- **Placing, opening, closing, and goals about where the robot is:** the place navigated to and its neighbours. Two places are neighbours
  if, of the standpoints that had one of them within reach, at least nine in ten had the other too, whichever of the two is taken first.
  This makes the sink a neighbour of both counters and of both drawers; the tables, the sofa and the TV stand have no neighbours. The
  refrigerator and its push point are the inside and the door of one piece of furniture, so they are neighbours everywhere.
- **Picking** requires 1.5 metres and a narrower angle to the object itself. It reaches everything that lies on the place navigated to (at
  the push point of the refrigerator, what is in it). The simulator also reaches some objects on neighbours, and does not always reach the
  far end of a long counter.

The effect of neighbours compared with the strict rule (the place navigated to and nothing else): at the sink an object can be put on a
counter without another navigation, as upstream's subgoals show. Every reference solution works under the strict rule too.
"""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite_eb_habitat.pack import Standpoints
from rbsuite_eb_habitat.vocab import FRIDGE, PLACE_NUMBER, PLACES, REFRIGERATOR

SHARE = 0.9
"""Share of standpoints that makes two places neighbours."""

Reach = tuple[frozenset[int], ...]
"""For each place, by its number, the numbers of the places within reach there, including itself."""

_ONE_PIECE = frozenset((PLACE_NUMBER[FRIDGE], PLACE_NUMBER[REFRIGERATOR]))


def reach(standpoints: Standpoints) -> Reach:
    """What lies within reach of each place.

    Args:
        standpoints: sets of places within reach together, each with the number of times it was seen; none: the strict rule.
    """
    seen = [_count(standpoints, [place]) for place in PLACES]
    return tuple(
        frozenset(
            other
            for other, name in enumerate(PLACES)
            if other == number
            or {number, other} == _ONE_PIECE
            or _neighbours(_count(standpoints, [place, name]), seen[number], seen[other])
        )
        for number, place in enumerate(PLACES)
    )


def picking_place(place: int) -> int:
    """The place whose objects can be picked up at a place: itself, except that at the refrigerator's push point it is the inside."""
    return PLACE_NUMBER[REFRIGERATOR] if place == PLACE_NUMBER[FRIDGE] else place


def _neighbours(together: int, one: int, other: int) -> bool:
    return together > 0 and together >= SHARE * min(one, other)


def _count(standpoints: Standpoints, places: Sequence[str]) -> int:
    return sum(times for within, times in standpoints if within.issuperset(places))
