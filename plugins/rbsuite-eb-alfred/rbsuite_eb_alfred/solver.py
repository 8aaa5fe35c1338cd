"""Plans that reach a trial's goal: the expert's instances first, then others one after the other, each choice tried in the world.

Names may bind to other instances than intended: picking and slicing go for the nearest of a kind. So a plan is a recipe for the kind of
task with a choice of instances, and the search is over these choices, not over sequences of actions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rbsuite_eb_alfred.plans import DeadEndError, Draft, Step, find_name, type_name
from rbsuite_eb_alfred.scene import Household
from rbsuite_eb_alfred.world import AlfredWorld
from rbsuite_embodied.environment import MAX_STEPS

MOST_CHOICES = 2_000
"""The maximum number of choices of instances that are tried."""

TOOLS = ("Knife", "ButterKnife")
SURFACES = ("CounterTop", "DiningTable", "SideTable", "CoffeeTable", "Desk", "Dresser", "Shelf")
NOTHING = -1


@dataclass(frozen=True, slots=True)
class Roles:
    """A choice of instances, as indices of things; -1 if a role is empty.

    Attributes:
        objects: what is fetched, in this order.
        place: where it finally goes.
        vessel: what it is put into before that.
        tool: the knife.
        aside: where the knife is put down; -1: it is dropped.
        sink: where it is washed.
        light: the lamp.
        via: whether the agent goes to what an object is in before it goes to the object.
        tidy: whether the place is closed again after the first object, which keeps it from being picked up again.
    """

    objects: tuple[int, ...]
    place: int = NOTHING
    vessel: int = NOTHING
    tool: int = NOTHING
    aside: int = NOTHING
    sink: int = NOTHING
    light: int = NOTHING
    via: bool = False
    tidy: bool = False


def solve(world: AlfredWorld, trial: Mapping[str, Any]) -> tuple[Step, ...] | None:
    """A plan that reaches the goal.

    Args:
        world: the world at the start of an episode; it is left as it is.
        trial: the trial's record, whose ``high_pddl`` says what the expert used.

    Returns:
        the steps, at most 30, none of them invalid; ``None`` if no choice of instances leads to the goal.
    """
    for roles in itertools.islice(_choices(world, trial), MOST_CHOICES):
        draft = Draft(world)
        with suppress(DeadEndError):
            _RECIPES[world.goal.task_type](draft, roles)
        steps = _until_success(draft.steps, world.fork())
        if steps is not None:
            return steps
    return None


def _until_success(steps: Sequence[Step], world: AlfredWorld) -> tuple[Step, ...] | None:
    """The steps up to the one that reaches the goal, which ends an episode; ``None`` if none of them does so in time."""
    for count, step in enumerate(steps[:MAX_STEPS], start=1):
        world.do(step.index)
        if world.achieved.success:
            return tuple(steps[:count])
    return None


def _choices(world: AlfredWorld, trial: Mapping[str, Any]) -> Iterator[Roles]:
    """The choices of instances, closest to the expert's first."""
    options = _options(world, trial)
    sizes = [len(members) for members in options.values()]
    for total in range(sum(sizes) - len(sizes) + 1):
        for ranks in _ranks(sizes, total):
            chosen = {role: members[rank] for rank, (role, members) in zip(ranks, options.items(), strict=True)}
            yield Roles(**chosen)


def _ranks(sizes: Sequence[int], total: int) -> Iterator[tuple[int, ...]]:
    """The ways to choose a rank below each size such that they add up to ``total``."""
    if not sizes:
        if not total:
            yield ()
        return
    for first in range(min(total + 1, sizes[0])):
        for rest in _ranks(sizes[1:], total - first):
            yield (first, *rest)


def _options(world: AlfredWorld, trial: Mapping[str, Any]) -> Mapping[str, Sequence[Any]]:
    """The candidates for each role, the expert's choice first."""
    goal, things = world.goal, world.household.things
    # The ids that the expert's plan names, with the position of their first mention.
    mentioned = (step.get(key) for step in trial["high_pddl"] for key in ("objectId", "receptacleObjectId"))
    used = {str(identifier): at for at, identifier in enumerate(dict.fromkeys(filter(None, mentioned)))}
    target = str(trial["pddl_params"]["object_target"])

    def ranked(candidates: Iterable[int], exact: str = "", last: str = "") -> list[int]:
        return sorted(
            {index for index in candidates if things[index].whole < 0 and _findable(world.household, index)},
            key=lambda i: (things[i].id != last, used.get(things[i].id, math.inf), things[i].type != exact, i),
        )

    objects = ranked((_whole(world, index) for index in goal.objects), exact=target)
    filled = [str(step["receptacleObjectId"]) for step in trial["high_pddl"] if step.get("receptacleObjectId")]
    places = ranked(goal.receptacles, last=filled[-1] if filled else "") if goal.task_type != _LOOK else [NOTHING]
    options: dict[str, Sequence[Any]] = {
        "via": (False, True),
        "objects": [(index,) for index in objects],
        "place": places,
        "vessel": ranked(goal.carriers) if goal.carriers else [NOTHING],
        "light": ranked(goal.lights) if goal.lights else [NOTHING],
    }
    if goal.task_type == _TWO:
        options["tidy"] = (False, True)
        options["objects"] = list(itertools.permutations(objects, 2)) if not goal.sliced else [(i, i) for i in objects]
    if goal.task_type == _CLEAN:
        options["sink"] = ranked(i for i, thing in enumerate(things) if thing.kind == "sink" and thing.receptacle)
    if goal.sliced:
        options["tool"] = [*ranked(i for i, thing in enumerate(things) if thing.type in TOOLS), NOTHING]
        surfaces = ranked(i for i, thing in enumerate(things) if thing.type in SURFACES and not thing.openable)
        options["aside"] = [*surfaces[:3], NOTHING]
    return options


