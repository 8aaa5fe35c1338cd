from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbsuite_eb_alfred.derive import Evidence, Receptacle, box_of, gather, id_of, label_table, receptacles
from rbsuite_eb_alfred.derive_places import Placer
from rbsuite_eb_alfred.upstream import Layout, Trial
from rbsuite_eb_alfred.upstream_trajectory import Box, PickUp, Point, Trajectory

SHELF, DESK, BED = "Shelf|+00.00|+01.00|+00.00", "Desk|+02.00|+00.00|+00.00", "Bed|+04.00|+00.00|+00.00"
TWIN = "Shelf|+00.00|+01.00|+02.00"
HERE: Point = (0.0, 5.0, 0.0)
COORDINATES = st.floats(-99, 99).map(lambda value: round(value, 2))


def known(*names: str) -> list[Receptacle]:
    return [Receptacle(name, box_of(name), None, "layout") for name in names]


def label(thing: Point, receptacle: str, name: str = "Pen|+09.00|+09.00|+09.00") -> PickUp:
    return PickUp(name, Box("Pen", thing), box_of(receptacle))


def place(labels: Sequence[PickUp], at: Point = HERE, own: Sequence[PickUp] = ()) -> str:
    """What a pen is in."""
    trial = Trial({}, [("Pen", at)], own)
    found: str = Placer(known(SHELF, DESK, BED, TWIN), labels).places(trial)[0]["in"]
    return found


def away(distance: float) -> Point:
    return (HERE[0] + distance, HERE[1], HERE[2])


# Start places ----------------------------------------------------------------------------------------------------------


def test_the_nearest_pick_up_tells_the_receptacle() -> None:
    assert place([label(away(0.29), DESK), label(away(0.2), BED)]) == BED


def test_within_the_voting_distance_the_majority_tells() -> None:
    assert place([label(away(0.0), DESK), label(away(0.14), BED), label(away(0.1), BED)]) == BED
    assert place([label(away(0.0), DESK), label(away(0.16), BED), label(away(0.16), BED)]) == DESK


def test_of_equal_votes_the_first_recorded_tells() -> None:
    assert place([label(away(0.1), DESK), label(away(0.0), BED)]) == DESK
    assert place([label(away(0.0), BED), label(away(0.1), DESK)]) == BED


def test_at_one_distance_the_nearer_receptacle_tells() -> None:
    desk, bed = label((0.0, 5.0, 0.2), BED), label((0.0, 5.0, -0.2), DESK)
    assert place([desk, bed]) == place([bed, desk]) == DESK


def test_a_pick_up_further_away_tells_nothing() -> None:
    assert place([label(away(0.31), BED)]) == SHELF


def test_the_trials_own_expert_comes_first() -> None:
    own = [label(HERE, BED, "Pen|+00.00|+05.00|00.00")]
    assert place([label(HERE, DESK)] * 3, own=own) == BED
    assert place([label(HERE, DESK)], own=[label(HERE, BED, "Pen|+00.00|+05.00|+00.01")]) == DESK


def test_a_slices_pick_up_tells_of_the_whole() -> None:
    own = [PickUp("Pen|+00.00|+05.00|+00.00|PenSliced_1", Box("Pen", HERE), box_of(BED))]
    assert place([], own=own) == BED


def test_a_box_means_the_nearest_receptacle_of_its_type() -> None:
    near_twin = PickUp("", Box("Pen", HERE), Box("Shelf", (0.3, 1.0, 1.8)))
    assert place([near_twin]) == TWIN


def test_a_label_of_an_unknown_type_is_left_alone() -> None:
    assert place([PickUp("", Box("Pen", HERE), Box("Safe", HERE))]) == SHELF


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ((1.9, 0.1, 0.0), DESK),
        ((0.1, 1.1, 0.1), SHELF),
        # Height counts for less than the floor: 0.7 x 1.4 m against 1.2 m.
        ((1.2, 2.5, 0.0), SHELF),
        ((0.9, 0.6, 0.0), SHELF),
        ((1.1, 0.6, 0.0), DESK),
    ],
)
def test_without_labels_the_nearest_receptacle_is_taken(at: Point, expected: str) -> None:
    assert place([], at) == expected


