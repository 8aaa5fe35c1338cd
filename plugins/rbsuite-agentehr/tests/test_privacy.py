"""Words planted in patients' records are looked for in every file and stream of a private run, of every command, and of the Python API."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import ZipFile, is_zipfile

import pytest
from click.testing import CliRunner

import rbsuite
from rbsuite.cli import command
from rbsuite.store import ExperimentStore
from rbsuite.store.importing import copy_redacted, import_jsonl
from rbsuite.store.redaction import redact
from rbsuite_agentehr.environment import AgentEhr
from rbsuite_agentehr.hospital.writing import MARK

SYNDROME = "Zebrafold syndrome of Quillmark"
PLANTED = re.compile(rb"quillmark|zebrafold|patient 99\d{6}|(?<![\d.])9900000\d(?!\d)", re.IGNORECASE)
"""What no place may hold: what was planted, and the numbers of patients, which are not digits of a measured time."""
SPLIT = "mimic-iv-common"


def plant(subset: Path) -> None:
    """Put the syndrome into complaints, orders, candidates and right names."""
    for path in (subset / "database").iterdir():
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("UPDATE triage SET chiefcomplaint = 'Quillmark, since this morning'")
            database.execute("UPDATE poe SET order_subtype = order_subtype || ' for Quillmark'")
    with closing(sqlite3.connect(subset / "candidate_table.db")) as database, database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            columns = len(database.execute(f"PRAGMA table_info({table})").fetchall())
            database.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * columns)})", (SYNDROME,) * columns)
    for path in subset.glob("*_10.json"):
        rows = json.loads(path.read_text())[:2]
        for row in rows:
            row["label"].append({"name": SYNDROME, "code": "Q99"})
        path.write_text(json.dumps(rows))


@pytest.fixture(scope="module")
def place(hospital: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An imported copy (in ``data``, which is the user's own), and a run on it in ``x``, with its log and what was printed."""
    home = tmp_path_factory.mktemp("private")
    subset = home / "copy" / "MIMIC-IV-Common"
    shutil.copytree(hospital, subset, ignore=lambda _, names: [name for name in names if name == MARK])
    plant(subset)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RBSUITE_DATA", str(home / "data"))
        patch.setenv("RBSUITE_KEYS", str(home / "keys"))
        (home / "work").mkdir()
        patch.chdir(home / "work")
        said = cli("data", "import", "agentehr", "--from", str(subset.parent))
        options = ("--memory", "none,reasoningbank,synapse,dynamic-cheatsheet", "--orders", "1", "--log", "log.jsonl")
        said += cli("eval", "--env", "agentehr", "--split", SPLIT, *options, "--out", "x")
        (home / "work" / "said.txt").write_text(said)
        yield home / "work"


def cli(*arguments: str) -> str:
    """What a command prints, on both streams, with the error that it ends in."""
    result = CliRunner().invoke(command, arguments)
    if result.exception is not None and not isinstance(result.exception, rbsuite.RbsuiteError | SystemExit):
        raise result.exception
    return f"{result.output}{result.exception or ''}"


def contents(path: Path) -> Iterator[bytes]:
    """All that a file holds: as it stands, the cells of a database and the members of an archive unpacked."""
    data = path.read_bytes()
    yield data
    if is_zipfile(path):
        with ZipFile(path) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    if not data.startswith(b"SQLite format 3\0"):
        return
    with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for row in (row for table in tables for row in database.execute(f"SELECT * FROM {table}")):
            for cell in (cell if isinstance(cell, bytes) else str(cell).encode() for cell in row):
                yield cell
                for skipped in (0, 12):  # a nonce may stand before
                    try:
                        yield zlib.decompress(cell[skipped:])
                    except zlib.error:
                        continue


def leaks(directory: Path) -> list[str]:
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert files
    return [str(path) for path in files if any(PLANTED.search(content) for content in contents(path))]


def found(value: Any) -> bool:
    return PLANTED.search(repr(value).encode()) is not None


def test_no_file_and_no_line_of_a_run_holds_a_word(place: Path) -> None:
    assert leaks(place) == []
    said = (place / "said.txt").read_text()
    assert "reasoningbank" in said
    assert {"StepTaken", "TaskCommitted"} <= {
        json.loads(line)["event"] for line in (place / "log.jsonl").read_text().splitlines()
    }
    with ExperimentStore.open(place / "x", readonly=True) as store:
        clear = store.revealed()
        for info in store.manifest.runs:  # what is looked for is there, under the seal
            assert found([one.rollouts for one in clear.records(info.id)])
            assert found([*clear.ops(info.id)]) == (info.condition.memory in ("reasoningbank", "synapse"))
            assert not found([*store.records(info.id), *store.ops(info.id), *store.results(info.id)])


