"""What the hand does: pick up, put down, drop. Each returns upstream's message, empty on success.

Follows ``ThorConnector.pick``, ``put`` and ``drop`` (EmbodiedBench/EmbodiedBench, b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04,
thor_connector.py).
"""

from __future__ import annotations

from rbsuite_eb_alfred.actions import Command
from rbsuite_eb_alfred.choice import nearest
from rbsuite_eb_alfred.scene import IN_HAND
from rbsuite_eb_alfred.state import State

EMPTY_HAND = "Robot is not holding any object"
DROPPED_INSTEAD = ". The robot dropped the object instead."
PATIENCE = 3
"""The attempt at one place from which on a failure drops the object."""


def pick(state: State, command: Command) -> str:
    """Pick up the nearest visible instance; if it is hidden inside something, the message names the outermost thing it is in."""
    chosen = nearest(state, command.kind, pickupable=True, seen_first=True, slices_first=state.sliced)
    if chosen < 0:
        return f"Cannot find {command.shown} to pick up. Find the object before picking up it"
    if state.visible(chosen) and state.held < 0:
        state.move(chosen, IN_HAND, state.spots[chosen])
        return ""
    outermost = state.outermost(chosen)
    if outermost >= 0 and not state.visible(chosen):
        # The connector's message as the environment rewrites it: the receptacle's id becomes its name.
        shown, where = command.shown, state.household.labels[outermost]
        return f"{shown} is not visible because it is in {where}. Go there to pick the object instead."
    if state.held < 0:
        # This is what upstream says when a pick fails with an empty hand.
        return EMPTY_HAND
    return f"Robot is currently holding {state.thing(state.held).type}"


def put_down(state: State) -> str:
    """Put what is held where the last ``find`` went; without one, drop it."""
    target = state.target
    if target is None:
        return drop(state)
    state.puts[target.key] = tries = state.puts.get(target.key, 0) + 1
    message = _put(state, target)
    if message and tries >= PATIENCE:
        drop(state)
        message += DROPPED_INSTEAD
    return message


def drop(state: State) -> str:
    """Let go of what is held."""
    if state.held < 0:
        return EMPTY_HAND
    state.drop()
    return ""


def _put(state: State, target: Command) -> str:
    """Try the intended place, then the nearest other one of its kind.

    For sinks and bathtubs the basin is tried before the whole; for others, parts (only slices are parts) are tried after it.
    """
    if state.held < 0:
        return EMPTY_HAND
    basin_first = "Sink" in target.shown or "Bathtub" in target.shown
    tried, message = -1, ""
    for other in (False, True):
        but = tried if other else -1
        for part in (basin_first, not basin_first):
            bound = target.thing if not other else None
            place = bound if bound is not None else nearest(state, target.kind, part=part, but=but)
            if place < 0:
                message = _failed(target.shown, "whether the receptacle is open or not")
                continue
            # Nothing is too large and no place is full.
            if (
                state.thing(place).receptacle
                and not state.shut(place)
                and not state.carried(place)
                and state.visible(place)
            ):
                state.move(state.held, place, state.spots[place])
                return ""
            tried = place
            message = _failed(target.shown, "the receptacle is open or not")
    return message


def _failed(shown: str, check: str) -> str:
    return f"Putting the object on {shown} failed. First check {check}. Also try other instances of the receptacle"
