"""The static side of an episode: what all its worlds share, compiled once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rbsuite.errors import DataError
from rbsuite_eb_habitat.goals import Expression, Logic, Test, compile_expression, expand
from rbsuite_eb_habitat.nearness import Reach, picking_place
from rbsuite_eb_habitat.pack import Episode, Predicate
from rbsuite_eb_habitat.subgoals import reduce_subgoals
from rbsuite_eb_habitat.vocab import CATEGORIES, DOORS, PLACE_NUMBER, PLACES

NOWHERE = 255
"""Used instead of a place's number: the object is in the hand."""
MOST_OBJECTS = 10_000


@dataclass(frozen=True, slots=True)
class Household:
    """An episode, ready for actions. Places, objects, categories and doors are numbers.

    Attributes:
        categories: for each object, its category.
        listed: for each category, its objects, in the order of entities.
        lies: for each object, the place it lies on at the start.
        open_doors: bit set of the doors that are open at the start.
        reach: for each place, those within reach there.
        picking: for each place, the one that objects can be picked up from there.
        goal: the goal without its quantifiers.
        solved: whether the goal holds in a state.
        subgoals: for each subgoal, whether it holds in a state.
    """

    categories: tuple[int, ...]
    listed: tuple[tuple[int, ...], ...]
    lies: bytes
    open_doors: int
    reach: Reach
    picking: tuple[int, ...]
    goal: Expression
    solved: Test
    subgoals: tuple[Test, ...]


def build_household(episode: Episode, reach: Reach) -> Household:
    """Compile an episode.

    Args:
        episode: the episode.
        reach: what lies within reach of each place of its apartment.

    Raises:
        DataError: its goal, its start or its subgoals are malformed.
    """
    if len(episode.items) > MOST_OBJECTS:
        raise DataError(
            f"EB-Habitat data: episode {episode.index} has more than {MOST_OBJECTS} objects.", "Fix the data."
        )
    names = [item.instance for item in episode.items]
    categories = tuple(CATEGORIES.index(item.category) for item in episode.items)
    goal = expand(episode.goal, {item.instance: item.category for item in episode.items})
    doors = 0
    for predicate in episode.start:
        bit = 1 << _door(episode, predicate)
        doors = doors | bit if _START[predicate[0]] else doors & ~bit
    return Household(
        categories=categories,
        listed=tuple(
            tuple(number for number, own in enumerate(categories) if own == category)
            for category in range(len(CATEGORIES))
        ),
        lies=bytes(PLACE_NUMBER[item.receptacle] for item in episode.items),
        open_doors=doors,
        reach=reach,
        picking=tuple(picking_place(place) for place in range(len(PLACES))),
        goal=goal,
        solved=compile_expression(goal, names),
        subgoals=tuple(compile_expression(subgoal, names) for subgoal in reduced_subgoals(episode, goal)),
    )


def reduced_subgoals(episode: Episode, goal: Expression) -> tuple[Logic, ...]:
    """The subgoals of an episode as the engine counts them; see :mod:`rbsuite_eb_habitat.subgoals`.

    Args:
        episode: the episode.
        goal: its goal without quantifiers.
    """
    initial = {item.instance: item.receptacle for item in episode.items}
    # Where a goal that is a predicate, or consists only of predicates, wants the robot.
    parts: tuple[Expression, ...] = (goal,) if isinstance(goal, tuple) else goal.parts
    places = [part[1][0] for part in parts if isinstance(part, tuple) and part[0] == "robot_at"]
    wanted = places[0] if places and places[0] in PLACE_NUMBER else ""
    return reduce_subgoals(episode.subgoals, initial, wanted)


def _door(episode: Episode, predicate: Predicate) -> int:
    name, arguments = predicate
    if name not in _START or len(arguments) != 1 or arguments[0] not in DOORS:
        told = f"{name}({', '.join(arguments)})"
        raise DataError(
            f"EB-Habitat data: episode {episode.index} starts with {told}, which is not about a door.",
            "Import the data again, or fix start_preds.",
        )
    return DOORS.index(arguments[0])


_START: Mapping[str, bool] = {"opened_fridge": True, "opened_cab": True, "closed_fridge": False, "closed_cab": False}
"""The predicates that an episode may start with, and whether the door is then open."""
