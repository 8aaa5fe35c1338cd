"""The mistakes that tasks invite. Each is tried out before it is used, so those here may be harmless for a task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from rbsuite.trajectory import Action
from rbsuite_eb_habitat import skills
from rbsuite_eb_habitat.actions import choose
from rbsuite_eb_habitat.household import Household
from rbsuite_eb_habitat.pack import Episode
from rbsuite_eb_habitat.planning import Move, Plan
from rbsuite_eb_habitat.vocab import CATEGORIES, NAMES, PLACE_NUMBER, RECEPTACLES
from rbsuite_eb_habitat.wording import coloured_tables, landmarks, mentions, named_categories, named_places

Edits: TypeAlias = Mapping[int, tuple[Action, ...]]
Mistake: TypeAlias = tuple[str, Edits]
"""Id of the skill that is lacking, and what is done in place of which step."""

_BY_NAME = {NAMES[receptacle]: PLACE_NUMBER[receptacle] for receptacle in RECEPTACLES}
_LOOKALIKES: Mapping[int, int] = {
    _BY_NAME[one]: _BY_NAME[other]
    for one, other in {
        "table 1": "table 2",
        "table 2": "table 1",
        "sofa": "chair 1",
        "TV stand": "table 1",
        "sink in the kitchen": "left counter in the kitchen",
        "left counter in the kitchen": "right counter in the kitchen",
        "right counter in the kitchen": "left counter in the kitchen",
        "refrigerator": "left counter in the kitchen",
        "chair 1": "sofa",
    }.items()
}
"""For a place the one that it is mistaken for when it is only described."""
_CONFUSED: Mapping[str, tuple[str, ...]] = {
    "ball": ("orange", "toy airplane"),
    "mug": ("cup", "bowl"),
    "cup": ("mug", "can"),
    "bowl": ("plate", "cup"),
    "plate": ("lid", "bowl"),
    "scissors": ("knife", "spatula"),
    "knife": ("spatula", "scissors"),
    "screwdriver": ("wrench", "drill"),
    "cleanser": ("sponge", "can"),
    "sponge": ("cleanser", "block"),
    "plum": ("peach", "strawberry"),
    "apple": ("strawberry", "peach"),
    "strawberry": ("apple", "plum"),
    "lemon": ("banana", "orange"),
    "banana": ("lemon", "orange"),
    "pear": ("apple", "lemon"),
    "peach": ("apple", "orange"),
    "orange": ("peach", "ball"),
    "lego": ("rubriks cube", "block"),
    "rubriks cube": ("lego", "block"),
}
"""For a category those that it is mistaken for when it is only described."""
_FALLBACKS = ("book", "spoon", "box")


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan that mistakes are sought in, with the episode that it is for."""

    episode: Episode
    household: Household
    plan: Plan

    @property
    def words(self) -> str:
        """The instruction."""
        return self.episode.instruction

    def category(self, move: Move) -> int:
        """The category of what is carried."""
        return self.household.categories[move.item]

    def place_of(self, category: int) -> int | None:
        """Where the first object of a category lies, if there is one."""
        items = self.household.listed[category]
        return self.household.lies[items[0]] if items else None

    def fetched_instead(self, move: Move, category: int, place: int) -> Edits:
        """Another category is fetched, from where it is, and brought to the same target."""
        return {move.start: (choose("navigate", place),), move.start + 1: (choose("pick", category),)}

    def brought_instead(self, move: Move, place: int) -> Edits:
        """The object is brought to another place."""
        return {move.start + 2: (choose("navigate", place),), move.start + 3: (choose("place", place),)}


def mistakes(draft: Draft) -> Iterator[Mistake]:
    """Candidates in the order of how telling they are; several for one skill are told in order of preference."""
    yield from _wrong_branch(draft)
    yield from _distracted(draft)
    yield from _beside(draft)
    yield from _one_stands_for_all(draft)
    yield from _two_at_once(draft)
    yield from _door_from_afar(draft)
    yield from _misread(draft)
    yield from _given_up(draft)
    yield from _never_put_down(draft)
    yield from _hand_from_afar(draft)


def _wrong_branch(draft: Draft) -> Iterator[Mistake]:
    if not draft.plan.looks or not draft.plan.moves:
        return
    unseen: Edits = dict.fromkeys(range(draft.plan.looks), ())
    move = draft.plan.moves[0]
    for item in draft.plan.kept:
        category = draft.household.categories[item]
        if category != draft.category(move):
            wrong = draft.fetched_instead(move, category, draft.household.lies[item])
            yield skills.CONDITION, {**unseen, **wrong}


