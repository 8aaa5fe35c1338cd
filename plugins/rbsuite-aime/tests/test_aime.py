"""AIME: the copies of its problems that can be read, years, what is refused, and that it runs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from played import mistaken, played
from rbsuite.cli import command
from rbsuite.data.directory import DATA_VARIABLE
from rbsuite.data.packs import import_pack
from rbsuite.errors import DataError, UnknownNameError, UsageError
from rbsuite_aime.environment import BENCHMARK, IMPORTER, Aime
from rbsuite_aime.topics import LESSONS, skill_of
from rbsuite_questions.readers import READERS

PACK = Path(os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).parents[4] / "shared" / "packs") / "aime"
needs_pack = pytest.mark.skipif(not PACK.is_dir(), reason="AIME's problems (the pack aime) are not here")
READS = [name for name, info in READERS.items() if "integer" in info.kinds and not info.requires]


@pytest.fixture(autouse=True)
def _no_pack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "data"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))


def write(path: Path, *rows: dict[str, object]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("reader", READS)
def test_references_of_the_sample_score_1_with_every_reader(reader: str) -> None:
    assert played(Aime(reader=reader), "sample") == (28, 28, 0)


@pytest.mark.parametrize("reader", READS)
def test_mistakes_of_the_sample_score_0_and_are_read(reader: str) -> None:
    world = Aime(reader=reader)
    for task in world.tasks("sample"):
        grade = mistaken(world, task)
        assert (grade.score, grade.truth["answered"]) == (0.0, task.payload["wrong"])


@pytest.mark.parametrize(
    "row",
    [
        {"ID": "2024-I-4", "Problem": "What?", "Solution": "Because.", "Answer": 25},
        {"id": 61, "problem": "What?", "answer": "025", "year": "2024"},
        {"problem_idx": 4, "problem": "What?", "answer": "25"},
        {"question": "What?", "answer": " 25 "},
        {"question": "What?", "answer": 25.0},
        {"question": "What?", "answer": r"$25^\circ$"},
        {"question": "What?", "answer": r"\boxed{25}"},
    ],
)
def test_columns_of_all_copies_are_read(row: dict[str, object], tmp_path: Path) -> None:
    tasks = Aime().tasks("2024", data=write(tmp_path / "rows.jsonl", row))
    task = tasks.tasks[0]
    assert (task.query, task.payload["answer"], task.domain) == ("What?", "25", "2024")
    assert task.id.startswith("2024-")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"problem": "What?", "answer": 1000}, "answer is 1000, not an integer from 0 to 999"),
        ({"problem": "What?", "answer": "-3"}, "not an integer"),
        ({"problem": "What?", "answer": 2.5}, "not an integer"),
        ({"problem": "What?", "answer": True}, "not an integer"),
        ({"problem": "", "answer": 3}, "not a non-empty string"),
        ({"problem": "What?"}, "no column 'answer'"),
        ({"problem": "What?", "answer": 3, "year": 2025}, "no problems from 2024"),
    ],
)
def test_other_rows_are_refused(row: dict[str, object], said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        Aime().tasks("2024", data=write(tmp_path / "rows.jsonl", row))


def test_ids_must_be_unique(tmp_path: Path) -> None:
    row = {"id": "7", "problem": "What?", "answer": 3}
    with pytest.raises(DataError, match="row 2: the id 2024-7 occurs twice"):
        Aime().tasks("2024", data=write(tmp_path / "rows.jsonl", row, row))


def test_unknown_split_and_one_file_for_all_years(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="2023"):
        Aime().tasks("2023")
    with pytest.raises(DataError, match="Name a year"):
        Aime().tasks("all", data=write(tmp_path / "rows.jsonl", {"problem": "What?", "answer": 3}))


def test_the_sample_takes_no_data() -> None:
    with pytest.raises(UsageError, match=r"'sample' takes no --data\. Name a split that does: 2024, 2025, 2026, all"):
        Aime().tasks("sample", data="/nowhere")


def test_without_data_and_network_the_remedy_is_named() -> None:
    pytest.importorskip("datasets", reason="datasets is not installed")
    assert not Aime().at_hand("2025")
    with pytest.raises(DataError, match=r"math-ai/aime25 at 563bb8404243.*--env aime --data PATH"):
        Aime().tasks("2025")


def test_every_source_on_the_hub_is_pinned() -> None:
    for collection in BENCHMARK.collections:
        assert len(bytes.fromhex(collection.hub.revision)) == 20
        assert collection.hub.rows == 30


def test_topics() -> None:
    assert skill_of("Find the radius of the circle tangent to the triangle.") == "aime/geometry"
    assert skill_of("Let x + y = 3.") == "aime/algebra"
    assert set(LESSONS) == {"aime/geometry", "aime/counting", "aime/numbers", "aime/algebra"}
    assert not [one for one in LESSONS.values() if one.lesson in one.symptom]


def test_import_makes_a_pack_that_is_then_read(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    write(source / "aime_2024.jsonl", {"id": "2024-I-1", "problem": "What?", "answer": "007"})
    report = import_pack(IMPORTER, source, tmp_path / "data")
    assert report.info.counts == {"questions of aime_2024": 1}
    assert report.info.equals_commit is None
    assert Aime().at_hand("2024")
    assert Aime().tasks("2024").tasks[0].payload["answer"] == "7"
    assert [task.domain for task in Aime().tasks("all")] == ["2024"]
    (tmp_path / "other").mkdir()
    write(tmp_path / "other" / "rows.jsonl", {"problem": "What?", "answer": 1})
    with pytest.raises(DataError, match="do not say which aime data"):
        import_pack(IMPORTER, tmp_path / "other", tmp_path / "data")


@pytest.mark.parametrize(
    "make",
    [
        os.mkfifo,
        os.mkdir,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to(path.name),
        lambda path: path.symlink_to("gone"),
    ],
    ids=["FIFO", "directory", "device", "loop", "dangling"],
)
def test_a_year_that_cannot_be_read_is_not_left_out(make: Callable[[Path], None], tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    write(source / "aime_2024.jsonl", {"id": "2024-I-1", "problem": "What?", "answer": "007"})
    make(source / "aime_2025.jsonl")
    with pytest.raises(DataError, match=r"aime_2025\.jsonl"):
        import_pack(IMPORTER, source, tmp_path / "data")
    with pytest.raises(DataError, match=r"aime_2025\.jsonl"):
        Aime().tasks("all", data=str(source))
    assert not Aime().at_hand("2024")


@needs_pack
def test_the_pack_has_two_years_and_is_known(tmp_path: Path) -> None:
    tasks = Aime().tasks("all", data=str(PACK))
    assert len(tasks) == 60
    assert {task.group for task in tasks} == {"2024-I", "2024-II", "2025-I", "2025-II"}
    assert {task.domain for task in Aime().tasks("all", domain="2025", data=str(PACK))} == {"2025"}
    assert tasks.source["2024 equals"].startswith("eth-sri/matharena at ")
    assert played(Aime(), "all", data=str(PACK)) == (60, 60, 0)
    assert all(task.payload["wrong"] != task.payload["answer"] for task in tasks)
    imported = import_pack(IMPORTER, PACK, tmp_path / "data").info
    assert imported.equals_commit == "81f103e38b1df076afa65ee0a3ffbe148d42e6d2"
    assert Aime().tasks("2024").content_hash == Aime().tasks("2024", data=str(PACK)).content_hash


@needs_pack
def test_no_lesson_stands_in_a_problem() -> None:
    text = "\n".join(task.query for task in Aime().tasks("all", data=str(PACK)))
    assert not [one for one in LESSONS.values() if one.lesson in text or one.symptom in text]


def test_it_runs_by_the_evo_memory_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["eval", "--env", "aime", "--protocol", "evo-memory", "--limit", "6", "--json"]
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    shown = json.loads(result.stdout)
    assert [one["memory"].partition(":")[0] for one in shown["conditions"]] == ["none", "history", "exprag", "remem"]
    assert all(one["judge"] == "ground-truth" for one in shown["conditions"])


def test_one_file_is_imported_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    rows = [{"id": str(number), "problem": f"What is {number}?", "answer": str(number)} for number in range(1, 31)]
    write(tmp_path / "aime_2025.jsonl", *rows)
    import_pack(IMPORTER, tmp_path / "aime_2025.jsonl", tmp_path / "data")
    assert len(Aime().tasks("2025")) == 30
    write(tmp_path / "other.jsonl", *rows)
    with pytest.raises(DataError, match=r"other\.jsonl' do not say which aime data"):
        import_pack(IMPORTER, tmp_path / "other.jsonl", tmp_path / "data")


def many(count: int, **columns: str) -> list[dict[str, object]]:
    """Problems without ids; a column's text may hold ``{}`` for the number."""
    return [
        {"problem": f"What is {n}?", "answer": n, **{key: text.format(n) for key, text in columns.items()}}
        for n in range(1, count + 1)
    ]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (many(30, id="2024-I-{}"), r"row 1: the problem 2024-I-1 is from 2024, not 2025\. Choose --split 2024"),
        (many(16, id="2025-I-{}"), r"row 16: there is no problem 2025-I-16; a part has 15"),
        (many(15), r"does not say whether they are from AIME 2025 I or II"),
        (many(31), r"has 31 questions; aime_2025 has 30"),
    ],
)
def test_data_of_another_split_is_refused(tmp_path: Path, rows: list[dict[str, object]], said: str) -> None:
    with pytest.raises(DataError, match=said):
        Aime().tasks("2025", data=write(tmp_path / "rows.jsonl", *rows))


