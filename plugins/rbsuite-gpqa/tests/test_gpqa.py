"""GPQA: its schema, the order of choices, the gate, and that its text stays in the store. All questions here are invented."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from played import played
from rbsuite.cli import command
from rbsuite.data.directory import DATA_VARIABLE
from rbsuite.data.packs import import_pack
from rbsuite.errors import DataError, UnknownNameError
from rbsuite.store import ExperimentStore
from rbsuite.store.export import export_jsonl
from rbsuite_gpqa.environment import BENCHMARK, IMPORTER, LESSONS, REVISION, SAMPLE, Gpqa
from rbsuite_questions.question import choice_order
from rbsuite_questions.readers import READERS

READS = [name for name, info in READERS.items() if "choice" in info.kinds and not info.requires]
ROW = {
    "Record ID": "rec0",
    "Question": "Which of these is invented?",
    "Correct Answer": "This",
    "Incorrect Answer 1": "That",
    "Incorrect Answer 2": "The other",
    "Incorrect Answer 3": "025",
    "Explanation": "It says so.",
    "Subdomain": "Invention",
    "High-level domain": "Physics",
}


@pytest.fixture(autouse=True)
def _no_pack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "data"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))


def write(path: Path, *rows: dict[str, str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(ROW))
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("reader", READS)
def test_references_of_the_sample_score_1_with_every_reader(reader: str) -> None:
    assert played(Gpqa(reader=reader), "sample") == (30, 30, 0)


def test_choices_are_shuffled_by_question_and_seed(tmp_path: Path) -> None:
    rows = [{**ROW, "Record ID": f"rec{number}"} for number in range(40)]
    data = str(write(tmp_path / "rows.jsonl", *rows))
    tasks = Gpqa().tasks("main", data=data)
    for task in tasks:
        order = choice_order(0, task.id, 4)
        assert task.payload["answer"] == "ABCD"[order.index(0)]
        assert f"{task.payload['answer']}) This" in task.query
    alone = Gpqa().tasks("main", data=str(write(tmp_path / "one.jsonl", rows[17])))
    assert alone.tasks[0] == tasks.by_id["rec17"]
    other = Gpqa(choice_seed=1).tasks("main", data=data)
    assert [task.payload["answer"] for task in other] != [task.payload["answer"] for task in tasks]
    assert other.content_hash != tasks.content_hash


def test_the_mistake_of_the_sample_is_the_one_it_names() -> None:
    rows = {row["Record ID"]: row for row in map(json.loads, SAMPLE.read_text(encoding="utf-8").splitlines())}
    for task in Gpqa().tasks("sample"):
        letter = task.payload["wrong"]
        assert task.payload["choices"]["ABCD".index(letter)] == rows[task.id]["wrong"].strip()


def test_csv_keeps_its_texts(tmp_path: Path) -> None:
    pytest.importorskip("datasets", reason="datasets is not installed")
    task = Gpqa().tasks("diamond", data=str(write(tmp_path / "home" / "gpqa_diamond.csv", ROW).parent)).tasks[0]
    assert set(task.payload["choices"]) == {"This", "That", "The other", "025"}
    assert (task.id, task.domain, task.group) == ("rec0", "physics", "Invention")


def test_options_that_say_none_are_texts_and_an_empty_domain_is_empty(tmp_path: Path) -> None:
    said = dict(zip([name for name in ROW if "Answer" in name], ["None", "NA", "N/A", "null"], strict=True))
    row = {**ROW, **said, "High-level domain": ""}
    for name in ("gpqa_main.csv", "gpqa_main.jsonl"):
        (task,) = Gpqa().tasks("main", data=str(write(tmp_path / name, row))).tasks
        assert (sorted(task.payload["choices"]), task.domain) == (["N/A", "NA", "None", "null"], "")
    nothing = json.dumps({**row, "High-level domain": None, "Record ID": None})
    (tmp_path / "nothing.jsonl").write_text(nothing, encoding="utf-8")
    (task,) = Gpqa().tasks("main", data=str(tmp_path / "nothing.jsonl")).tasks
    assert (task.domain, task.id) == ("", "1")


@pytest.mark.parametrize("missing", ["Question", "Correct Answer", "Incorrect Answer 3"])
def test_schema_is_checked(missing: str, tmp_path: Path) -> None:
    row = {key: value for key, value in ROW.items() if key != missing}
    with pytest.raises(DataError, match=f"no column '{missing}'"):
        Gpqa().tasks("main", data=str(write(tmp_path / "rows.jsonl", row)))
    with pytest.raises(DataError, match=f"row 1: {missing} is '', not a non-empty string"):
        Gpqa().tasks("main", data=str(write(tmp_path / "rows.jsonl", {**row, missing: ""})))


def test_the_gate_is_named_where_nothing_is_here() -> None:
    pytest.importorskip("datasets", reason="datasets is not installed")
    assert not Gpqa().at_hand("diamond")
    with pytest.raises(DataError, match=r"gated.*hf auth login"):
        Gpqa().tasks("diamond")
    with pytest.raises(UnknownNameError, match="diamand"):
        Gpqa().tasks("diamand")


def test_sources_are_pinned() -> None:
    assert {one.hub.revision for one in BENCHMARK.collections} == {REVISION}
    assert {one.hub.config: one.hub.rows for one in BENCHMARK.collections} == {
        "gpqa_diamond": 198,
        "gpqa_main": 448,
        "gpqa_extended": 546,
    }


def test_import(tmp_path: Path) -> None:
    source = write(tmp_path / "source" / "gpqa_main.jsonl", ROW).parent
    report = import_pack(IMPORTER, source, tmp_path / "data")
    assert (report.info.counts, report.splits) == ({"questions of gpqa_main": 1}, ("main",))
    assert Gpqa().at_hand("main")
    assert not Gpqa().at_hand("diamond")
    assert Gpqa().tasks("main").content_hash == Gpqa().tasks("main", data=str(source)).content_hash


def test_skills_of_official_data() -> None:
    assert set(LESSONS) == {"gpqa/biology", "gpqa/chemistry", "gpqa/physics"}


def test_its_text_stays_in_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = str(write(tmp_path / "rows.jsonl", ROW, {**ROW, "Record ID": "rec1"}))
    arguments = ["--env", "gpqa", "--split", "main", "--data", data, "--orders", "1", "--memory", "none,reasoningbank"]
    printed = [
        CliRunner().invoke(command, ["eval", *arguments, "--out", "x", *more], catch_exceptions=False)
        for more in ([], ["--json"])
    ]
    printed.append(CliRunner().invoke(command, ["compare", "x"], catch_exceptions=False))
    printed.append(CliRunner().invoke(command, ["rescore", "x", "--as", "lm-eval"], catch_exceptions=False))
    stream = io.StringIO()
    with ExperimentStore.open("x", readonly=True) as store:
        export_jsonl(store, stream)
    for text in (stream.getvalue(), *(one.stdout for one in printed)):
        assert text
        assert "is invented" not in text
        assert "The other" not in text
