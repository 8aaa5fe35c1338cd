"""What a home is at the start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from rbsuite_eb_alfred.scene import ABSENT, Household, build_household
from rbsuite_eb_alfred.world import AlfredWorld


def household(trial: dict[str, Any], scenes: dict[str, Any]) -> Household:
    return build_household(trial, scenes)


def place_of(home: Household, start: str) -> str:
    thing = next(thing for thing in home.things if thing.id.startswith(start))
    return home.things[thing.place].id if thing.place >= 0 else ""


@pytest.mark.parametrize(
    ("kind", "x", "y", "where"),
    [
        ("Spoon", 10.1, 0.95, "Cup|"),
        ("Spoon", 10.13, 0.95, "CounterTop|"),
        ("Spoon", 10.1, 1.2, "CounterTop|"),
        ("Apple", 10.1, 0.95, "CounterTop|"),
    ],
)
def test_an_object_beside_a_movable_receptacle_lies_in_it_if_it_fits(
    home_trial: Callable[..., dict[str, Any]], home_scenes: dict[str, Any], kind: str, x: float, y: float, where: str
) -> None:
    trial = home_trial()
    entry = next(index for index, known in enumerate(trial["derived_initial"]) if known["type"] == "Spoon")
    trial["derived_initial"][entry].update(id=f"{kind}|{x:+06.2f}|{y:+06.2f}|+00.50", type=kind)
    trial["objects"][entry]["pos"] = [x, y, 0.5]
    assert place_of(household(trial, home_scenes), f"{kind}|+10").startswith(where)


def test_slices_are_known_from_the_start_and_absent(
    home_trial: Callable[..., dict[str, Any]], home_scenes: dict[str, Any]
) -> None:
    home = household(home_trial(), home_scenes)
    slices = [thing for thing in home.things if thing.whole >= 0]
    assert len(slices) == 7 + 7 + 7 + 10
    assert {thing.place for thing in slices} == {ABSENT}
    assert all(slice_.index in home.things[slice_.whole].slices for slice_ in slices)
    assert [thing.index for thing in home.things] == list(range(len(home.things)))


def test_the_home_does_not_depend_on_the_order_of_the_data(
    home_trial: Callable[..., dict[str, Any]], home_scenes: dict[str, Any]
) -> None:
    turned, scenes = home_trial(), home_scenes
    first = household(home_trial(), scenes)
    turned["derived_initial"].reverse()
    turned["objects"].reverse()
    scenes["9001"]["receptacles"] = scenes["9001"]["receptacles"][::-1]
    second = household(turned, scenes)
    assert (first.things, first.names, first.labels) == (second.things, second.names, second.labels)


def test_a_microwave_can_be_turned_on_though_only_listed_as_a_receptacle(
    home_trial: Callable[..., dict[str, Any]], home_scenes: dict[str, Any]
) -> None:
    home_scenes["9001"]["toggleables"] = []
    microwave = household(home_trial(), home_scenes).of_type("Microwave")
    assert [thing.toggleable for thing in microwave] == [True]


def test_the_spoon_of_upstreams_trial_starts_in_the_cup(upstream_worlds: Mapping[str, AlfredWorld]) -> None:
    worlds = [
        world
        for world in upstream_worlds.values()
        if world.goal.task_type == "pick_and_place_with_movable_recep" and world.household.scene == 6
    ]
    assert worlds
    for world in worlds:
        things = world.household.things
        assert any(thing.type == "Spoon" and thing.place >= 0 and things[thing.place].type == "Cup" for thing in things)


def test_upstreams_homes_have_what_their_goals_name(upstream_worlds: Mapping[str, AlfredWorld]) -> None:
    for world in upstream_worlds.values():
        goal = world.goal
        assert goal.objects
        assert goal.lights if goal.task_type == "look_at_obj_in_light" else goal.receptacles
