"""Plans of named actions, built step by step in a world: the moves that make up a household task."""

from __future__ import annotations

from dataclasses import dataclass

from rbsuite_eb_alfred.actions import DROP, PUT_DOWN, Verb, action_name
from rbsuite_eb_alfred.scene import Household
from rbsuite_eb_alfred.world import AlfredWorld


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a plan.

    Attributes:
        index: index of the action.
        name: name of the action.
    """

    index: int
    name: str


class DeadEndError(Exception):
    """A move that cannot be made: there is no such action, or it fails."""


class Draft:
    """A plan in the making. Each step is carried out at once, so that the next one is chosen in the state it is taken in.

    Attributes:
        world: the world after the steps; it belongs to the draft.
        steps: the steps so far.

    Args:
        world: the world to start from, which is left as it is.
    """

    __slots__ = ("steps", "world")

    def __init__(self, world: AlfredWorld) -> None:
        self.world = world.fork()
        self.steps: list[Step] = []

    @property
    def household(self) -> Household:
        """The household at the start."""
        return self.world.household

    @property
    def held(self) -> int:
        """Index of the thing in the hand.

        Raises:
            DeadEndError: the hand is empty.
        """
        if self.world.state.held < 0:
            raise DeadEndError
        return self.world.state.held

    def do(self, verb: Verb, what: str) -> None:
        """Carry out an action.

        Args:
            verb: what to do.
            what: name of what to do it to; empty for what is in the hand.

        Raises:
            DeadEndError: there is no such action, or it fails; then nothing has changed.
        """
        if not self.succeeds(verb, what):
            raise DeadEndError

    def succeeds(self, verb: Verb, what: str) -> bool:
        """Carry out an action if it can be done, and say whether it was."""
        name = {"put": PUT_DOWN, "drop": DROP}.get(verb) or action_name(verb, what)
        index = self.household.indices.get(name)
        if index is None:
            return False
        twin = self.world.fork()
        if not twin.do(index).valid:
            return False
        self.world = twin
        self.steps.append(Step(index, name))
        return True

    def find(self, thing: int) -> None:
        """Go to a thing.

        Raises:
            DeadEndError: it cannot be found under any name.
        """
        self.do("find", find_name(self.household, thing))

    def fetch(self, thing: int, *, via: bool = False, done: int = -1) -> int:
        """Go to a thing, open what it is in if that is closed, and pick it up.

        Args:
            thing: index of the thing; if it was sliced, any slice is taken.
            via: go to what it is in first, even if that is open.
            done: index of the receptacle with the things that are already in place; -1: none.

        Returns:
            index of what is then in the hand; a name may lead to a different thing than the intended one.

        Raises:
            DeadEndError: it cannot be fetched.
        """
        state = self.world.state
        pieces = [piece for piece in (thing, *state.thing(thing).slices) if state.present(piece)]
        here = next((piece for piece in pieces if done not in state.around(piece)), pieces[0])
        if via and not state.enclosed(here) and (outermost := state.outermost(here)) >= 0:
            self.find(outermost)
        self.uncover(here)
        self.find(thing)
        return self.take(thing)

    def uncover(self, thing: int) -> None:
        """Go to what a thing is in and open it, if it is closed.

        Raises:
            DeadEndError: it cannot be opened.
        """
        state = self.world.state
        for holder in [place for place in state.around(thing) if state.shut(place)][::-1]:
            self.find(holder)
            self.do("open", self.household.labels[holder])

    def take(self, thing: int) -> int:
        """Pick up a thing that the agent stands at, and return what was actually picked up.

        Raises:
            DeadEndError: the pick fails.
        """
        self.do("pick", type_name(self.household, thing))
        return self.held

    def take_back(self, thing: int) -> None:
        """Pick up what was just put somewhere, going to it again only if it is not the nearest of its kind.

        Raises:
            DeadEndError: another thing is picked up.
        """
        before, count = self.world, len(self.steps)
        if self.succeeds("pick", type_name(self.household, thing)) and self.held == thing:
            return
        self.world = before
        del self.steps[count:]
        self.find(thing)
        if self.take(thing) != thing:
            raise DeadEndError

    def stow(self, place: int) -> None:
        """Go to a place, open it if it is closed, and put down what is in the hand.

        Raises:
            DeadEndError: it cannot be put there.
        """
        self.find(place)
        if self.world.state.shut(place):
            self.do("open", self.household.labels[place])
        self.do("put", "")


def find_name(household: Household, thing: int) -> str:
    """The name by which a thing is found: its own, that of what it is a slice of, or that of its kind (a basin is found as its sink).

    Raises:
        DeadEndError: no action finds it.
    """
    record = household.things[thing]
    if record.whole >= 0:
        return find_name(household, record.whole)
    for name in (household.labels[thing], record.id.partition("|")[0]):
        if action_name("find", name) in household.indices:
            return name
    raise DeadEndError


def type_name(household: Household, thing: int) -> str:
    """The name by which a thing is picked up, sliced or turned on: the first part of its id."""
    return household.things[thing].id.partition("|")[0]
