"""Reads EB-ALFRED's data from checkouts in the form a pack has; nothing in them is run.

Layout after EmbodiedBench/EmbodiedBench, b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04, ``embodiedbench/envs/eb_alfred``:
``data/splits/*.json``, ``data/json_2.1.0/<task>/pp/ann_<n>.json``, ``gen/layouts/FloorPlan<n>-*``, ``gen/constants.py`` and
``utils.py``; and after askforalfred/alfred, f91f4c0c96c7a29f33d0557f86b0a21035379b3b:
``data/json_2.1.0/<split>/<task>/<trial>/traj_data.json``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rbsuite.data.checkout import SourceTree
from rbsuite.errors import DataError
from rbsuite.jsonable import Json
from rbsuite_eb_alfred.pack import SETS
from rbsuite_eb_alfred.upstream_trajectory import (
    PickUp,
    Point,
    Record,
    Trajectory,
    first_pick_ups,
    is_id,
    read_plan,
    read_trajectory,
    rounded,
)
from rbsuite_embodied.lfs import read_file, refuse_pointers

FOLDER = "embodiedbench/envs/eb_alfred"
TRAJECTORIES = f"{FOLDER}/data/json_2.1.0"
ALFRED_TRAJECTORIES = "data/json_2.1.0"
ALFRED_SPLITS = ("train", "valid_seen", "valid_unseen")
"""The splits of ALFRED whose trajectories are public."""

_SPLITS = f"{FOLDER}/data/splits/splits.json"
_LAYOUTS = f"{FOLDER}/gen/layouts"
_SCENE = re.compile(r"FloorPlan(\d{1,5})-openable\.json")
_ANNOTATION = re.compile(r"ann_(\d{1,4})\.json")
_TASK = re.compile(r"[\w-]+/trial_\w+")
_FLAG = "object_sliced"
_MOST_GRID_BYTES = 2**20
_REMEDY = "Restore the file, or get a fresh copy of the source."


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial of EB-ALFRED.

    Attributes:
        table: as stored in ``trials.json``, without what is derived.
        things: type and exact position of each of its objects, in the order of the table.
        pick_ups: its expert's first pick-ups.
    """

    table: Mapping[str, Json]
    things: Sequence[tuple[str, Point]]
    pick_ups: Sequence[PickUp]


@dataclass(frozen=True, slots=True)
class Layout:
    """What ALFRED's generator recorded about a scene.

    Attributes:
        stands: by receptacle id, where to stand to reach it: x, z, rotation, horizon.
        object_types: types of objects that occur.
        reachable: the points (x, z in metres) that the agent can stand at.
    """

    stands: Mapping[str, Json]
    object_types: Sequence[str]
    reachable: Sequence[Sequence[float]]


def read_splits(tree: SourceTree) -> dict[str, list[Json]]:
    """The tasks of each set, as upstream states them.

    Raises:
        DataError: the file is missing or malformed.
    """
    refuse_pointers(tree, (_SPLITS, *map(_steps_file, SETS)))
    splits = Record(tree.read_json(_SPLITS), _SPLITS)
    if sorted(splits.value) != sorted(SETS):
        splits.refuse(f"its sets are not {', '.join(SETS)}")
    return {name: [_split_entry(entry) for entry in splits.records(name)] for name in SETS}


def _split_entry(entry: Record) -> Json:
    task = entry.text("task")
    if not _TASK.fullmatch(task):
        entry.refuse(f"{task!r} is not a trial")
    return {"task": task, "repeat_idx": entry.number("repeat_idx"), "instruction": entry.text("instruction")}


def read_steps(tree: SourceTree) -> dict[str, list[Json]]:
    """The worded steps of each set's tasks.

    Raises:
        DataError: a file is missing or malformed.
    """
    return {name: list(_worded_entries(tree, _steps_file(name))) for name in SETS}


def _worded_entries(tree: SourceTree, file: str) -> Iterator[Json]:
    value = tree.read_json(file)
    if not isinstance(value, list):
        tree.fail(f"{file}: not a list")
    for index, entry in enumerate(value):
        yield _worded(Record(entry, f"{file}: entry {index}"))


def _worded(entry: Record) -> Json:
    return {
        "task": entry.text("full_scene_name"),
        "repeat_idx": entry.number("repeat_idx"),
        "task_type": entry.text("task type"),
        "instruction": entry.text("task description"),
        "nl_steps": entry.texts("NL Steps"),
    }


def _steps_file(name: str) -> str:
    return f"{FOLDER}/data/splits/{name}.json"


def read_trials(tree: SourceTree, splits: Mapping[str, Sequence[Json]]) -> dict[str, Trial]:
    """The trials that the sets name.

    Raises:
        DataError: the file of a task is missing, or one that is read is malformed.
    """
    repeats: dict[str, set[int]] = {}
    for entry in (entry for name in SETS for entry in splits[name]):
        repeats.setdefault(entry["task"], set()).add(entry["repeat_idx"])
    files = {
        task: [f"{TRAJECTORIES}/{task}/pp/ann_{repeat}.json" for repeat in sorted(found)]
        for task, found in repeats.items()
    }
    if missing := [file for each in files.values() for file in each if not tree.has(file)]:
        others = f", and {len(missing) - 1} others" if len(missing) > 1 else ""
        raise DataError(
            f"{missing[0]} is missing{others}.",
            f"If the trajectories come separately from the code, put them into {TRAJECTORIES}.",
        )
    # The plan and the scene are the same in all of a trial's files.
    return {task: _trial(tree, found[0], sorted(repeats[task])) for task, found in files.items()}


