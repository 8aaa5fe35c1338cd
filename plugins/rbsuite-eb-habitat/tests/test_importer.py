from __future__ import annotations

import hashlib
import json
import os
import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rbsuite.data.fetch import check_contents
from rbsuite.data.packs import import_pack, verify_pack
from rbsuite.errors import DataError
from rbsuite.jsonable import digest
from rbsuite_eb_habitat import upstream, upstream_pinned
from rbsuite_eb_habitat.environment import EbHabitat
from rbsuite_eb_habitat.importer import IMPORTER, SOURCES, pickle_hashes
from rbsuite_eb_habitat.upstream_geometry import receptacle_centroids, standpoint_sets
from rbsuite_eb_habitat.vocab import CABINETS, CATEGORIES, FRIDGE, RECEPTACLES, ROBOT, SETS

COMMIT = "0123456789" * 4
SOFA, SINK, TABLE = RECEPTACLES[7], RECEPTACLES[4], RECEPTACLES[1]
OID = "0123456789abcdef" * 4
TABLES = (*(f"{name}.json" for name in SETS), "vocab.json", "actions.json")
DERIVED = ("standpoint_sets.json", "receptacle_centroids.json")


def asset(category: str, number: int = 0) -> str:
    return f"{CATEGORIES.index(category):03d}_{category.replace(' ', '_')}_{number}"


def dataset() -> dict[str, Any]:
    sets = [{"name": name, "included_substrings": [asset(name), asset(name, 1)]} for name in CATEGORIES]
    clutter = {"name": "CLUTTER_OBJECTS", "included_substrings": [asset("ball")]}
    return {
        "category_groups": {"all_cats": {"included": list(CATEGORIES)}},
        "object_sets": [clutter, *sets],
        "receptacle_sets": [{"name": "all", "included_receptacle_substrings": list(RECEPTACLES)}],
    }


def domain() -> dict[str, Any]:
    constants = [{"name": name, "expr_type": "cab_type"} for name in CABINETS]
    constants += [{"name": FRIDGE, "expr_type": "fridge_type"}, {"name": ROBOT, "expr_type": "robot_entity_type"}]
    return {"types": {}, "constants": constants}


