"""A small home of the tests' own, as a pack, and ways to act in it."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from rbsuite.task import TaskSet
from rbsuite_eb_alfred.environment import EbAlfred
from rbsuite_eb_alfred.goals import build_goal
from rbsuite_eb_alfred.scene import build_household
from rbsuite_eb_alfred.world import AlfredWorld

PACKS = Path(os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).parents[4] / "shared" / "packs")
UPSTREAM = PACKS / "embodied" / "eb_alfred"
TRIAL = "pick_and_place_simple-Apple-None-Shelf-9001/trial_1"
WALL = 0.5
"""Fixed things stand along the wall at this z; one can stand from z = 1 on."""


def fixed(kind: str, x: float, y: float, part: str = "") -> dict[str, Any]:
    """A receptacle at the wall, as ``scenes.json`` has it."""
    identifier = f"{kind}|{x:+06.2f}|{y:+06.2f}|{WALL:+06.2f}" + (f"|{part}" if part else "")
    return {"id": identifier, "type": part or kind, "pos": [x, y, WALL], "stand": None, "src": "layout"}


RECEPTACLES = [
    fixed("Shelf", 0.0, 1.5),
    fixed("CounterTop", 1.0, 0.9),
    fixed("Cabinet", 1.0, 1.8),
    fixed("Sink", 2.0, 0.9, "SinkBasin"),
    fixed("Fridge", 4.0, 0.0),
    fixed("Microwave", 6.0, 0.9),
    fixed("StoveBurner", 7.0, 0.9),
    fixed("StoveBurner", 7.25, 0.9),
    fixed("Cabinet", 8.0, 1.8),
    fixed("Drawer", 8.0, 0.5),
    fixed("CounterTop", 10.0, 0.9),
    fixed("Desk", 12.0, 0.7),
]
FAUCET = f"Faucet|+02.00|+01.20|{WALL - 0.1:+06.2f}"
LAMP = f"DeskLamp|+12.30|+00.90|{WALL:+06.2f}"
PLACES = {entry["id"].split("|")[0] + entry["id"].split("|")[1]: entry["id"] for entry in RECEPTACLES}

OBJECTS: list[tuple[str, float, float, str]] = [
    # type, x, y, what it lies in
    ("Apple", 0.8, 0.95, "CounterTop+01.00"),
    ("Apple", 4.0, 0.5, "Fridge+04.00"),
    ("Knife", 1.2, 0.95, "CounterTop+01.00"),
    ("Bread", 1.3, 0.95, "CounterTop+01.00"),
    ("Potato", 2.0, 0.9, "Sink+02.00"),
    ("Mug", 1.0, 1.8, "Cabinet+01.00"),
    ("Mug", 9.7, 0.95, "CounterTop+10.00"),
    ("CellPhone", 8.0, 1.8, "Cabinet+08.00"),
    ("Pot", 7.0, 0.95, "StoveBurner+07.00"),
    ("Cup", 10.0, 0.95, "CounterTop+10.00"),
    ("Spoon", 10.1, 0.95, "CounterTop+10.00"),
    ("ButterKnife", 10.5, 0.95, "CounterTop+10.00"),
    ("Book", 11.8, 0.75, "Desk+12.00"),
    ("Book", 12.0, 0.75, "Desk+12.00"),
    ("Box", 12.5, 0.75, "Desk+12.00"),
    ("Pencil", 11.6, 0.75, "Desk+12.00"),
    ("Towel", 0.0, 1.5, "Shelf+00.00"),
]


def scenes() -> dict[str, Any]:
    """``scenes.json`` of the home."""
    return {
        "9001": {
            "receptacles": RECEPTACLES,
            "toggleables": [FAUCET, LAMP, PLACES["Microwave+06.00"]],
            "object_types": [],
            "reachable_xz": [[x / 4, z / 4] for z in range(4, 9) for x in range(53)],
        }
    }


def trial(task_type: str = "pick_and_place_simple", **params: Any) -> dict[str, Any]:
    """An entry of ``trials.json`` for the home."""
    goal = {"object_target": "Apple", "parent_target": "Shelf", "mrecep_target": "", "toggle_target": ""}
    positions = [(kind, [x, y, WALL], PLACES[where]) for kind, x, y, where in OBJECTS]
    return {
        "task_type": task_type,
        "pddl_params": {**goal, "object_sliced": False, **params},
        "repeat_idxs": [0],
        "scene_num": 9001,
        "dirty_and_empty": False,
        "object_toggles": [],
        "init_action": {"action": "TeleportFull", "horizon": 30, "rotation": 180, "x": 1.0, "y": 0.9, "z": 1.0},
        "objects": [{"name": f"{kind}_{index}", "pos": spot} for index, (kind, spot, _) in enumerate(positions)],
        "derived_initial": [
            {"id": f"{kind}|{x:+06.2f}|{y:+06.2f}|{z:+06.2f}", "type": kind, "in": where}
            for kind, (x, y, z), where in positions
        ],
        "task_descs": [],
        "high_pddl": [{"action": "GotoLocation", "args": []}, {"action": "End", "args": []}],
    }


@pytest.fixture
def home_trial() -> Callable[..., dict[str, Any]]:
    """Entries of ``trials.json``, each a copy of its own."""
    return lambda *args, **params: copy.deepcopy(trial(*args, **params))


@pytest.fixture
def home_scenes() -> dict[str, Any]:
    """``scenes.json``, a copy of its own."""
    return copy.deepcopy(scenes())


@pytest.fixture
def make_world() -> Callable[..., AlfredWorld]:
    """Worlds over the home: by task type and goal, and what is on at first."""

    return make_home


@pytest.fixture(scope="session")
def make_world_static() -> Callable[..., AlfredWorld]:
    """The same for property tests, which bear no fixture that is made anew for each test."""
    return make_home


@pytest.fixture(scope="session")
def home_trial_static() -> Callable[..., dict[str, Any]]:
    """Entries of ``trials.json`` for property tests."""
    return trial


def make_home(task_type: str = "pick_and_place_simple", on: tuple[str, ...] = (), **params: Any) -> AlfredWorld:
    """A world over the home."""
    entry = trial(task_type, **params)
    entry["object_toggles"] = [{"objectType": kind, "isOn": True} for kind in on]
    household = build_household(entry, scenes())
    return AlfredWorld(household, build_goal(entry, household))


@pytest.fixture
def play() -> Callable[..., list[str]]:
    """Carry out actions by name; the feedbacks without the part that all of their kind have (empty: carried out)."""

    def carry_out(world: AlfredWorld, *names: str) -> list[str]:
        said = []
        for name in names:
            outcome = world.do(world.household.indices[name])
            start = "Last action executed successfully." if outcome.valid else "Last action is invalid. "
            assert outcome.feedback.startswith(start)
            said.append(outcome.feedback.removeprefix(start))
        return said

    return carry_out


@pytest.fixture
def home_pack(tmp_path: Path) -> Path:
    """The home as a pack with three tasks."""
    directory = tmp_path / "home"
    write_pack(directory, splits(), {TRIAL: trial()}, scenes())
    return directory


def splits() -> dict[str, Any]:
    """``splits.json`` of the home."""
    tasks = [
        {"task": TRIAL, "repeat_idx": number, "instruction": f"Put an apple on the shelf, {number}."}
        for number in range(2)
    ]
    return {"base": tasks, "spatial": tasks[:1]}


def write_pack(directory: Path, splits: Any, trials: Any, scenes: Any) -> None:
    """Write the three files."""
    directory.mkdir()
    for name, value in (("splits", splits), ("trials", trials), ("scenes", scenes)):
        (directory / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")


@pytest.fixture
def write_home() -> Callable[..., None]:
    """Writes a pack."""
    return write_pack


@pytest.fixture(scope="session")
def upstream() -> Path:
    """The pack of upstream's data."""
    if not UPSTREAM.is_dir():
        pytest.skip("upstream's data (an EB-ALFRED pack) is not here")
    return UPSTREAM


@pytest.fixture(scope="session")
def upstream_env(upstream: Path) -> EbAlfred:
    """The environment over upstream's data, once :func:`upstream_tasks` has read it."""
    return EbAlfred()


@pytest.fixture(scope="session")
def upstream_tasks(upstream: Path, upstream_env: EbAlfred) -> TaskSet:
    """Upstream's tasks."""
    return upstream_env.tasks("test", data=str(upstream))


@pytest.fixture(scope="session")
def upstream_worlds(upstream_env: EbAlfred, upstream_tasks: TaskSet) -> Mapping[str, AlfredWorld]:
    """A world for each of upstream's tasks, by id."""
    return {task.id: upstream_env.open_world(task) for task in upstream_tasks}


@pytest.fixture(scope="session")
def sample_env() -> EbAlfred:
    """The environment over the sample, once :func:`sample_tasks` has read it."""
    return EbAlfred()


@pytest.fixture(scope="session")
def sample_tasks(sample_env: EbAlfred) -> TaskSet:
    """The sample."""
    return sample_env.tasks("sample")
