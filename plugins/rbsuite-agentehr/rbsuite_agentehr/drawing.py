"""Draws tasks from a release of MIMIC-IV by the rules of AgentEHR: what is asked, when, and what the right answer is.

They are not AgentEHR's published tasks, which were drawn differently and at random, so the split has its own name.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from rbsuite.errors import DataError
from rbsuite.options import whole_number
from rbsuite.seeds import derive_seed, rng
from rbsuite_agentehr.hospital.courses import stamp
from rbsuite_agentehr.release import REMEDY, Release

TASKS_EACH = 100
"""Maximum number of tasks of a kind; AgentEHR's files have 100 or 500."""
POOL = 4 * TASKS_EACH
"""Patients from whom tasks are drawn; not every patient has every kind of event."""
MAPPINGS = {
    "diagnoses_ccs": "d_ccs_diagnoses",
    "procedures_ccs": "d_ccs_procedures",
    "prescriptions": "d_atc_prescriptions",
}
"""Tables from which AgentEHR takes a task's names and which are not part of a release: the user adds them to ``hosp``."""

_EVENTS = {
    "procedures_ccs": ("procedures_icd", "chartdate", ("icd_version", "icd_code")),
    "labevents": ("labevents", "charttime", ("itemid",)),
    "prescriptions": ("prescriptions", "starttime", ("ndc",)),
    "microbiologyevents": ("microbiologyevents", "chartdate", ("test_name",)),
    "transfers": ("transfers", "intime", ("careunit",)),
}
"""By task: the table of its events, the column with their time, and what identifies the event."""


def pool_of(release: Release) -> list[int]:
    """The patients from whom tasks are drawn: some of those with an admission, in an order derived from their numbers.

    Raises:
        DataError: the admissions cannot be read.
    """
    numbers = (whole_number(subject) for (subject,) in release.rows("admissions", "subject_id"))
    subjects = {number for number in numbers if number is not None}
    return sorted(subjects, key=lambda subject: derive_seed("agentehr release", subject))[:POOL]


def names_of(release: Release, task: str) -> Mapping[tuple[Any, ...], str] | None:
    """What the events of a task are called; empty if the events contain their names; ``None`` if the release lacks the table that says so.

    Raises:
        DataError: the table cannot be read.
    """
    if task == "labevents":
        return {
            (number,): label
            for item, label in release.rows("d_labitems", "itemid", "label")
            if (number := whole_number(item)) is not None
        }
    if task not in MAPPINGS:
        return {}
    table = MAPPINGS[task]
    if table not in release.tables:
        return None
    if task != "prescriptions":
        rows = release.rows(table, "icd_version", "icd_code", "long_title")
        return {
            (number, code.strip()): title
            for version, code, title in rows
            if (number := whole_number(version)) is not None
        }
    heads, _ = release.read(table)
    code = "ndc_code" if "ndc_code" in heads else "ndc"
    return {
        (_ndc(one),): name for one, name in release.rows(table, code, "atc_name" if "atc_name" in heads else "name")
    }


def draw(
    task: str, pool: Sequence[int], databases: Path, names: Mapping[tuple[Any, ...], str]
) -> list[Mapping[str, Any]]:
    """The rows of a task's file: one event per patient, up to a number of patients.

    Args:
        task: which of the six tasks.
        pool: the patients, in the order in which they are asked about.
        databases: the directory of their databases.
        names: see :func:`names_of`.

    Raises:
        DataError: a table lacks a column, or contains an invalid time.
    """
    try:
        return _draw(task, pool, databases, names)
    except (sqlite3.Error, ValueError) as error:  # the latter's text would contain a patient's data
        why = error if isinstance(error, sqlite3.Error) else "a time is malformed"
        raise DataError(f"no tasks of {task} can be drawn: {why}.", REMEDY) from None


def _draw(
    task: str, pool: Sequence[int], databases: Path, names: Mapping[tuple[Any, ...], str]
) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = []
    for subject in pool:
        path = databases / f"patient_{subject}.db"
        if not path.is_file() or len(rows) == TASKS_EACH:
            continue
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            tables = {str(name) for (name,) in database.execute("SELECT name FROM sqlite_master")}
            found = _ended(database, tables) if task == "diagnoses_ccs" else _happened(database, tables, task)
            chances = sorted(found)
            rng("agentehr release", task, subject).shuffle(chances)
            for when, key in chances:
                label = [names.get(_key(task, one), "") if names else str(one[0] or "") for one in found[when, key]()]
                if called := [{"name": name} for name in dict.fromkeys(label) if name]:
                    rows.append({"task": task, "subject_id": subject, "prediction_time": when, "label": called})
                    break
    return rows


_Chances = dict[tuple[str, Any], Callable[[], Iterable[tuple[Any, ...]]]]


def _ended(database: sqlite3.Connection, tables: set[str]) -> _Chances:
    """Admissions, two minutes before they ended, with what was coded for them."""
    if not {"admissions", "diagnoses_icd"} <= tables:
        return {}
    made: _Chances = {}
    for number, end in database.execute("SELECT hadm_id, dischtime FROM admissions WHERE dischtime IS NOT NULL"):
        sql = "SELECT icd_version, icd_code FROM diagnoses_icd WHERE hadm_id = ? ORDER BY seq_num"
        made[_before(end, 2), number] = partial(database.execute, sql, (number,))
    return made


def _happened(database: sqlite3.Connection, tables: set[str], task: str) -> _Chances:
    """Times of events, a minute before, with what happened then; a day counts as its last minute."""
    table, when, named = _EVENTS[task]
    if table not in tables:
        return {}
    only = " AND eventtype = 'transfer'" if task == "transfers" else ""
    made: _Chances = {}
    for (at,) in database.execute(f"SELECT DISTINCT {when} FROM {table} WHERE {when} IS NOT NULL{only}"):
        sql = f"SELECT {', '.join(named)} FROM {table} WHERE {when} = ?{only}"
        made[_before(at, 1), at] = partial(database.execute, sql, (at,))
    return made


def _before(at: str, minutes: int) -> str:
    full = f"{at} 23:59:00" if len(at) == 10 else at
    return stamp(datetime.fromisoformat(full) - timedelta(minutes=minutes))


def _key(task: str, event: tuple[Any, ...]) -> tuple[Any, ...]:
    if task == "prescriptions":
        return (_ndc(str(event[0])),)
    return (event[0], str(event[1]).strip()) if len(event) == 2 else event


def _ndc(code: str) -> str:
    """A drug code in the form in which AgentEHR compares it: eleven digits."""
    return code.partition(".")[0].strip().zfill(11)
