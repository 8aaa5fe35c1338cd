"""Where questions come from: files, directories laid out as on the hub, the hub; and what is said when they cannot be had."""

from __future__ import annotations

import csv
import itertools
import json
import os
import shutil
import subprocess
import sys
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from rbsuite.errors import DataError
from rbsuite_questions.rows import (
    HubSource,
    Row,
    Table,
    cell,
    doubtful_choices,
    file_sha256,
    find_columns,
    integer_cell,
    is_text,
    read_hub,
    read_path,
    text_cell,
)

HUB = HubSource("group/quiz", "0123456789abcdef0123456789abcdef01234567", "test", rows=2)
ROWS: Sequence[Row] = (
    {"id": "a", "question": "1 + 1?", "answer": "025", "options": ["x", "y"]},
    {"id": "b", "question": "2 + 2?\nSay it.", "answer": "4", "options": ["z"]},
)


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The library, offline, with a cache of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("cache")))
        yield pytest.importorskip("datasets", reason="datasets is not installed")


def write_lines(path: Path, rows: Sequence[Row] = ROWS) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_parquet(path: Path) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.Table.from_pylist(list(ROWS)), path)
    return path


def write_csv(path: Path) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["id", "question", "answer"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(ROWS)
    return path


def write_hub_layout(home: Path) -> Path:
    (home / "data").mkdir(parents=True)
    write_parquet(home / "data" / "test-00000-of-00001.parquet")
    (home / "README.md").write_text(
        "---\nconfigs:\n- config_name: small\n  data_files:\n  - split: test\n    path: data/test-*\n---\n# Quiz\n",
        "utf-8",
    )
    return home


def test_json_lines_need_no_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    path = write_lines(tmp_path / "quiz.jsonl")
    table = read_path(path, HUB)
    assert list(table.rows) == list(ROWS)
    assert table.source == {"sha256": file_sha256(path)}
    (tmp_path / "quiz.json").write_text(json.dumps(list(ROWS)), encoding="utf-8")
    assert list(read_path(tmp_path / "quiz.json", HUB).rows) == list(ROWS)
    assert len(read_path(write_csv(tmp_path / "quiz.csv"), HUB).rows) == 2
    (tmp_path / "quiz.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="needs the library datasets"):
        read_path(tmp_path / "quiz.parquet", HUB)


def test_parquet(tmp_path: Path, datasets: Any) -> None:
    assert list(read_path(write_parquet(tmp_path / "quiz.parquet"), HUB).rows) == list(ROWS)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("bom.jsonl", '\ufeff{"id": "1"}\n'),
        ("bom.json", '\ufeff[{"id": "1"}]'),
        ("lines.json", '{"id": "1"}\n'),
        ("more.json", '\ufeff{"id": "1"}\r\n\n{"id": "2"}\n'),
        ("bom.csv", "\ufeffid\n1\n"),
    ],
)
def test_byte_order_marks_and_lines_under_json(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    assert read_path(tmp_path / name, HUB, csv_columns=["id"]).rows[0] == {"id": "1"}


WORDS = "id,answer,domain\n1,None,\n2,N/A,nan\n025,NA,null\n"


def test_texts_in_csv_stay_texts(tmp_path: Path, datasets: Any) -> None:
    home = tmp_path / "quiz"
    home.mkdir()
    (home / "test.csv").write_text(WORDS, encoding="utf-8")
    for place in (home, home / "test.csv"):
        rows = read_path(place, HUB).rows
        assert [list(row.values()) for row in rows] == [["1", "None", ""], ["2", "N/A", "nan"], ["025", "NA", "null"]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,answer\n1,2,3\n", "row 1: 3 cells, but the header has 2"),
        ("id,answer\n1\n", "row 1: 1 cells, but the header has 2"),
        ('id,answer\n1,"2"x\n', "bad.csv:2: not valid CSV"),
    ],
)
def test_malformed_csv(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "bad.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        read_path(tmp_path / "bad.csv", HUB)


def test_a_directory_with_several_configurations(tmp_path: Path, datasets: Any) -> None:
    configs = "".join(f"- config_name: {one}\n  data_files: {one}.jsonl\n" for one in ("I", "II"))
    (tmp_path / "README.md").write_text(f"---\nconfigs:\n{configs}---\n", encoding="utf-8")
    for one in ("I", "II"):
        (tmp_path / f"{one}.jsonl").write_text(json.dumps({"id": one}) + "\n", encoding="utf-8")
    assert read_path(tmp_path, HubSource("group/quiz", "", "train", "II")).rows == [{"id": "II"}]
    for wanted in ("", "III"):
        with pytest.raises(DataError, match=r"several configurations \(I, II\).*Name the file of one of them"):
            read_path(tmp_path, HubSource("group/quiz", "", "train", wanted))


def test_a_cache_that_cannot_be_written_is_no_hindrance_to_local_data(tmp_path: Path) -> None:
    home = write_hub_layout(tmp_path / "quiz")
    (tmp_path / "no-directory").touch()
    code = (
        "import sys; from pathlib import Path; from rbsuite_questions.rows import HubSource, read_path\n"
        "for path in map(Path, sys.argv[1:]): print(len(read_path(path, HubSource('group/quiz', '', 'test')).rows))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(home), str(home / "data" / "test-00000-of-00001.parquet")],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "no-directory")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.stdout.split(), run.stderr) == (["2", "2"], "")


def test_csv_loses_no_leading_zero(tmp_path: Path) -> None:
    table = read_path(write_csv(tmp_path / "quiz.csv"), HUB, csv_columns=["answer"])
    assert [row["answer"] for row in table.rows] == ["025", "4"]
    assert table.rows[1]["question"] == ROWS[1]["question"]
    with pytest.raises(DataError, match="none of the columns gold"):
        read_path(tmp_path / "quiz.csv", HUB, csv_columns=["gold"])


def test_directory_laid_out_as_on_the_hub(tmp_path: Path, datasets: Any) -> None:
    home = write_hub_layout(tmp_path / "quiz")
    for config in ("", "small", "other"):
        table = read_path(home, HubSource("group/quiz", "", "test", config))
        assert list(table.rows) == list(ROWS)
    assert table.source == read_path(home, HUB).source
    with pytest.raises(DataError, match="lacks a split: train"):
        read_path(home, HubSource("group/quiz", "", "train"))


def test_directory_written_by_save_to_disk(tmp_path: Path, datasets: Any) -> None:
    datasets.disable_progress_bars()
    datasets.Dataset.from_list([dict(row) for row in ROWS]).save_to_disk(str(tmp_path / "saved"))
    assert list(read_path(tmp_path / "saved", HUB).rows) == list(ROWS)


def test_named_file_in_a_directory(tmp_path: Path) -> None:
    write_lines(tmp_path / "quiz_test.jsonl")
    write_lines(tmp_path / "quiz_train.jsonl", ROWS[:1])
    assert len(read_path(tmp_path, HUB, ["quiz_test"]).rows) == 2


@pytest.mark.parametrize("name", ["empty.jsonl", "empty.csv", "empty.parquet", "empty.json"])
def test_empty_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(DataError, match="is empty"):
        read_path(tmp_path / name, HUB)


def test_csv_with_a_header_alone_is_empty(tmp_path: Path, datasets: Any) -> None:
    (tmp_path / "quiz.csv").write_text("id,question,answer\n", encoding="utf-8")
    with pytest.raises(DataError, match="is empty"):
        read_path(tmp_path / "quiz.csv", HUB, csv_columns=["answer"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1}\n{"b"\n', r"bad.jsonl:2: not valid JSON"),
        ("[1, 2]\n", r"bad.jsonl:1 is not an object.*list is only read from a file named \.json"),
        ("\n\n", r"is empty"),
        ("\ud800", r"is not UTF-8"),
        ("[" * 200_000, r"bad.jsonl:1: not valid JSON"),
    ],
)
def test_malformed_lines(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "bad.jsonl").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(DataError, match=said):
        read_path(tmp_path / "bad.jsonl", HUB)


def test_malformed_parquet_is_one_line(tmp_path: Path, datasets: Any) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 this is none")
    with pytest.raises(DataError, match=r"bad\.parquet") as caught:
        read_path(tmp_path / "bad.parquet", HUB)
    assert "\n" not in str(caught.value)


def test_what_is_not_there_or_of_no_known_kind(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_path(tmp_path / "none.jsonl", HUB)
    (tmp_path / "quiz.txt").write_text("hello", encoding="utf-8")
    with pytest.raises(DataError, match=r"not one of \.jsonl"):
        read_path(tmp_path / "quiz.txt", HUB)


def test_columns_are_found_under_any_of_their_names() -> None:
    table = Table(ROWS, "quiz")
    assert find_columns(table, {"text": ("problem", "question"), "year": ("year",)}, ["year"]) == {"text": "question"}
    with pytest.raises(DataError, match="no column 'gold' or 'label'; it has id, question"):
        find_columns(table, {"gold": ("gold", "label")})
    assert cell(table, 0, "answer", is_text, "a text") == "025"
    with pytest.raises(DataError, match=r"row 2: options is \['z'\], not a text"):
        cell(table, 1, "options", is_text, "a text")


GOLD = [
    *(
        (25, 25),
        (25.0, 25),
        ("25", 25),
        ("025", 25),
        ("25.0", 25),
        ("$25$", 25),
        (r"\boxed{25}", 25),
        (r"336^\circ", 336),
    ),
    *(("#### 25", 25), (r"$\boxed{m+n = 20+5 = 25}$", 25), (" 25 ", 25), (0, 0), ("25\N{DEGREE SIGN}", 25)),
    *((True, None), (25.5, None), (1000, None), (-1, None), (None, None), ("", None), ("x", None), ("24 or 25", None)),
    *((float("nan"), None), (float("inf"), None), ([25], None), (r"\boxed{}", None)),
]


@pytest.mark.parametrize(("written", "value"), GOLD)
def test_right_answers_are_read_as_leniently_as_outputs(written: object, value: int | None) -> None:
    table = Table([{"answer": written}], "quiz")
    if value is None:
        with pytest.raises(DataError, match=r"quiz, row 1: answer is .* not an integer from 0 to 999"):
            integer_cell(table, 0, "answer")
    else:
        assert integer_cell(table, 0, "answer") == value


def test_texts_of_rows_and_rows_that_contradict_themselves() -> None:
    assert [text_cell({"a": value}, "a") for value in (None, "", " x ", "None", 7)] == ["", "", "x", "None", "7"]
    assert text_cell({"a": 1}, "b") == text_cell({"a": 1}, None) == ""
    rows: Sequence[Row] = [
        {"id": 1, "options": ["x", "y"], "answer": "B", "index": 1},
        {"id": 2, "options": ["x", "y"], "answer": "B", "index": 0},
        {"id": 3, "options": ["x", " "], "answer": "A", "index": 0},
        {"id": 4, "options": ["x"], "answer": "A", "index": None},
    ]
    columns = {name: name for name in ("id", "options", "answer", "index")}
    found = {"letter and index disagree": ["2"], "an option is empty": ["3"]}
    assert doubtful_choices(Table(rows, "quiz"), columns) == found
    assert doubtful_choices(Table(rows[:1], "quiz"), columns) == {}


def hub_that_raises(
    error: Exception | None, rows: Sequence[Mapping[str, Any]] = (), **settings: object
) -> types.ModuleType:
    """A stand-in for the library, with these settings of its builder."""
    module = types.ModuleType("datasets")

    def load_dataset(*arguments: Any, **options: Any) -> Sequence[Mapping[str, Any]]:
        module.asked = (arguments, options)  # type: ignore[attr-defined]
        if error is not None:
            raise error
        return rows

    def load_dataset_builder(*arguments: Any, **options: Any) -> Any:
        load_dataset(*arguments, **options)
        return types.SimpleNamespace(config=types.SimpleNamespace(**settings))

    module.load_dataset = load_dataset  # type: ignore[attr-defined]
    module.load_dataset_builder = load_dataset_builder  # type: ignore[attr-defined]
    module.disable_progress_bars = lambda: None  # type: ignore[attr-defined]
    module.logging = types.SimpleNamespace(CRITICAL=50, set_verbosity=lambda level: None)  # type: ignore[attr-defined]
    return module


def named(name: str, text: str = "", base: type[Exception] = Exception) -> Exception:
    """An error of a class of that name, as the libraries of the hub have them."""
    error: Exception = type(name, (base,), {})(text)
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (named("GatedRepoError", "403 Client Error"), "gated.*hf auth login"),
        (named("DatasetNotFoundError", "Dataset is a gated dataset on the Hub."), "gated.*hf auth login"),
        (named("DatasetNotFoundError", "doesn't exist on the Hub or cannot be accessed"), "not found on the hub"),
        (named("RevisionNotFoundError", "404"), "pinned revision is no longer on the hub"),
        (
            ConnectionError("Couldn't reach 'x' on the Hub (OfflineModeIsEnabled)"),
            "not in the cache.*cannot be reached",
        ),
        (named("LocalEntryNotFoundError"), "not in the cache"),
        (StopIteration(), "is empty"),
        (PermissionError(13, "Permission denied", "/cache/x.lock"), "cache/x.lock: Permission denied.*Set HF_HOME"),
        (RuntimeError("a\nb\nc. And more."), "cannot be read: a b c"),
    ],
)
def test_trouble_with_the_hub_is_one_line_with_a_remedy(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setitem(sys.modules, "datasets", hub_that_raises(error))
    with pytest.raises(DataError, match=said) as caught:
        read_hub(HUB, "quiz")
    text = str(caught.value)
    assert "group/quiz at 0123456789ab" in text
    assert "--env quiz --data PATH" in text
    assert "\n" not in text


def test_the_hub_is_asked_for_the_pinned_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    library = hub_that_raises(None, ROWS)
    monkeypatch.setitem(sys.modules, "datasets", library)
    table = read_hub(HUB, "quiz")
    assert library.asked == (("group/quiz", None), {"split": "test", "revision": HUB.revision})
    assert table.source == {"hub": "group/quiz", "revision": HUB.revision, "hub_split": "test"}


def test_none_in_a_csv_file_of_the_hub_is_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    library = hub_that_raises(None, ROWS, keep_default_na=True)
    monkeypatch.setitem(sys.modules, "datasets", library)
    read_hub(HUB, "quiz")
    assert library.asked[1] == {"split": "test", "revision": HUB.revision, "keep_default_na": False}


def test_another_number_of_rows_is_another_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setitem(sys.modules, "datasets", hub_that_raises(None, ROWS[:1]))
    with pytest.raises(DataError, match="has 1 rows, not 2: it is not the revision that is pinned"):
        read_hub(HUB, "quiz")


@pytest.mark.parametrize("name", ["/etc/hostname", "../outside.jsonl", "https://example.org/x.jsonl", "data/../../x"])
def test_a_directory_names_no_file_outside_of_it(tmp_path: Path, name: str) -> None:
    home = write_hub_layout(tmp_path / "quiz")
    (tmp_path / "outside.jsonl").write_text("{}\n", encoding="utf-8")
    card = (home / "README.md").read_text("utf-8").replace("data/test-*", name)
    (home / "README.md").write_text(card, "utf-8")
    with pytest.raises(DataError, match="it names a file outside the directory"):
        read_path(home, HUB)


@pytest.mark.parametrize(
    ("file", "before"),
    [
        (".huggingface.yaml", ""),
        ("README.md", "---\npretty_name: a---b\n"),
        ("README.md", "\n\n---\nnote: |\n  ---\n"),
    ],
)
def test_whatever_the_library_obeys_is_looked_at(tmp_path: Path, file: str, before: str) -> None:
    home = write_hub_layout(tmp_path / "quiz")
    secret = tmp_path / "secret.jsonl"
    secret.write_text('{"question": "hidden"}\n', encoding="utf-8")
    configs = f"configs:\n- config_name: default\n  data_files:\n  - split: test\n    path: {secret}\n"
    (home / file).write_text(f"{before}{configs}{'---' if before else ''}\n", encoding="utf-8")
    with pytest.raises(DataError, match="it names a file outside the directory"):
        read_path(home, HUB)


@pytest.mark.parametrize("file", ["README.md", ".huggingface.yaml"])
def test_yaml_that_stands_for_millions_of_parts_is_refused(tmp_path: Path, file: str) -> None:
    home = write_hub_layout(tmp_path / "quiz")
    levels = "abcdefghij"
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{one}: &{one} [{', '.join([f'*{before}'] * 9)}]" for before, one in itertools.pairwise(levels)]
    body = "\n".join([*lines, "configs: *j"])
    (home / file).write_text(f"---\n{body}\n---\n" if file == "README.md" else f"{body}\n", "utf-8")
    with pytest.raises(DataError, match="repeats its parts too often"):
        read_path(home, HUB)


@pytest.mark.parametrize(
    ("name", "text"),
    [("train.jsonl", '{"question": "a", "x": NaN}\n'), ("train.json", '[{"question": "a", "x": 1, "x": 2}]')],
)
def test_json_in_a_directory_is_read_as_strictly_as_a_file(tmp_path: Path, datasets: Any, name: str, text: str) -> None:
    (tmp_path / "quiz" / "data").mkdir(parents=True)
    (tmp_path / "quiz" / "data" / name).write_text(text, "utf-8")
    with pytest.raises(DataError, match="not valid JSON"):
        read_path(tmp_path / "quiz", HubSource("group/quiz", "", "train"))


def test_a_column_that_names_files_is_refused(tmp_path: Path) -> None:
    home = write_hub_layout(tmp_path / "quiz")
    (home / "README.md").unlink()
    shutil.rmtree(home / "data")
    (home / "test.jsonl").write_text('{"question": "/etc/hostname"}\n', encoding="utf-8")
    (home / ".huggingface.yaml").write_text(
        "dataset_info:\n  features:\n  - name: question\n    dtype: image\n", "utf-8"
    )
    with pytest.raises(DataError, match="a column of the kind Image"):
        read_path(home, HUB)


def test_a_directory_holds_what_is_read_of_it(tmp_path: Path) -> None:
    (tmp_path / "secret.jsonl").write_text("{}\n", encoding="utf-8")
    for number, (make, words) in enumerate(
        [
            (lambda path: path.symlink_to(tmp_path / "secret.jsonl"), "points outside"),
            (lambda path: path.symlink_to("/dev/zero"), "points outside"),
            (os.mkfifo, "not a regular file"),
        ]
    ):
        home = tmp_path / f"quiz-{number}"
        home.mkdir()
        make(home / "test.jsonl")
        for names in ([], ["test"]):
            with pytest.raises(DataError, match=words):
                read_path(home, HUB, names)
