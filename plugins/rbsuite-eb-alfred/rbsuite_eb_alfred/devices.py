"""What is done to things where they are: open, close, turn on, turn off, slice. Each returns upstream's message, empty on success.

Follows ``ThorConnector`` (EmbodiedBench/EmbodiedBench, b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04, thor_connector.py) and, for what is
heated, cooled and cleaned, ``ThorEnv.update_states`` (env/thor_env.py). A microwave is turned on only when closed and opened only when
off, as in the simulator.
"""

from __future__ import annotations

from rbsuite_eb_alfred.actions import Command
from rbsuite_eb_alfred.choice import nearest
from rbsuite_eb_alfred.scene import ABSENT, Thing
from rbsuite_eb_alfred.state import State

TURN_ON_FAILED = "Turn on action failed"


def open_up(state: State, command: Command) -> str:
    """Open a thing that is visible, closed and off."""
    index = _meant(state, command)
    if index < 0:
        return f"Cannot find {command.shown} to open. Find the object before opening it"
    if index in state.open:
        return f"Open action failed. The {command.shown} is already open"
    thing = state.thing(index)
    if not thing.openable or not state.visible(index) or index in state.on:
        return "Open action failed."
    state.open.add(index)
    return ""


def close(state: State, command: Command) -> str:
    """Close a thing that is visible and open; a fridge cools what is in it."""
    index = _meant(state, command)
    if index < 0:
        return f"Cannot find {command.shown} to close"
    if state.shut(index):
        return f"Close action failed. The {command.shown} is already closed"
    if index not in state.open or not state.visible(index):
        return "Close action failed"
    state.open.discard(index)
    if state.thing(index).type == "Fridge":
        state.cooled = _with_contents(state, state.cooled, state.household.of_type("Fridge")[0])
    return ""


def turn_on(state: State, command: Command) -> str:
    """Turn on a thing that is visible and off; a microwave heats what is in it, a faucet cleans what is in the basin."""
    index = nearest(state, command.kind, toggleable=True)
    if index < 0:
        return f"Cannot find {command.shown} to turn on"
    thing = state.thing(index)
    if index in state.on or not state.visible(index) or (thing.openable and index in state.open):
        return TURN_ON_FAILED
    state.on.add(index)
    if thing.type == "Microwave":
        state.heated = _with_contents(state, state.heated, state.household.of_type("Microwave")[0])
    if thing.type == "Faucet":
        return _wash(state, index)
    return ""


def turn_off(state: State, command: Command) -> str:
    """Turn off a thing that is visible and on."""
    index = nearest(state, command.kind, toggleable=True)
    if index < 0:
        return f"Cannot find {command.shown} to turn off"
    if index not in state.on or not state.visible(index):
        return "Turn off action failed"
    state.on.discard(index)
    return ""


def cut(state: State, command: Command) -> str:
    """Slice the nearest instance if it is visible, whole and not in the hand. No knife is required.

    Upstream keeps the ids of what was heated, cooled or cleaned, and slices have their own ids: they are none of these until they are
    treated themselves.
    """
    # Upstream records the attempt whether or not it succeeds.
    state.sliced = True
    index = nearest(state, command.kind)
    if index < 0:
        return f"Cannot find {command.shown} to slice"
    thing = state.thing(index)
    if not thing.slices or state.carried(index) or not state.visible(index):
        return "Slice action failed"
    place, spot = state.places[index], state.spots[index]
    for piece in thing.slices:
        state.places[piece], state.spots[piece] = place, spot
    state.places[index] = ABSENT
    return ""


def _meant(state: State, command: Command) -> int:
    return nearest(state, command.kind) if command.thing is None else command.thing


def _wash(state: State, faucet: int) -> str:
    """The nearest basin in view gets the water; if there is none, upstream's connector fails with the faucet on."""
    x, y, z = state.spots[faucet]
    basins = [basin for basin in state.household.of_type("SinkBasin") if state.visible(basin.index)]
    if not basins:
        return TURN_ON_FAILED
    spots = state.spots

    def apart(basin: Thing) -> float:
        to_x, to_y, to_z = spots[basin.index]
        return (to_x - x) ** 2 + (to_y - y) ** 2 + (to_z - z) ** 2

    state.cleaned = _with_contents(state, state.cleaned, min(basins, key=apart))
    return ""


def _with_contents(state: State, so_far: frozenset[int], receptacle: Thing) -> frozenset[int]:
    """What is in the receptacle joins the set. If it cannot hold anything, upstream loses its set (precedence of a conditional)."""
    contents = state.contents(receptacle.index)
    return frozenset() if contents is None else so_far | frozenset(contents)
