"""Export as JSON lines."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import ModuleType

import pytest

from rbsuite.errors import StoreError
from rbsuite.jsonable import plain
from rbsuite.store import ExperimentStore, experiment_digest, export_jsonl
from rbsuite.store.importing import import_jsonl


def test_lines(filled: ExperimentStore, samples: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old")
    assert export_jsonl(filled, path) == 9
    lines = [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]
    assert [line["type"] for line in lines] == ["experiment", "run", "run", *["task"] * 5, "end"]
    assert lines[0]["facts"] == filled.manifest.facts
    assert (lines[2]["id"], lines[2]["committed"], lines[2]["finished"]) == (samples.RUN, 5, False)
    assert lines[3:-1] == [{"type": "task", "run": samples.RUN, **plain(record)} for record in samples.records(5)]
    assert [item.name for item in tmp_path.iterdir() if item.is_file()] == ["out.jsonl"]


def test_stream_without_trajectories(filled: ExperimentStore) -> None:
    stream = io.StringIO()
    assert export_jsonl(filled, stream, trajectories=False) == 9
    last = json.loads(stream.getvalue().splitlines()[-2])
    assert last["rollouts"][0]["trajectory"]["steps"] == []
    assert last["rollouts"][0]["trajectory"]["grade"]["score"] == 1.0


def test_failure_leaves_what_was_there(filled: ExperimentStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        export_jsonl(filled, tmp_path / "no" / "where.jsonl")
    path = tmp_path / "out.jsonl"
    path.write_text("old")
    filled.close()
    with pytest.raises(StoreError):
        export_jsonl(filled, path)
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir() if item.is_file()] == ["out.jsonl"]


def test_an_export_becomes_the_same_experiment(filled: ExperimentStore, samples: ModuleType, tmp_path: Path) -> None:
    export_jsonl(filled, tmp_path / "out.jsonl")
    import_jsonl(tmp_path / "out.jsonl", tmp_path / "made")
    with ExperimentStore.open(tmp_path / "made", readonly=True) as made:
        assert list(made.records(samples.RUN)) == list(filled.records(samples.RUN))
        assert experiment_digest(made) == experiment_digest(filled)
        assert list(made.audit()) == []


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ('"state_hash":"', '"state_hash":"0', "does not continue the chain"),
        ('"end":"finished"', '"end":"won"', "is not a known word"),
        ('"steps":[', '"steps":3,"other":[', "other fields: other"),
        ('"format":1', '"format":2', "not an export in format 1"),
        ('"score":1.0', '"score":0.5', "cut off or edited"),
        ('"seconds":1.5', '"seconds":0.5', "cut off or edited"),
        ('{"type":"end"', '{"type":"enough"', "cut off or edited"),
    ],
)
def test_what_is_no_export_becomes_nothing(
    filled: ExperimentStore, tmp_path: Path, old: str, new: str, wanted: str
) -> None:
    export_jsonl(filled, tmp_path / "out.jsonl")
    text = (tmp_path / "out.jsonl").read_text()
    assert old in text
    (tmp_path / "bad.jsonl").write_text(text.replace(old, new))
    with pytest.raises(StoreError, match=wanted):
        import_jsonl(tmp_path / "bad.jsonl", tmp_path / "made")
    assert not (tmp_path / "made").exists()
