"""Invented patients and their courses, as rows of tables. Everything is derived from the patient's number."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from rbsuite.seeds import rng

PATIENTS = 60
FIRST_SUBJECT = 99_000_001
"""Subject ids start here; MIMIC's own start with 1."""
TASKS = ("diagnoses_ccs", "procedures_ccs", "labevents", "prescriptions", "microbiologyevents", "transfers")
"""What is asked, in AgentEHR's words."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "patients": ("subject_id", "gender", "anchor_age", "anchor_year"),
    "admissions": (
        *("subject_id", "hadm_id", "admittime", "dischtime", "admission_type"),
        *("admission_location", "discharge_location", "hospital_expire_flag"),
    ),
    "triage": ("subject_id", "intime", "temperature", "heartrate", "o2sat", "sbp", "dbp", "chiefcomplaint"),
    "diagnoses_icd": ("subject_id", "hadm_id", "seq_num", "icd_code", "icd_version"),
    "procedures_icd": ("subject_id", "hadm_id", "seq_num", "chartdate", "icd_code", "icd_version"),
    "labevents": (
        *("subject_id", "hadm_id", "itemid", "charttime", "value", "valuenum", "valueuom"),
        *("ref_range_lower", "ref_range_upper", "flag"),
    ),
    "prescriptions": ("subject_id", "hadm_id", "starttime", "stoptime", "drug", "dose_val_rx", "dose_unit_rx", "route"),
    "microbiologyevents": ("subject_id", "hadm_id", "charttime", "spec_type_desc", "test_name", "org_name"),
    "transfers": ("subject_id", "hadm_id", "eventtype", "careunit", "intime", "outtime"),
    "poe": ("subject_id", "hadm_id", "ordertime", "order_type", "order_subtype", "order_status"),
}
"""The tables of a patient's database, named as MIMIC-IV names them."""


