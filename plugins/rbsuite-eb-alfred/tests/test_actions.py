"""The named actions: upstream's list, the scheme of further instances, and what each action means."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from rbsuite_eb_alfred.actions import base_actions, commands, further_actions, name_instances
from rbsuite_eb_alfred.vocabulary import MOVABLE_RECEPTACLES, spoken
from rbsuite_eb_alfred.world import AlfredWorld


def test_there_are_162_base_actions_with_ids_that_upstream_uses() -> None:
    names = base_actions()
    assert len(names) == len(set(names)) == 162
    expected = {
        57: "find a AlarmClock",
        80: "pick up the KeyChain",
        133: "put down the object in hand",
        134: "drop the object in hand",
        143: "open the Microwave",
        149: "turn on the Microwave",
        160: "slice the Apple",
        161: "slice the Bread",
    }
    assert {index: names[index] for index in expected} == expected


def test_the_base_actions_are_upstreams(upstream: Path) -> None:
    entries = json.loads((upstream / "skills_base.json").read_text())
    assert [entry["action_name"] for entry in entries] == list(base_actions())
    assert [entry["action_id"] for entry in entries] == list(range(162))


def test_the_movable_receptacles_are_upstreams(upstream: Path) -> None:
    constants = json.loads((upstream / "alfred_constants.json").read_text())
    fitting = constants["VAL_RECEPTACLE_OBJECTS"]
    assert {name: frozenset(fitting[name]) for name in constants["MOVABLE_RECEPTACLES"]} == MOVABLE_RECEPTACLES


def test_the_trials_have_170_to_303_actions(upstream_worlds: Mapping[str, AlfredWorld]) -> None:
    counts = [len(world.names) for world in upstream_worlds.values()]
    assert (min(counts), max(counts)) == (170, 303)
    assert all(len(set(world.names)) == len(world.names) for world in upstream_worlds.values())


def test_further_instances_follow_in_upstreams_order() -> None:
    receptacles = {
        "Shelf": ["s1"],
        "Drawer": [f"d{number}" for number in range(1, 12)],
        "Bowl": ["b1", "b2"],
        "TVStand": ["t1", "t2"],
    }
    instances = name_instances(receptacles, {"Book": ["k1", "k2"], "Towel": ["w1", "w2"], "Pen": ["p1"]})
    drawers = ["Drawer_10", "Drawer_11", *(f"Drawer_{number}" for number in range(2, 10))]
    assert further_actions(instances) == (
        "find a Bowl_2",
        *(f"find a {name}" for name in drawers),
        "find a TVStand_2",
        *(action for name in drawers for action in (f"open the {name}", f"close the {name}")),
        "find a Book_2",
    )
    assert instances.ids["Drawer"] == "d1"
    assert instances.ids["Towel_2"] == "w2"
    assert "Shelf" not in instances.ids


def test_only_find_open_and_close_are_bound_to_an_instance() -> None:
    instances = name_instances({"Microwave": ["Microwave|1", "Microwave|2"]}, {})
    index = {"Microwave|1": 5, "Microwave|2": 7}
    names = ["find a Microwave", "open the Microwave_2", "close the Microwave", "turn on the Microwave", "find a CD"]
    taken = commands(names, instances, index)
    assert [command.thing for command in taken] == [5, 7, 5, None, None]
    assert [command.verb for command in taken] == ["find", "open", "close", "on", "find"]
    assert {command.kind for command in taken} == {"microwave", "cd"}


@pytest.mark.parametrize(("name", "said"), [("CellPhone", "Cellphone"), ("CD", "CD"), ("Mug", "Mug")])
def test_messages_write_bare_names_as_upstream_does(name: str, said: str) -> None:
    assert spoken(name) == said


def test_instances_are_numbered_by_id(make_world: Callable[..., AlfredWorld]) -> None:
    household = make_world().household
    named = {label: household.things[index].id for index, label in enumerate(household.labels)}
    assert named["Cabinet"] < named["Cabinet_2"]
    assert named["Cabinet"].startswith("Cabinet|+01.00")
    assert named["Sink"] == "Sink|+02.00|+00.90|+00.50|SinkBasin"
    assert "open the Cabinet_2" in household.indices
    assert "pick up the Mug_2" not in household.indices
