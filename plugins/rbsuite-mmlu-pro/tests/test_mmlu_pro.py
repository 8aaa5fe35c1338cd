"""MMLU-Pro: its schema, worked examples, the rows that upstream changed, chance, and that it runs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from played import played
from rbsuite.data.directory import DATA_VARIABLE
from rbsuite.data.packs import import_pack
from rbsuite.environments.base import PlainServices
from rbsuite.errors import DataError, UsageError
from rbsuite_mmlu_pro.environment import BENCHMARK, IMPORTER, SAMPLE, MmluPro, worked_examples
from rbsuite_mmlu_pro.plugin import CATEGORIES
from rbsuite_mmlu_pro.releases import changed_rows, count_releases, row_hash
from rbsuite_mmlu_pro.skills import LESSONS
from rbsuite_questions.readers import READERS
from rbsuite_questions.rows import Table

PACK = Path(os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).parents[4] / "shared" / "packs") / "mmlu-pro"
needs_pack = pytest.mark.skipif(not PACK.is_dir(), reason="MMLU-Pro's questions (the pack mmlu-pro) are not here")
READS = [name for name, info in READERS.items() if "choice" in info.kinds and not info.requires]
ROW = {
    "question_id": 7,
    "question": "Which letter?",
    "options": ["First", " Second ", "Third"],
    "answer": "B",
    "answer_index": 1,
    "cot_content": "A: Let's think step by step. It is the second. The answer is (B).",
    "category": "law",
    "src": "made-up",
}


@pytest.fixture(autouse=True)
def _no_pack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "data"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("reader", READS)
def test_references_of_the_sample_score_1_with_every_reader(reader: str) -> None:
    assert played(MmluPro(reader=reader), "sample") == (42, 42, 0)
    assert {task.domain for task in MmluPro().tasks("sample")} == set(CATEGORIES)


def test_choices_keep_the_order_of_the_file_and_lose_white_space(tmp_path: Path) -> None:
    task = MmluPro().tasks("test", data=str(write(tmp_path / "rows.jsonl", ROW))).tasks[0]
    assert task.query == "Which letter?\n\nA) First\nB) Second\nC) Third"
    assert (task.payload["answer"], task.domain, task.group, task.id) == ("B", "law", "made-up", "7")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"answer": "D"}, "answer is 'D', not the letter of an option"),
        ({"answer": 1}, "not the letter of an option"),
        ({"options": []}, "not a list of 1 to 10 strings"),
        ({"options": "First"}, "not a list of 1 to 10 strings"),
        ({"options": ["x"] * 11}, "not a list of 1 to 10 strings"),
        ({"question": " "}, "question is ' ', not a non-empty string"),
    ],
)
def test_other_rows_are_refused(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        MmluPro().tasks("test", data=str(write(tmp_path / "rows.jsonl", {**ROW, **change})))


def test_rows_that_contradict_themselves_are_named(tmp_path: Path) -> None:
    rows = [ROW, {**ROW, "question_id": 8, "answer_index": 0}, {**ROW, "question_id": 9, "options": ["x", "y", ""]}]
    world = MmluPro()
    world.tasks("test", data=str(write(tmp_path / "rows.jsonl", *rows)))
    said = "letter and index disagree: 8; an option is empty: 9"
    assert world.source["doubtful_rows"] == world.facts()["doubtful_rows"] == said


def test_worked_examples_end_in_the_readers_form() -> None:
    world = MmluPro(reader="inspect")
    task = next(task for task in world.tasks("sample") if task.domain == "law")
    assert world.facts()["shots"] == 2
    instructions = world.begin(task, seed=0, services=PlainServices(world)).observation.messages[0].text
    examples = worked_examples(Table([ROW], "rows"))["law"]
    assert (examples[0].reasoning, examples[0].answer) == ("It is the second.", "B")
    assert instructions.count("# Worked example") == 2
    assert instructions.count("ANSWER: ") == 3
    assert "the answer is (" not in instructions.lower()
    assert MmluPro(shots=1).facts()["shots"] == 1


def test_data_without_validation_is_asked_zero_shot_unless_examples_are_demanded(tmp_path: Path) -> None:
    home = write(tmp_path / "home" / "mmlu_pro_test.jsonl", ROW).parent
    world = MmluPro()
    alone = world.tasks("test", data=str(home))
    assert world.facts()["shots"] == 0
    with pytest.raises(UsageError, match="no worked examples"):
        MmluPro(shots=5).tasks("test", data=str(home))
    write(home / "mmlu_pro_validation.jsonl", *({**ROW, "question_id": number} for number in range(5)))
    both = world.tasks("test", data=str(home))
    assert world.facts()["shots"] == 5
    assert both.content_hash != alone.content_hash


def test_import_takes_both_splits(tmp_path: Path) -> None:
    home = write(tmp_path / "home" / "mmlu_pro_test.jsonl", ROW).parent
    write(home / "mmlu_pro_validation.jsonl", ROW)
    info = import_pack(IMPORTER, home, tmp_path / "data").info
    assert info.counts == {"questions of mmlu_pro_test": 1, "questions of mmlu_pro_validation": 1}
    world = MmluPro()
    world.tasks("test")
    assert world.facts()["shots"] == 1


def test_import_of_a_directory_laid_out_as_on_the_hub(tmp_path: Path) -> None:
    pytest.importorskip("datasets", reason="datasets is not installed")
    home = tmp_path / "home"
    write(home / "data" / "test.jsonl", ROW, {**ROW, "question_id": 8})
    write(home / "data" / "validation.jsonl", ROW)
    info = import_pack(IMPORTER, home, tmp_path / "data").info
    assert (info.source, len(info.counts)) == ("checkout", 2)
    assert [task.id for task in MmluPro().tasks("test")] == ["7", "8"]
    assert len(MmluPro().tasks("validation", data=str(home))) == 1


def test_changed_rows_are_known_by_hash_alone() -> None:
    known = changed_rows()
    assert len(known) == 48
    assert all(older != newer and len(older) == len(newer) == 16 for older, newer in known.values())
    key, (older, newer) = next(iter(known.items()))
    assert count_releases([(key, older), ("1", newer)]) == {"older": 1, "newer": 0, "other": 0}
    assert count_releases([(key, newer)]) == {"older": 0, "newer": 1, "other": 0}
    assert count_releases([(key, "0" * 16)]) == {"older": 0, "newer": 0, "other": 1}
    assert row_hash("q ", [" a"], "A") == row_hash("q", ["a"], "A") != row_hash("q", ["a"], "B")


def test_one_lesson_a_category() -> None:
    assert set(LESSONS) == {f"mmlu-pro/{category}" for category in CATEGORIES}
    lessons = LESSONS.values()
    assert len({one.lesson for one in lessons}) == len({one.symptom for one in lessons}) == 14
    assert not [one for one in lessons if one.lesson in one.symptom]


def test_sample_has_no_lesson_in_a_question() -> None:
    world = MmluPro()
    text = "\n".join(task.query for task in world.tasks("sample"))
    text += (SAMPLE / "mmlu_pro_validation.jsonl").read_text(encoding="utf-8")
    assert not [one for one in world.lessons().values() if one.lesson in text or one.symptom in text]


@needs_pack
def test_the_test_split_is_whole_and_known(tmp_path: Path) -> None:
    world = MmluPro()
    tasks = world.tasks("test", data=str(PACK))
    assert len(tasks) == 12_032
    assert {task.domain for task in tasks} == set(CATEGORIES)
    assert len({task.group for task in tasks}) == 91
    assert round(100 * world.facts()["chance"], 2) == 11.09
    assert tasks.source["equals"] == "TIGER-AI-Lab/MMLU-Pro at f418b116db00b065c2aea046518d8fcf74d39872"
    assert tasks.source["changed_rows"] == "48 newer, 0 older, 0 other"
    info = import_pack(IMPORTER, PACK, tmp_path / "data").info
    assert info.equals_commit == info.commit == "f418b116db00b065c2aea046518d8fcf74d39872"


@needs_pack
def test_rows_of_the_older_release_are_counted(tmp_path: Path) -> None:
    changed = {row["question_id"]: row["old"] for row in json.loads((PACK / "changed_rows.json").read_text("utf-8"))}
    with (PACK / "mmlu_pro_test.jsonl").open(encoding="utf-8") as file:
        rows = [row for row in map(json.loads, file) if row["question_id"] in changed]
    old = [{**row, **changed[row["question_id"]]} for row in rows]
    tasks = MmluPro().tasks("test", data=str(write(tmp_path / "rows.jsonl", *old[:10], *rows[10:])))
    assert tasks.source["changed_rows"] == "38 newer, 10 older, 0 other"
    assert "equals" not in tasks.source


@needs_pack
def test_references_of_the_test_split_score_1() -> None:
    assert played(MmluPro(), "test", domain="history", data=str(PACK)) == (381, 381, 0)


def test_sources_are_pinned() -> None:
    assert {one.hub.revision for one in BENCHMARK.collections} == {"527feea0afed1de15a8c115abf7be4c912123315"}
    assert [one.hub.rows for one in BENCHMARK.collections] == [12_032, 70]
