"""Seeded random actions: those that make sense at the moment, steps of the reference plan, and arbitrary ones."""

from __future__ import annotations

import random
from collections.abc import Sequence

from rbsuite_eb_alfred.actions import DROP, PUT_DOWN
from rbsuite_eb_alfred.scene import Thing
from rbsuite_eb_alfred.world import AlfredWorld

ANY = 0.12
PLAN = 0.2
WANTED = 0.3
"""Shares: of actions drawn from all, of steps of the plan and, among things gone to, of those that the goal is about."""
ERRAND = 0.06
"""Share of actions that start a script."""
_SCRIPTS = (
    "find a {G}; pick up the {G}; find a {P}; open the {P}; put down the object in hand",
    "find a {X}; slice the {X}; find a {X}; pick up the {X}",
    "find a {X}; pick up the {X}; find a Sink; put down the object in hand; find a Faucet; turn off the Faucet; turn on the Faucet; "
    "find a {X}; slice the {X}",
    "find a Microwave; turn off the Microwave; open the Microwave; find a {X}; pick up the {X}; find a Microwave; "
    "put down the object in hand; close the Microwave; turn on the Microwave; turn off the Microwave; open the Microwave; find a {X}; "
    "slice the {X}; find a {X}; pick up the {X}",
    "find a Fridge; open the Fridge; find a {X}; pick up the {X}; find a Fridge; put down the object in hand; close the Fridge; "
    "open the Fridge; find a {X}; slice the {X}",
    "find a {V}; pick up the {V}; find a {R}; open the {R}; put down the object in hand; find a {X}; pick up the {X}; find a {V}; "
    "put down the object in hand; find a {V}; pick up the {V}; find a {R}; put down the object in hand",
    "find a {R}; close the {R}; find a {X}; pick up the {X}; find a {R}; put down the object in hand; put down the object in hand; "
    "put down the object in hand; put down the object in hand",
    "find a {X}; pick up the {X}; find a {X}; find a {R}; drop the object in hand; find a {X}; find a {R}; pick up the {X}",
)
"""What random actions rarely do in a row: X stands for an object, V for a movable receptacle, R for a receptacle of the scene, G and P for
an object and a receptacle that the goal is about."""
_ON_WHAT_IS_FOUND = (
    "pick up the {}",
    "open the {}",
    "close the {}",
    "turn on the {}",
    "turn off the {}",
    "slice the {}",
)


class Walk:
    """Actions for one world.

    Args:
        world: the world, which is changed by others; the walk only reads it.
        plan: indices of the actions that reach the goal.
        seed: seed of all choices.
    """

    def __init__(self, world: AlfredWorld, plan: Sequence[int], seed: int) -> None:
        self._rng = random.Random(seed)
        self._world = world
        self._plan = plan
        self._position = 0
        self._found = ""
        self._script: list[int] = []

    def next(self) -> int:
        """The index of the next action."""
        world, rng = self._world, self._rng
        choice = rng.random()
        if not self._script and rng.random() < ERRAND:
            self._script = self._errand()
        if self._script and choice >= ANY:
            index = self._script.pop(0)
        elif choice < ANY or not self._found:
            index = self._go() if not self._found else rng.randrange(len(world.names))
        elif choice < ANY + PLAN and self._plan:
            index = self._plan[self._position % len(self._plan)]
            self._position += 1
        else:
            index = self._sensible()
        name = world.names[index]
        if name.startswith("find "):
            self._found = name.rpartition(" ")[2]
        return index

    def _sensible(self) -> int:
        rng, indices = self._rng, self._world.household.indices
        if self._world.state.held >= 0 and rng.random() < 0.4:
            return indices[DROP if rng.random() < 0.08 else PUT_DOWN]
        if rng.random() < 0.35:
            return self._go()
        # Instances are opened and closed by name, everything else by type.
        names = [form.format(name) for form in _ON_WHAT_IS_FOUND for name in {self._found, self._found.split("_")[0]}]
        possible = sorted(indices[name] for name in names if name in indices)
        return rng.choice(possible) if possible else self._go()

    def _errand(self) -> list[int]:
        household, rng = self._world.household, self._rng
        things, goal = household.things, self._world.goal
        groups = {
            "X": [thing for thing in things if thing.slices] if rng.random() < 0.6 else _some(things, "pickupable"),
            "V": [thing for thing in _some(things, "pickupable") if thing.receptacle],
            "R": [thing for thing in _some(things, "receptacle") if not thing.pickupable],
            "G": [things[index] for index in goal.objects if things[index].whole < 0],
            "P": [things[index] for index in goal.receptacles],
        }
        chosen = {name: household.labels[rng.choice(group or things).index] for name, group in groups.items()}
        plain = {name: label.partition("_")[0] for name, label in chosen.items()}
        steps = rng.choice(_SCRIPTS).split("; ")
        # Things are picked up, sliced and turned on by type.
        names = [step.format(**(chosen if step.split()[0] in ("find", "open", "close") else plain)) for step in steps]
        return [household.indices[name] for name in names if name in household.indices]

    def _go(self) -> int:
        world, rng = self._world, self._rng
        goal, household = world.goal, world.household
        wanted = [*goal.objects, *goal.receptacles, *goal.carriers, *goal.lights]
        things = wanted if wanted and rng.random() < WANTED else range(len(household.things))
        name = f"find a {household.labels[rng.choice(things)].removesuffix('Sliced')}"
        return household.indices.get(name, rng.randrange(len(world.names)))


def _some(things: Sequence[Thing], what: str) -> list[Thing]:
    return [thing for thing in things if thing.whole < 0 and getattr(thing, what)]


def noisy(plan: Sequence[int], count: int, share: float, rng: random.Random) -> list[int]:
    """A plan in which some steps are replaced or preceded by random ones of ``count`` actions, followed by more of these.

    Args:
        plan: indices of actions.
        count: the number of actions.
        share: share of the steps that are affected.
        rng: makes the choices.
    """
    actions: list[int] = []
    for index in plan:
        touched, kept = rng.random() < share, rng.random() < 0.5
        actions += [rng.randrange(count)] * touched + [index] * (kept or not touched)
    return actions + rng.choices(range(count), k=40)
