"""Reporting to Weights & Biases in its offline mode. Skipped where wandb is not installed."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import rbsuite
from experiments import core_plugins
from rbsuite.testing import check_plugin, require_kept
from toy import ToyPlugin

pytest.importorskip("wandb", reason="wandb is not installed (uv run --group tracking pytest plugins/rbsuite-wandb)")
pytestmark = pytest.mark.filterwarnings("ignore")  # what wandb's own threads and sockets warn of


def run(place: Path, plugin: Any) -> rbsuite.Experiment:
    plugins = core_plugins(ToyPlugin(), plugin)
    return rbsuite.evaluate("toy", plugins=plugins, out=place, memory=("none", "reasoningbank"), orders=1, limit=5)


def test_a_run_is_reported_with_a_step_for_each_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = import_module("rbsuite_wandb.plugin")
    for name, value in {"WANDB_MODE": "offline", "WANDB_DIR": str(tmp_path), "WANDB_SILENT": "true"}.items():
        monkeypatch.setenv(name, value)
    with run(tmp_path / "unreported", plugin.WandbTracker()) as unreported:
        assert not (tmp_path / "wandb").exists()
        monkeypatch.setenv("RBSUITE_WANDB", "memories")
        with run(tmp_path / "e", plugin.WandbTracker()) as experiment:
            assert experiment.digest == unreported.digest
            tasks = experiment.tasks()
    logged = sorted((tmp_path / "wandb").glob("offline-run-*/run-*.wandb"))
    assert len(logged) == len(experiment.runs)
    found = [_read(path) for path in logged]
    assert {one["name"] for one in found} == {task.run for task in tasks}
    for one in found:
        mine = [task for task in tasks if task.run == one["name"]]
        assert one["score"] == [task.score for task in mine]
    assert not [path for path in logged if b"How many" in path.read_bytes()]


def _records(path: Path) -> Iterator[bytes]:
    """The records of wandb's log: after a header of 7 bytes LevelDB's format, blocks of 32 KiB of pieces with their length and kind."""
    data, at, record = path.read_bytes(), 7, b""
    while at + 7 <= len(data):
        if (room := 32768 - at % 32768) < 7:
            at += room
            continue
        length, kind = struct.unpack("<HB", data[at + 4 : at + 7])
        record += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # the whole of a record, or its last piece
            yield record
            record = b""


def _read(path: Path) -> dict[str, Any]:
    """The name and the history of an offline run."""
    from wandb.proto import wandb_internal_pb2

    name, score = "", []
    for data in _records(path):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        if record.WhichOneof("record_type") == "run":
            name = record.run.display_name
        elif record.WhichOneof("record_type") == "history":
            values = {
                item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item
            }
            score.append(values["score"])
    return {"name": name, "score": score}


def test_the_rules_of_the_kit_are_kept() -> None:
    require_kept(check_plugin("wandb"))
