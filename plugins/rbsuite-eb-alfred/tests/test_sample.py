"""The sample split: its rooms, its trials and its tasks, and that they can be solved."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import rbsuite_eb_alfred
from rbsuite_eb_alfred.goals import build_goal
from rbsuite_eb_alfred.pack import FILES, SETS, Pack
from rbsuite_eb_alfred.scene import Household, build_household
from rbsuite_eb_alfred.vocabulary import MOVABLE_RECEPTACLES, OBJECTS, OPENABLE, PICKABLE, SLICES
from rbsuite_eb_alfred.world import AlfredWorld

Record: TypeAlias = dict[str, Any]

SAMPLE = Path(rbsuite_eb_alfred.__file__).parent / "sample"
TASK_TYPES = {
    "pick_and_place_simple",
    "pick_two_obj_and_place",
    "look_at_obj_in_light",
    "pick_heat_then_place_in_recep",
    "pick_cool_then_place_in_recep",
    "pick_clean_then_place_in_recep",
    "pick_and_place_with_movable_recep",
}
TREATMENTS = {"pick_heat": "HeatObject", "pick_cool": "CoolObject", "pick_clean": "CleanObject"}


def read(name: str) -> Any:
    """The JSON value of a file of the sample."""
    return json.loads((SAMPLE / name).read_text(encoding="utf-8"))


TRIALS: dict[str, Record] = read("trials.json")
SCENES: dict[str, Record] = read("scenes.json")
SPLITS: dict[str, list[Record]] = read("splits.json")
TASKS: list[tuple[str, Record]] = [(name, task) for name, tasks in SPLITS.items() for task in tasks]

every_trial = pytest.mark.parametrize("trial", TRIALS.values(), ids=[name.partition("/")[0] for name in TRIALS])
every_scene = pytest.mark.parametrize("scene", SCENES.values(), ids=list(SCENES))


@pytest.fixture(scope="module")
def pack() -> Pack:
    """The sample, read like any pack."""
    return Pack(SAMPLE)


def scene_of(trial: Record) -> Record:
    scene: Record = SCENES[str(trial["scene_num"])]
    return scene


def object_id(kind: str, position: list[float]) -> str:
    """An object's id, from its type and where it stands at first."""
    return "|".join([kind, *(f"{value:+06.2f}" for value in position)])


def steps(trial: Record, action: str) -> list[Record]:
    """The steps of a trial's plan that have an action's name."""
    return [step for step in trial["high_pddl"] if step["action"] == action]


# --- the files and the counts -----------------------------------------------------------------------------------------


def test_files_and_source() -> None:
    assert {path.name for path in SAMPLE.iterdir()} == {*FILES, "SOURCE.md"}
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) < 300_000
    assert "Apache-2.0" in (SAMPLE / "SOURCE.md").read_text(encoding="utf-8")


def test_is_read_as_a_pack(pack: Pack) -> None:
    assert pack.splits == SPLITS
    assert pack.trials == TRIALS
    assert pack.scenes == SCENES


def test_six_tasks_a_set() -> None:
    assert tuple(SPLITS) == SETS
    assert {len(tasks) for tasks in SPLITS.values()} == {6}


def test_every_task_names_a_trial_and_every_trial_serves() -> None:
    asked = Counter((task["task"], task["repeat_idx"]) for _, task in TASKS)
    offered = {(name, index) for name, trial in TRIALS.items() for index in trial["repeat_idxs"]}
    assert set(asked) == offered
    assert set(asked.values()) == {1}
    assert any(len(trial["repeat_idxs"]) > 1 for trial in TRIALS.values())


def test_no_sentence_stands_twice() -> None:
    written = [task["instruction"] for _, task in TASKS]
    written += [sentence for trial in TRIALS.values() for sentence in trial["task_descs"]]
    assert len(set(written)) == len(written)


@every_trial
def test_descriptions_match_the_wordings(trial: Record) -> None:
    assert trial["repeat_idxs"] == list(range(len(trial["task_descs"])))


# --- what the tasks are -----------------------------------------------------------------------------------------------


def test_all_types_of_task_and_several_of_each() -> None:
    kinds = Counter(TRIALS[task["task"]]["task_type"] for _, task in TASKS)
    assert set(kinds) == TASK_TYPES
    assert min(kinds.values()) >= 3


