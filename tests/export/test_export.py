"""Exports in the formats of others: what they hold, what is left out, and that others can read them."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import rbsuite
from experiments import core_plugins, measure
from rbsuite.cli import run
from rbsuite.errors import UsageError
from rbsuite.export import FORMATS, export
from rbsuite.export.columns import KINDS, column_types
from rbsuite.hookspecs import hookimpl
from rbsuite.specs import EnvironmentSpec
from rbsuite.store import ExperimentStore
from rbsuite.store.redaction import CANARY
from rbsuite.task import TaskSet
from toy import SKILLS, TOY, Toy, ToyPlugin

READERS = ("inspect_ai==0.3.285", "atif==1.8.0", "pyarrow==26.0.1", "duckdb==2.0.1", "pandas==3.1.1")
READ = Path(__file__).with_name("read_by_others.py")


class Private:
    """The toy, whose authors ask that its tasks are not made public."""

    @hookimpl
    def rbsuite_environments(self) -> list[EnvironmentSpec]:
        return [replace(TOY, private=True)]


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rbsuite.Experiment]:
    place = tmp_path_factory.mktemp("export") / "e"
    measure(
        place, memory=("none", "reasoningbank"), scaling=("parallel:2",), orders=2, limit=9, selector="mean"
    ).close()
    with rbsuite.Experiment(place) as found:
        yield found


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_tables_hold_what_the_library_gives(experiment: rbsuite.Experiment, tmp_path: Path) -> None:
    place = experiment.export("csv", tmp_path / "tables")
    assert sorted(path.stem for path in place.iterdir()) == sorted(KINDS)
    [compared] = rows(place / "comparisons.csv")
    assert float(compared["difference"]) == experiment.comparisons[0].difference
    rollouts, with_steps = rows(place / "rollouts.csv"), experiment.rollouts()
    assert [int(row["steps"]) for row in rollouts] == [row.steps for row in with_steps]
    assert {row["steps"] for row in rollouts} != {"0"}
    recalls = rows(place / "recalls.csv")
    for task in experiment.tasks():
        mine = [row for row in recalls if (row["run"], row["position"]) == (task.run, str(task.position))]
        assert len(mine) == task.recalled
    assert {row["item_id"] for row in recalls} <= {row["id"] for row in rows(place / "items.csv")}


class Sums(Toy):
    """The toy with groups that a spreadsheet would compute."""

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        found = super().tasks(split, domain=domain, data=data)
        return replace(found, tasks=tuple(replace(task, group=f"={task.group}") for task in found.tasks))


class SumsPlugin:
    @hookimpl
    def rbsuite_environments(self) -> list[EnvironmentSpec]:
        return [replace(TOY, name="sums", factory=f"{__name__}:Sums")]


def test_a_formula_is_no_formula(tmp_path: Path) -> None:
    measure(tmp_path / "e", SumsPlugin(), env="sums", limit=2).close()
    with rbsuite.Experiment(tmp_path / "e") as found:
        tasks = rows(found.export("csv", tmp_path / "tables") / "tasks.csv")
    assert tasks
    for row in tasks:
        assert row["group"] == f"'={row['domain']}"
        assert not row["score"].startswith("'")


def test_every_column_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "exports.md").read_text(encoding="utf-8")
    for name, kind in KINDS.items():
        section = text.partition(f"### `{name}`")[2].partition("\n### ")[0]
        listed = re.findall(r"^\| `(\w+)` \| (\w+) \|", section, re.MULTILINE)
        assert listed == [(column, one.__name__) for column, one in column_types(kind).items()], name


def test_a_log_of_inspect_has_a_sample_for_each_rollout(experiment: rbsuite.Experiment, tmp_path: Path) -> None:
    place = experiment.export("inspect", tmp_path / "logs")
    again = experiment.export("inspect", tmp_path / "again")
    logs = sorted(place.iterdir())
    assert len(logs) == len(experiment.runs)
    assert [path.read_bytes() for path in logs] == [path.read_bytes() for path in sorted(again.iterdir())]
    for info, path in zip(experiment.runs, logs, strict=True):
        with zipfile.ZipFile(path) as archive:
            header = json.loads(archive.read("header.json"))
            samples = [json.loads(archive.read(name)) for name in archive.namelist() if name.startswith("samples/")]
        records = list(experiment.records(info.id))
        assert len(samples) == sum(len(record.rollouts) for record in records)
        mean = header["results"]["scores"][0]["metrics"]["mean"]["value"]
        assert mean == pytest.approx(sum(record.score for record in records) / len(records))
        spans = [event for one in samples for event in one["events"] if event["event"] == "info"]
        recalled = sum(len(event["data"]["hits"]) for event in spans)
        assert recalled == 2 * sum(len(event.recall.items) for record in records for event in record.recalls)


def test_no_text_of_a_private_task_leaves(tmp_path: Path) -> None:
    plugins = core_plugins(Private())
    options: dict[str, Any] = {"memory": ("none", "reasoningbank"), "orders": 1, "limit": 5}
    words = [
        "How many",
        "album",
        *(one.lesson for one in SKILLS.values()),
        *(one.symptom for one in SKILLS.values()),
    ]
    with rbsuite.evaluate("toy", plugins=plugins, out=tmp_path / "e", **options) as experiment:
        for form in FORMATS:
            for reveal in (False, True):
                place = experiment.export(form, tmp_path / f"{form}-{reveal}", reveal=reveal)
                text = b"\n".join(_contents(place))
                assert CANARY.encode() in text
                assert any(word.encode() in text for word in words) == reveal, form


def _contents(place: Path) -> Iterator[bytes]:
    for path in [place] if place.is_file() else sorted(one for one in place.rglob("*") if one.is_file()):
        if path.suffix == ".eval":
            with zipfile.ZipFile(path) as archive:
                yield from (archive.read(name) for name in archive.namelist())
        elif path.suffix == ".parquet":
            table = pq.read_table(path)
            yield from table.schema.metadata.values() if table.schema.metadata else ()
            yield json.dumps(table.to_pylist()).encode()
        else:
            yield path.read_bytes()


def test_what_cannot_be_written_is_one_line_and_leaves_nothing(
    experiment: rbsuite.Experiment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("x")
    source = str(experiment.directory)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    for arguments, words in [
        (["--to", "parquet"], "pip install 'rbsuite[parquet]'"),
        (["--to", "csv", "--out", "full"], "already exists"),
        (["--to", "csv", "--out", "/proc/nowhere/x"], "cannot be written"),
        (["--to", "atif", "--no-trajectories"], "applies to --to jsonl"),
        (["--to", "atif", "--out", "-"], "directory of files"),
    ]:
        assert run(["export", source, *arguments], core_plugins(ToyPlugin())) == 2
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1
        assert words in captured.err
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "mine"]
    with pytest.raises(UsageError, match="already exists"):
        export(experiment.store, "inspect", tmp_path / "full")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter of its own with the libraries that read these formats."""
    home = tmp_path_factory.mktemp("readers")
    subprocess.run(["uv", "venv", "--quiet", str(home)], check=True, capture_output=True)
    command = ["uv", "pip", "install", "--quiet", "--python", str(home), *READERS]
    subprocess.run(command, check=True, capture_output=True, cwd=home)
    return home / "bin" / "python"


