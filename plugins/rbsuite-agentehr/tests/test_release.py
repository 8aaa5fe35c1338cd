"""CSV files as PhysioNet has them, and AgentEHR's data as its repository reads it: written here, of the hospital's invented patients."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
import sqlite3
import stat
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rbsuite.cli import run
from rbsuite_agentehr.environment import AgentEhr
from rbsuite_agentehr.hospital.courses import COLUMNS, TASKS, candidates, conditions, patients
from rbsuite_agentehr.layout import Layout
from rbsuite_agentehr.record import Record

HEADS = {
    **COLUMNS,
    "poe": ("poe_id", *COLUMNS["poe"]),
    "prescriptions": (*COLUMNS["prescriptions"], "ndc"),
    "microbiologyevents": (
        "subject_id",
        "hadm_id",
        "chartdate",
        "charttime",
        "spec_type_desc",
        "test_name",
        "org_name",
    ),
    "triage": ("subject_id", "stay_id", "temperature", "heartrate", "o2sat", "sbp", "dbp", "chiefcomplaint"),
    "edstays": ("subject_id", "stay_id", "intime", "outtime", "disposition"),
    "poe_detail": ("poe_id", "subject_id", "field_name", "field_value"),
    "discharge": ("note_id", "subject_id", "hadm_id", "charttime", "text"),
}
TRANSFER = b"subject_id,eventtype,intime,careunit\n99000001,transfer,"
LETTER = 'Chief Complaint:\n"pain", since today\n\nPhysical Exam:\nsoft\n'


def table(home: Path, name: str, heads: Sequence[str], rows: Iterable[Sequence[Any]], *, packed: bool = True) -> None:
    path = home / f"{name}.csv{'.gz' if packed else ''}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", newline="") if packed else path.open("w", newline="") as file:
        csv.writer(file).writerows([heads, *rows])


def rows_of(everyone: Iterable[Any]) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of the hospital with the columns that a release has."""
    made: dict[str, list[tuple[Any, ...]]] = {name: [] for name in HEADS}
    codes = {drug: number for number, drug in enumerate(sorted(conditions()["drugs"]), 1)}
    for one in everyone:
        tables = one.tables
        for name in ("patients", "admissions", "diagnoses_icd", "labevents", "transfers"):
            made[name] += tables[name]
        made["procedures_icd"] += [(*row[:3], row[3][:10], *row[4:]) for row in tables["procedures_icd"]]
        made["prescriptions"] += [(*row, f"{codes[row[4]]:011}") for row in tables["prescriptions"]]
        made["microbiologyevents"] += [
            (*row[:2], f"{row[2][:10]} 00:00:00", row[2] if number else None, *row[3:])
            for number, row in enumerate(tables["microbiologyevents"])
        ]
        for number, (subject, when, *rest) in enumerate(tables["triage"]):
            made["triage"].append((subject, 10 * subject + number, *rest))
            made["edstays"].append((subject, 10 * subject + number, when, f"{int(when[:4]) + 9}{when[4:]}", "HOME"))
        for number, row in enumerate(tables["poe"]):
            made["poe"].append((f"{one.subject_id}-{number}", *row))
        for number, when in ((0, "2100-01-01 00:00:00"), (1, "2900-01-01 00:00:00")):
            key = f"{one.subject_id}-9{number}"
            made["poe"].append((key, one.subject_id, None, when, "General", f"kind {number}", "Active"))
            made["poe_detail"].append((key, one.subject_id, "Told", ["early", "late"][number]))
        for row in tables["admissions"]:
            made["discharge"].append((f"{row[1]}-DS-1", one.subject_id, row[1], row[3], LETTER))
    return made


def as_release(home: Path, everyone: Iterable[Any]) -> None:
    """The directories of MIMIC-IV, of its emergency department and of its notes, as they lie when downloaded."""
    rows, known = rows_of(everyone), conditions()
    modules = {"triage": "ed", "edstays": "ed", "discharge": "note"}
    versions = {"hosp": "mimiciv/2.2", "ed": "mimic-iv-ed/2.2", "note": "mimic-iv-note/2.2"}
    for name, heads in HEADS.items():
        module = modules.get(name, "hosp")
        table(home / versions[module] / module, name, heads, rows[name], packed=name != "admissions")
    hosp = home / versions["hosp"] / "hosp"
    labs = [(item, lab["label"], "Blood", "Chemistry") for item, lab in known["labs"].items()]
    table(hosp, "d_labitems", ("itemid", "label", "fluid", "category"), labs)


def add_mappings(home: Path) -> None:
    """The tables of names that AgentEHR has beside a release."""
    hosp, known = home / "mimiciv" / "2.2" / "hosp", conditions()
    diagnoses = [(10, one["icd"][0], one["ccs"]) for one in (*known["acute"], *known["chronic"])]
    table(hosp, "d_ccs_diagnoses", ("icd_version", "icd_code", "long_title"), diagnoses, packed=False)
    procedures = [(10, one["procedure"][0], one["procedure"][2]) for one in known["acute"]]
    table(hosp, "d_ccs_procedures", ("icd_version", "icd_code", "long_title"), procedures)
    drugs = [(number, atc[1]) for number, (_, atc) in enumerate(sorted(known["drugs"].items()), 1)]
    table(hosp, "d_atc_prescriptions", ("ndc", "name"), drugs)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path / "data"))
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