def test_parts_are_told_by_ids_or_by_whole_years_alone(tmp_path: Path) -> None:
    second = Aime().tasks("2025", data=write(tmp_path / "a.jsonl", *many(15, id="2025-II-{}")))
    assert {task.group for task in second} == {"2025-II"}
    assert [task.difficulty for task in second][:2] == [1.0, 2.0]
    assert second.source["2025 part"] == "15 of 30 questions"
    whole = Aime().tasks("2025", data=write(tmp_path / "b.jsonl", *many(30)))
    assert [task.group for task in whole] == ["2025-I"] * 15 + ["2025-II"] * 15
    some = Aime().tasks("2025", data=write(tmp_path / "c.jsonl", *many(20)))
    assert {(task.group, task.difficulty) for task in some} == {("2025", None)}


def test_a_file_that_is_another_year_by_its_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"aime_2024\.jsonl is aime_2024, going by its name, not aime_2025"):
        Aime().tasks("2025", data=write(tmp_path / "aime_2024.jsonl", *many(30)))


@needs_pack
def test_known_problems_of_another_year_are_refused_without_ids(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (PACK / "aime_2024.jsonl").read_text("utf-8").splitlines()]
    bare = write(tmp_path / "rows.jsonl", *({"problem": row["problem"], "answer": row["answer"]} for row in rows))
    assert len(Aime().tasks("2024", data=bare)) == 30
    with pytest.raises(DataError, match=r"holds the questions of aime_2024, not of aime_2025"):
        Aime().tasks("2025", data=bare)


