"""The physics below upstream's code: where things are, what is in view, what the simulator does and refuses.

Written independently of :mod:`rbsuite_eb_alfred.state`, over ids instead of indices, and without its shortcuts; what the two share is the
start (the household) and the rules, which are the project's own and are listed in the plugin's fidelity rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from rbsuite_eb_alfred.scene import ABSENT, Household, Point
from rbsuite_eb_alfred.vocabulary import OPEN_AT_FIRST

SIGHT = 1.5
HALF_ANGLE = 45.0
EYE = 0.9
ARM = 0.5
"""Distance, in metres, of what is in the hand; it is in front of the agent, and falls there."""


class Room:
    """A household as a simulator has it.

    Attributes:
        holds: for each existing thing, the id of what it is directly in; ``""``: nothing.
        spots: where each thing is, in metres; for what is held, and what is in it, :meth:`hand`.
        opened, running: ids of what is open, what is on.
        held: id of what is in the hand, or ``""``.
        stand, heading: (x, z) of the agent, in metres; unit vector of its view.

    Args:
        household: the start.
    """

    def __init__(self, household: Household) -> None:
        self.things = {thing.id: thing for thing in household.things}
        self.household = household
        present = [thing for thing in household.things if thing.place != ABSENT]
        ids = [thing.id for thing in household.things]
        self.holds = {thing.id: ids[thing.place] if thing.place >= 0 else "" for thing in present}
        self.spots: dict[str, Point] = {thing.id: thing.spot for thing in present}
        self.opened = {thing.id for thing in present if thing.type in OPEN_AT_FIRST}
        self.running: set[str] = set()
        self.held = ""
        self.stand = (0.0, 0.0)
        self.heading = (0.0, 1.0)
        self._visited = self._visited_in = ""

    def inwards(self, identifier: str) -> list[str]:
        """What a thing is in, outermost first."""
        found: list[str] = []
        while identifier := self.holds[identifier]:
            found.insert(0, identifier)
        return found

    def contents(self, identifier: str) -> list[str]:
        """What is in a thing at any depth, in the household's order."""
        return [inner for inner in self.things if inner in self.holds and identifier in self.inwards(inner)]

    def closed(self, identifier: str) -> bool:
        """Whether a thing is closed."""
        return self.things[identifier].openable and identifier not in self.opened

    def in_hand(self, identifier: str) -> bool:
        """Whether a thing is held, or is inside a held thing."""
        return bool(self.held) and self.held in (identifier, *self.inwards(identifier))

    def hand(self) -> Point:
        """Where the hand is."""
        return (self.stand[0] + ARM * self.heading[0], 0.0, self.stand[1] + ARM * self.heading[1])

    def spot(self, identifier: str) -> Point:
        """Where a thing is."""
        return self.hand() if self.in_hand(identifier) else self.spots[identifier]

    def distance(self, identifier: str) -> float:
        """Metres from the agent to a thing."""
        x, y, z = self.spots[identifier]
        return ARM if self.in_hand(identifier) else math.hypot(x - self.stand[0], y - EYE, z - self.stand[1])

    def visible(self, identifier: str) -> bool:
        """Whether a thing is in view, and therefore within reach."""
        if any(self.closed(outer) for outer in self.inwards(identifier)):
            return False
        return self.in_hand(identifier) or self._beside(identifier) or self._ahead(identifier)

    def _beside(self, identifier: str) -> bool:
        """Whether a thing is what was last gone to, one of its slices, what that was in, or inside either."""
        here = {self._visited, self._visited_in} - {""}
        thing = self.things[identifier]
        whole = self.household.things[thing.whole].id if thing.whole >= 0 else ""
        return bool(here & {identifier, *self.inwards(identifier)}) or (bool(whole) and whole == self._visited)

    def _ahead(self, identifier: str) -> bool:
        x, _, z = self.spots[identifier]
        ahead = (x - self.stand[0], z - self.stand[1])
        away = math.hypot(*ahead)
        along = ahead[0] * self.heading[0] + ahead[1] * self.heading[1]
        return away <= SIGHT and along >= math.cos(math.radians(HALF_ANGLE)) * away

    def arrive(self, stand: tuple[float, float], heading: tuple[float, float], visited: str) -> None:
        """Stand somewhere, in front of a thing that was gone to."""
        inwards = self.inwards(visited)
        self.stand, self.heading = stand, heading
        self._visited, self._visited_in = visited, inwards[0] if inwards else ""

    def pick_up(self, identifier: str) -> bool:
        """Take a thing into the hand."""
        if self.held or not self.things[identifier].pickupable or not self.visible(identifier):
            return False
        self.held, self.holds[identifier] = identifier, ""
        return True

    def put(self, held: str, receptacle: str) -> bool:
        """Put what is held into a receptacle: one in view, open, and not itself in the hand."""
        thing = self.things[receptacle]
        if not self.held or held != self.held or not thing.receptacle:
            return False
        if self.closed(receptacle) or self.in_hand(receptacle) or not self.visible(receptacle):
            return False
        self._lay(receptacle, self.spots[receptacle])
        return True

    def drop(self) -> bool:
        """Let what is held fall to the floor."""
        if not self.held:
            return False
        self._lay("", self.hand())
        return True

    def _lay(self, receptacle: str, spot: Point) -> None:
        for identifier in (self.held, *self.contents(self.held)):
            self.spots[identifier] = spot
        self.holds[self.held], self.held = receptacle, ""

    def set_open(self, identifier: str, to_open: bool) -> bool:
        """Open or close a thing; what is on stays closed."""
        if not self.things[identifier].openable or not self.visible(identifier):
            return False
        if to_open == (identifier in self.opened) or (to_open and identifier in self.running):
            return False
        (self.opened.add if to_open else self.opened.discard)(identifier)
        return True

    def set_running(self, identifier: str, to_run: bool) -> bool:
        """Turn a thing on or off; what is open stays off."""
        if not self.things[identifier].toggleable or not self.visible(identifier):
            return False
        if to_run == (identifier in self.running) or (to_run and identifier in self.opened):
            return False
        (self.running.add if to_run else self.running.discard)(identifier)
        return True

    def toggle_kinds(self, toggles: Iterable[tuple[str, bool]]) -> None:
        """Turn all things of a type on or off, wherever the agent is."""
        for kind, to_run in toggles:
            ids = {thing.id for thing in self.things.values() if thing.type == kind and thing.toggleable}
            self.running = self.running | ids if to_run else self.running - ids

    def slice(self, identifier: str) -> bool:
        """Put slices in the place of a whole."""
        whole = self.things[identifier]
        if not whole.slices or self.in_hand(identifier) or not self.visible(identifier):
            return False
        for piece in [thing for thing in self.things.values() if thing.whole == whole.index]:
            self.holds[piece.id], self.spots[piece.id] = self.holds[identifier], self.spots[identifier]
        del self.holds[identifier], self.spots[identifier]
        return True
