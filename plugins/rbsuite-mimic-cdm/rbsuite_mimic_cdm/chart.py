"""A patient as MIMIC-CDM has one, and the questions that its chart answers: findings, tests, scans."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rbsuite_mimic_cdm.matching import best
from rbsuite_mimic_cdm.rules import rules

LONG, SHORT, ACTION = 90.0, 100.0, 80.0
"""Ratios that a long and a short name of a test need, and that the name of an action must be above."""

_SPLIT = re.compile(r"[,;\n]|\band\b|(?<=\w)\s*\+\s*(?=\w)", re.IGNORECASE)
_BULLET = re.compile(r"^[\s*\-–•\d.)]*(?=[^\W\d])")


@dataclass(frozen=True, slots=True)
class Item:
    """A laboratory item: number, label, fluid, and the items that mean the same."""

    itemid: int
    label: str
    fluid: str
    same: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Scan:
    """A report of radiology."""

    modality: str
    region: str
    report: str


@dataclass(frozen=True, slots=True)
class Patient:
    """One admission; the fields are those of the framework's patient dictionary."""

    hadm_id: int
    pathology: str
    history: str
    examination: str
    tests: Mapping[int, str]
    microbiology: Mapping[int, str]
    lower: Mapping[int, float]
    upper: Mapping[int, float]
    scans: tuple[Scan, ...]
    diagnosis: str
    icd_diagnoses: tuple[str, ...]
    procedures: tuple[str, ...]
    icd9: tuple[int | str, ...]
    icd10: tuple[str, ...]

    @property
    def biliary(self) -> bool:
        """Whether gallstones are behind it, by the diagnoses."""
        told = " ".join([self.diagnosis, *self.icd_diagnoses]).lower()
        return re.search(rules()["biliary"]["pattern"], told) is not None

    def had(self, treatment: Mapping[str, Any]) -> bool:
        """Whether the chart shows a treatment, by a code or by the words of a procedure."""
        if treatment.get("biliary"):
            return self.biliary
        codes = {str(code) for code in self.icd9 if isinstance(code, int)}
        if codes & set(map(str, treatment.get("icd9", ()))):
            return True
        if any(code.startswith(tuple(treatment.get("icd10", ()))) for code in self.icd10):
            return True
        # A text among the codes is read as the words of a procedure, as the framework's checker does.
        words = " ".join([*self.procedures, *(str(code) for code in self.icd9 if isinstance(code, str))]).lower()
        place = treatment.get("chart_place", "")
        return "chart" in treatment and bool(re.search(treatment["chart"], words) and re.search(place, words))


@dataclass(frozen=True, slots=True)
class Found:
    """What a request for tests comes to: the items asked for, and the reply."""

    items: tuple[int, ...]
    unknown: tuple[str, ...]


class Laboratory:
    """Finds the items that names of tests mean.

    Args:
        mapping: the items that there are.
    """

    def __init__(self, mapping: Sequence[Item]) -> None:
        self.items = {item.itemid: item for item in mapping}
        self._long: dict[str, list[tuple[str, int]]] = {}
        self._short: dict[str, list[tuple[str, int]]] = {}
        known = rules()["tests"]
        for item in mapping:
            names = known.get(item.label, {"long": [], "short": []})
            bare = re.sub(r"\s*\([^)]*\)", "", item.label)
            inner = re.findall(r"\(([^)]*)\)", item.label)
            self._long.setdefault(item.fluid, []).extend(
                (name.lower(), item.itemid) for name in dict.fromkeys([item.label, bare, *names["long"]])
            )
            self._short.setdefault(item.fluid, []).extend(
                (name.lower(), item.itemid) for name in dict.fromkeys([*names["short"], *inner])
            )

    def find(self, text: str) -> Found:
        """The items that a list of names means, each name by itself, in order."""
        items: dict[int, None] = {}
        unknown = []
        for name in named(text):
            found = self._find(name)
            items.update(dict.fromkeys(found))
            if not found:
                unknown.append(name)
        return Found(tuple(items), tuple(unknown))

    def _find(self, name: str) -> Sequence[int]:
        lower = " ".join(name.lower().split())
        fluid, bare = _fluid(lower)
        for panel in rules()["panels"]:
            if best(lower, panel["short"], SHORT) or best(lower, panel["long"], LONG):
                return [item for item in panel["items"] if item in self.items] or list(panel["items"])
        for text in dict.fromkeys([lower, bare]):
            for kind, least in ((self._short, SHORT), (self._long, LONG)):
                names = dict(reversed(kind.get(fluid, [])))
                hit = best(text, names, least)
                if hit is not None:
                    return self.items[names[hit]].same
        return ()


