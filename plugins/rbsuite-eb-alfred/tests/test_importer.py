from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rbsuite.data.packs import import_pack, verify_pack
from rbsuite.errors import DataError, UsageError
from rbsuite_eb_alfred import upstream, upstream_pinned, upstream_words
from rbsuite_eb_alfred.environment import EbAlfred
from rbsuite_eb_alfred.importer import IMPORTER
from rbsuite_eb_alfred.pack import SETS
from rbsuite_eb_alfred.vocabulary import OBJECTS, OPENABLE, PICKABLE, SLICEABLE, TOGGLEABLE

COMMIT, OTHER_COMMIT = "0123456789" * 4, "abcdef0123" * 4
TASK = "pick_and_place_simple-Mug-None-Desk-7"
TRIAL = "trial_T20200101_000000_000001"
NAME = f"{TASK}/{TRIAL}"
MUG, PEN = "Mug|+01.00|+00.60|-02.00", "Pen|+03.00|+00.80|+00.00"
SHELF, DESK = "Shelf|+01.00|+00.50|-02.00", "Desk|+03.00|+00.00|+00.00"
BASIN = "Sink|-01.00|+00.90|+00.00|SinkBasin"
LAMP = "DeskLamp|+03.00|+01.00|+00.50"
BIN = "GarbageCan|-03.00|+00.00|-03.00"

EB = upstream.FOLDER
ANNOTATION = f"{upstream.TRAJECTORIES}/{NAME}/pp/ann_1.json"
LAYOUTS = f"{EB}/gen/layouts"
TABLES = (
    *("splits.json", "nl_steps.json", "trials.json", "scenes.json", "pickup_labels.json"),
    *("alfred_constants.json", "skill_vocab.json", "skills_base.json"),
)


def box(name: str) -> list[Any]:
    """A type with a box, as trajectories have it: lengths in quarters of a metre."""
    parts = name.split("|")
    x, y, z = (4 * float(part) for part in parts[1:4])
    return [parts[-1] if len(parts) > 4 else parts[0], [x, x, z, z, y, y]]


def pick(thing: str, receptacle: str | None) -> dict[str, Any]:
    action = {"action": "PickupObject", "objectId": thing, "coordinateObjectId": box(thing), "forceVisible": True}
    if receptacle is not None:
        action["coordinateReceptacleObjectId"] = box(receptacle)
    return step("PickupObject", action)


def put(thing: str, receptacle: str) -> dict[str, Any]:
    where = {"receptacleObjectId": receptacle, "coordinateReceptacleObjectId": box(receptacle)}
    return step("PutObject", {"action": "PutObject", "objectId": thing, "coordinateObjectId": box(thing), **where})


def step(kind: str, action: Mapping[str, Any]) -> dict[str, Any]:
    return {"discrete_action": {"action": kind, "args": ["mug"]}, "high_idx": 0, "planner_action": dict(action)}


def go(location: str = "loc|1|2|3|30") -> dict[str, Any]:
    return step("GotoLocation", {"action": "GotoLocation", "location": location})


def trajectory(
    plan: Sequence[Mapping[str, Any]],
    *,
    filled: Sequence[str] = (),
    lit: Sequence[str] = (),
    scene: int = 7,
    things: Sequence[str] = (MUG, PEN),
) -> dict[str, Any]:
    low = [{"api_action": {"action": "PutObject", "objectId": MUG, "receptacleObjectId": name}} for name in filled]
    low += [{"api_action": {"action": "ToggleObjectOn", "objectId": name}} for name in lit]
    low += [{"api_action": {"action": "MoveAhead", "moveMagnitude": 0.25}}]
    poses = [
        {
            "objectName": f"{name.split('|')[0]}_ab12",
            "position": dict(zip("xyz", map(float, name.split("|")[1:4]), strict=True)),
        }
        for name in things
    ]
    start = {
        "action": "TeleportFull",
        "horizon": 30,
        "rotateOnTeleport": True,
        "rotation": 90,
        "x": 0.0,
        "y": 0.9,
        "z": 1.5,
    }
    return {
        "images": [],
        "pddl_params": {
            "mrecep_target": "",
            "object_sliced": False,
            "object_target": "Mug",
            "parent_target": "Desk",
            "toggle_target": "",
        },
        "plan": {"high_pddl": list(plan), "low_actions": low},
        "scene": {
            "dirty_and_empty": True,
            "floor_plan": f"FloorPlan{scene}",
            "init_action": start,
            "object_poses": poses,
            "object_toggles": [{"isOn": True, "objectType": "DeskLamp"}],
            "scene_num": scene,
        },
        "task_type": "pick_and_place_simple",
        "turk_annotations": {"anns": [{"task_desc": "Bring me the mug.", "votes": [1]}]},
    }


