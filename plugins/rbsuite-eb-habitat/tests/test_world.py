"""The state machine: what actions do, what is said of them, what is in view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbsuite.errors import DataError
from rbsuite_eb_habitat.actions import ACTION_NAMES, INDICES
from rbsuite_eb_habitat.household import Household
from rbsuite_eb_habitat.vocab import CATEGORIES, PLACES
from rbsuite_eb_habitat.world import HabitatWorld
from rbsuite_embodied.world import Achieved

Make = Callable[..., Household]
THINGS = {"plum_0": "sofa", "plum_1": "sofa", "toy_airplane_0": "table 1", "mug_0": "sink in the kitchen"}
LEFT = "receptacle_aabb_counter_left_kitchen_counter"
SINK = "receptacle_aabb_sink_kitchen_counter"

OK = "Last action executed successfully"
BAD = "Last action is invalid."
NOT_NEAR = "Navigate to other place to find the object."


def do(world: HabitatWorld, *names: str) -> list[tuple[str, bool]]:
    outcomes = [world.do(INDICES[name]) for name in names]
    assert not any(outcome.done for outcome in outcomes)
    return [(outcome.feedback, outcome.valid) for outcome in outcomes]


@pytest.fixture
def world(make_household: Make) -> HabitatWorld:
    return HabitatWorld(make_household(THINGS))


@pytest.mark.parametrize(
    ("before", "name", "feedback"),
    [
        ((), "navigate to the sofa", f"{OK}."),
        ((), "navigate to the cabinet 7", f"{OK}."),
        (("navigate to the sofa",), "pick up the plum", f"{OK} and you are holding plum."),
        (("navigate to the table 1",), "pick up the toy airplane", f"{OK} and you are holding toy airplane."),
        (("navigate to the sofa", "pick up the plum"), "place at the sofa", f"{OK} and you are holding nothing."),
        (("navigate to the refrigerator push point",), "open the refrigerator", f"{OK} and now refrigerator is open."),
        (
            ("navigate to the refrigerator push point", "open the refrigerator"),
            "close the refrigerator",
            f"{OK} and now refrigerator is closed.",
        ),
        (("navigate to the cabinet 5",), "open the cabinet 5", f"{OK} and now cabinet push is open."),
        (
            ("navigate to the cabinet 5", "open the cabinet 5"),
            "close the cabinet 5",
            f"{OK} and now cabinet push is closed.",
        ),
    ],
)
def test_feedback_of_success(world: HabitatWorld, before: tuple[str, ...], name: str, feedback: str) -> None:
    assert all(valid for _, valid in do(world, *before))
    assert do(world, name) == [(feedback, True)]


@pytest.mark.parametrize(
    ("before", "name", "feedback"),
    [
        ((), "pick up the plum", f"Robot cannot pick any object that is not near the robot. {NOT_NEAR}"),
        (
            ("navigate to the table 1",),
            "pick up the plum",
            f"Robot cannot pick any object that is not near the robot. {NOT_NEAR}",
        ),
        (
            ("navigate to the sofa", "pick up the plum"),
            "pick up the plum",
            "Robot cannot pick any object when holding something. Please place the object before picking something.",
        ),
        (
            ("navigate to the sofa",),
            "place at the sofa",
            "Robot cannot place any object when not holding something. Please pick the object before place it.",
        ),
        (
            ("navigate to the sofa", "pick up the plum"),
            "place at the table 1",
            f"Robot cannot place any object that is not near the robot. {NOT_NEAR}",
        ),
        (
            (),
            "open the refrigerator",
            "Check whether the receptacle is already open or the robot is not near the receptacle.",
        ),
        (
            ("navigate to the refrigerator push point",),
            "close the refrigerator",
            "Check whether the receptacle is already closed or the robot is not near the receptacle.",
        ),
        (
            ("navigate to the cabinet 4", "open the cabinet 4"),
            "open the cabinet 4",
            "Check whether the receptacle is already open or the robot is not near the receptacle.",
        ),
        (
            ("navigate to the cabinet 4", "open the cabinet 4", "navigate to the sofa"),
            "close the cabinet 4",
            "Check whether the receptacle is already closed or the robot is not near the receptacle.",
        ),
    ],
)
def test_feedback_of_failure(world: HabitatWorld, before: tuple[str, ...], name: str, feedback: str) -> None:
    assert all(valid for _, valid in do(world, *before))
    assert do(world, name) == [(f"{BAD} {feedback}", False)]


def test_of_several_alike_the_first_listed_is_picked(world: HabitatWorld) -> None:
    do(world, "navigate to the sofa", "pick up the plum", "navigate to the table 2", "place at the table 2")
    assert (PLACES[world.lies[0]], PLACES[world.lies[1]]) == (
        "receptacle_aabb_Tbl2_Top1_frl_apartment_table_02",
        "receptacle_aabb_Sofa_frl_apartment_sofa",
    )


def test_closed_doors_hinder_neither_placing_nor_picking(world: HabitatWorld) -> None:
    for place in ("refrigerator", "left drawer of the kitchen counter"):
        told = do(
            world,
            *("navigate to the sofa", "pick up the plum", f"navigate to the {place}", f"place at the {place}"),
            *("pick up the plum", "navigate to the sofa", "place at the sofa"),
        )
        assert all(valid for _, valid in told)


def test_neighbours_can_be_placed_at_but_not_picked_from(make_household: Make) -> None:
    standpoints = [(frozenset((LEFT, SINK)), 10)]
    world = HabitatWorld(make_household(THINGS, standpoints=standpoints))
    told = do(
        world,
        *("navigate to the left counter in the kitchen", "pick up the mug", "navigate to the sink in the kitchen"),
        *("pick up the mug", "place at the left counter in the kitchen"),
    )
    assert [valid for _, valid in told] == [True, False, True, True, True]


@pytest.mark.parametrize("place", ["refrigerator", "refrigerator push point"])
def test_the_refrigerator_is_one_piece(world: HabitatWorld, place: str) -> None:
    told = do(
        world,
        *("navigate to the sofa", "pick up the plum", f"navigate to the {place}", "open the refrigerator"),
        *("place at the refrigerator", "pick up the plum"),
    )
    assert all(valid for _, valid in told)


def test_start_predicates_open_doors(make_household: Make) -> None:
    start = ["opened_fridge(fridge_push_point)", "opened_cab(cab_push_point_6)", "closed_cab(cab_push_point_5)"]
    world = HabitatWorld(make_household(THINGS, start=start))
    assert do(world, "navigate to the refrigerator push point", "close the refrigerator")[1][1]
    assert do(world, "navigate to the cabinet 6", "close the cabinet 6")[1][1]
    assert do(world, "navigate to the cabinet 5", "open the cabinet 5")[1][1]


@pytest.mark.parametrize("start", ["holding(plum_0)", "opened_fridge(nowhere)", "opened_fridge()"])
def test_other_start_predicates_are_refused(make_household: Make, start: str) -> None:
    with pytest.raises(DataError, match="is not about a door"):
        make_household(THINGS, start=[start])


def test_what_is_in_view(world: HabitatWorld) -> None:
    assert world.visible() == ()
    do(world, "navigate to the sofa")
    assert world.visible() == ("sofa", "plum", "plum")
    do(world, "pick up the plum")
    assert world.visible() == ("sofa", "plum", "plum (in hand)")
    do(world, "navigate to the refrigerator push point", "place at the refrigerator")
    assert world.visible() == ("refrigerator push point", "refrigerator (closed)")
    do(world, "open the refrigerator")
    assert world.visible() == ("refrigerator push point", "plum", "refrigerator (open)")
    do(world, "pick up the plum", "navigate to the right drawer of the kitchen counter")
    do(world, "place at the right drawer of the kitchen counter", "navigate to the cabinet 6", "open the cabinet 6")
    assert world.visible() == ("cabinet 6", "cabinet 6 (open)")
    do(world, "navigate to the right drawer of the kitchen counter")
    assert world.visible() == ("right drawer of the kitchen counter",)


def goal(text: str, category: str = "plum", quantifier: str = "EXISTS") -> dict[str, Any]:
    inputs = [{"name": "X", "expr_type": category}]
    return {"expr_type": "AND", "quantifier": quantifier, "inputs": inputs, "sub_exprs": [text, "not_holding()"]}


def test_progress_counts_subgoals_once_met_and_success_makes_it_one(make_household: Make) -> None:
    subgoals = [
        ["robot_at(receptacle_aabb_Sofa_frl_apartment_sofa)"],
        ["holding(plum_1)"],
        [f"on_top(plum_0,{SINK})", "robot_at(fridge_push_point)"],
        ["holding(mug_0)"],
    ]
    world = HabitatWorld(make_household(THINGS, goal(f"on_top(X, {SINK})"), subgoals=subgoals))
    assert world.achieved == Achieved(False, 0.0)
    do(world, "navigate to the sofa", "navigate to the table 1")
    assert world.achieved == Achieved(False, 0.25)
    do(world, "navigate to the sofa", "pick up the plum", "navigate to the sink in the kitchen")
    assert world.achieved == Achieved(False, 0.25)
    do(world, "place at the sink in the kitchen")
    assert world.achieved == Achieved(True, 1.0)
    do(world, "pick up the plum")
    assert world.achieved == Achieved(False, 0.5)


def test_without_subgoals_there_is_no_progress_before_success(make_household: Make) -> None:
    world = HabitatWorld(make_household(THINGS, goal(f"on_top(X, {SINK})", "mug")))
    assert world.achieved == Achieved(True, 1.0)
    do(world, "navigate to the sink in the kitchen", "pick up the mug")
    assert world.achieved == Achieved(False, 0.0)


def away(place: str, *others: str) -> dict[str, Any]:
    """The goal that a plum is not at a place, as upstream's tasks to take something away state it."""
    barred = {
        "expr_type": "NAND",
        "quantifier": "FORALL",
        "inputs": [{"name": "X", "expr_type": "plum"}],
        "sub_exprs": [f"on_top(X, {place})"],
    }
    return {"expr_type": "AND", "sub_exprs": ["not_holding()", *others, barred]}