def test_things_usually_stand_above_what_they_are_on() -> None:
    low, high = "Drawer|+00.00|+00.20|+00.00", "Drawer|+00.00|+00.50|+00.00"
    placer = Placer(known(low, high), [])
    # 0.20 m above the one, 0.10 m below the other: the first.
    assert placer.places(Trial({}, [("Pen", (0.0, 0.4, 0.0))], ()))[0]["in"] == low


@given(st.lists(st.tuples(COORDINATES, COORDINATES, COORDINATES), min_size=1, max_size=5))
def test_every_object_is_somewhere(spots: list[Point]) -> None:
    trial = Trial({}, [("Pen", spot) for spot in spots], ())
    found = Placer(known(SHELF, DESK), [label(HERE, DESK)]).places(trial)
    assert [each["id"] for each in found] == [id_of(Box("Pen", spot)) for spot in spots]
    assert {each["in"] for each in found} <= {SHELF, DESK}


# Receptacles -----------------------------------------------------------------------------------------------------------


def scene(evidence: Evidence, *layout: str) -> list[tuple[str, str]]:
    found = receptacles(Layout({name: [0.0, 0.0, 90, 30] for name in layout}, [], []), evidence, ["Mug"])
    return [(each.id, each.source) for each in found]


def test_what_was_filled_and_what_was_taken_from_is_added() -> None:
    evidence = Evidence([label(HERE, BED), label(HERE, DESK)], {TWIN, SHELF}, set())
    assert scene(evidence, SHELF) == [(SHELF, "layout"), (TWIN, "traj"), (BED, "pickup"), (DESK, "pickup")]


def test_the_layout_keeps_its_order_and_the_others_are_sorted() -> None:
    assert scene(Evidence([], {SHELF, BED}), TWIN, DESK) == [
        (TWIN, "layout"),
        (DESK, "layout"),
        (BED, "traj"),
        (SHELF, "traj"),
    ]


def test_movable_receptacles_are_objects() -> None:
    mug = "Mug|+00.00|+00.00|+00.00"
    assert scene(Evidence([label(HERE, mug)], {mug}), SHELF) == [(SHELF, "layout")]


@pytest.mark.parametrize(("distance", "same"), [(0.05, True), (0.15, False)])
def test_a_receptacle_nearby_of_the_same_type_is_the_same(distance: float, same: bool) -> None:
    moved = PickUp("", Box("Pen", HERE), Box("Shelf", (distance, 1.0, 0.0)))
    assert (len(scene(Evidence([moved]), SHELF)) == 1) == same
    other = PickUp("", Box("Pen", HERE), Box("Cabinet", (distance, 1.0, 0.0)))
    assert len(scene(Evidence([other, other]), SHELF)) == 2


@pytest.mark.parametrize(("distance", "same"), [(0.75, True), (0.85, False)])
def test_a_basin_is_that_of_the_sink_around_it(distance: float, same: bool) -> None:
    basin = PickUp("", Box("Pen", HERE), Box("SinkBasin", (0.0, 1.0 - distance, 0.0)))
    found = scene(Evidence([basin]), "Sink|+00.00|+01.00|+00.00|SinkBasin")
    assert (len(found) == 1) == same
    assert same or found[1] == ("Sink|+00.00|+00.15|+00.00|SinkBasin", "pickup")


@given(st.sampled_from(["Desk", "SinkBasin", "BathtubBasin"]), COORDINATES, COORDINATES, COORDINATES)
def test_ids_tell_type_and_position(kind: str, x: float, y: float, z: float) -> None:
    box = Box(kind, (x, y, z))
    found = box_of(id_of(box))
    assert found.type == kind
    assert math.dist(found.position, box.position) < 1e-9


# Evidence --------------------------------------------------------------------------------------------------------------


def test_trajectories_are_gathered_by_scene() -> None:
    one = Trajectory("trial_1", 7, (label(HERE, DESK),), (DESK, DESK), ("Lamp",))
    two = Trajectory("trial_2", 7, (label(HERE, BED),), (BED,), ())
    other = Trajectory("trial_3", 8, (), (), ())
    found, number = gather([one, two, other])
    assert number == 3
    assert [each.receptacle.type for each in found[7].labels] == ["Desk", "Bed"]
    assert (found[7].filled, found[7].turned_on) == ({DESK, BED}, {"Lamp"})
    assert label_table(found) == {
        "7": [["Pen", [0.0, 5.0, 0.0], "Bed", [4.0, 0.0, 0.0]], ["Pen", [0.0, 5.0, 0.0], "Desk", [2.0, 0.0, 0.0]]]
    }