PLAN = [go(), pick(MUG, SHELF), put(MUG, DESK), pick(MUG, DESK), step("NoOp", {"action": "End", "value": 1})]


def words(name: str, values: Sequence[str]) -> str:
    return f"{name} = [{', '.join(map(repr, values))}]\n"


CONSTANTS = """import os
from collections import OrderedDict
DEBUG = os.environ["NEVER_READ"]
MOVABLE_RECEPTACLES = ['Bowl', 'Mug']
MOVABLE_SET = set(MOVABLE_RECEPTACLES)
VAL_RECEPTACLE_OBJECTS = {'Bowl': {'Pen', 'Apple', 'Pen'}, 'Table': {'Mug'}}
VAL_RECEPTACLE_OBJECTS['Desk'] = VAL_RECEPTACLE_OBJECTS['Table']
del VAL_RECEPTACLE_OBJECTS['Table']
VAL_ACTION_OBJECTS = {'Heatable': {'Mug'}}
OPENABLE_CLASS_LIST = ['Box']
raise SystemExit("never run")
"""
UTILS = "import ai2thor\n" + "".join(
    [
        words("alfred_objs", OBJECTS),
        words("alfred_pick_obj", PICKABLE),
        words("alfred_open_obj", OPENABLE),
        words("alfred_slice_obj", SLICEABLE),
        words("alfred_toggle_obj", TOGGLEABLE),
        words("alfred_recep", ["Desk", "Shelf"]),
        "def run():\n    raise SystemExit\n",
    ]
)


def grid(points: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, points)
    return out.getvalue()


def checkout_files() -> dict[str, Any]:
    entry = {"task": NAME, "repeat_idx": 1, "instruction": "Mug to desk."}
    worded = {
        "full_scene_name": NAME,
        "repeat_idx": 1,
        "task type": "pick_and_place_simple",
        "task id": TRIAL,
        "task description": "Mug to desk.",
        "NL Steps": ["find a mug"],
    }
    return {
        f"{EB}/data/splits/splits.json": {name: [entry] for name in SETS},
        **{f"{EB}/data/splits/{name}.json": [worded] for name in SETS},
        ANNOTATION: trajectory(PLAN, filled=[DESK, BIN, MUG], lit=[LAMP]),
        f"{LAYOUTS}/FloorPlan7-openable.json": {
            SHELF: [0.5, -2.0, 90, 30],
            DESK: [2.5, 0.0, 90, 30],
            BASIN: [-0.5, 0.0, 270, 30],
        },
        f"{LAYOUTS}/FloorPlan7-objects.json": ["Mug", "Desk"],
        f"{LAYOUTS}/FloorPlan7-layout.npy": grid(np.array([[0.25, 1.5], [0.5, -2.0]])),
        upstream_words.CONSTANTS: CONSTANTS,
        upstream_words.UTILS: UTILS,
        f"{EB}/LICENSE": "A licence.\n",
        ".git/HEAD": f"{COMMIT}\n",
    }