def test_a_type_of_task_recurs_in_other_scenes_or_sets() -> None:
    """A memory of one task can only help with the next if the two ask for the same skill."""
    for kind in TASK_TYPES:
        of_kind = [(name, TRIALS[task["task"]]) for name, task in TASKS if TRIALS[task["task"]]["task_type"] == kind]
        assert len({trial["scene_num"] for _, trial in of_kind}) >= 2
        assert len({name for name, _ in of_kind}) >= 2
        assert len({trial["pddl_params"]["object_target"] for _, trial in of_kind}) >= 3


def test_slices_are_asked_for_with_several_ends() -> None:
    cut = [trial for trial in TRIALS.values() if trial["pddl_params"]["object_sliced"]]
    assert {trial["pddl_params"]["object_target"] for trial in cut} == set(SLICES)
    assert len({trial["task_type"] for trial in cut}) == 4
    assert all(steps(trial, "SliceObject") for trial in cut)


def test_long_horizon_is_longer() -> None:
    lengths = {name: [len(TRIALS[task["task"]]["high_pddl"]) for task in tasks] for name, tasks in SPLITS.items()}
    longest = lengths.pop("long_horizon")
    assert min(longest) > sum(map(sum, lengths.values())) / 30
    assert {TRIALS[task["task"]]["task_type"] for task in SPLITS["long_horizon"]} == {
        "pick_heat_then_place_in_recep",
        "pick_cool_then_place_in_recep",
        "pick_two_obj_and_place",
    }


def test_wording_by_set() -> None:
    """The target's name stands in a plain wording, and is avoided where it is to be guessed from its use."""
    for name, shown in (("base", True), ("common_sense", False)):
        for task in SPLITS[name]:
            target = TRIALS[task["task"]]["pddl_params"]["object_target"].lower()
            assert (target in task["instruction"].lower().replace(" ", "")) is shown, task["instruction"]
    relations = re.compile(r"\b(left|right|nearest|upper|lower)\b")
    assert all(relations.search(task["instruction"]) for task in SPLITS["spatial"])
    words = {name: sum(len(task["instruction"].split()) for task in tasks) for name, tasks in SPLITS.items()}
    assert max(words, key=words.__getitem__) == "complex_instruction"


def test_difficulty() -> None:
    """Several of a kind to choose among, closed places to look into or put into, and names that lie within others."""
    several = hidden = shut = quirks = 0
    for trial in TRIALS.values():
        target, parent = trial["pddl_params"]["object_target"], trial["pddl_params"]["parent_target"]
        same = [entry for entry in trial["derived_initial"] if entry["type"] == target]
        several += len(same) > 1
        hidden += any(entry["in"].partition("|")[0] in OPENABLE for entry in same)
        shut += parent in OPENABLE
        quirks += any(target in entry["type"] != target for entry in trial["derived_initial"])
    assert several >= 20
    assert hidden >= 12
    assert shut >= 8
    assert quirks >= 2


# --- rooms ------------------------------------------------------------------------------------------------------------


def test_rooms() -> None:
    assert all(int(number) > 1000 for number in SCENES)
    assert {trial["scene_num"] for trial in TRIALS.values()} == set(map(int, SCENES))


@every_scene
def test_scene(scene: Record) -> None:
    ids = [entry["id"] for entry in scene["receptacles"]]
    floor = {tuple(point) for point in scene["reachable_xz"]}
    assert len(set(ids)) == len(ids)
    for entry in scene["receptacles"]:
        base = object_id(entry["type"].removesuffix("Basin"), entry["pos"])
        assert entry["id"] == (f"{base}|{entry['type']}" if entry["type"].endswith("Basin") else base)
        assert tuple(entry["stand"][:2]) in floor
        assert entry["stand"][2] in (0, 90, 180, 270)
    types = {entry["type"] for entry in scene["receptacles"]} | {
        name.partition("|")[0] for name in scene["toggleables"]
    }
    assert types <= set(scene["object_types"])
    assert all((4 * x).is_integer() and (4 * z).is_integer() for x, z in floor)
    assert reached(floor) == floor


def reached(floor: set[tuple[float, float]]) -> set[tuple[float, float]]:
    """What can be walked to from the first point in steps of 0.25 m."""
    found = {min(floor)}
    border = list(found)
    while border:
        x, z = border.pop()
        for point in ((x + 0.25, z), (x - 0.25, z), (x, z + 0.25), (x, z - 0.25)):
            if point in floor - found:
                found.add(point)
                border.append(point)
    return found