class Episodes:
    """A set's file in the making: names and poses stand in lists of their own."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.poses: list[Any] = []
        self.episodes: list[dict[str, Any]] = []

    def name(self, text: str) -> int:
        self.names.append(text)
        return len(self.names) - 1

    def add(self, scene: str, things: Sequence[tuple[str, str, Sequence[float]]], subgoals: Sequence[Any]) -> None:
        rigid, places, numbers = [], [], dict[str, int]()
        for kind, receptacle, position in things:
            numbers[kind] = numbers.get(kind, -1) + 1
            pose = np.eye(4, dtype="f4")
            pose[:3, 3] = position
            self.poses.append(pose)
            rigid.append([self.name(f"{kind}.object_config.json"), len(self.poses) - 1])
            places.append([self.name(f"{kind}_:{numbers[kind]:04d}"), self.name(f"deep|in|{receptacle}")])
        goal = {"expr_type": "AND", "quantifier": "EXISTS", "inputs": [{"name": "X", "expr_type": "ball"}]}
        self.episodes.append(
            {
                "episode_id": f"7{len(self.episodes)}",
                "scene_id": f"data/scenes/{scene}.scene_instance.json",
                "ao_states": {self.name("fridge_:0000"): {2: 0.0}},
                "rigid_objs": np.array(rigid),
                "name_to_receptacle": np.array(places),
                "instruction": f"Bring the ball of {scene}.",
                "sampled_entities": {"target_object_name": "ball"},
                "start_preds": [],
                "goal_preds": {**goal, "sub_exprs": [f"on_top(X, {TABLE})", "not_holding()"]},
                "instruct_id": "abc",
                "subgoals": [list(subgoal) for subgoal in subgoals],
                "sampler_info": {},
            }
        )

    def value(self) -> dict[str, Any]:
        return {
            "all_transforms": np.array(self.poses),
            "idx_to_name": dict(enumerate(self.names)),
            "all_eps": self.episodes,
        }


def episodes() -> Episodes:
    made = Episodes()
    things = [
        (asset("ball"), SOFA, (1.00004, 0.5, -2.25)),
        (asset("ball"), SINK, (3.0, 1.0, 0.0)),
        (asset("mug", 1), SOFA, (2.0, 0.25, -1.25)),
    ]
    near = [f"robot_at({SOFA})", f"robot_at({asset('ball')}_:0000)"]
    made.add("v3_sc0_staging_01", things, [near, [f"holding({asset('ball')}_:0000)", *near], [f"robot_at({TABLE})"]])
    made.add("v3_sc3_staging_12", things[:1], [[f"robot_at({FRIDGE})", f"robot_at({CABINETS[0]})"]])
    return made


def checkout_files() -> dict[str, bytes]:
    content = pickle.dumps(episodes().value(), 4)
    return {
        # JSON is YAML.
        upstream.DATASET: json.dumps(dataset()).encode(),
        upstream.DOMAIN: json.dumps(domain()).encode(),
        **dict.fromkeys(upstream.PICKLES.values(), content),
        "LICENSE": b"A licence.\n",
        ".git/HEAD": f"{COMMIT}\n".encode(),
    }


def write(root: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return write(tmp_path / "checkout", checkout_files())


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def test_a_checkout_becomes_a_pack(checkout: Path, tmp_path: Path) -> None:
    report = import_pack(IMPORTER, checkout, tmp_path / "data")
    first, second = read(report.path / "base.json")
    assert first["objects"] == [
        {
            "instance": f"{asset('ball')}_:0000",
            "asset": asset("ball"),
            "position": [1.0, 0.5, -2.25],
            "receptacle": SOFA,
        },
        {"instance": f"{asset('ball')}_:0001", "asset": asset("ball"), "position": [3.0, 1.0, 0.0], "receptacle": SINK},
        {
            "instance": f"{asset('mug', 1)}_:0000",
            "asset": asset("mug", 1),
            "position": [2.0, 0.25, -1.25],
            "receptacle": SOFA,
        },
    ]
    assert (first["index"], first["episode_id"], first["source_episode_id"]) == (0, "0", "70")
    assert (second["index"], second["scene_id"]) == (1, "v3_sc3_staging_12")
    assert first["articulation"] == {"fridge_:0000": {"2": 0.0}}
    assert first["goal_preds"]["sub_exprs"] == [f"on_top(X, {TABLE})", "not_holding()"]
    assert read(report.path / "vocab.json")["asset_to_category"][asset("mug", 1)] == "mug"
    assert len(read(report.path / "actions.json")) == 70
    assert (report.path / "LICENSE").read_text() == "A licence.\n"
    assert COMMIT in (report.path / "SOURCE.md").read_text()
    assert (report.info.source, report.info.commit, report.info.equals_commit) == ("checkout", COMMIT, None)
    assert report.info.counts["long_horizon episodes"] == 2


def test_what_the_episodes_tell_together_is_derived(checkout: Path, tmp_path: Path) -> None:
    pack = import_pack(IMPORTER, checkout, tmp_path / "data").path
    # Six sets with the same episodes.
    assert read(pack / "standpoint_sets.json") == {
        "v3_sc0": [[[SOFA], 12], [[TABLE], 6]],
        "v3_sc3": [[sorted([FRIDGE, CABINETS[0]]), 6]],
    }
    assert read(pack / "receptacle_centroids.json") == {
        "v3_sc0_staging_01": {SOFA: [1.5, 0.375, -1.75], SINK: [3.0, 1.0, 0.0]},
        "v3_sc3_staging_12": {SOFA: [1.0, 0.5, -2.25]},
    }


def test_the_environment_reads_what_was_imported(checkout: Path, tmp_path: Path) -> None:
    pack = import_pack(IMPORTER, checkout, tmp_path / "data").path
    tasks = EbHabitat().tasks("test", data=str(pack)).tasks
    assert len(tasks) == 12
    assert tasks[0].query == "Bring the ball of v3_sc0_staging_01."


def test_the_pickles_hashes_are_kept(checkout: Path, tmp_path: Path) -> None:
    content = (checkout / upstream.PICKLES["base"]).read_bytes()
    report = import_pack(IMPORTER, checkout, tmp_path / "data")
    assert pickle_hashes(report.path) == dict.fromkeys(SETS, hashlib.sha256(content).hexdigest())
    assert hashlib.sha256(content).hexdigest() in (report.path / "SOURCE.md").read_text()
    assert "Not the files that rbsuite was tested with: base," in report.notes[0]
    assert SOURCES in verify_pack(report.path).files


def test_a_pack_without_a_record_has_no_hashes(tmp_path: Path) -> None:
    assert pickle_hashes(tmp_path) == {}
    (tmp_path / SOURCES).write_text('{"pickles": {"base": 5}}')
    with pytest.raises(DataError, match=r"sources\.json: 'pickles' is missing or malformed"):
        pickle_hashes(tmp_path)


def test_an_imported_pack_imports_again_to_the_same_content(checkout: Path, tmp_path: Path) -> None:
    one = import_pack(IMPORTER, checkout, tmp_path / "one").path
    two = import_pack(IMPORTER, one, tmp_path / "two")
    assert (two.info.source, two.info.commit) == ("pack", COMMIT)
    assert two.info.files == verify_pack(one).files


def test_a_pack_may_lie_in_a_folder_and_lack_its_record(checkout: Path, tmp_path: Path) -> None:
    one = import_pack(IMPORTER, checkout, tmp_path / "one").path
    (one / "pack.json").unlink()
    (tmp_path / "packs").mkdir()
    one.rename(tmp_path / "packs/eb_habitat")
    two = import_pack(IMPORTER, tmp_path / "packs", tmp_path / "two")
    assert two.info.commit is None
    # Nothing vouches for the hashes that it states.
    assert pickle_hashes(two.path) == {}
    for name in (*TABLES, *DERIVED):
        assert read(two.path / name) == read(tmp_path / "packs/eb_habitat" / name)


def test_what_is_optional_may_be_missing(checkout: Path, tmp_path: Path) -> None:
    (checkout / "LICENSE").unlink()
    (checkout / ".git/HEAD").unlink()
    report = import_pack(IMPORTER, checkout, tmp_path / "data")
    assert report.info.commit is None
    assert not (report.path / "LICENSE").exists()


@pytest.mark.parametrize("name", sorted(set(checkout_files()) - {"LICENSE", ".git/HEAD"}))
def test_half_a_checkout_is_refused(checkout: Path, tmp_path: Path, name: str) -> None:
    (checkout / name).unlink()
    with pytest.raises(DataError, match=rf"{name} is missing"):
        import_pack(IMPORTER, checkout, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_pointers_of_git_lfs_are_named(checkout: Path, tmp_path: Path) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 295163\n"
    for name in ("base", "long_horizon"):
        (checkout / upstream.PICKLES[name]).write_text(pointer)
    with pytest.raises(DataError, match="2 files are Git LFS pointers") as caught:
        import_pack(IMPORTER, checkout, tmp_path / "data")
    message = str(caught.value)
    assert "datasets/base.pickle" in message
    assert "datasets/long_horizon.pickle" in message
    assert "common_sense" not in message
    assert OID in message
    assert "git lfs pull" in message
    assert not (tmp_path / "data").exists()


class Payload:
    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> Any:
        return os.system, (self._command,)


def test_a_hostile_pickle_does_not_run(checkout: Path, tmp_path: Path) -> None:
    value = {**episodes().value(), "extra": Payload(f"touch {tmp_path / 'ran'}")}
    (checkout / upstream.PICKLES["base"]).write_bytes(pickle.dumps(value, 4))
    with pytest.raises(DataError, match=r"base\.pickle is rejected.*posix\.system"):
        import_pack(IMPORTER, checkout, tmp_path / "data")
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "data").exists()


def episode_change(**fields: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda value: value["all_eps"][1].update(fields)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (episode_change(instruction=5), "episode 1: instruction is not text"),
        (episode_change(subgoals=[["a"], "b"]), "episode 1: subgoals is not a list"),
        (episode_change(subgoals=[[5]]), "episode 1: subgoals is not text"),
        (episode_change(goal_preds=[]), "episode 1: goal_preds is not a dict"),
        (episode_change(rigid_objs=np.array([[0, 9999]])), "episode 1: pose 9999 is not a matrix"),
        (episode_change(rigid_objs=np.array([[9999, 0]])), "episode 1: there is no name 9999"),
        (episode_change(rigid_objs=np.array([0, 1])), "episode 1: rigid_objs is not a list of pairs"),
        (episode_change(rigid_objs=None), "episode 1: rigid_objs is not a list"),
        (episode_change(name_to_receptacle=np.zeros((0, 2), dtype=int)), "is not on any receptacle"),
        (episode_change(ao_states={0: {1: "open"}}), "ao_states holds something other than numbers"),
        (lambda value: value.update(all_eps=[1]), "episode 0: it is not a dict"),
        (lambda value: value.pop("all_transforms"), "all_transforms is not a list"),
        (lambda value: value.update(all_transforms=np.zeros((1, 3))), "is not a matrix of 4 x 4"),
        (episode_change(subgoals=[["nothing"]]), r"base\.json'? is malformed: episode 1 has a predicate"),
    ],
)
def test_a_malformed_set_gives_one_clear_line(
    checkout: Path, tmp_path: Path, change: Callable[[dict[str, Any]], Any], why: str
) -> None:
    value = episodes().value()
    change(value)
    (checkout / upstream.PICKLES["base"]).write_bytes(pickle.dumps(value, 4))
    with pytest.raises(DataError, match=why) as caught:
        import_pack(IMPORTER, checkout, tmp_path / "data")
    message = str(caught.value)
    assert "\n" not in message
    assert "base." in message
    assert str(tmp_path) not in message
    assert not (tmp_path / "data").exists()


def yaml_change(file: str, change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], Any]:
    def apply(checkout: Path) -> None:
        value = json.loads((checkout / file).read_text())
        change(value)
        (checkout / file).write_text(json.dumps(value))

    return apply


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda root: (root / upstream.DATASET).write_text("a: [1"), r"dataset\.yaml: not valid YAML: .*line 1"),
        (lambda root: (root / upstream.DATASET).write_text("- 1\n"), r"dataset\.yaml: not a mapping"),
        (
            lambda root: (root / upstream.DATASET).write_text("a: !!python/object/apply:os.system [touch ran]\n"),
            "not valid YAML: could not determine a constructor",
        ),
        (lambda root: (root / upstream.DOMAIN).write_bytes(b"\xff\xfe\x00"), "not valid YAML"),
        (lambda root: (root / upstream.DOMAIN).write_text("x" * 2**20 + "x"), "larger than 1 MiB"),
        (yaml_change(upstream.DATASET, lambda value: value.pop("category_groups")), "all_cats is not a list of names"),
        (
            yaml_change(upstream.DATASET, lambda value: value.update(receptacle_sets=[])),
            "receptacle_sets is not a list",
        ),
        (yaml_change(upstream.DATASET, lambda value: value.update(object_sets=1)), "object_sets is not a list"),
        (
            yaml_change(upstream.DATASET, lambda value: value["object_sets"][1].update(name="whale")),
            "the object set 'whale' is not a category",
        ),
        (
            yaml_change(
                upstream.DATASET, lambda value: value["object_sets"][1].update(included_substrings=[asset("mug")])
            ),
            "is in two categories",
        ),
        (
            yaml_change(
                upstream.DATASET,
                lambda value: value["receptacle_sets"][0]["included_receptacle_substrings"].append("bench"),
            ),
            "the receptacle 'bench' is unknown",
        ),
        (yaml_change(upstream.DOMAIN, lambda value: value.update(constants=[5])), "a constant has no name"),
        (yaml_change(upstream.DOMAIN, lambda value: value.pop("constants")), "constants is not a list"),
        (yaml_change(upstream.DOMAIN, lambda value: value["constants"].pop(4)), "0 constants of the type fridge_type"),
        (
            yaml_change(upstream.DOMAIN, lambda value: value["constants"].pop(0)),
            r"actions\.json: these are not the 70 actions",
        ),
    ],
)
def test_a_malformed_vocabulary_gives_one_clear_line(
    checkout: Path, tmp_path: Path, change: Callable[[Path], Any], why: str
) -> None:
    change(checkout)
    with pytest.raises(DataError, match=why) as caught:
        import_pack(IMPORTER, checkout, tmp_path / "data")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "data").exists()
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda pack: (pack / "base.json").unlink(), r"base\.json is missing"),
        (lambda pack: (pack / "base.json").write_text("{}"), r"base\.json'? is not a JSON list"),
        (
            lambda pack: (pack / "standpoint_sets.json").write_text("[]"),
            r"standpoint_sets\.json'? is not a JSON object",
        ),
        (lambda pack: (pack / "actions.json").write_text("[]"), r"actions\.json: these are not the 70 actions"),
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
    (pack / "vocab.json").write_text("{}")
    with pytest.raises(DataError, match=r"vocab\.json was changed"):
        import_pack(IMPORTER, pack, tmp_path / "two")


@pytest.mark.parametrize(
    ("source", "why"),
    [("none", "does not exist"), ("file", "is a file"), ("empty", "neither a checkout with EB-Habitat")],
)
def test_wrong_places_are_refused(tmp_path: Path, source: str, why: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=why):
        import_pack(IMPORTER, tmp_path / source, tmp_path / "data")


def test_the_most_frequent_set_of_places_comes_first() -> None:
    subgoals = [
        [f"robot_at({SINK})"],
        [f"robot_at({TABLE})", "not_holding()"],
        [f"robot_at({TABLE})"],
        ["not_holding()"],
    ]
    found = standpoint_sets([{"scene_id": "flat_staging_00", "subgoals": subgoals}])
    assert found == {"flat": [[[TABLE], 2], [[SINK], 1], [[], 1]]}


def test_a_centre_is_the_mean_of_positions() -> None:
    things = [{"receptacle": SINK, "position": [0.0, 1.0, 0.1]}, {"receptacle": SINK, "position": [1.0, 1.0, 0.2]}]
    assert receptacle_centroids([{"scene_id": "a", "objects": things}]) == {"a": {SINK: [0.5, 1.0, 0.15]}}


# Against upstream -------------------------------------------------------------------------------------------------------


def upstream_checkout() -> Path:
    path = os.environ.get("RBSUITE_EB_HABITAT_CHECKOUT", "")
    if not path:
        pytest.skip("RBSUITE_EB_HABITAT_CHECKOUT names no checkout with EB-Habitat's pickles")
    return Path(path)


def test_upstreams_checkout_gives_the_known_pack(tmp_path: Path) -> None:
    report = import_pack(IMPORTER, upstream_checkout(), tmp_path)
    assert report.info.equals_commit == upstream_pinned.COMMIT
    assert pickle_hashes(report.path) == {name: known.sha256 for name, known in upstream_pinned.SETS.items()}
    assert ["before upstream's correction" in note for note in report.notes] == [True]
    for name, known in upstream_pinned.SETS.items():
        assert digest(read(report.path / f"{name}.json")) == known.episodes
        assert known.sha256 in (report.path / "SOURCE.md").read_text()


def test_upstreams_checkout_equals_the_reference_pack(upstream: Path, tmp_path: Path) -> None:
    pack = import_pack(IMPORTER, upstream_checkout(), tmp_path).path
    files = sorted(path.name for path in (upstream / "eb_habitat").glob("*.json"))
    assert files == sorted((*TABLES, *DERIVED))
    for name in files:
        assert read(pack / name) == read(upstream / "eb_habitat" / name), name


def test_the_files_of_the_checkout_are_those_of_the_pinned_archive() -> None:
    pinned = IMPORTER.pinned
    assert pinned is not None
    check_contents(upstream_checkout(), pinned, Path(), "https://example.com/x")


def test_the_reference_pack_is_recognised(upstream: Path, tmp_path: Path) -> None:
    report = import_pack(IMPORTER, upstream, tmp_path)
    assert report.info.equals_commit == upstream_pinned.COMMIT
    assert pickle_hashes(report.path) == {name: known.sha256 for name, known in upstream_pinned.SETS.items()}