def _whole(world: AlfredWorld, index: int) -> int:
    whole = world.household.things[index].whole
    return index if whole < 0 else whole


def _findable(household: Household, index: int) -> bool:
    try:
        find_name(household, index)
    except DeadEndError:
        return False
    return True


def _cut(draft: Draft, roles: Roles) -> None:
    """Slice the object, if slices are asked for, and put the knife aside."""
    if not draft.world.goal.sliced:
        return
    if roles.tool >= 0:
        draft.fetch(roles.tool, via=roles.via)
    whole = roles.objects[0]
    draft.uncover(whole)
    draft.find(whole)
    draft.do("slice", type_name(draft.household, whole))
    if draft.world.state.present(whole):
        raise DeadEndError
    if roles.tool >= 0 and roles.aside >= 0:
        draft.stow(roles.aside)
    elif roles.tool >= 0:
        draft.do("drop", "")


def _place(draft: Draft, roles: Roles) -> None:
    _cut(draft, roles)
    draft.fetch(roles.objects[0], via=roles.via)
    draft.stow(roles.place)


def _place_two(draft: Draft, roles: Roles) -> None:
    _cut(draft, roles)
    for turn, thing in enumerate(roles.objects):
        draft.fetch(thing, via=roles.via, done=roles.place)
        draft.stow(roles.place)
        if roles.tidy and turn == 0:
            draft.do("close", draft.household.labels[roles.place])


def _heat(draft: Draft, roles: Roles) -> None:
    _cut(draft, roles)
    thing, microwave = draft.fetch(roles.objects[0], via=roles.via), _appliance(draft, "Microwave")
    name = draft.household.labels[microwave]
    draft.stow(microwave)
    draft.do("close", name)
    draft.do("on", type_name(draft.household, microwave))
    draft.do("off", type_name(draft.household, microwave))
    draft.do("open", name)
    draft.take_back(thing)
    draft.stow(roles.place)


def _cool(draft: Draft, roles: Roles) -> None:
    _cut(draft, roles)
    thing, fridge = draft.fetch(roles.objects[0], via=roles.via), _appliance(draft, "Fridge")
    name = draft.household.labels[fridge]
    draft.stow(fridge)
    draft.do("close", name)
    draft.do("open", name)
    draft.take_back(thing)
    draft.stow(roles.place)


def _clean(draft: Draft, roles: Roles) -> None:
    _cut(draft, roles)
    thing = draft.fetch(roles.objects[0], via=roles.via)
    draft.stow(roles.sink)
    if not draft.succeeds("on", "Faucet"):
        draft.do("find", "Faucet")
        draft.do("on", "Faucet")
    draft.do("off", "Faucet")
    draft.take_back(thing)
    draft.stow(roles.place)


def _carry(draft: Draft, roles: Roles) -> None:
    _cut(draft, roles)
    draft.fetch(roles.objects[0], via=roles.via)
    draft.uncover(roles.vessel)
    draft.stow(roles.vessel)
    draft.take_back(roles.vessel)
    draft.stow(roles.place)


def _light(draft: Draft, roles: Roles) -> None:
    _cut(draft, roles)
    draft.fetch(roles.objects[0], via=roles.via)
    draft.find(roles.light)
    draft.do("on", type_name(draft.household, roles.light))


def _appliance(draft: Draft, kind: str) -> int:
    """The appliance that heats or cools: the first of its type.

    Raises:
        DeadEndError: there is none.
    """
    for thing in draft.household.of_type(kind):
        return thing.index
    raise DeadEndError


_TWO = "pick_two_obj_and_place"
_CLEAN = "pick_clean_then_place_in_recep"
_LOOK = "look_at_obj_in_light"
_RECIPES: Mapping[str, Callable[[Draft, Roles], None]] = {
    "pick_and_place_simple": _place,
    _TWO: _place_two,
    _LOOK: _light,
    "pick_heat_then_place_in_recep": _heat,
    "pick_cool_then_place_in_recep": _cool,
    _CLEAN: _clean,
    "pick_and_place_with_movable_recep": _carry,
}