def write(root: Path, files: Mapping[str, Any]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
    return root


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return write(tmp_path / "checkout", checkout_files())


@pytest.fixture
def alfred(tmp_path: Path) -> Path:
    """Two trajectories of the same scene; what they tell of the pen differs from what its place tells."""
    folder = "data/json_2.1.0"
    near = "Pen|+03.00|+00.80|+00.10"
    files = {
        f"{folder}/train/a-7/trial_T20200102_000000_000002/traj_data.json": trajectory([pick(near, SHELF)], lit=[LAMP]),
        f"{folder}/valid_seen/{NAME}/traj_data.json": trajectory(PLAN, filled=[DESK]),
        f"{folder}/tests_seen/b-7/trial_T20200103_000000_000003/traj_data.json": {"scene": {}},
        ".git/HEAD": f"{OTHER_COMMIT}\n",
    }
    (tmp_path / "alfred" / folder / "valid_unseen").mkdir(parents=True)
    return write(tmp_path / "alfred", files)


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def test_a_checkout_becomes_a_pack(checkout: Path, tmp_path: Path) -> None:
    report = import_pack(IMPORTER, checkout, tmp_path / "data")
    pack = report.path
    trial = read(pack / "trials.json")[NAME]
    assert trial["derived_initial"] == [
        {"id": MUG, "type": "Mug", "in": SHELF},
        {"id": PEN, "type": "Pen", "in": DESK},
    ]
    assert trial["objects"][0] == {"name": "Mug_ab12", "pos": [1.0, 0.6, -2.0]}
    assert (trial["repeat_idxs"], trial["scene_num"], trial["task_descs"]) == ([1], 7, ["Bring me the mug."])
    assert trial["high_pddl"][1] == {
        "action": "PickupObject",
        "args": ["mug"],
        "objectId": MUG,
        "coordinateObjectId": ["Mug", [1.0, 0.6, -2.0]],
        "coordinateReceptacleObjectId": ["Shelf", [1.0, 0.5, -2.0]],
    }
    assert [entry["action"] for entry in trial["high_pddl"]][-1] == "End"
    assert read(pack / "splits.json")["spatial"] == [{"task": NAME, "repeat_idx": 1, "instruction": "Mug to desk."}]
    assert read(pack / "nl_steps.json")["base"][0]["nl_steps"] == ["find a mug"]
    assert read(pack / "alfred_constants.json") == {
        "MOVABLE_RECEPTACLES": ["Bowl", "Mug"],
        "VAL_RECEPTACLE_OBJECTS": {"Bowl": ["Apple", "Pen"], "Table": ["Mug"]},
        "VAL_ACTION_OBJECTS": {"Heatable": ["Mug"]},
        "OPENABLE_CLASS_LIST": ["Box"],
    }
    assert read(pack / "skills_base.json")[133] == {"action_id": 133, "action_name": "put down the object in hand"}
    assert (pack / "LICENSE").read_text() == "A licence.\n"
    assert (report.info.source, report.info.commit, report.info.equals_commit) == ("checkout", COMMIT, None)
    assert report.info.counts["trajectories of EmbodiedBench/EmbodiedBench"] == 1


def test_a_scene_has_what_its_layout_and_trajectories_tell(checkout: Path, tmp_path: Path) -> None:
    pack = import_pack(IMPORTER, checkout, tmp_path / "data").path
    assert read(pack / "scenes.json") == {
        "7": {
            "receptacles": [
                {"id": SHELF, "type": "Shelf", "pos": [1.0, 0.5, -2.0], "stand": [0.5, -2.0, 90, 30], "src": "layout"},
                {"id": DESK, "type": "Desk", "pos": [3.0, 0.0, 0.0], "stand": [2.5, 0.0, 90, 30], "src": "layout"},
                {
                    "id": BASIN,
                    "type": "SinkBasin",
                    "pos": [-1.0, 0.9, 0.0],
                    "stand": [-0.5, 0.0, 270, 30],
                    "src": "layout",
                },
                {"id": BIN, "type": "GarbageCan", "pos": [-3.0, 0.0, -3.0], "stand": None, "src": "traj"},
            ],
            "toggleables": [LAMP],
            "object_types": ["Mug", "Desk"],
            "reachable_xz": [[0.25, 1.5], [0.5, -2.0]],
        }
    }
    # The second pick-up tells nothing of where the mug was at first.
    assert read(pack / "pickup_labels.json") == {"7": [["Mug", [1.0, 0.6, -2.0], "Shelf", [1.0, 0.5, -2.0]]]}


def test_alone_it_says_that_it_knows_few_trajectories(checkout: Path, tmp_path: Path) -> None:
    report = import_pack(IMPORTER, checkout, tmp_path / "data")
    assert "the 1 trajectories of EmbodiedBench alone" in report.notes[0]
    assert "--from ALFRED" in report.notes[0]


@pytest.mark.parametrize("turned", [False, True])
def test_a_checkout_of_alfred_adds_its_trajectories(checkout: Path, alfred: Path, tmp_path: Path, turned: bool) -> None:
    first, second = (alfred, checkout) if turned else (checkout, alfred)
    report = import_pack(IMPORTER, first, tmp_path / "data", [second])
    assert report.notes == ()
    assert report.info.commit == COMMIT
    assert report.info.counts["trajectories of askforalfred/alfred"] == 2
    assert read(report.path / "trials.json")[NAME]["derived_initial"][1]["in"] == SHELF
    assert len(read(report.path / "pickup_labels.json")["7"]) == 2
    assert read(report.path / "sources.json") == {
        "commit": COMMIT,
        "trajectories": {"repository": "askforalfred/alfred", "number": 2, "commit": OTHER_COMMIT},
    }
    text = (report.path / "SOURCE.md").read_text()
    assert COMMIT in text
    assert OTHER_COMMIT in text


def test_the_order_of_files_in_folders_does_not_matter(
    checkout: Path, alfred: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = import_pack(IMPORTER, checkout, tmp_path / "one", [alfred])
    listed = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda self: reversed(list(listed(self))))
    two = import_pack(IMPORTER, checkout, tmp_path / "two", [alfred])
    assert one.info == two.info


def test_the_environment_reads_what_was_imported(checkout: Path, tmp_path: Path) -> None:
    pack = import_pack(IMPORTER, checkout, tmp_path / "data").path
    environment = EbAlfred()
    tasks = environment.tasks("test", data=str(pack))
    assert [task.id for task in tasks.tasks] == [f"{name}/test/0" for name in SETS]
    assert not environment.open_world(tasks.tasks[0]).achieved.success


@pytest.mark.parametrize("both", [False, True])
def test_an_imported_pack_imports_again_to_the_same_content(
    checkout: Path, alfred: Path, tmp_path: Path, both: bool
) -> None:
    one = import_pack(IMPORTER, checkout, tmp_path / "one", [alfred] if both else [])
    two = import_pack(IMPORTER, one.path, tmp_path / "two")
    assert (two.info.source, two.info.commit) == ("pack", COMMIT)
    assert two.info.files == verify_pack(one.path).files
    assert two.notes == one.notes


def test_a_pack_may_lie_in_a_folder_and_have_its_lists_in_another_order(
    checkout: Path, alfred: Path, tmp_path: Path
) -> None:
    one = import_pack(IMPORTER, checkout, tmp_path / "one", [alfred]).path
    (one / "pack.json").unlink()
    (tmp_path / "packs").mkdir()
    turned = tmp_path / "packs/eb_alfred"
    one.rename(turned)
    labels = read(turned / "pickup_labels.json")
    before = {name: read(turned / name) for name in TABLES}
    (turned / "pickup_labels.json").write_text(json.dumps({scene: each[::-1] for scene, each in labels.items()}))
    two = import_pack(IMPORTER, tmp_path / "packs", tmp_path / "two")
    assert two.info.commit is None
    assert {name: read(two.path / name) for name in TABLES} == before


def test_sources_that_do_not_go_together_are_refused(checkout: Path, alfred: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with pytest.raises(DataError, match=r"lacks EB-ALFRED's tasks.*Add: --from DIR"):
        import_pack(IMPORTER, alfred, data)
    with pytest.raises(DataError, match="is a second checkout with EB-ALFRED"):
        import_pack(IMPORTER, checkout, data, [checkout])
    with pytest.raises(DataError, match="lacks EB-ALFRED's tasks"):
        import_pack(IMPORTER, alfred, data, [alfred])
    pack = import_pack(IMPORTER, checkout, tmp_path / "one").path
    with pytest.raises(DataError, match="is a pack, which needs no other source"):
        import_pack(IMPORTER, checkout, data, [pack])
    with pytest.raises(UsageError, match="from at most 2 sources, not 3"):
        import_pack(IMPORTER, checkout, data, [alfred, alfred])
    assert not data.exists()


@pytest.mark.parametrize("name", sorted(set(checkout_files()) - {f"{EB}/LICENSE", ".git/HEAD"}))
def test_half_a_checkout_is_refused(checkout: Path, tmp_path: Path, name: str) -> None:
    (checkout / name).unlink()
    why = "contains no FloorPlan<number>-openable" if name.endswith("openable.json") else rf"{name} is missing"
    with pytest.raises(DataError, match=why):
        import_pack(IMPORTER, checkout, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_trajectories_that_come_apart_from_the_code_are_asked_for(checkout: Path, tmp_path: Path) -> None:
    (checkout / ANNOTATION).unlink()
    with pytest.raises(DataError, match=rf"ann_1\.json is missing\. .*put them into {upstream.TRAJECTORIES}"):
        import_pack(IMPORTER, checkout, tmp_path / "data")


def test_a_pointer_of_git_lfs_is_named(checkout: Path, tmp_path: Path) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 5\n"
    for name in (ANNOTATION, f"{EB}/data/splits/base.json"):
        kept = (checkout / name).read_bytes()
        (checkout / name).write_text(pointer)
        with pytest.raises(DataError, match=rf"1 file is a Git LFS pointer, not the data: {name}"):
            import_pack(IMPORTER, checkout, tmp_path / "data")
        (checkout / name).write_bytes(kept)


def changed(change: Callable[[Any], Any], name: str = ANNOTATION) -> Callable[[Path], Any]:
    def apply(root: Path) -> None:
        value = read(root / name)
        change(value)
        (root / name).write_text(json.dumps(value))

    return apply


def replaced(value: Any, name: str = ANNOTATION) -> Callable[[Path], Any]:
    return lambda root: (root / name).write_text(json.dumps(value))


def text(name: str, old: str, new: str) -> Callable[[Path], Any]:
    def apply(root: Path) -> None:
        content = (root / name).read_text()
        assert old in content
        (root / name).write_text(content.replace(old, new, 1))

    return apply


SPLITS, SPATIAL = f"{EB}/data/splits/splits.json", f"{EB}/data/splits/spatial.json"
OPENABLE_FILE = f"{LAYOUTS}/FloorPlan7-openable.json"
GRID = f"{LAYOUTS}/FloorPlan7-layout.npy"
PICKLED = np.array([{"x": 1}], dtype=object)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (replaced([]), r"ann_1\.json: it is not an object"),
        (changed(lambda value: value.pop("plan")), r"ann_1\.json: plan: it is not an object"),
        (changed(lambda value: value["plan"].update(high_pddl=5)), "high_pddl is not a list"),
        (changed(lambda value: value["scene"].update(scene_num="7")), "scene_num is not a whole number"),
        (changed(lambda value: value["scene"].update(scene_num=8)), "no layout for its scene 8"),
        (changed(lambda value: value["scene"]["object_poses"][0].pop("position")), "position: it is not an object"),
        (changed(lambda value: value["scene"]["object_poses"][0]["position"].pop("y")), "position is not a position"),
        (
            changed(
                lambda value: value["plan"]["high_pddl"][1]["planner_action"].update(coordinateObjectId=["Mug", [1]])
            ),
            "coordinateObjectId is not a type with a box",
        ),
        (
            changed(lambda value: value["plan"]["high_pddl"][1]["planner_action"].update(objectId="Mug")),
            "objectId is not the id of an object: 'Mug'",
        ),
        (
            changed(lambda value: value["plan"]["low_actions"][0]["api_action"].update(receptacleObjectId="a|b|c|d")),
            r"low_actions 0: api_action: receptacleObjectId is not the id",
        ),
        (lambda root: (root / ANNOTATION).write_text('{"a": \n'), r"ann_1\.json:2: not valid JSON"),
        (changed(lambda value: value.pop("base"), SPLITS), r"splits\.json: its sets are not base, "),
        (
            changed(lambda value: value["base"][0].update(task="../../x"), SPLITS),
            r"splits\.json: base 0: '../../x' is not a trial",
        ),
        (replaced({}, SPATIAL), r"spatial\.json: not a list"),
        (
            changed(lambda value: value[0].pop("NL Steps"), f"{EB}/data/splits/spatial.json"),
            r"spatial\.json: entry 0: NL Steps is not a list",
        ),
        (changed(lambda value: value.update({"Desk": [1]}), OPENABLE_FILE), "'Desk' is not the id of a receptacle"),
        (changed(lambda value: value.update({DESK: 5}), OPENABLE_FILE), "is not a list"),
        (replaced([5], f"{LAYOUTS}/FloorPlan7-objects.json"), "object_types is not a list of strings"),
        (lambda root: (root / GRID).write_bytes(b"\x93NUMPY"), r"layout\.npy: not an array of numbers"),
        (lambda root: (root / GRID).write_bytes(b"PK\x03\x04"), r"layout\.npy: not an array of numbers"),
        (lambda root: (root / GRID).write_bytes(grid(PICKLED)), r"layout\.npy: not an array of numbers .*allow_pickle"),
        (lambda root: (root / GRID).write_bytes(grid(np.zeros((2, 3)))), "not an array of points"),
        (lambda root: (root / GRID).write_bytes(grid(np.array([[np.nan, 1.0]]))), "not an array of points"),
        (lambda root: (root / GRID).write_bytes(grid(np.array([["a", "b"]]))), "not an array of points"),
        (lambda root: (root / GRID).write_bytes(b"x" * (2**20 + 1)), "larger than 1 MiB"),
        (text(upstream_words.UTILS, "alfred_objs", "alfred_things"), "does not assign alfred_objs"),
        (text(upstream_words.UTILS, "'Cart'", "open('x')"), r"utils\.py:2: a call of open .*never run"),
        (text(upstream_words.UTILS, "'Cart'", "5"), "alfred_objs is not made of lists of words"),
        (text(upstream_words.UTILS, "'Cart', ", ""), "not the 162 base actions"),
        (text(upstream_words.CONSTANTS, "'Pen', 'Apple'", "5, 'Apple'"), "a set of anything but words"),
        (text(upstream_words.CONSTANTS, "{'Mug'}}", "{'Mug'}"), r"constants\.py:\d+: not valid Python"),
    ],
)
def test_a_broken_checkout_gives_one_clear_line_and_leaves_nothing(
    checkout: Path, tmp_path: Path, change: Callable[[Path], Any], why: str
) -> None:
    change(checkout)
    with pytest.raises(DataError, match=why) as caught:
        import_pack(IMPORTER, checkout, tmp_path / "data")
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda pack: (pack / "scenes.json").unlink(), r"scenes\.json"),
        (lambda pack: (pack / "scenes.json").write_text('{"7": 1}'), r"scenes\.json.*malformed"),
        (lambda pack: (pack / "pickup_labels.json").write_text('{"7": [1]}'), r"pickup_labels\.json: not an object"),
        (lambda pack: (pack / "trials.json").write_text("{}"), r"trials\.json: the trial .* is missing"),
        (lambda pack: (pack / "splits.json").write_text("[]"), r"splits\.json"),
        (lambda pack: (pack / "skills_base.json").write_text("[]"), "not the 162 base actions"),
    ],
)
def test_a_broken_pack_is_refused(checkout: Path, tmp_path: Path, change: Callable[[Path], Any], why: str) -> None:
    pack = import_pack(IMPORTER, checkout, tmp_path / "one").path
    (pack / "pack.json").unlink()
    change(pack)
    with pytest.raises(DataError, match=why):
        import_pack(IMPORTER, pack, tmp_path / "two")
    assert not (tmp_path / "two").exists()


