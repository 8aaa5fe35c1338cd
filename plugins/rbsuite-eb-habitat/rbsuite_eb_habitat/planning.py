"""Plans that reach the goals of episodes, derived from goal and start and tried in the engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from rbsuite.trajectory import Action
from rbsuite_eb_habitat.actions import choose
from rbsuite_eb_habitat.goals import alternatives
from rbsuite_eb_habitat.household import Household
from rbsuite_eb_habitat.nearness import picking_place
from rbsuite_eb_habitat.pack import Episode, Predicate
from rbsuite_eb_habitat.subgoals import expert_picks
from rbsuite_eb_habitat.vocab import DOORS, PLACE_NUMBER, PLACES, RECEPTACLES
from rbsuite_eb_habitat.world import HabitatWorld
from rbsuite_embodied.environment import MAX_STEPS

MOST_WAYS, MOST_TRIES = 5_000, 500
"""How many ways to meet a goal are considered, and how many of them are tried."""

_LIES = ("on_top", "in", "at")
_REST = ("receptacle_aabb_Tbl1_Top1_frl_apartment_table_01", "receptacle_aabb_Tbl2_Top1_frl_apartment_table_02")
"""Where to put an object that only has to be away from where it is."""


def find_plan(episode: Episode, household: Household) -> tuple[Action, ...] | None:
    """A plan that has been checked to reach the goal within the step limit; ``None`` if none was found.

    It ends as soon as the goal holds; for a goal that holds from the start it is one action that changes nothing.

    If the goal leaves a choice of objects, those that upstream's expert took are preferred, then the plan with the least carrying.
    """
    world = HabitatWorld(household)
    literals = list(islice(alternatives(household.goal, most=MOST_WAYS), MOST_WAYS))
    ways = [way for way in (_way(literal, episode, household) for literal in literals) if way is not None]
    if world.achieved.success:
        # An action that changes nothing: going where the goal already holds.
        target = next((place for way in ways for place in way.targets.values()), len(PLACE_NUMBER) - 1)
        return (choose("navigate", target),)
    expert = {number for number, item in enumerate(episode.items) if item.instance in expert_picks(episode.subgoals)}
    ways.sort(key=lambda way: _rank(way, expert))
    for way in islice(ways, MOST_TRIES):
        plan = _plan(way, household)
        steps = _steps_to_goal(household, plan)
        if steps is not None and 0 < steps <= MAX_STEPS:
            return plan[:steps]
    return None


def _steps_to_goal(household: Household, actions: Iterable[Action]) -> int | None:
    """The number of actions after which the goal holds; ``None`` if it never does."""
    world = HabitatWorld(household)
    for steps, action in enumerate(actions, start=1):
        if action.index is not None:
            world.do(action.index)
        if world.achieved.success:
            return steps
    return None


@dataclass(frozen=True, slots=True)
class _Way:
    """What one way of meeting a goal asks for.

    Attributes:
        targets: for each object that has to be moved, the place it goes to.
        turns: for each door that has to be moved, whether it has to be open.
        seen: doors that already are as the goal wants them.
        walk: the place where the robot has to be, or -1.
    """

    targets: Mapping[int, int]
    turns: Mapping[int, bool]
    seen: tuple[int, ...]
    walk: int


def _way(literals: Sequence[tuple[bool, Predicate]], episode: Episode, household: Household) -> _Way | None:
    """What the literals ask for; ``None`` if they contradict each other or no plan of this form can bring them about."""
    numbers = {item.instance: number for number, item in enumerate(episode.items)}
    wanted: dict[int, int] = {}
    doors: dict[int, bool] = {}
    barred: dict[int, set[int]] = {}
    walk = -1
    for positive, (name, arguments) in literals:
        if name in _LIES:
            item, place = numbers[arguments[0]], picking_place(PLACE_NUMBER[arguments[1]])
            if not positive:
                barred.setdefault(item, set()).add(place)
            elif wanted.setdefault(item, place) != place:
                return None
        elif name.startswith(("opened_", "closed_")):
            door, opens = DOORS.index(arguments[0]), name.startswith("opened_") == positive
            if doors.setdefault(door, opens) != opens:
                return None
        elif name == "robot_at" and positive and arguments[0] in PLACE_NUMBER:
            walk = PLACE_NUMBER[arguments[0]]
        elif (name, positive) != ("not_holding", True):
            return None
    return _settled(wanted, barred, doors, walk, episode, household)


def _settled(
    wanted: dict[int, int],
    barred: Mapping[int, set[int]],
    doors: Mapping[int, bool],
    walk: int,
    episode: Episode,
    household: Household,
) -> _Way | None:
    for item, places in barred.items():
        if wanted.get(item) in places:
            return None
        if household.lies[item] in places and item not in wanted:
            away = _elsewhere(item, places, episode)
            if away is None:
                return None
            wanted[item] = away
    if any(PLACES[place] not in RECEPTACLES for place in wanted.values()):
        return None
    known = [DOORS.index(arguments[0]) for _, arguments in episode.start]
    is_open = {door: bool(household.open_doors & 1 << door) for door in doors}
    return _Way(
        targets={item: place for item, place in wanted.items() if household.lies[item] != place},
        turns={door: opens for door, opens in doors.items() if is_open[door] != opens},
        seen=tuple(door for door, opens in doors.items() if is_open[door] == opens and door in known),
        walk=walk,
    )


def _elsewhere(item: int, places: set[int], episode: Episode) -> int | None:
    """Where the expert put the object, otherwise a table, otherwise anywhere."""
    instance = episode.items[item].instance
    shown = [
        arguments[1]
        for subgoal in reversed(episode.subgoals)
        for name, arguments in subgoal
        if name == "on_top" and arguments[0] == instance
    ]
    tried = (PLACE_NUMBER[name] for name in (*shown, *_REST, *RECEPTACLES) if name in PLACE_NUMBER)
    return next((place for place in tried if place not in places), None)


def _rank(way: _Way, expert: set[int]) -> tuple[int, int, int]:
    moved = set(way.targets)
    return len(moved - expert), len(expert - moved), len(moved)


def _plan(way: _Way, household: Household) -> tuple[Action, ...]:
    # A door's state is a condition, rather than the task, only if there is something else to do.
    actions = list(_looks(way.seen, household)) if way.targets else []
    actions += _turned(way, opens=True)
    for item in _in_order(way.targets, household):
        # The four actions that bring an object of a category from one place to another.
        target = way.targets[item]
        actions += (
            choose("navigate", household.lies[item]),
            choose("pick", household.categories[item]),
            choose("navigate", target),
            choose("place", target),
        )
    actions += _turned(way, opens=False)
    if way.walk >= 0:
        actions.append(choose("navigate", way.walk))
    return tuple(actions)


def _looks(doors: Sequence[int], household: Household) -> Iterator[Action]:
    """Without vision, opening a door shows whether it is open: then it fails. A door that was closed is closed again."""
    for door in doors:
        yield choose("navigate", PLACE_NUMBER[DOORS[door]])
        yield choose("open", door)
        if not household.open_doors & 1 << door:
            yield choose("close", door)


def _turned(way: _Way, *, opens: bool) -> Iterator[Action]:
    """The actions that open, or close, the doors that have to be opened or closed."""
    for door in (door for door, wanted in way.turns.items() if wanted == opens):
        yield choose("navigate", PLACE_NUMBER[DOORS[door]])
        yield choose("open" if opens else "close", door)


def _in_order(targets: Mapping[int, int], household: Household) -> list[int]:
    """The goal's order, except that of one category on one place the first listed goes first, since that is the one picked up."""
    order = list(targets)
    for place, item in enumerate(order):
        alike = [other for other in order if _kind(other, household) == _kind(item, household)]
        slots = [slot for slot, other in enumerate(order) if other in alike]
        if slots[0] == place:
            for slot, other in zip(slots, sorted(alike), strict=True):
                order[slot] = other
    return order


def _kind(item: int, household: Household) -> tuple[int, int]:
    return household.categories[item], household.lies[item]
