"""What can be got wrong in a plan: for each skill the steps that one who lacks it leaves out or replaces.

These are candidates. Which of them make a task fail is found out by trying them in the world.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from rbsuite.trajectory import Action
from rbsuite_eb_alfred import skills
from rbsuite_eb_alfred.actions import DROP, Verb
from rbsuite_eb_alfred.plans import Part, Step
from rbsuite_eb_alfred.scene import Household

Edits: TypeAlias = Mapping[int, tuple[Action, ...]]
"""What is done in place of which step."""

_ENTERED: tuple[Part, ...] = ("place", "heat", "cool")


def as_action(index: int, name: str) -> Action:
    """The choice of a named action."""
    return Action("choice", index=index, text=name)


class Script:
    """A plan to look for mistakes in.

    Args:
        steps: the plan.
        household: what its names mean.
    """

    def __init__(self, steps: Sequence[Step], household: Household) -> None:
        self.steps = steps
        self._indices = household.indices

    def at(self, *parts: Part, verbs: Sequence[Verb] = (), turn: int | None = None) -> list[int]:
        """Positions of the steps of these parts; of these verbs alone, if any are given, and of this turn, if one is."""
        return [
            position
            for position, step in enumerate(self.steps)
            if step.part in parts and (not verbs or step.verb in verbs) and turn in (None, step.turn)
        ]

    def without(self, positions: Sequence[int]) -> Iterator[Edits]:
        """The plan without these steps; nothing where there are none."""
        if positions:
            yield dict.fromkeys(positions, ())

    def named(self, name: str) -> Action:
        """The action of this name."""
        return as_action(self._indices[name], name)


def mistakes(script: Script) -> Iterator[tuple[str, Edits]]:
    """For each skill that the plan calls for the ways to get it wrong, the plainest first."""
    for skill, ways in _WAYS.items():
        for edits in ways(script):
            yield skill, edits


def _unfound(script: Script) -> Iterator[Edits]:
    """The agent does not go to what it picks up."""
    for position in script.at("fetch", "tool", verbs=("find",)):
        yield {position: ()}
    yield from script.without(script.at("holder", "fetch", verbs=("find",)))


def _dropped(script: Script) -> Iterator[Edits]:
    """The agent does not go to where it puts the object."""
    for turn in (1, 0):
        yield from script.without(script.at("place", verbs=("find", "open"), turn=turn))


def _grabbed(script: Script) -> Iterator[Edits]:
    """What the object lies in is not opened."""
    for position in script.at("holder", verbs=("open",)):
        yield {position: ()}


def _shut(script: Script) -> Iterator[Edits]:
    """The place, or what heats or cools, is not opened before something is put in."""
    for part in _ENTERED:
        yield from script.without(script.at(part, verbs=("open",))[:1])


def _door_open(part: Part) -> Callable[[Script], Iterator[Edits]]:
    """The door is not closed with the object inside, and so need not be opened again."""

    def edits(script: Script) -> Iterator[Edits]:
        closing = script.at(part, verbs=("close",))
        reopening = [position for position in script.at(part, verbs=("open",)) if closing and position > closing[0]]
        yield from script.without([*closing, *reopening])

    return edits


def _rinsed_in_hand(script: Script) -> Iterator[Edits]:
    """The object stays in the hand while the water runs."""
    yield from script.without(script.at("rinse", verbs=("put", "pick")))


def _whole(script: Script) -> Iterator[Edits]:
    """Nothing is sliced."""
    yield from script.without(script.at("tool", "cut", "aside"))


def _knife_in_hand(script: Script) -> Iterator[Edits]:
    """The knife is not laid aside."""
    yield from script.without(script.at("aside"))


def _one_alone(script: Script) -> Iterator[Edits]:
    """The second object is left where it is."""
    second = [position for position, step in enumerate(script.steps) if step.turn == 1]
    yield from script.without(second)


def _same_again(script: Script) -> Iterator[Edits]:
    """The second object is looked for by the name of the first, without a look elsewhere."""
    first, second = (script.at("fetch", verbs=("find",), turn=turn) for turn in (0, 1))
    if second and script.steps[first[0]].name != script.steps[second[0]].name:
        elsewhere = dict.fromkeys(script.at("holder", turn=1), ())
        yield {**elsewhere, second[0]: (script.named(script.steps[first[0]].name),)}


def _without_vessel(script: Script) -> Iterator[Edits]:
    """The object is brought by itself."""
    yield from script.without(script.at("vessel"))


def _let_go(script: Script) -> Iterator[Edits]:
    """The object is dropped at the lamp."""
    for position in script.at("light", verbs=("on",)):
        yield {position: (script.named(DROP), script.named(script.steps[position].name))}


_WAYS: Mapping[str, Callable[[Script], Iterator[Edits]]] = {
    skills.FIND_FIRST: _unfound,
    skills.GO_TO_PLACE: _dropped,
    skills.OPEN_TO_TAKE: _grabbed,
    skills.OPEN_TO_PUT: _shut,
    skills.CLOSE_BEFORE_HEATING: _door_open("heat"),
    skills.CLOSE_TO_COOL: _door_open("cool"),
    skills.RINSE: _rinsed_in_hand,
    skills.SLICE: _whole,
    skills.FREE_HAND: _knife_in_hand,
    skills.SECOND_OBJECT: _one_alone,
    skills.OTHER_INSTANCE: _same_again,
    skills.VESSEL: _without_vessel,
    skills.HOLD_IN_LIGHT: _let_go,
}