def test_a_pack_that_was_changed_after_its_import_is_refused(checkout: Path, tmp_path: Path) -> None:
    pack = import_pack(IMPORTER, checkout, tmp_path / "one").path
    (pack / "splits.json").write_text("{}")
    with pytest.raises(DataError, match=r"splits\.json was changed"):
        import_pack(IMPORTER, pack, tmp_path / "two")


@pytest.mark.parametrize(
    ("source", "why"),
    [("none", "does not exist"), ("file", "is a file"), ("empty", "neither a checkout with EB-ALFRED")],
)
def test_wrong_places_are_refused(checkout: Path, tmp_path: Path, source: str, why: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=why):
        import_pack(IMPORTER, tmp_path / source, tmp_path / "data")
    with pytest.raises(DataError, match=why):
        import_pack(IMPORTER, checkout, tmp_path / "data", [tmp_path / source])
    assert not (tmp_path / "data").exists()


# Against upstream -------------------------------------------------------------------------------------------------------


def named_directory(variable: str) -> Path:
    path = os.environ.get(variable, "")
    if not path:
        pytest.skip(f"{variable} names no checkout")
    return Path(path)


def reference_pack() -> Path:
    packs = Path(os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).parents[4] / "shared" / "packs")
    path = packs / "embodied" / "eb_alfred"
    if not path.is_dir():
        pytest.skip("upstream's data (an EB-ALFRED pack) is not here")
    return path


