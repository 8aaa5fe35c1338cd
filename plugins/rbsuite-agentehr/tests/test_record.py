"""The guard around a patient's record: what is there can be read, and nothing else can be done or reached."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from rbsuite.errors import DataError
from rbsuite_agentehr.environment import AgentEhr
from rbsuite_agentehr.layout import Layout
from rbsuite_agentehr.record import MOST_ROWS, QueryError, Record


@pytest.fixture(scope="module")
def record(hospital: Path) -> Iterator[Record]:
    layout = Layout(hospital)
    case = layout.cases("labevents")[0]
    yield layout.record(case.subject_id, case.prediction_time)
    layout.close()


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH DATABASE '/etc/passwd' AS x",
        "ATTACH 'file:new.db?mode=rwc' AS x",
        "DETACH DATABASE reference",
        "PRAGMA writable_schema = 1",
        "PRAGMA database_list",
        "SELECT * FROM pragma_database_list",
        "SELECT * FROM pragma_table_info('patients')",
        "SELECT load_extension('x.so')",
        "SELECT readfile('/etc/passwd')",
        "SELECT writefile('x', 'y')",
        "SELECT fts3_tokenizer('simple')",
        "SELECT zeroblob(900000)",
        "SELECT sqlite_compileoption_get(1)",
        "SELECT random()",
        "SELECT sql FROM sqlite_master",
        "SELECT * FROM main.sqlite_schema",
        "SELECT * FROM record.labevents",
        "INSERT INTO patients VALUES (1, 2, 3, 4)",
        "UPDATE patients SET gender = 'X'",
        "DELETE FROM patients",
        "DROP TABLE patients",
        "CREATE TABLE x (y)",
        "CREATE TEMP VIEW x AS SELECT 1",
        "CREATE VIRTUAL TABLE x USING fts5(y)",
        "VACUUM INTO 'copy.db'",
        "REINDEX",
        "ANALYZE",
        "BEGIN",
        "SAVEPOINT x",
        "SELECT 1; SELECT 2",
        "EXPLAIN SELECT 1; DROP TABLE patients",
        "SELECT datetime('now')",
        "SELECT date()",
        "SELECT CURRENT_TIMESTAMP",
        "SELECT nothing FROM nowhere",
        "SELECT 1 FROM patients WHERE \0",
        "",
        "-- nothing",
        f"SELECT {'-' * 1_000_001}1",
        f"SELECT {'(' * 5_000}1{')' * 5_000}",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(length(printf('%900000d', i))) FROM n",
    ],
)
def test_anything_but_reading_is_refused(
    record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sql: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("rbsuite_agentehr.record.MOST_SECONDS", 0.5)
    begun = time.monotonic()
    with pytest.raises(QueryError):
        record.query(sql)
    assert time.monotonic() - begun < 30
    assert list(tmp_path.iterdir()) == []
    assert record.query("SELECT count(*) FROM patients")[1] == [(1,)]


def test_reading_joins_with_the_reference_tables_and_stops_at_a_number_of_rows(record: Record) -> None:
    sql = "SELECT d.label, l.value FROM labevents l JOIN d_labitems d ON d.itemid = l.itemid"
    columns, rows, _ = record.query(sql)
    assert columns == ["label", "value"]
    assert rows
    _, rows, more = record.query("SELECT a.value FROM labevents a, labevents b")
    assert (len(rows), more) == (MOST_ROWS, True)


def test_nothing_is_later_than_the_prediction_time(hospital: Path) -> None:
    layout = Layout(hospital)
    for task in ("labevents", "transfers", "diagnoses_ccs", "procedures_ccs"):
        for case in layout.cases(task):
            record = layout.record(case.subject_id, case.prediction_time)
            for table, columns in record.tables.items():
                for column in (name for name in columns if name.endswith(("time", "date"))):
                    rows = record.query(f"SELECT max({column}) FROM {table}")[1]
                    assert (rows[0][0] or "") <= case.prediction_time
            present = record.query(
                "SELECT hadm_id, dischtime, discharge_location FROM admissions ORDER BY admittime DESC"
            )
            number, *end = present[1][0]
            assert end == [None, None]
            for table in ("diagnoses_icd", "procedures_icd"):
                assert record.query(f"SELECT count(*) FROM {table} WHERE hadm_id = {number}")[1] == [(0,)]
    layout.close()


def test_what_is_no_database_is_one_line(hospital: Path, tmp_path: Path) -> None:
    (tmp_path / "patient_7.db").write_text("no database, but quite a long text " * 100)
    with pytest.raises(DataError, match="a patient's database") as caught:
        Record(tmp_path / "patient_7.db", hospital / "reference_table.db", "2150-01-01 00:00:00")
    assert "patient_7" not in str(caught.value)


def test_an_episode_beside_others_is_small_and_quick(environment: AgentEhr) -> None:
    task = environment.tasks("sample").tasks[0]
    environment.begin(task, seed=0, services=None)  # what all share is made now
    tracemalloc.start()
    begun = time.process_time()
    kept = [environment.begin(task, seed=0, services=None) for _ in range(50)]
    taken = time.process_time() - begun
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert size / len(kept) < 64 * 1024
    assert taken / len(kept) < 0.01  # 1 ms where nothing else runs and nothing is traced