def test_the_same_content_is_the_same_task_set_and_an_edited_pack_is_refused(tmp_path: Path) -> None:
    rows = many(30, id="2025-{}")
    source = write(tmp_path / "aime_2025.jsonl", *rows)
    import_pack(IMPORTER, Path(source), tmp_path / "data")
    spaced = tmp_path / "rows.json"
    spaced.write_text(json.dumps(rows, indent=2), encoding="utf-8")
    assert Aime().tasks("2025").content_hash == Aime().tasks("2025", data=str(spaced)).content_hash
    pack = tmp_path / "data" / "packs" / "aime" / "aime_2025.jsonl"
    pack.write_text(pack.read_text("utf-8").replace('"answer": 7', '"answer": 8'), encoding="utf-8")
    with pytest.raises(DataError, match=r"aime_2025\.jsonl was changed since the import"):
        Aime().tasks("2025")


def test_twins_are_found_and_said_at_the_import(tmp_path: Path) -> None:
    rows = [*many(29), {"problem": "what is  3?", "answer": 3}]
    report = import_pack(IMPORTER, Path(write(tmp_path / "aime_2025.jsonl", *rows)), tmp_path / "data")
    assert [note.partition(";")[0] for note in report.notes] == [
        "1 pair of questions of aime_2025 is identical and 0 nearly so"
    ]
    tasks = Aime().tasks("2025")
    assert tasks.twins == {"2025-3": ("2025-30",), "2025-30": ("2025-3",)}