@cache
def conditions() -> Mapping[str, Any]:
    """What patients can have, and the names and codes that go with it."""
    return tomllib.loads((files("rbsuite_agentehr") / "hospital" / "conditions.toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Patient:
    """One patient.

    Attributes:
        subject_id: the patient's number.
        task: which of :data:`TASKS` is asked.
        condition: what the present admission is for.
        prediction_time: when it is asked.
        label: the right names.
        tables: the whole record by table, including what comes after the prediction time.
    """

    subject_id: int
    task: str
    condition: str
    prediction_time: str
    label: tuple[str, ...]
    tables: Mapping[str, Sequence[tuple[Any, ...]]]


@dataclass(slots=True)
class _Course:
    """A course being written down."""

    subject_id: int
    draw: random.Random
    tables: dict[str, list[tuple[Any, ...]]] = field(default_factory=lambda: {name: [] for name in COLUMNS})
    hadm_id: int = 0

    def add(self, table: str, *values: Any) -> None:
        owner = (self.subject_id,) if table in ("patients", "triage") else (self.subject_id, self.hadm_id)
        self.tables[table].append((*owner, *values))

    def lab(self, item: str, value: float, when: datetime, *, elsewhere: bool = False) -> None:
        """A result; one from elsewhere is in the other unit, without a reference range or a flag."""
        lab = conditions()["labs"][item]
        unit, lower, upper = lab["unit"], lab["lower"], lab["upper"]
        flag = "abnormal" if not lower <= value <= upper else None
        if elsewhere and "other" in lab:
            value, unit, lower, upper, flag = value * lab["factor"], lab["other"], None, None, None
        shown = float(f"{value:.3g}")
        self.add("labevents", int(item), stamp(when), f"{shown:g}", shown, unit, lower, upper, flag)

    def order(self, when: datetime, kind: str, what: str, status: str = "Active") -> None:
        self.add("poe", stamp(when), kind, what, status)


def stamp(when: datetime) -> str:
    """A time as the tables have it."""
    return when.strftime("%Y-%m-%d %H:%M:%S")


def patients() -> Iterator[Patient]:
    """All patients, in order."""
    for number in range(PATIENTS):
        yield patient(number)


def patient(number: int) -> Patient:
    """The patient with a given number, counted from 0."""
    known = conditions()
    acute = known["acute"][(5 * number + number // len(known["acute"])) % len(known["acute"])]
    course = _Course(FIRST_SUBJECT + number, rng("agentehr hospital", number))
    draw = course.draw
    birth = datetime(2150, 1, 1) + timedelta(days=draw.randrange(18_000), hours=draw.randrange(24))
    course.add("patients", draw.choice("FM"), draw.randrange(34, 89), birth.year)
    chronic = _chronic(number, 1 + draw.randrange(2))
    for stay in range(1 + draw.randrange(2)):
        _earlier(course, number, stay, birth + timedelta(days=200 * stay), chronic)
    admitted = birth + timedelta(days=600 + draw.randrange(200))
    asked = admitted.replace(minute=0, second=0) + timedelta(hours=10 + draw.randrange(16))
    task = TASKS[number % len(TASKS)]
    _present(course, number, admitted, asked, acute, chronic)
    label = _labels(task, acute, chronic, course, asked)
    return Patient(course.subject_id, task, acute["key"], stamp(asked), label, course.tables)


def _chronic(number: int, count: int) -> Sequence[Mapping[str, Any]]:
    """A patient's long-standing conditions. Patients of one task take turns, so that nothing is right for most of them."""
    known = conditions()["chronic"]
    first = 2 * (number // len(TASKS)) + 5 * (number % len(TASKS))
    return [known[(first + place) % len(known)] for place in range(count)]


def _earlier(course: _Course, number: int, stay: int, when: datetime, chronic: Sequence[Mapping[str, Any]]) -> None:
    """An earlier admission, for which the chronic conditions were coded."""
    draw = course.draw
    course.hadm_id = 98_000_000 + 10 * number + stay
    left = when + timedelta(days=2 + draw.randrange(4))
    course.add("admissions", stamp(when), stamp(left), "ELECTIVE", "PHYSICIAN REFERRAL", "HOME", 0)
    for place, one in enumerate(chronic, 1):
        course.add("diagnoses_icd", place, one["icd"][0], 10)
        course.add("prescriptions", stamp(when + timedelta(hours=4)), stamp(left), one["drug"], "1", "TAB", "PO")
    for item in draw.sample(sorted(conditions()["labs"]), 8):
        course.lab(item, _usual(draw, item), when + timedelta(hours=3))
    course.add("transfers", "admit", "Medicine", stamp(when), stamp(left))


def _present(
    course: _Course,
    number: int,
    admitted: datetime,
    asked: datetime,
    acute: Mapping[str, Any],
    chronic: Sequence[Mapping[str, Any]],
) -> None:
    """The present admission: what led to it, what had been ordered by the prediction time, and what happened afterwards."""
    draw, known = course.draw, conditions()
    course.hadm_id = 98_000_000 + 10 * number + 9
    left = asked + timedelta(days=2 + draw.randrange(6))
    home = draw.choice(["HOME", "HOME HEALTH CARE", "REHAB"])
    course.add("admissions", stamp(admitted), stamp(left), "EW EMER.", "EMERGENCY ROOM", home, 0)
    vitals = (round(draw.uniform(97.5, 101.5), 1), draw.randrange(78, 118), draw.randrange(90, 99))
    pressure = (draw.randrange(98, 150), draw.randrange(55, 85))
    course.add("triage", stamp(admitted - timedelta(hours=1)), *vitals, *pressure, acute["complaint"])
    moved = asked + timedelta(hours=3)
    course.add("transfers", "admit", acute["unit"], stamp(admitted), stamp(moved))
    course.add("transfers", "transfer", acute["next_unit"], stamp(moved), stamp(left))
    elsewhere = draw.random() < 0.5
    for hours in range(1, int((asked - admitted).total_seconds() // 3600), 6):
        when = admitted + timedelta(hours=hours, minutes=draw.randrange(50))
        for item, (low, high) in acute["shows"].items():
            course.lab(item, draw.uniform(low, high), when, elsewhere=elsewhere and hours == 1)
        for item in draw.sample(sorted(known["labs"].keys() - acute["shows"].keys()), 4):
            course.lab(item, _usual(draw, item), when)
    for one in chronic:
        begun = stamp(admitted + timedelta(hours=2))
        course.add("prescriptions", begun, stamp(left), one["drug"], "1", "TAB", "PO")
    _orders(course, asked, acute)
    _afterwards(course, asked, left, acute)
    for place, icd in enumerate([acute["icd"], *(one["icd"] for one in chronic)], 1):
        course.add("diagnoses_icd", place, icd[0], 10)


def _orders(course: _Course, asked: datetime, acute: Mapping[str, Any]) -> None:
    """Orders active at the prediction time, in the words of those who give them, and some that were withdrawn."""
    draw, known = course.draw, conditions()
    when = asked - timedelta(minutes=30)
    for item in acute["next_labs"]:
        course.order(when, "Lab", known["labs"][str(item)]["ordered"])
    for drug in acute["drugs"]:
        course.order(when, "Medications", drug)
    for specimen, _ in acute["micro"]:
        course.order(when, "Microbiology", f"culture: {specimen.lower()}")
    course.order(when, "Procedures", acute["procedure"][3])
    course.order(when, "ADT orders", f"move to {acute['next_unit']}")
    other = draw.choice([one for one in known["acute"] if one["key"] != acute["key"]])
    for item in other["next_labs"][:2]:
        course.order(when - timedelta(hours=2), "Lab", known["labs"][str(item)]["ordered"], "Inactive")
    course.order(when - timedelta(hours=2), "Medications", other["drugs"][0], "Inactive")
    course.order(when - timedelta(hours=2), "Procedures", other["procedure"][3], "Inactive")


def _afterwards(course: _Course, asked: datetime, left: datetime, acute: Mapping[str, Any]) -> None:
    draw = course.draw
    for item in acute["next_labs"]:
        low, high = acute["shows"].get(str(item), (_usual(draw, str(item)),) * 2)
        course.lab(str(item), draw.uniform(low, high), asked + timedelta(hours=2, minutes=draw.randrange(50)))
    for drug in acute["drugs"]:
        course.add("prescriptions", stamp(asked + timedelta(hours=1)), stamp(left), drug, "1", "DOSE", "IV")
    for specimen, test in acute["micro"]:
        course.add("microbiologyevents", stamp(asked + timedelta(hours=1, minutes=20)), specimen, test, None)
    course.add("procedures_icd", 1, asked.strftime("%Y-%m-%d 23:59:59"), acute["procedure"][0], 10)


def _usual(draw: random.Random, item: str) -> float:
    lab = conditions()["labs"][item]
    return draw.uniform(lab["lower"], lab["upper"])


def _labels(
    task: str,
    acute: Mapping[str, Any],
    chronic: Sequence[Mapping[str, Any]],
    course: _Course,
    asked: datetime,
) -> tuple[str, ...]:
    """The right names of a task: from what was coded for the admission, or from what comes after the prediction time."""
    known = conditions()
    found: list[str]
    if task == "diagnoses_ccs":
        found = [acute["ccs"], *(one["ccs"] for one in chronic)]
    elif task == "procedures_ccs":
        found = [acute["procedure"][2]]
    elif task == "labevents":
        later = [row for row in course.tables["labevents"] if row[3] > stamp(asked)]
        found = [known["labs"][str(row[2])]["label"] for row in later]
    elif task == "prescriptions":
        later = [row for row in course.tables["prescriptions"] if row[2] > stamp(asked)]
        found = [known["drugs"][row[4]][1] for row in later]
    elif task == "microbiologyevents":
        found = [row[4] for row in course.tables["microbiologyevents"] if row[2] > stamp(asked)]
    else:
        found = [row[3] for row in course.tables["transfers"] if row[4] > stamp(asked)]
    return tuple(dict.fromkeys(found))


def candidates(task: str) -> list[str]:
    """All names that an answer may contain, sorted."""
    known = conditions()
    acute = known["acute"]
    own = {
        "diagnoses_ccs": [one["ccs"] for one in (*acute, *known["chronic"])],
        "procedures_ccs": [one["procedure"][2] for one in acute],
        "labevents": [lab["label"] for lab in known["labs"].values()],
        "prescriptions": [name for _, name in known["drugs"].values()],
        "microbiologyevents": [test for one in acute for _, test in one["micro"]],
        "transfers": [unit for one in acute for unit in (one["unit"], one["next_unit"])],
    }
    return sorted({*own[task], *known["candidates"][task]})
