"""What the skills do: which instance they take, what they change, what they leave; and that nothing is lost on the way."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbsuite_eb_alfred.goals import build_goal
from rbsuite_eb_alfred.scene import ABSENT, FLOOR, IN_HAND, build_household
from rbsuite_eb_alfred.state import State
from rbsuite_eb_alfred.world import AlfredWorld

PUT = "put down the object in hand"
DROP = "drop the object in hand"
Make = Callable[..., AlfredWorld]
Play = Callable[..., list[str]]


def held(world: AlfredWorld) -> str:
    return world.household.things[world.state.held].id if world.state.held >= 0 else ""


def place(world: AlfredWorld, identifier: str) -> str:
    where = world.state.places[world.household.index[identifier]]
    return world.household.labels[where] if where >= 0 else {FLOOR: "floor", IN_HAND: "hand", ABSENT: "absent"}[where]


def the(world: AlfredWorld, start: str) -> str:
    """The id that begins so."""
    return next(thing.id for thing in world.household.things if thing.id.startswith(start) and thing.whole < 0)


def ids(world: AlfredWorld, members: frozenset[int]) -> set[str]:
    return {world.household.things[index].id for index in members}


def snapshot(state: State) -> tuple[object, ...]:
    kept = [name for name in State.__slots__ if name != "household"]
    return tuple(repr(getattr(state, name)) for name in kept)


def test_an_object_is_found_taken_and_put(make_world: Make, play: Play) -> None:
    world = make_world()
    assert play(world, "find a Knife", "pick up the Knife", "find a Desk", PUT) == [""] * 4
    assert place(world, the(world, "Knife|")) == "Desk"
    assert held(world) == ""


def test_find_goes_to_the_nearest_reachable_point_and_faces_the_thing(make_world: Make, play: Play) -> None:
    world = make_world()
    play(world, "find a Desk")
    assert world.state.stand == (12.0, 1.0)
    assert world.state.facing == pytest.approx((0.0, -1.0))
    assert play(world, "find a Sofa") != [""]
    assert world.state.stand == (12.0, 1.0)


def test_what_is_in_the_hand_is_gone_to_like_anything_else(make_world: Make, play: Play) -> None:
    world = make_world()
    play(world, "find a Knife", "pick up the Knife", "find a Desk")
    world.state.facing = (0.8, 0.6)
    # The hand is half a metre before the agent, at (12.4, 1.3).
    assert play(world, "find a Knife") == [""]
    assert world.state.stand == (12.5, 1.25)
    assert world.state.facing == pytest.approx((-(0.8**0.5), 0.2**0.5))
    assert held(world) == the(world, "Knife|")


def test_right_at_a_thing_the_agent_faces_along_z(make_world: Make, play: Play) -> None:
    world = make_world()
    play(world, "find a Knife", "pick up the Knife", "find a Desk")
    world.state.facing = (-1.0, 0.0)
    play(world, DROP, "find a Knife")
    assert world.state.stand == (11.5, 1.0)
    assert world.state.facing == (0.0, 1.0)


def test_what_is_closed_in_is_taken_only_once_opened(make_world: Make, play: Play) -> None:
    world = make_world()
    said = play(world, "find a CellPhone", "pick up the CellPhone", "find a Cabinet_2", "open the Cabinet_2")
    assert [not message for message in said] == [True, False, True, True]
    assert play(world, "find a CellPhone", "pick up the CellPhone") == ["", ""]
    assert held(world) == the(world, "CellPhone|")


def test_pick_goes_by_type_and_prefers_what_is_seen(make_world: Make, play: Play) -> None:
    world = make_world()
    # Mug is in the closed cabinet before the agent, Mug_2 is far away in the open.
    assert play(world, "pick up the Mug") == [
        "Mug is not visible because it is in CounterTop_2. Go there to pick the object instead."
    ]
    assert play(world, "find a Mug", "pick up the Mug")[1] != ""
    assert play(world, "find a Mug_2", "pick up the Mug") == ["", ""]
    assert place(world, the(world, "Mug|+09.70")) == "hand"


def test_a_bare_name_is_bound_to_the_first_instance(make_world: Make, play: Play) -> None:
    world = make_world()
    play(world, "find a Book_2", "find a Book")
    assert world.state.found == world.household.index[the(world, "Book|+11.80")]
    play(world, "find a StoveBurner", "find a StoveBurner_2")
    assert world.state.found == world.household.index[the(world, "StoveBurner|+07.25")]


def test_an_occupied_burner_counts_as_far_away(make_world: Make, play: Play) -> None:
    world = make_world()
    play(world, "find a Pot", "pick up the Pot", "find a StoveBurner_2", PUT)
    assert place(world, the(world, "Pot|")) == "StoveBurner_2"
    play(world, "find a Apple", "pick up the Apple", "find a Pot", PUT, "find a Pot", "pick up the Pot")
    assert held(world) == the(world, "Pot|")
    assert place(world, the(world, "Apple|+00.80")) == "Pot"


def test_put_falls_to_the_next_instance_in_sight(make_world: Make, play: Play) -> None:
    world = make_world()
    play(world, "find a Cabinet", "open the Cabinet", "find a Apple", "pick up the Apple")
    # Cabinet_2 is closed and Cabinet, though open, is out of sight from there.
    assert play(world, "find a Cabinet_2", PUT)[1] != ""
    burners = make_world()
    play(burners, "find a Pot", "pick up the Pot", "find a Apple", "find a StoveBurner")
    assert play(burners, PUT) == [""]
    assert place(burners, the(burners, "Pot|")) == "StoveBurner"


def test_the_place_of_put_outlives_put_and_open_alone(make_world: Make, play: Play) -> None:
    world = make_world()
    play(world, "find a Apple", "pick up the Apple", "find a Drawer", "open the Drawer")
    assert play(world, PUT) == [""]
    assert place(world, the(world, "Apple|+00.80")) == "Drawer"
    for action in ("close the Drawer", "turn on the Faucet", "slice the Bread", "pick up the Apple", DROP):
        world = make_world()
        play(world, "find a Knife", "pick up the Knife", "find a Drawer", "open the Drawer", action)
        carrying = held(world)
        assert world.state.target is None, action
        assert play(world, PUT) == ["" if carrying else "Robot is not holding any object"]
        assert place(world, the(world, "Knife|")) == "floor"


def test_the_third_failed_put_drops_the_object(make_world: Make, play: Play) -> None:
    world = make_world()
    play(world, "find a Apple", "pick up the Apple", "find a Drawer")
    first, second, third, fourth = play(world, PUT, PUT, PUT, PUT)
    assert first == second
    assert third == first + ". The robot dropped the object instead."
    assert fourth == "Robot is not holding any object. The robot dropped the object instead."
    assert place(world, the(world, "Apple|+00.80")) == "floor"
    assert play(world, "find a Apple", "pick up the Apple") == ["", ""]


def test_every_attempt_at_a_place_counts_also_those_that_succeed(make_world: Make, play: Play) -> None:
    world = make_world()
    play(world, "find a Drawer", "open the Drawer")
    for name in ("Knife", "Potato"):
        assert play(world, f"find a {name}", f"pick up the {name}", "find a Drawer", PUT) == [""] * 4
    play(world, "close the Drawer", "find a Bread", "pick up the Bread", "find a Drawer")
    assert play(world, PUT)[0].endswith("The robot dropped the object instead.")


def test_two_places_are_counted_apart(make_world: Make, play: Play) -> None:
    world = make_world()
    play(world, "find a Apple", "pick up the Apple")
    said = play(world, "find a Drawer", PUT, PUT, "find a Cabinet", PUT, PUT)
    assert not any("dropped" in message for message in said)
    assert place(world, the(world, "Apple|+00.80")) == "hand"


def test_what_is_dropped_lies_before_the_agent(make_world: Make, play: Play) -> None:
    world = make_world()
    play(world, "find a Apple", "pick up the Apple", "find a Desk", DROP)
    index = world.household.index[the(world, "Apple|+00.80")]
    assert world.state.spots[index] == pytest.approx((12.0, 0.0, 0.5))
    assert world.state.visible(index)


def test_what_lies_in_a_movable_receptacle_goes_with_it(make_world: Make, play: Play) -> None:
    world = make_world()
    spoon = the(world, "Spoon|")
    assert place(world, spoon) == "Cup"
    play(world, "find a Cup", "pick up the Cup", "find a Desk", PUT)
    assert (place(world, spoon), place(world, the(world, "Cup|"))) == ("Cup", "Desk")
    index = world.household.index
    assert world.state.contents(index[the(world, "Desk|")]) is not None
    assert index[spoon] in (world.state.contents(index[the(world, "Desk|")]) or ())
    assert world.state.spots[index[spoon]] == world.state.spots[index[the(world, "Desk|")]]


def test_nothing_is_put_into_itself(make_world: Make, play: Play) -> None:
    world = make_world()
    play(world, "find a Box", "pick up the Box", "find a Box")
    assert play(world, PUT) != [""]
    assert held(world) == the(world, "Box|")


def test_a_microwave_heats_what_is_in_it(make_world: Make, play: Play) -> None:
    world = make_world()
    play(world, "find a Potato", "pick up the Potato", "find a Microwave", "open the Microwave", PUT)
    assert play(world, "turn on the Microwave") == ["Turn on action failed"]
    assert world.state.heated == frozenset()
    assert play(world, "close the Microwave", "turn on the Microwave") == ["", ""]
    assert ids(world, world.state.heated) == {the(world, "Potato|")}
    play(world, "turn off the Microwave", "open the Microwave", "find a Potato", "pick up the Potato", DROP)
    play(world, "find a Microwave", "close the Microwave", "turn on the Microwave")
    assert ids(world, world.state.heated) == {the(world, "Potato|")}


def test_a_fridge_cools_what_is_in_it_when_closed(make_world: Make, play: Play) -> None:
    world = make_world()
    play(world, "find a Cup", "pick up the Cup", "find a Fridge", "open the Fridge", PUT)
    assert world.state.cooled == frozenset()
    play(world, "close the Fridge")
    # What lies in the cup is in the fridge, and what was there before is too.
    assert ids(world, world.state.cooled) == {the(world, "Cup|"), the(world, "Spoon|"), the(world, "Apple|+04.00")}


def test_a_faucet_cleans_what_is_in_the_basin(make_world: Make, play: Play) -> None:
    world = make_world()
    play(world, "find a Knife", "pick up the Knife", "find a Sink", PUT, "find a Faucet", "turn on the Faucet")
    assert ids(world, world.state.cleaned) == {the(world, "Knife|"), the(world, "Potato|")}


def test_a_faucet_without_a_basin_in_sight_fails_and_runs(home_trial: Callable[..., dict], home_scenes: dict) -> None:
    basin = next(entry for entry in home_scenes["9001"]["receptacles"] if entry["type"] == "SinkBasin")
    basin["pos"] = [9.0, 0.9, 0.5]
    household = build_household(home_trial(), home_scenes)
    world = AlfredWorld(household, build_goal(home_trial(), household))
    world.do(household.indices["find a Faucet"])
    outcome = world.do(household.indices["turn on the Faucet"])
    assert (outcome.valid, outcome.feedback) == (False, "Last action is invalid. Turn on action failed")
    assert {household.things[index].type for index in world.state.on} == {"Faucet"}
    assert world.state.cleaned == frozenset()


def test_a_set_is_lost_where_the_first_of_its_kind_holds_nothing(
    home_trial: Callable[..., dict], home_scenes: dict, play: Play
) -> None:
    # By id this one comes first; it is known to be turned on and off, but not to hold anything.
    home_scenes["9001"]["toggleables"].append("Microwave|+00.00|+00.90|+00.50")
    household = build_household(home_trial(), home_scenes)
    world = AlfredWorld(household, build_goal(home_trial(), household))
    world.state.heated = frozenset({household.index[the(world, "Knife|")]})
    assert play(world, "find a Microwave", "turn on the Microwave")[1] == ""
    assert world.state.heated == frozenset()


def test_slicing_replaces_the_whole_by_its_pieces(make_world: Make, play: Play) -> None:
    world = make_world()
    whole = the(world, "Bread|")
    assert play(world, "find a Bread", "slice the Bread") == ["", ""]
    pieces = [thing.id for thing in world.household.things if thing.type == "BreadSliced"]
    assert pieces == [f"{whole}|BreadSliced_{number}" for number in range(10)]
    assert place(world, whole) == "absent"
    assert {place(world, piece) for piece in pieces} == {"CounterTop"}
    assert play(world, "find a Bread", "pick up the Bread", "find a Shelf", PUT) == [""] * 4
    assert place(world, pieces[0]) == "Shelf"


def test_slices_are_none_of_what_the_whole_was(make_world: Make, play: Play) -> None:
    world = make_world()
    play(world, "find a Potato", "turn on the Faucet", "slice the Potato")
    whole = world.household.things[world.household.index[the(world, "Potato|")]]
    assert world.state.cleaned == {whole.index}
    play(world, "turn off the Faucet", "turn on the Faucet")
    assert world.state.cleaned == {whole.index, *whole.slices}


def test_after_any_attempt_to_slice_slices_are_preferred(make_world: Make, play: Play) -> None:
    world = make_world()
    assert play(world, "slice the Tomato") != [""]
    assert world.state.sliced
    world = make_world()
    play(world, "find a Fridge", "open the Fridge", "pick up the Apple", "find a CounterTop_2", PUT)
    unseen = "Apple is not visible because it is in {}. Go there to pick the object instead."
    # From the microwave the second counter is nearer than the first.
    assert play(world, "find a Microwave", "pick up the Apple")[1] == unseen.format("CounterTop_2")
    play(world, "find a Apple", "slice the Apple")
    assert play(world, "find a Microwave", "pick up the Apple")[1] == unseen.format("CounterTop")


def test_a_nearer_whole_that_is_looked_at_first_hides_the_slices(make_world: Make, play: Play) -> None:
    world = make_world()
    play(world, "find a Fridge", "open the Fridge", "pick up the Apple", "find a CounterTop", PUT)
    play(world, "find a Apple", "slice the Apple", "find a Apple_2", "pick up the Apple")
    assert held(world) == the(world, "Apple|+04.00")


def test_every_episode_starts_clean(make_world: Make, play: Play) -> None:
    world = make_world()
    before = snapshot(world.state)
    play(world, "find a Apple", "slice the Apple", "pick up the Apple", "find a Drawer", PUT, PUT, PUT)
    assert snapshot(AlfredWorld(world.household, world.goal).state) == before


def test_toggles_of_the_trial_hold_at_the_start(make_world: Make, play: Play) -> None:
    world = make_world(on=("DeskLamp",))
    assert play(world, "find a DeskLamp", "turn on the DeskLamp")[1] == "Turn on action failed"
    assert play(world, "turn off the DeskLamp") == [""]


def test_boxes_start_open(make_world: Make, play: Play) -> None:
    world = make_world()
    assert play(world, "find a Pencil", "pick up the Pencil", "find a Box", PUT) == [""] * 4
    play(world, "close the Box")
    assert play(world, "find a Pencil", "pick up the Pencil")[1].startswith(
        "Pencil is not visible because it is in Desk"
    )


def test_view_has_the_names_that_actions_use(make_world: Make, play: Play) -> None:
    world = make_world()
    play(world, "find a CounterTop_2")
    view = world.visible()
    assert {"CounterTop_2", "Mug_2", "Cup", "Spoon", "ButterKnife"} <= set(view)
    assert not {"Mug", "CellPhone", "Drawer", "Cabinet"} & set(view)
    play(world, "find a Apple", "slice the Apple")
    assert world.visible().count("AppleSliced") == 1
    assert "Cabinet" in world.visible()
    assert "Mug" not in world.visible()
    play(world, "find a Cabinet", "open the Cabinet")
    assert "Mug" in world.visible()


def test_what_is_behind_or_far_is_out_of_view(make_world: Make) -> None:
    world = make_world()
    desk = world.household.index[the(world, "CounterTop|+01.00")]
    assert world.state.visible(desk)
    world.state.facing = (0.0, 1.0)
    assert not world.state.visible(desk)
    world.state.facing = (0.0, -1.0)
    world.state.stand = (1.0, 2.25)
    assert not world.state.visible(desk)


def test_a_fork_is_independent_and_goes_on_alike(make_world: Make, play: Play) -> None:
    world = make_world()
    play(world, "find a Apple", "pick up the Apple")
    twin = world.fork()
    before = snapshot(twin.state)
    rest = ("find a Fridge", "open the Fridge", PUT, "close the Fridge", "find a Bread", "slice the Bread")
    said = play(world, *rest)
    assert snapshot(twin.state) == before
    assert play(twin, *rest) == said
    assert snapshot(twin.state) == snapshot(world.state)


def check(world: AlfredWorld) -> None:
    """What must always hold: each thing is in one place, held is in the hand, and no thing is in itself."""
    state, things = world.state, world.household.things
    in_hand = [index for index, where in enumerate(state.places) if where == IN_HAND]
    assert in_hand == ([state.held] if state.held >= 0 else [])
    for index, where in enumerate(state.places):
        assert where >= ABSENT
        assert where < 0 or (things[where].receptacle and state.places[where] != ABSENT)
        around = list(state.around(index))
        assert index not in around
        assert len(around) <= 3
        if not things[index].pickupable:
            assert where == FLOOR
        if things[index].whole >= 0:
            assert (where == ABSENT) == (state.places[things[index].whole] != ABSENT)
    assert 0.0 <= world.achieved.progress <= 1.0


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_is_done_nothing_is_lost(make_world_static: Make, data: st.DataObject) -> None:
    world = make_world_static()
    count = len(world.names)
    likely = [world.household.indices[name] for name in (PUT, DROP, "find a Cup", "pick up the Cup", "find a Pot")]
    for index in data.draw(st.lists(st.one_of(st.sampled_from(likely), st.integers(0, count - 1)), max_size=60)):
        outcome = world.do(index)
        assert outcome.valid == (outcome.feedback == "Last action executed successfully.")
        check(world)


def test_random_walks_through_upstreams_homes_lose_nothing(upstream_worlds: Mapping[str, AlfredWorld]) -> None:
    generator = random.Random(0)
    for world in list(upstream_worlds.values())[::5]:
        walker = world.fork()
        twin = world.fork()
        for index in generator.choices(range(len(walker.names)), k=60):
            assert walker.do(index) == twin.do(index)
        check(walker)
        assert snapshot(walker.state) == snapshot(twin.state)
