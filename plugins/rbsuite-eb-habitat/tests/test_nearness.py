"""What lies within reach of a standpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbsuite_eb_habitat.nearness import picking_place, reach
from rbsuite_eb_habitat.pack import Pack, Standpoints
from rbsuite_eb_habitat.vocab import NAMES, PLACES

SINK, LEFT, SOFA = 9, 11, 12
FRIDGE, INSIDE = 4, 13


def neighbours(standpoints: Standpoints, place: int) -> set[int]:
    return set(reach(standpoints)[place]) - {place}


def points(*sets: tuple[set[int], int]) -> Standpoints:
    return [(frozenset(PLACES[number] for number in within), times) for within, times in sets]


def test_without_standpoints_only_the_place_itself_is_near() -> None:
    assert [neighbours((), place) for place in range(16) if place not in (FRIDGE, INSIDE)] == [set()] * 14


def test_the_refrigerator_and_its_door_are_one_piece() -> None:
    assert neighbours((), FRIDGE) == {INSIDE}
    assert neighbours((), INSIDE) == {FRIDGE}
    assert picking_place(FRIDGE) == INSIDE
    assert picking_place(SINK) == SINK


@pytest.mark.parametrize(("alone", "near"), [(1, True), (2, False)])
def test_nine_in_ten_make_neighbours_in_either_direction(alone: int, near: bool) -> None:
    standpoints = points(({SINK, LEFT}, 9), ({SINK}, 100), ({LEFT}, alone))
    assert (neighbours(standpoints, LEFT) == {SINK}) == near
    assert (neighbours(standpoints, SINK) == {LEFT}) == near


@given(st.lists(st.tuples(st.frozensets(st.sampled_from(PLACES)), st.integers(1, 50)), max_size=8))
def test_being_neighbours_is_mutual(standpoints: list[tuple[frozenset[str], int]]) -> None:
    found = reach(standpoints)
    for place in range(16):
        assert place in found[place]
        assert all(place in found[other] for other in found[place])


def test_upstreams_kitchen(upstream: Path) -> None:
    pack = Pack(upstream)
    within = reach(pack.standpoints("v3_sc3_staging_02"))
    named = {NAMES[PLACES[place]] for place in within[SINK]}
    counters = {f"{side} counter in the kitchen" for side in ("left", "right")}
    assert named >= {*counters, *(f"{side} drawer of the kitchen counter" for side in ("left", "right"))}
    assert within[SOFA] == {SOFA}
    assert reach(pack.standpoints("elsewhere_00"))[SINK] == {SINK}
