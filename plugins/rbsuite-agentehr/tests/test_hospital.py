"""The synthetic hospital: who is in it, what is asked, and that the answers are what comes after."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from rbsuite_agentehr.hospital.courses import TASKS, candidates, conditions, patients
from rbsuite_agentehr.hospital.writing import MARK, hospital_directory, write_hospital
from rbsuite_agentehr.layout import Case, Layout

LATER = {
    "labevents": "SELECT d.label FROM labevents e JOIN r.d_labitems d ON d.itemid = e.itemid WHERE e.charttime > ?",
    "prescriptions": "SELECT d.atc_name FROM prescriptions e JOIN r.d_drugs d ON d.drug = e.drug WHERE e.starttime > ?",
    "microbiologyevents": "SELECT test_name FROM microbiologyevents WHERE charttime > ?",
    "transfers": "SELECT careunit FROM transfers WHERE intime > ?",
}


def test_it_is_made_in_time_and_the_same_every_time(hospital: Path, tmp_path: Path) -> None:
    begun = time.process_time()
    write_hospital(tmp_path)
    assert time.process_time() - begun < 5.0
    assert (tmp_path / MARK).read_bytes() == (hospital / MARK).read_bytes()
    assert hospital_directory() == hospital  # found, not made again
    assert len(list((hospital / "database").iterdir())) == 60


def test_every_kind_is_asked_of_ten_patients_with_names_that_are_candidates() -> None:
    everyone = list(patients())
    assert {task: sum(one.task == task for one in everyone) for task in TASKS} == dict.fromkeys(TASKS, 10)
    assert len({one.condition for one in everyone}) == len(conditions()["acute"])
    assert all(set(one.label) <= set(candidates(one.task)) for one in everyone)
    # Each of MIMIC's tables that a prediction may need is filled, with something from elsewhere in another unit.
    assert all(rows for one in everyone for rows in one.tables.values())
    assert {row[6] for one in everyone for row in one.tables["labevents"]} >= {"mmol/L", "umol/L", "mg/dL"}


@pytest.mark.parametrize("task", LATER)
def test_the_right_names_are_those_of_what_comes_after_the_prediction_time(hospital: Path, task: str) -> None:
    for case in Layout(hospital).cases(task):
        with closing(sqlite3.connect(hospital / "database" / f"patient_{case.subject_id}.db")) as database:
            database.execute("ATTACH ? AS r", (str(hospital / "reference_table.db"),))
            found = {name for (name,) in database.execute(LATER[task], (case.prediction_time,))}
        assert found == set(case.label)


def test_what_is_ordered_and_not_withdrawn_is_what_comes(hospital: Path) -> None:
    layout = Layout(hospital)
    names = {lab["label"]: lab["ordered"] for lab in conditions()["labs"].values()}
    for case in layout.cases("labevents"):
        sql = "SELECT order_subtype FROM poe WHERE order_type = 'Lab' AND order_status = 'Active'"
        rows = layout.record(case.subject_id, case.prediction_time).query(sql)[1]
        assert {name for (name,) in rows} == {names[label] for label in case.label}
        withdrawn = layout.record(case.subject_id, case.prediction_time).query(
            sql.replace("= 'Active'", "= 'Inactive'")
        )
        assert withdrawn[1]
    layout.close()


def test_a_case_reads_times_of_both_forms(tmp_path: Path) -> None:
    (tmp_path / "transfers_2.json").write_text(
        '[{"subject_id": 1, "prediction_time": "2150-03-01T12:00:00", "label": [{"name": "A"}]},'
        ' {"subject_id": 1, "prediction_time": "2150-03-01", "label": ["B"]}]'
    )
    assert Layout(tmp_path).cases("transfers") == [
        Case("transfers", 1, "2150-03-01 12:00:00", ("A",)),
        Case("transfers", 1, "2150-03-01 00:00:00", ("B",)),
    ]
