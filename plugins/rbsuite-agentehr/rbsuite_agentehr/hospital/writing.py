"""Writes the synthetic hospital once, into the data directory, in AgentEHR's layout."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from rbsuite.data.directory import data_directory
from rbsuite.data.staging import staged
from rbsuite.errors import DataError
from rbsuite.jsonable import digest
from rbsuite_agentehr.hospital.courses import COLUMNS, TASKS, Patient, candidates, conditions, patients

VERSION = 2
"""Incremented when the output changes."""
MARK = "hospital.json"
"""Marks the hospital as complete, and says what it contains."""

TABLE_TEXTS = {
    "patients": "One row: sex, age, and the year to which the age belongs.",
    "admissions": "Stays in the hospital: when they began and ended, and how.",
    "triage": "Vital signs and the complaint in the words of the patient, on arrival in the emergency department.",
    "diagnoses_icd": "Diagnoses, coded when an admission has ended.",
    "procedures_icd": "Procedures, coded by the day they were done.",
    "labevents": "Laboratory results. itemid is explained in d_labitems; valueuom is the unit of value.",
    "prescriptions": "Drugs, from starttime to stoptime. d_drugs has the ATC group of each.",
    "microbiologyevents": "Specimens and the tests made on them.",
    "transfers": "Where the patient lay, from intime to outtime.",
    "poe": "Orders in the words of those who gave them. An order whose order_status is Inactive was withdrawn.",
    "d_icd_diagnoses": "Titles of diagnosis codes.",
    "d_icd_procedures": "Titles of procedure codes.",
    "d_labitems": "Names of laboratory items.",
    "d_drugs": "ATC group of each drug.",
}
TABLE_LINKS = {
    "diagnoses_icd.icd_code": "d_icd_diagnoses.icd_code",
    "procedures_icd.icd_code": "d_icd_procedures.icd_code",
    "labevents.itemid": "d_labitems.itemid",
    "prescriptions.drug": "d_drugs.drug",
    "*.hadm_id": "admissions.hadm_id",
}


def hospital_directory() -> Path:
    """The directory of the synthetic hospital, which is written if it does not exist.

    Raises:
        DataError: the data directory cannot be written.
    """
    target = data_directory() / "generated" / f"agentehr-hospital-{VERSION}"
    if not (target / MARK).is_file():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with staged(target) as stage:
                if not (target / MARK).is_file():  # another process may have been faster
                    write_hospital(stage.new)
                    stage.publish()
        except OSError as error:
            raise DataError(
                f"the synthetic hospital cannot be written: {error.strerror} ({error.filename}).",
                "Free some space, or set RBSUITE_DATA to a writable directory.",
            ) from error
    return target


def write_hospital(target: Path) -> None:
    """Write databases, tasks and descriptions into an empty directory."""
    everyone = list(patients())
    (target / "database").mkdir()
    for one in everyone:
        write_tables(target / "database" / f"patient_{one.subject_id}.db", COLUMNS, one.tables)
    reference = _reference()
    write_tables(
        target / "reference_table.db",
        {name: columns for name, (columns, _) in reference.items()},
        {name: rows for name, (_, rows) in reference.items()},
    )
    named = {f"{task}_candidates": [(name,) for name in candidates(task)] for task in TASKS}
    write_tables(target / "candidate_table.db", dict.fromkeys(named, ("name",)), named)
    rows = {task: [_row(one) for one in everyone if one.task == task] for task in TASKS}
    for task, found in rows.items():
        write_json(target / f"{task}_{len(found)}.json", found)
    (target / "table_description").mkdir()
    write_json(target / "table_description" / "shorten_description.json", TABLE_TEXTS)
    write_json(target / "table_description" / "link_information.json", TABLE_LINKS)
    content = digest([VERSION, [one.tables for one in everyone], named, rows, TABLE_TEXTS, TABLE_LINKS])
    write_json(
        target / MARK,
        {
            "version": VERSION,
            "patients": len(everyone),
            "sha256": content,
            "conditions": {str(one.subject_id): one.condition for one in everyone},
        },
    )


def _row(one: Patient) -> Mapping[str, Any]:
    label = [{"name": name} for name in one.label]
    return {"task": one.task, "subject_id": one.subject_id, "prediction_time": one.prediction_time, "label": label}


def _reference() -> Mapping[str, tuple[Sequence[str], Sequence[tuple[Any, ...]]]]:
    known = conditions()
    diagnoses = sorted({(*one["icd"], 10) for one in (*known["acute"], *known["chronic"])})
    procedures = sorted({(*one["procedure"][:2], 10) for one in known["acute"]})
    labs = [(int(item), lab["label"], "Blood") for item, lab in sorted(known["labs"].items())]
    return {
        "d_icd_diagnoses": (("icd_code", "long_title", "icd_version"), diagnoses),
        "d_icd_procedures": (("icd_code", "long_title", "icd_version"), procedures),
        "d_labitems": (("itemid", "label", "fluid"), labs),
        "d_drugs": (("drug", "atc_code", "atc_name"), sorted((drug, *atc) for drug, atc in known["drugs"].items())),
    }


def write_tables(
    path: Path, columns: Mapping[str, Sequence[str]], tables: Mapping[str, Iterable[tuple[Any, ...]]]
) -> None:
    """Write tables, with their columns and rows by name, into a new database."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        database.execute("BEGIN")
        for name, rows in tables.items():
            database.execute(f"CREATE TABLE {name} ({', '.join(columns[name])})")
            marks = ", ".join("?" * len(columns[name]))
            database.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
        database.execute("COMMIT")


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, in ASCII."""
    path.write_text(json.dumps(value, indent=1) + "\n", "ascii")


def content_of(files: Mapping[str, str]) -> str:
    """One hash of many files, computed from the hash of each, by name."""
    return hashlib.sha256(json.dumps(sorted(files.items())).encode("ascii")).hexdigest()