def named(text: str) -> list[str]:
    """The names in a list that is written as text. A list in brackets after a name is taken apart as well."""
    pieces = _SPLIT.split(text.replace("(", ",").replace(")", ",").replace("[", ",").replace("]", ","))
    cleaned = [_BULLET.sub("", piece).strip(" \t\"'.:") for piece in pieces]
    return [name for name in dict.fromkeys(cleaned) if any(map(str.isalnum, name))]


def _fluid(name: str) -> tuple[str, str]:
    """The fluid that a name speaks of, blood if none, and the name without it."""
    for fluid, words in rules()["fluids"].items():
        for word in words:
            if re.search(rf"\b{word}\b", name):
                return fluid, " ".join(re.sub(rf"\b{word}\b|[()]", " ", name).split())
    return "Blood", name


def scan_asked(text: str) -> tuple[str, str]:
    """The modality and the region that a request names; empty what it does not name."""
    lower = text.lower()
    modality = region = ""
    for one in rules()["modalities"]:
        if re.search(one["pattern"], lower):
            modality, region = one["name"], one.get("region", "")
            break
    if not region:
        region = next((one["name"] for one in rules()["regions"] if re.search(one["pattern"], lower)), "")
    return modality, region


def patient_of(row: Mapping[str, Any]) -> Patient:
    """A patient from the framework's dictionary; keys of items may be texts, as in JSON.

    Raises:
        KeyError, TypeError, ValueError: it is no such dictionary.
    """
    return Patient(
        hadm_id=int(row["hadm_id"]),
        pathology=str(row["pathology"]),
        history=str(row["Patient History"]),
        examination=str(row["Physical Examination"]),
        tests={int(key): str(value) for key, value in row["Laboratory Tests"].items()},
        microbiology={int(key): str(value) for key, value in (row.get("Microbiology") or {}).items()},
        lower=_numbers(row.get("Reference Range Lower")),
        upper=_numbers(row.get("Reference Range Upper")),
        scans=tuple(
            Scan(str(one["Modality"]), str(one["Region"]), str(one["Report"])) for one in row.get("Radiology") or ()
        ),
        diagnosis=str(row.get("Discharge Diagnosis") or ""),
        icd_diagnoses=tuple(map(str, row.get("ICD Diagnosis") or ())),
        procedures=tuple(map(str, row.get("Procedures Discharge") or row.get("Procedures") or ())),
        icd9=tuple(code if isinstance(code, int | str) else int(code) for code in row.get("Procedures ICD9") or ()),
        icd10=tuple(map(str, row.get("Procedures ICD10") or ())),
    )


def item_of(row: Mapping[str, Any]) -> Item:
    """An item from a row of ``lab_test_mapping``.

    Raises:
        KeyError, TypeError, ValueError: it is no such row.
    """
    number = int(row["itemid"])
    same = tuple(int(one) for one in row.get("corresponding_ids") or ()) or (number,)
    return Item(number, str(row["label"]), str(row.get("fluid") or "Blood"), same)


def _numbers(values: Mapping[Any, Any] | None) -> dict[int, float]:
    """Limits by item; one that is missing or no number is left out."""
    found = {int(key): float(value) for key, value in (values or {}).items() if value is not None}
    return {key: value for key, value in found.items() if value == value}
