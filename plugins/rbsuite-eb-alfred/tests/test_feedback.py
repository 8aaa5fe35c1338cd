"""The feedback table: upstream's messages, one by one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rbsuite_eb_alfred.world import AlfredWorld

PUT = "put down the object in hand"
DROP = "drop the object in hand"
EMPTY = "Robot is not holding any object"
CELLPHONE = "Cellphone is not visible because it is in Cabinet_2. Go there to pick the object instead."


def failed_put(place: str) -> str:
    check = "First check whether the receptacle is open or not. Also try other instances of the receptacle"
    return f"Putting the object on {place} failed. {check}"


def not_there(name: str) -> str:
    return f"Cannot find {name}. This object may not exist in this scene. Try to explore other instances instead."


TABLE: list[tuple[str, tuple[str, ...], str]] = [
    # what happens, the actions (only the last may fail), its message
    ("find", ("find a Apple",), ""),
    ("find what is not there", ("find a Sofa",), not_there("Sofa")),
    ("find a bare name of several words", ("find a CoffeeTable",), not_there("Coffeetable")),
    ("find what is closed in", ("find a CellPhone",), ""),
    ("pick", ("find a Apple", "pick up the Apple"), ""),
    (
        "pick what is not there",
        ("pick up the Vase",),
        "Cannot find Vase to pick up. Find the object before picking up it",
    ),
    ("pick what is closed in", ("find a CellPhone", "pick up the CellPhone"), CELLPHONE),
    ("pick what is closed in, from afar", ("pick up the CellPhone",), CELLPHONE),
    (
        "pick what is out of sight",
        ("find a Fridge", "pick up the Pencil"),
        "Pencil is not visible because it is in Desk. Go there to pick the object instead.",
    ),
    (
        "pick with a full hand",
        ("find a Knife", "pick up the Knife", "pick up the Apple"),
        "Robot is currently holding Knife",
    ),
    (
        "pick, with a slice in the hand",
        ("find a Bread", "slice the Bread", "pick up the Bread", "pick up the Apple"),
        "Robot is currently holding BreadSliced",
    ),
    (
        "pick what lies out of sight on the floor",
        ("find a Knife", "pick up the Knife", DROP, "find a Desk", "pick up the Knife"),
        EMPTY,
    ),
    ("put", ("find a Apple", "pick up the Apple", "find a Shelf", PUT), ""),
    ("put with an empty hand", ("find a Shelf", PUT), EMPTY),
    ("put without a place", ("find a Apple", "pick up the Apple", PUT), ""),
    ("put without a place or an object", ("find a Apple", "slice the Apple", PUT), EMPTY),
    (
        "put into what is closed",
        ("find a Apple", "pick up the Apple", "find a Drawer", PUT),
        failed_put("Drawer"),
    ),
    (
        "put into what is closed and one of several",
        ("find a Apple", "pick up the Apple", "find a Cabinet_2", PUT),
        failed_put("Cabinet"),
    ),
    ("put on what is no receptacle", ("find a Apple", "pick up the Apple", "find a Potato", PUT), failed_put("Potato")),
    (
        "put on what is not there",
        ("find a Apple", "pick up the Apple", "find a CoffeeTable", PUT),
        failed_put("Coffeetable"),
    ),
    ("drop", ("find a Apple", "pick up the Apple", DROP), ""),
    ("drop with an empty hand", (DROP,), EMPTY),
    ("open", ("find a Drawer", "open the Drawer"), ""),
    (
        "open what is open",
        ("find a Drawer", "open the Drawer", "open the Drawer"),
        "Open action failed. The Drawer is already open",
    ),
    ("open what is not there", ("open the Safe",), "Cannot find Safe to open. Find the object before opening it"),
    ("open what is out of sight", ("open the Drawer",), "Open action failed."),
    ("close", ("find a Drawer", "open the Drawer", "close the Drawer"), ""),
    (
        "close what is closed",
        ("find a Drawer", "close the Drawer"),
        "Close action failed. The Drawer is already closed",
    ),
    (
        "close what is out of sight",
        ("find a Drawer", "open the Drawer", "find a Apple", "close the Drawer"),
        "Close action failed",
    ),
    ("close what is not there", ("close the Safe",), "Cannot find Safe to close"),
    ("turn on", ("find a DeskLamp", "turn on the DeskLamp"), ""),
    (
        "turn on what is on",
        ("find a DeskLamp", "turn on the DeskLamp", "turn on the DeskLamp"),
        "Turn on action failed",
    ),
    ("turn on what is not there", ("turn on the FloorLamp",), "Cannot find Floorlamp to turn on"),
    ("turn on what is out of sight", ("turn on the DeskLamp",), "Turn on action failed"),
    (
        "turn on a microwave that is open",
        ("find a Microwave", "open the Microwave", "turn on the Microwave"),
        "Turn on action failed",
    ),
    (
        "open a microwave that is on",
        ("find a Microwave", "turn on the Microwave", "open the Microwave"),
        "Open action failed.",
    ),
    ("turn off", ("find a DeskLamp", "turn on the DeskLamp", "turn off the DeskLamp"), ""),
    ("turn off what is off", ("find a DeskLamp", "turn off the DeskLamp"), "Turn off action failed"),
    ("turn off what is not there", ("turn off the FloorLamp",), "Cannot find Floorlamp to turn off"),
    ("slice", ("find a Apple", "slice the Apple"), ""),
    ("slice what is not there", ("slice the Tomato",), "Cannot find Tomato to slice"),
    ("slice what is out of sight", ("find a Desk", "slice the Apple"), "Slice action failed"),
    ("slice a slice", ("find a Bread", "slice the Bread", "slice the Bread"), "Slice action failed"),
    ("slice what is held", ("find a Bread", "pick up the Bread", "slice the Bread"), "Slice action failed"),
    ("find a slice by the name of the whole", ("find a Apple", "slice the Apple", "find a Apple"), ""),
    (
        "find a whole that another slice stands before",
        (
            "find a Apple",
            "slice the Apple",
            "find a Fridge",
            "open the Fridge",
            "find a Apple_2",
            "slice the Apple",
            "find a Apple",
        ),
        not_there("Apple"),
    ),
]


@pytest.mark.parametrize(("actions", "message"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_what_is_said(
    make_world: Callable[..., AlfredWorld],
    play: Callable[..., list[str]],
    actions: tuple[str, ...],
    message: str,
) -> None:
    *before, last = play(make_world(), *actions)
    assert all(said in ("", not_there("Coffeetable")) for said in before)
    assert last == message