def _trial(tree: SourceTree, file: str, repeats: list[int]) -> Trial:
    record = Record(tree.parse_json(read_file(tree, file), file), file)
    scene, plan, goal = record.record("scene"), record.record("plan"), record.record("pddl_params")
    poses = [(pose.text("objectName"), pose.point("position")) for pose in scene.records("object_poses")]
    table = {
        "task_type": record.text("task_type"),
        "pddl_params": {field: goal.text(field) for field in goal.value if field != _FLAG} | {_FLAG: goal.flag(_FLAG)},
        "repeat_idxs": repeats,
        "scene_num": scene.number("scene_num"),
        "dirty_and_empty": scene.flag("dirty_and_empty"),
        "object_toggles": [
            {"isOn": toggle.flag("isOn"), "objectType": toggle.text("objectType")}
            for toggle in scene.records("object_toggles")
        ],
        "init_action": dict(scene.record("init_action").value),
        "objects": [{"name": name, "pos": rounded(position, 4)} for name, position in poses],
        "task_descs": [ann.text("task_desc") for ann in record.record("turk_annotations").records("anns")],
        "high_pddl": read_plan(plan),
    }
    things = [(name.partition("_")[0], position) for name, position in poses]
    return Trial(table, things, tuple(first_pick_ups(plan)))


def read_layouts(tree: SourceTree) -> dict[int, Layout]:
    """The scenes' layouts by scene number.

    Raises:
        DataError: there are none, or a file is missing or malformed.
    """
    numbers = sorted(int(found[1]) for name in _names(tree, _LAYOUTS) if (found := _SCENE.fullmatch(name)))
    if not numbers:
        tree.fail(f"{_LAYOUTS} contains no FloorPlan<number>-openable.json")
    return {number: _layout(tree, f"{_LAYOUTS}/FloorPlan{number}") for number in numbers}


def _layout(tree: SourceTree, stem: str) -> Layout:
    openable = Record(tree.read_json(f"{stem}-openable.json"), f"{stem}-openable.json")
    types = Record({"object_types": tree.read_json(f"{stem}-objects.json")}, f"{stem}-objects.json")
    for name in openable.value:
        if not is_id(name):
            openable.refuse(f"{name!r} is not the id of a receptacle")
    grid = f"{stem}-layout.npy"
    return Layout(
        {name: list(openable.items(name)) for name in openable.value},
        types.texts("object_types"),
        read_grid(read_file(tree, grid), grid),
    )


def read_grid(content: bytes, name: str) -> list[list[float]]:
    """The points in a ``.npy`` file containing an array with two columns, rounded to three places. Pickled objects are refused.

    Raises:
        DataError: it is not such a file.
    """
    import numpy as np

    if len(content) > _MOST_GRID_BYTES:
        raise DataError(f"{name} is larger than {_MOST_GRID_BYTES // 2**20} MiB.", _REMEDY)
    try:
        array: Any = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    except Exception as error:  # A damaged header may raise almost anything.
        raise DataError(f"{name}: not an array of numbers ({type(error).__name__}: {error}).", _REMEDY) from error
    if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "fi" or not np.isfinite(array).all():
        raise DataError(f"{name}: not an array of points (x, z).", _REMEDY)
    return [[round(float(x), 3), round(float(z), 3)] for x, z in array.tolist()]


def own_trajectories(tree: SourceTree) -> Iterator[Trajectory]:
    """The trajectories in a checkout of EmbodiedBench, one per trial, in the order in which they were recorded."""
    folders = {
        trial: f"{TRAJECTORIES}/{task}/{trial}/pp"
        for task, trial in _trials(tree, TRAJECTORIES)
        if trial.startswith("trial_")
    }
    for trial, folder in sorted(folders.items()):
        numbers = [int(found[1]) for name in _names(tree, folder) if (found := _ANNOTATION.fullmatch(name))]
        if numbers:
            yield _read(tree, trial, f"{folder}/ann_{min(numbers)}.json")


def alfred_trajectories(tree: SourceTree) -> Iterator[Trajectory]:
    """The trajectories in a checkout of ALFRED, in the order in which they were recorded."""
    files = {
        trial: f"{ALFRED_TRAJECTORIES}/{split}/{task}/{trial}/traj_data.json"
        for split in ALFRED_SPLITS
        for task, trial in _trials(tree, f"{ALFRED_TRAJECTORIES}/{split}")
    }
    for trial, file in sorted(files.items()):
        yield _read(tree, trial, file)


def _trials(tree: SourceTree, folder: str) -> Iterator[tuple[str, str]]:
    """(task, trial) below a folder, ignoring hidden and stray files."""
    for task in _names(tree, folder):
        if (tree.root / folder / task).is_dir() and not task.startswith("."):
            yield from ((task, trial) for trial in _names(tree, f"{folder}/{task}") if not trial.startswith("."))


def _read(tree: SourceTree, trial: str, file: str) -> Trajectory:
    return read_trajectory(tree.parse_json(read_file(tree, file), file), trial, file)


def _names(tree: SourceTree, folder: str) -> list[str]:
    """The names in a folder, sorted, since the file system's own order is arbitrary."""
    try:
        return sorted(path.name for path in Path(tree.root / folder).iterdir())
    except OSError as error:
        tree.fail(f"{folder} cannot be listed ({error.strerror or type(error).__name__})")
