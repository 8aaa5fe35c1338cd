"""Reading packs: what is accepted, what is refused and how."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rbsuite.errors import DataError, UnknownNameError
from rbsuite_eb_alfred.environment import EbAlfred
from rbsuite_eb_alfred.pack import Pack


def test_tasks_have_upstreams_order_ids_and_groups(home_pack: Path) -> None:
    tasks = EbAlfred().tasks("test", data=str(home_pack))
    assert [task.id for task in tasks] == ["base/test/0", "base/test/1", "spatial/test/0"]
    assert {task.group for task in tasks} == {"FloorPlan9001"}
    assert tasks.tasks[0].query == "Put an apple on the shelf, 0."
    assert [task.id for task in EbAlfred().tasks("test", domain="spatial", data=str(home_pack))] == ["spatial/test/0"]


def test_a_directory_that_holds_the_pack_will_do(home_pack: Path) -> None:
    home_pack.rename(home_pack.with_name("eb_alfred"))
    tasks = EbAlfred().tasks("test", data=str(home_pack.parent))
    assert len(tasks) == 3


def test_the_hash_follows_the_content(home_pack: Path) -> None:
    before = EbAlfred().tasks("test", data=str(home_pack))
    scenes = json.loads((home_pack / "scenes.json").read_text())
    scenes["9001"]["reachable_xz"].append([0.0, 3.0])
    (home_pack / "scenes.json").write_text(json.dumps(scenes))
    after = EbAlfred().tasks("test", data=str(home_pack))
    assert before.source["sha256"] != after.source["sha256"]
    assert before.content_hash != after.content_hash
    assert before.content_hash == EbAlfred().tasks("test", data=str(_moved(home_pack, before))).content_hash


def _moved(home_pack: Path, before: Any) -> Path:
    scenes = json.loads((home_pack / "scenes.json").read_text())
    scenes["9001"]["reachable_xz"].pop()
    (home_pack / "scenes.json").write_text(json.dumps(scenes))
    return home_pack.rename(home_pack.with_name("moved"))


def test_unknown_names_are_refused(home_pack: Path) -> None:
    with pytest.raises(UnknownNameError, match="split"):
        EbAlfred().tasks("train", data=str(home_pack))
    with pytest.raises(UnknownNameError, match="domain"):
        EbAlfred().tasks("test", domain="kitchen", data=str(home_pack))


def test_missing_data_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path / "none"))
    with pytest.raises(DataError, match="not imported"):
        EbAlfred().tasks("test")
    with pytest.raises(DataError, match="not a directory"):
        EbAlfred().tasks("test", data=str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"splits\.json"):
        EbAlfred().tasks("test", data=str(tmp_path))
    with pytest.raises(DataError, match="no directory"):
        Pack(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("file", "change", "says"),
    [
        ("splits", lambda splits: splits.update(kitchen=[]), "kitchen"),
        ("splits", lambda splits: splits["base"][1].pop("instruction"), r"instruction of base\[1\]"),
        ("splits", lambda splits: splits["base"][0].update(repeat_idx=-1), "repeat_idx"),
        ("splits", lambda splits: splits["base"][0].update(task="gone"), "gone"),
        ("trials", lambda trials: _only(trials).pop("pddl_params"), "pddl_params"),
        ("trials", lambda trials: _only(trials)["pddl_params"].pop("object_sliced"), "pddl_params"),
        ("trials", lambda trials: _only(trials)["objects"].pop(), "places other objects"),
        ("trials", lambda trials: _only(trials)["objects"][0].update(pos=[1, 2]), "objects"),
        ("trials", lambda trials: _only(trials)["derived_initial"][0].update(id="Apple|1|2"), "derived_initial"),
        ("trials", lambda trials: _only(trials)["derived_initial"][0].update(id="Apple|a|b|c"), "derived_initial"),
        ("trials", lambda trials: _only(trials)["init_action"].update(x=True), "init_action"),
        ("scenes", lambda scenes: scenes["9001"].pop("toggleables"), "toggleables of 9001"),
        ("scenes", lambda scenes: scenes["9001"]["reachable_xz"].append([1]), "reachable_xz"),
        ("scenes", lambda scenes: scenes["9001"]["receptacles"][0].update(pos=None), "receptacles"),
    ],
)
def test_malformed_files_are_refused(home_pack: Path, file: str, change: Callable[[Any], Any], says: str) -> None:
    path = home_pack / f"{file}.json"
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))
    with pytest.raises(DataError, match=says):
        _use(home_pack)


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff", b"[" * 100_000])
@pytest.mark.parametrize("file", ["splits", "trials", "scenes"])
def test_what_is_no_json_is_refused(home_pack: Path, file: str, content: bytes) -> None:
    (home_pack / f"{file}.json").write_bytes(content)
    with pytest.raises(DataError, match=f"{file}.json"):
        _use(home_pack)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda trial: trial.update(scene_num=1), "no scene 1"),
        (lambda trial: trial["derived_initial"][0].update({"in": "Safe|+00.00|+00.00|+00.00"}), "does not have"),
        (lambda trial: trial.update(task_type="pick_and_dance"), "pick_and_dance"),
    ],
)
def test_trials_that_fit_no_scene_are_refused(home_pack: Path, change: Callable[[Any], Any], says: str) -> None:
    path = home_pack / "trials.json"
    value = json.loads(path.read_text())
    change(_only(value))
    path.write_text(json.dumps(value))
    with pytest.raises(DataError, match=says):
        _use(home_pack)


def _only(entries: dict[str, Any]) -> Any:
    return next(iter(entries.values()))


def _use(directory: Path) -> None:
    environment = EbAlfred()
    environment.open_world(environment.tasks("test", data=str(directory)).by_id["base/test/0"])