def in_one_order(name: str, table: Any) -> Any:
    """A table whose lists without an order of their own are sorted: the reference has them as a file system listed files."""
    if name == "pickup_labels.json":
        return {scene: sorted(labels) for scene, labels in table.items()}
    if name == "scenes.json":
        return {
            number: {**scene, "receptacles": sorted(scene["receptacles"], key=lambda each: each["id"])}
            for number, scene in table.items()
        }
    return table


def layout_receptacles(scenes: Any) -> list[Any]:
    return [each for scene in scenes.values() for each in scene["receptacles"] if each["src"] == "layout"]


def test_upstreams_checkouts_give_the_reference_pack(tmp_path: Path) -> None:
    first, second = named_directory("RBSUITE_EB_ALFRED_CHECKOUT"), named_directory("RBSUITE_ALFRED_CHECKOUT")
    report = import_pack(IMPORTER, first, tmp_path, [second])
    assert report.info.equals_commit == upstream_pinned.COMMIT
    assert report.info.counts["trajectories of askforalfred/alfred"] == 7080
    reference = reference_pack()
    assert sorted(path.name for path in reference.glob("*.json")) == sorted(TABLES)
    for name in TABLES:
        ours, theirs = read(report.path / name), read(reference / name)
        assert in_one_order(name, ours) == in_one_order(name, theirs), name
    assert layout_receptacles(read(report.path / "scenes.json")) == layout_receptacles(read(reference / "scenes.json"))


def test_upstreams_checkout_alone_gives_a_pack(tmp_path: Path) -> None:
    report = import_pack(IMPORTER, named_directory("RBSUITE_EB_ALFRED_CHECKOUT"), tmp_path)
    assert report.info.equals_commit is None
    assert report.info.counts["trajectories of EmbodiedBench/EmbodiedBench"] == 370
    assert report.info.counts["trials"] == 130
    assert len(report.notes) == 1


def test_the_reference_pack_is_recognised(tmp_path: Path) -> None:
    report = import_pack(IMPORTER, reference_pack(), tmp_path)
    assert report.info.equals_commit == upstream_pinned.COMMIT
    assert (report.info.counts["receptacles"], report.info.counts["first pick-ups"]) == (2025, 9700)