@pytest.mark.slow  # installs inspect_ai, atif, pyarrow, duckdb and pandas
def test_others_read_what_is_written(experiment: rbsuite.Experiment, python: Path, tmp_path: Path) -> None:
    for form in ("inspect", "atif", "parquet"):
        experiment.export(form, tmp_path / form)
    done = subprocess.run([python, READ, tmp_path], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout.splitlines()[-1])
    tasks = experiment.tasks()
    rollouts = sum(task.rollouts for task in tasks)
    assert read["samples"] == read["trajectories"] == read["duckdb_rollouts"] == rollouts
    assert read["statuses"] == ["success"]
    assert read["means"] == pytest.approx(
        [_mean(task.score for task in tasks if task.run == one.id) for one in experiment.runs]
    )
    assert read["spans"] == rollouts
    assert read["duckdb_difference"] == pytest.approx(experiment.comparisons[0].difference)
    assert read["pandas_tasks"] == len(tasks)


def _mean(values: Iterator[float]) -> float:
    found = list(values)
    return sum(found) / len(found)


def test_a_store_that_is_being_written_can_be_exported(tmp_path: Path) -> None:
    with measure(tmp_path / "e", memory=("none",), limit=3) as store:
        store.rewind(store.manifest.runs[0].id, 1)
        with ExperimentStore.open(tmp_path / "e", readonly=True) as reading:
            for form in FORMATS:
                if form != "parquet":
                    export(reading, form, tmp_path / form)
    assert len(rows(tmp_path / "csv" / "tasks.csv")) == 1