def test_taking_away_is_done_once_it_is_picked_up(make_household: Make) -> None:
    """Upstream still counts the hand as empty, since the pick's precondition asked for that."""
    world = HabitatWorld(make_household({"plum_0": "sofa"}, away("receptacle_aabb_Sofa_frl_apartment_sofa")))
    do(world, "navigate to the sofa")
    assert not world.achieved.success
    do(world, "pick up the plum")
    assert world.achieved == Achieved(True, 1.0)


@pytest.mark.parametrize("then", ["pick up the plum", "navigate to the sofa"])
def test_what_a_precondition_asked_for_counts_until_the_next_action(make_household: Make, then: str) -> None:
    fridge = "fridge_push_point"
    goal = {"expr_type": "NAND", "sub_exprs": [f"closed_fridge({fridge})"]}
    both = [[f"opened_fridge({fridge})", f"closed_fridge({fridge})"]]
    world = HabitatWorld(make_household(THINGS, goal, subgoals=both))
    do(world, "navigate to the refrigerator push point", "open the refrigerator")
    assert world.achieved == Achieved(False, 1.0)
    fork = world.fork()
    for each in (world, fork):
        do(each, then)
        assert each.achieved.success


def test_what_is_placed_still_counts_as_held(make_household: Make) -> None:
    subgoals = [["holding(plum_0)", "on_top(plum_1,receptacle_aabb_Sofa_frl_apartment_sofa)"], ["holding(mug_0)"]]
    goal = {"expr_type": "AND", "sub_exprs": ["holding(plum_0)", f"on_top(plum_0, {SINK})"]}
    world = HabitatWorld(make_household(THINGS, goal, subgoals=subgoals))
    do(world, "navigate to the sofa", "pick up the plum", "navigate to the sink in the kitchen")
    assert world.achieved == Achieved(False, 0.5)
    do(world, "place at the sink in the kitchen")
    assert world.achieved.success
    do(world, "place at the sink in the kitchen")
    assert world.achieved == Achieved(False, 0.5)