def imported(tmp_path: Path, name: str) -> Layout:
    return Layout(tmp_path / "data" / "packs" / "agentehr" / name)


def test_a_release_alone_gives_tasks_by_the_rules(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    everyone = list(patients())[:12]
    as_release(home, everyone)
    assert run(["data", "import", "agentehr", "--from", str(home)]) == 0
    shown = capsys.readouterr().out
    assert "no tasks of diagnoses_ccs: they need hosp/d_ccs_diagnoses.csv" in shown
    assert "Next: rbsuite eval --env agentehr --split mimic-iv " in shown
    assert {task.domain for task in AgentEhr().tasks("mimic-iv")} == {"labevents", "microbiologyevents", "transfers"}

    add_mappings(home)
    assert run(["data", "import", "agentehr", "--from", str(home)]) == 0
    assert "not the tasks that it published" in capsys.readouterr().out
    pack = tmp_path / "data" / "packs" / "agentehr"
    assert {stat.S_IMODE(path.stat().st_mode) for path in (pack, *pack.rglob("*")) if path.is_dir()} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (pack / "mimic-iv").rglob("*.*")} == {0o600}
    tasks = AgentEhr().tasks("mimic-iv")
    assert (tasks.private, {task.domain for task in tasks}) == (True, set(TASKS))
    assert run(["verify", "--env", "agentehr", "--split", "mimic-iv"]) == 0

    layout = imported(tmp_path, "mimic-iv")
    by_subject = {one.subject_id: one.tables for one in everyone}
    for task in TASKS:
        assert set(layout.candidates(task)) <= {
            *candidates(task),
            *(row[3] for one in everyone for row in one.tables["transfers"]),
        }
        for case in layout.cases(task):
            assert set(case.label) <= set(layout.candidates(task))
    for case in layout.cases("labevents"):  # exactly what was measured a minute later
        rows = [row for row in by_subject[case.subject_id]["labevents"] if row[3] > case.prediction_time]
        first = min(row[3] for row in rows)
        assert {conditions()["labs"][str(row[2])]["label"] for row in rows if row[3] == first} == set(case.label)
    # nothing is known of what comes: neither of the day whose end is near, nor by tables without times
    for case in layout.cases("procedures_ccs"):
        record = layout.record(case.subject_id, case.prediction_time)
        days = record.query("SELECT max(chartdate) FROM procedures_icd")[1]
        assert (days[0][0] or "") < case.prediction_time[:10]
        assert record.query("SELECT field_value FROM poe_detail")[1] == [("early",)]
        assert record.query("SELECT disposition FROM edstays")[1] == [(None,)] * len(
            record.query("SELECT * FROM triage")[1]
        )
        assert "text" not in record.tables["admissions"]
    for case in layout.cases("diagnoses_ccs"):
        record = layout.record(case.subject_id, case.prediction_time)
        coded = record.query("SELECT max(charttime) FROM diagnoses_icd")[1][0][0]
        assert (coded or "") < case.prediction_time
    layout.close()


def test_agentehrs_tasks_get_their_records_from_a_release(home: Path, hospital: Path, tmp_path: Path) -> None:
    """Its files of tasks beside the release: one that is like our own, and one with what upstream's have."""
    everyone = list(patients())
    as_release(home, everyone[:-6])
    add_mappings(home)
    common = home / "MIMICIVAgentBench" / "common"
    common.mkdir(parents=True)
    for path in hospital.glob("*_10.json"):
        shutil.copy(path, common)
    rows = json.loads((common / "prescriptions_10.json").read_text())
    rows[0]["label"].append({"name": None, "ndc_code": "0"})
    rows[1]["label"] = [{"name": float("nan")}]
    (common / "prescriptions_10.json").write_text(json.dumps(rows))
    assert run(["data", "import", "agentehr", "--from", str(home)]) == 0
    layout, ours = imported(tmp_path, "mimic-iv-common"), Layout(hospital)
    for task in TASKS:  # one patient of each task is not in this release, and one prescription has no name
        wanted = [case for number, case in enumerate(ours.cases(task)[:-1]) if (task, number) != ("prescriptions", 1)]
        assert layout.cases(task) == wanted
        case = wanted[0]
        mine, theirs = (one.record(case.subject_id, case.prediction_time) for one in (layout, ours))
        for sql in (
            "SELECT hadm_id, dischtime FROM admissions ORDER BY 1",
            "SELECT itemid, charttime, valuenum FROM labevents ORDER BY 1, 2",
            "SELECT icd_code, hadm_id FROM diagnoses_icd ORDER BY 1, 2",
            "SELECT drug, starttime FROM prescriptions ORDER BY 1, 2",
            "SELECT chiefcomplaint FROM triage",
            "SELECT careunit, intime, outtime FROM transfers ORDER BY intime",
        ):
            assert mine.query(sql) == theirs.query(sql)
        assert {row[0] for row in mine.query("SELECT text FROM admissions")[1]} == {
            'Chief Complaint:\n"pain", since today'
        }
    layout.close()
    ours.close()


