"""Which instance an action given by type refers to.

Follows ``ThorConnector.get_obj_id_from_name`` (EmbodiedBench/EmbodiedBench, b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04, thor_connector.py),
with its oddity: an instance that is further away than the best so far (including its penalties) is not considered, whatever would be
subtracted.
"""

from __future__ import annotations

from rbsuite_eb_alfred.state import State

ENCLOSED = 100_000.0
"""Metres added for what is in something closed."""
OCCUPIED = 10_000.0
"""Metres added for a stove burner that has something on it."""
UNSEEN = 1_000.0
"""Metres added for what is not visible, where that counts."""
SLICE = 100.0
"""Metres subtracted for a slice, where slices are preferred."""


def nearest(
    state: State,
    kind: str,
    *,
    pickupable: bool = False,
    toggleable: bool = False,
    part: bool = False,
    seen_first: bool = False,
    slices_first: bool = False,
    but: int = -1,
) -> int:
    """The nearest instance of a kind, penalties added.

    Args:
        state: the state.
        kind: a type in lower case.
        pickupable: only those that can be picked up.
        toggleable: only those that can be switched.
        part: only those whose id has five parts.
        seen_first: visible ones come first.
        slices_first: slices come first.
        but: an instance to leave out, or -1.

    Returns:
        the instance's index, or -1.
    """
    best, least = -1, 1e8
    things = state.household.things
    for index in state.household.of_kind.get(kind, ()):
        thing = things[index]
        if index == but or not state.present(index) or (part and not thing.part):
            continue
        if (pickupable and not thing.pickupable) or (toggleable and not thing.toggleable):
            continue
        distance = state.distance(index)
        if distance >= least:
            continue
        if state.enclosed(index):
            distance += ENCLOSED
        if kind == "stoveburner" and index in state.places:
            distance += OCCUPIED
        if seen_first and not state.visible(index):
            distance += UNSEEN
        if slices_first and thing.whole >= 0:
            distance -= SLICE
        if distance < least:
            best, least = index, distance
    return best