# --- trials -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TRIALS)
def test_name_says_what_the_trial_is(name: str) -> None:
    trial = TRIALS[name]
    goal = trial["pddl_params"]
    target = goal["object_target"] + "Sliced" * goal["object_sliced"]
    place = goal["parent_target"] or goal["toggle_target"]
    folder, _, run = name.partition("/")
    assert folder == f"{trial['task_type']}-{target}-{goal['mrecep_target'] or 'None'}-{place}-{trial['scene_num']}"
    assert re.fullmatch(rf"trial_sample_{trial['scene_num']}_\d+", run)


@every_trial
def test_objects(trial: Record) -> None:
    scene = scene_of(trial)
    receptacles = {entry["id"] for entry in scene["receptacles"]}
    assert 15 <= len(trial["objects"]) <= 56
    for item, entry in zip(trial["objects"], trial["derived_initial"], strict=True):
        assert re.fullmatch(rf"{entry['type']}_[0-9a-f]{{8}}", item["name"])
        assert entry["id"] == object_id(entry["type"], item["pos"])
        assert entry["type"] in PICKABLE
        assert entry["type"] in OBJECTS
        assert entry["type"] in scene["object_types"]
        assert entry["in"] in receptacles
    ids = [entry["id"] for entry in trial["derived_initial"]]
    assert len(set(ids)) == len(ids)


@every_trial
def test_objects_lie_in_movable_receptacles_only_on_purpose(trial: Record) -> None:
    spots = [
        (entry["type"], item["pos"]) for item, entry in zip(trial["objects"], trial["derived_initial"], strict=True)
    ]
    for kind, spot in spots:
        if kind in MOVABLE_RECEPTACLES:
            away = [math.hypot(spot[0] - x, spot[2] - z) for _, (x, _, z) in spots if [x, z] != [spot[0], spot[2]]]
            assert all(distance < 0.05 or distance > 0.16 for distance in away)


@every_trial
def test_start(trial: Record) -> None:
    start = trial["init_action"]
    assert [start["x"], start["z"]] in scene_of(trial)["reachable_xz"]
    assert start["rotation"] in (0, 90, 180, 270)
    lamps = [{"isOn": False, "objectType": lamp} for lamp in [trial["pddl_params"]["toggle_target"]] if lamp]
    assert trial["object_toggles"] == lamps


@every_trial
def test_plan(trial: Record) -> None:
    scene, goal = scene_of(trial), trial["pddl_params"]
    places = {entry["id"]: entry["type"] for entry in scene["receptacles"]}
    movable = {entry["id"]: entry["type"] for entry in trial["derived_initial"]}
    assert trial["high_pddl"][-1] == {"action": "End", "args": []}
    for step in steps(trial, "GotoLocation"):
        x, z, turn, _ = map(int, step["location"].split("|")[1:])
        assert [x / 4, z / 4] in scene["reachable_xz"]
        assert 0 <= turn < 4
    for step in steps(trial, "PickupObject") + steps(trial, "PutObject") + steps(trial, "SliceObject"):
        assert "|".join(step["objectId"].split("|")[:4]) in movable  # a slice's id has a fifth part
        assert step.get("receptacleObjectId") in {None, *places, *movable}
    put = steps(trial, "PutObject")
    if goal["parent_target"]:
        assert places[put[-1]["receptacleObjectId"]] == goal["parent_target"]
    if goal["mrecep_target"]:
        assert movable[put[0]["receptacleObjectId"]] == goal["mrecep_target"]
    if goal["toggle_target"]:
        assert steps(trial, "ToggleObject")[0]["objectId"] in scene["toggleables"]
    for start, action in TREATMENTS.items():
        assert bool(steps(trial, action)) is trial["task_type"].startswith(start)


@every_trial
def test_household(trial: Record) -> None:
    """The engine takes the trial, every place bears a name of its own, and what is meant to be inside a vessel is."""
    household = build_household(trial, SCENES)
    assert household.scene == trial["scene_num"]


def test_one_object_starts_inside_a_movable_receptacle() -> None:
    nested = [pair for trial in TRIALS.values() for pair in nestings(build_household(trial, SCENES))]
    assert nested == [("Spoon", "Bowl")]


def nestings(household: Household) -> Iterator[tuple[str, str]]:
    """The types of an object and of the movable receptacle that it is in at the start."""
    for thing in household.things:
        if thing.place >= 0 and household.things[thing.place].pickupable:
            yield thing.type, household.things[thing.place].type


# --- it can be solved, and is not from the start ----------------------------------------------------------------------


@every_trial
def test_no_goal_holds_at_the_start(trial: Record) -> None:
    household = build_household(trial, SCENES)
    assert not AlfredWorld(household, build_goal(trial, household)).achieved.success