def test_no_command_prints_or_writes_a_word(place: Path, tmp_path: Path) -> None:
    with ExperimentStore.open(place / "x", readonly=True) as store:
        task = store.manifest.runs[0].tasks[0]
        run = next(info.id for info in store.manifest.runs if info.condition.memory == "synapse")
    listed = cli("memory", "list", "x", "--run", run, "--json")
    item = json.loads(listed[listed.index("{") :])["items"][0]["id"]
    (place / "public").mkdir()
    shown = [
        *(cli(*one, *form) for form in ((), ("--json",)) for one in (
            ("eval", "--from", "x"),
            ("eval", "--from", "x", "--dry-run"),
            ("compare", "x"),
            ("check", "x"),
            ("memory", "list", "x", "--run", run),
            ("memory", "show", "x", item, "--run", run),
            ("memory", "search", "x", "Quill", "--run", run),
            ("memory", "diff", "x", "0", "9", "--run", run),
            ("memory", "helped", "x"),
            ("show", "x", task, "--full"),
            ("show", "x", task, "--memory", "synapse"),
            ("attribute", "x", "--items", "1", "--clusters", "1"),
            ("rescore", "x", "--as", "rbsuite"),
            ("verify", "--env", "agentehr", "--split", SPLIT),
            ("env", "agentehr"),
            ("data", "verify"),
        )),
        cli("memory", "export", "x"),
        cli("memory", "export", "x", "--run", run, "--out", "bank.jsonl"),
        cli("eval", "--env", "agentehr", "--limit", "2", "--orders", "1", "--memory", "synapse", "--warm-start", "x", "--out", "warm"),
        cli("diff", "x", "warm"),
        cli("eval", "--env", "agentehr", "--split", SPLIT, "--cache", "cache", "--out", "cached"),
        *(cli("export", "x", "--to", form, "--out", f"to-{form}") for form in ("csv", "jsonl", "parquet", "inspect", "atif")),
    ]  # fmt: skip
    assert [text for text in shown if found(text) or "Traceback" in text] == []
    assert min(map(len, shown)) > 20
    assert leaks(place) == []
    for name in ("to-csv", "to-jsonl", "to-inspect", "to-atif", "warm", "bank.jsonl", "x/attribution.jsonl"):
        assert (place / name).exists(), name
    assert not (place / "cache").exists()
    import_jsonl(place / "to-jsonl", tmp_path / "again", rechain=True)
    with ExperimentStore.open(place / "x", readonly=True) as store:  # as submissions to leaderboards are made
        copy_redacted(store, tmp_path / "submitted", partial(redact, confined=True))
    assert leaks(tmp_path) == []
    for one in (("show", "x", task, "--full"), ("memory", "export", "x", "--run", run)):
        assert found(cli(*one, "--reveal"))
    assert found(cli("export", "x", "--to", "jsonl", "--out", "-", "--reveal"))


def test_the_api_gives_no_word_that_is_not_asked_for(place: Path, tmp_path: Path) -> None:
    for reveal in (False, True):
        with rbsuite.Experiment(place / "x", reveal=reveal) as experiment:
            tables = [
                experiment.tasks(),
                experiment.rollouts(),
                experiment.items(),
                experiment.recalls(),
                experiment.helped(),
            ]
            given = [*(list(table) for table in tables), list(experiment.records()), experiment.summary()]
            given += [table.to_pandas().to_csv() for table in tables]
            given += [(repr(table), table._repr_html_()) for table in tables]
            assert found(given) == reveal
            assert found([row.item for row in experiment.items()]) == reveal
            assert found([row.trajectory for row in experiment.rollouts()]) == reveal
            assert len(experiment.digest) == 64
            experiment.export("jsonl", tmp_path / "out.jsonl")
            assert found((tmp_path / "out.jsonl").read_text()) is False
    effects = rbsuite.attribute(place / "x", items=1, clusters=1)
    tasks = AgentEhr().tasks(SPLIT)
    assert PLANTED.search(tasks.tasks[0].query.encode()) is not None
    assert not found([effects, tasks, tasks.tasks[0]])