def _distracted(draft: Draft) -> Iterator[Mistake]:
    if draft.plan.looks or not draft.plan.moves:
        return
    move = draft.plan.moves[0]
    wanted = {draft.category(each) for each in draft.plan.moves}
    # What the goal wants at the same target is asked for, and is there already.
    wanted |= {
        draft.household.categories[item] for item in draft.plan.kept if draft.household.lies[item] == move.target
    }
    for category in named_categories(draft.words):
        place = draft.place_of(category)
        if category not in wanted:
            # What is named may not be there at all; then it is looked for in vain where the sentence says.
            said = next(iter(sorted(named_places(draft.words))), move.source)
            yield skills.DISTRACTION, draft.fetched_instead(move, category, said if place is None else place)


def _beside(draft: Draft) -> Iterator[Mistake]:
    for place in landmarks(draft.words):
        for move in draft.plan.moves:
            if place != move.target:
                yield skills.NEIGHBOUR, draft.brought_instead(move, place)
            if place != move.source:
                yield skills.NEIGHBOUR, {move.start: (choose("navigate", place),)}
        if draft.plan.walk >= 0:
            yield skills.NEIGHBOUR, {draft.plan.walk: (choose("navigate", place),)}


def _one_stands_for_all(draft: Draft) -> Iterator[Mistake]:
    moves = draft.plan.moves
    if len(moves) > 1 and len({draft.category(move) for move in moves}) == 1:
        yield skills.EVERY_ONE, {index: () for move in moves[1:] for index in range(move.start, move.start + 4)}


def _two_at_once(draft: Draft) -> Iterator[Mistake]:
    for move in draft.plan.moves[:-1]:
        yield skills.ONE_AT_A_TIME, {move.start + 2: (), move.start + 3: ()}


def _door_from_afar(draft: Draft) -> Iterator[Mistake]:
    for turn in draft.plan.turns:
        yield skills.DOOR, {turn.start: ()}


def _misread(draft: Draft) -> Iterator[Mistake]:
    named, coloured = named_places(draft.words), coloured_tables(draft.words)
    beside = landmarks(draft.words)
    for move in draft.plan.moves:
        if not mentions(draft.words, draft.category(move)):
            yield from ((skills.MEANING, edits) for edits in _other_things(draft, move))
        described = move.target in coloured or (move.target not in named and not beside)
        if described and move.target in _LOOKALIKES and _says_where(draft, move):
            yield skills.MEANING, draft.brought_instead(move, _LOOKALIKES[move.target])
    walk = draft.plan.walk
    if walk >= 0 and not beside:
        place = _BY_NAME_OF_ACTION.get(draft.plan.actions[walk].text)
        if place is not None and place in _LOOKALIKES and place not in named:
            yield skills.MEANING, {walk: (choose("navigate", _LOOKALIKES[place]),)}


def _says_where(draft: Draft, move: Move) -> bool:
    """Whether the goal asks for this target; an object that need only be away may go anywhere."""
    return draft.episode.goal.get("quantifier") is not None


def _other_things(draft: Draft, move: Move) -> Iterator[Edits]:
    own = CATEGORIES[draft.category(move)]
    for name in (*_CONFUSED.get(own, ()), *_FALLBACKS):
        category = CATEGORIES.index(name)
        place = draft.place_of(category)
        if place is not None:
            yield draft.fetched_instead(move, category, place)


def _given_up(draft: Draft) -> Iterator[Mistake]:
    """The first surface that is looked at has none, and that is that."""
    named = named_places(draft.words) | coloured_tables(draft.words)
    for move in draft.plan.moves:
        if move.source in named or landmarks(draft.words):
            continue
        category = draft.category(move)
        holding = {draft.household.lies[item] for item in draft.household.listed[category]}
        elsewhere = [place for place in sorted(_LOOKALIKES) if place not in holding and place != move.target]
        if elsewhere:
            place = elsewhere[(move.item + move.source) % len(elsewhere)]
            yield skills.SEARCH, {move.start: (choose("navigate", place),), move.start + 2: (), move.start + 3: ()}


def _never_put_down(draft: Draft) -> Iterator[Mistake]:
    if draft.plan.moves:
        yield skills.RELEASE, {draft.plan.moves[-1].start + 3: ()}


def _hand_from_afar(draft: Draft) -> Iterator[Mistake]:
    for move in draft.plan.moves:
        yield skills.NAVIGATE, {move.start: ()}
    for move in draft.plan.moves:
        yield skills.NAVIGATE, {move.start + 2: ()}
    walk = draft.plan.walk
    if walk >= 0:
        place = _BY_NAME_OF_ACTION.get(draft.plan.actions[walk].text)
        if place is not None:
            yield skills.NAVIGATE, {walk: (choose("place", place),)}


_BY_NAME_OF_ACTION = {choose("navigate", place).text: place for place in _BY_NAME.values()}
