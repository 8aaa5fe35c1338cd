"""States made up at random, for the engine's goals and for upstream's simulator alike."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from rbsuite_eb_habitat.goals import Lingering
from rbsuite_eb_habitat.household import NOWHERE, Household
from rbsuite_eb_habitat.vocab import DOORS, PLACE_NUMBER, PLACES, RECEPTACLES

_RECEPTACLES = tuple(PLACE_NUMBER[name] for name in RECEPTACLES)


@dataclass(slots=True)
class Situation:
    """A state; see :class:`rbsuite_eb_habitat.goals.State`. ``place`` is where the robot is, or -1."""

    place: int
    lies: bytearray
    held: int
    open_doors: int
    within: frozenset[int]
    picking: int
    lingering: Lingering = Lingering()


def situations(
    household: Household, wanted: Sequence[tuple[int, int]], rng: random.Random, count: int
) -> list[Situation]:
    """States in which a goal may hold or nearly hold.

    Args:
        household: the episode.
        wanted: (object, place) pairs that the goal speaks of.
        rng: the source of chance.
        count: how many.
    """
    return [_situation(household, wanted, rng) for _ in range(count)]


def _situation(household: Household, wanted: Sequence[tuple[int, int]], rng: random.Random) -> Situation:
    lies = bytearray(household.lies)
    for item in rng.sample(range(len(lies)), rng.randrange(min(5, len(lies)) + 1)):
        lies[item] = rng.choice(_RECEPTACLES)
    share = rng.choice((0.0, 0.3, 1.0))
    for item, place in wanted:
        if rng.random() < share:
            lies[item] = place
    held = rng.randrange(len(lies)) if rng.random() < 0.2 else -1
    if held >= 0:
        lies[held] = NOWHERE
    place = rng.randrange(-1, len(PLACES))
    doors = rng.choice((0, household.open_doors, rng.randrange(1 << len(DOORS))))
    within = household.reach[place] if place >= 0 else frozenset()
    return Situation(place, lies, held, doors, within, household.picking[place] if place >= 0 else -1)