WALKS = st.lists(st.integers(0, len(ACTION_NAMES) - 1), max_size=40)


def told(world: HabitatWorld, walk: list[int]) -> list[Any]:
    return [(world.do(index), world.visible(), world.achieved) for index in walk]


@settings(deadline=None)
@given(WALKS, WALKS, WALKS)
def test_the_same_actions_have_the_same_effects_and_forks_are_independent(
    make_household: Make, first: list[int], one: list[int], other: list[int]
) -> None:
    household = make_household(THINGS, goal(f"on_top(X, {LEFT})"), subgoals=[["holding(plum_0)"], ["holding(mug_0)"]])
    world = HabitatWorld(household)
    told(world, first)
    twin = world.fork()
    after = told(twin, one)
    told(world, other)
    again = HabitatWorld(household)
    told(again, first)
    assert told(again, one) == after


@settings(deadline=None)
@given(WALKS)
def test_nothing_is_lost_and_invalid_actions_change_nothing(make_household: Make, walk: list[int]) -> None:
    world = HabitatWorld(make_household(THINGS))
    for index in walk:
        before = (bytes(world.lies), world.held, world.open_doors, world.within, world.achieved)
        outcome = world.do(index)
        after = (bytes(world.lies), world.held, world.open_doors, world.within, world.achieved)
        assert outcome.feedback.startswith(OK if outcome.valid else BAD)
        assert outcome.valid or before == after
        in_hand = [number for number, place in enumerate(world.lies) if place >= len(PLACES)]
        assert in_hand == ([world.held] if world.held >= 0 else [])
        view = world.visible()
        assert all(name.split(" (")[0] in CATEGORIES for name in view if name.endswith("(in hand)"))