def test_agentehrs_own_copy_is_read_as_its_repository_reads_it(home: Path, hospital: Path, tmp_path: Path) -> None:
    root = home / "MIMICIVAgentBench"
    shutil.copytree(hospital / "database", root / "database")
    shutil.copy(hospital / "reference_table.db", root / "database")
    with closing(sqlite3.connect(root / "database" / "candidate_table.db")) as database, database:
        for task in TASKS:
            name = "prescriptions_atc_candidates" if task == "prescriptions" else f"{task}_candidates"
            database.execute(f"CREATE TABLE {name} (itemid TEXT, candidate TEXT, fluid TEXT)")
            database.executemany(f"INSERT INTO {name} VALUES (7, ?, 'Blood')", [(one,) for one in candidates(task)])
        database.execute("CREATE TABLE prescriptions_candidates (candidate TEXT)")
    (root / "table_description").mkdir()
    told = {
        "file_name": "poe",
        "class": "hosp",
        "description": "Orders.",
        "columns": [{"column_name": "x", "description": "y"}],
    }
    (root / "table_description" / "shorten_description.json").write_text(
        f"{json.dumps(told)}\n{json.dumps({**told, 'file_name': 'z'})}"
    )
    link = {"table_name": "labevents", "link_table": "d_labitems", "link_column": "itemid"}
    (root / "table_description" / "link_information.json").write_text(json.dumps(link))
    for name in ("common", "rare"):
        (root / name).mkdir()
        for path in hospital.glob("*_10.json"):
            shutil.copy(path, root / name)
    assert run(["data", "import", "agentehr", "--from", str(home)]) == 0
    for name in ("mimic-iv-common", "mimic-iv-rare"):
        layout = imported(tmp_path, name)
        assert [len(layout.cases(task)) for task in TASKS] == [10] * 6
        assert [list(layout.candidates(task)) for task in TASKS] == [candidates(task) for task in TASKS]
        assert layout.descriptions["poe"] == "Orders.\nx: y"
        assert layout.links == {"labevents.itemid": "d_labitems.itemid"}
        assert len(AgentEhr().tasks(name)) == 60


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("labevents.csv.gz", b"\x1f\x8b\x08\x00cut", "labevents.csv.gz is damaged"),
        ("transfers.csv.gz", gzip.compress(b"subject_id,intime\n1,2,3\n"), "transfers.csv.gz is malformed near line 2"),
        ("patients.csv.gz", gzip.compress(b""), "patients.csv.gz is empty"),
        ("admissions.csv", b"hadm_id\n1\n", "admissions.csv is missing the column subject_id"),
        (
            "poe.csv.gz",
            gzip.compress(b"subject_id,a,A\n99000001,2,3\n"),
            "poe cannot be written: duplicate column name",
        ),
        (
            "transfers.csv.gz",
            gzip.compress(b"subject_id\n99000001\n"),
            "no tasks of transfers can be drawn: no such column",
        ),
        (
            "transfers.csv.gz",
            gzip.compress(TRANSFER + b"soon,x\n"),
            "no tasks of transfers can be drawn: a time is malformed",
        ),
    ],
    ids=[
        "cut",
        "uneven",
        "empty",
        "column",
        "twice",
        "times",
        "when",
    ],  # what is packed has the time of its making in it
)
def test_a_broken_release_is_one_line_and_leaves_nothing(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, told: str
) -> None:
    as_release(home, list(patients())[:6])
    (home / "mimiciv" / "2.2" / "hosp" / name).write_bytes(content)
    assert run(["data", "import", "agentehr", "--from", str(home)]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not (tmp_path / "data" / "packs" / "agentehr").exists()


def test_what_mimic_3_tells_late_is_not_told(tmp_path: Path, hospital: Path) -> None:
    """Its tables have other columns for times, in capitals, and say in the patient's row whether the patient died."""
    path = tmp_path / "patient_1.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE PATIENTS (SUBJECT_ID, DOD, DOD_HOSP, EXPIRE_FLAG)")
        database.execute("INSERT INTO PATIENTS VALUES (1, '2150-02-01 00:00:00', '2150-02-01 00:00:00', 1)")
        database.execute("CREATE TABLE PRESCRIPTIONS (SUBJECT_ID, HADM_ID, STARTDATE, ENDDATE, DRUG)")
        database.executemany(
            "INSERT INTO PRESCRIPTIONS VALUES (1, 2, ?, 'nan', ?)", [("2150-01-01", "a"), ("2150-01-02", "b")]
        )
    record = Record(path, hospital / "reference_table.db", "2150-01-02 12:00:00")
    assert record.query("SELECT * FROM patients")[1] == [(1, None, None, None)]
    assert record.query("SELECT drug, startdate FROM prescriptions")[1] == [("a", "2150-01-01")]
    record.close()
