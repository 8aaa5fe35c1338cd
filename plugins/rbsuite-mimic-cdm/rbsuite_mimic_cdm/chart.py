"""A patient as in MIMIC-CDM, and the questions that the chart answers: findings, tests, scans."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rbsuite_mimic_cdm.matching import best, mentioned
from rbsuite_mimic_cdm.rules import rules

LONG, SHORT, ACTION = 90.0, 100.0, 80.0
"""Similarity that a long and a short name of a test need, and that the name of an action must exceed."""

_ANY = "any fluid"
_MOST_KNOWN = 4096
_SPLIT = re.compile(r"[,;\n]|\band\b|(?<=\w)\s*\+\s*(?=\w)", re.IGNORECASE)
_BULLET = re.compile(r"^[\s*\-–•\d.)]*(?=[^\W\d])")


@dataclass(frozen=True, slots=True)
class Item:
    """A laboratory item: number (0: the row is only a name for other items), label, fluid (empty: not specified, as for cultures), and the
    items that mean the same.
    """

    itemid: int
    label: str
    fluid: str
    same: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Scan:
    """A radiology report."""

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
        """Whether gallstones are the cause, according to the diagnoses."""
        pattern = rules()["biliary"]["pattern"]
        return any(mentioned(told, pattern) for told in [self.diagnosis, *self.icd_diagnoses])

    def had(self, treatment: Mapping[str, Any]) -> bool:
        """Whether the chart shows a treatment, by a code or by the words of a procedure."""
        if treatment.get("biliary"):
            return self.biliary
        codes = {str(code) for code in self.icd9 if isinstance(code, int)}
        if codes & set(map(str, treatment.get("icd9", ()))):
            return True
        if any(code.startswith(tuple(treatment.get("icd10", ()))) for code in self.icd10):
            return True
        # A text among the codes is read as the words of a procedure, as in the framework's checker.
        told = [*self.procedures, *(code for code in self.icd9 if isinstance(code, str))]
        needed = [treatment[name] for name in ("words", "place") if name in treatment]
        return bool(needed) and all(any(mentioned(one, pattern) for one in told) for pattern in needed)


@dataclass(frozen=True, slots=True)
class Found:
    """The outcome of a request for tests: the items found, and the names that matched nothing."""

    items: tuple[int, ...]
    unknown: tuple[str, ...]


class Laboratory:
    """Finds the items that test names refer to.

    Args:
        mapping: all items.
    """

    def __init__(self, mapping: Sequence[Item]) -> None:
        self.items = {item.itemid: item for item in mapping if item.itemid}
        self._known: dict[str, Sequence[int]] = {}
        known = rules()["tests"]
        # By fluid, and all under ANY; what each kind of name refers to. The first item with a name keeps it.
        self._names: dict[str, tuple[dict[str, Item], dict[str, Item]]] = {}
        for item in mapping:
            names = known.get(item.label, {"long": [], "short": []})
            bare = re.sub(r"\s*\([^)]*\)", "", item.label)
            inner = re.findall(r"\(([^)]*)\)", item.label)
            for fluid in (item.fluid, _ANY):
                short, long = self._names.setdefault(fluid, ({}, {}))
                for table, all_names in (
                    (long, [item.label, bare, *names["long"]]),
                    (short, [*names["short"], *inner]),
                ):
                    for name in all_names:
                        table.setdefault(name.lower(), item)

    def find(self, text: str) -> Found:
        """The items that a list of names refers to, each name separately, in order."""
        items: dict[int, None] = {}
        unknown = []
        for name in named(text):
            # A release has some 1,700 labels to compare a name with, and agents request the same tests repeatedly.
            if name not in self._known:
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()
                self._known[name] = self._find(name)
            found = self._known[name]
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
        for place in (fluid or "Blood", _ANY):
            short, long = self._names.get(place, ({}, {}))
            for text in dict.fromkeys([lower, bare]) if place != _ANY else [lower]:
                if item := short.get(text) or long.get(text) or long.get(best(text, long, LONG) or ""):
                    return [one for one in item.same if not fluid or self._fluid_of(one) in (fluid, "")]
        return ()

    def _fluid_of(self, item: int) -> str:
        return self.items[item].fluid if item in self.items else ""


def named(text: str) -> list[str]:
    """The names in a list that is written as text. A list in brackets after a name is split up as well."""
    pieces = _SPLIT.split(text.replace("(", ",").replace(")", ",").replace("[", ",").replace("]", ","))
    cleaned = [_BULLET.sub("", piece).strip(" \t\"'.:") for piece in pieces]
    return [name for name in dict.fromkeys(cleaned) if any(map(str.isalnum, name))]


def _fluid(name: str) -> tuple[str, str]:
    """The fluid that a name mentions, empty if none, and the name without it."""
    for fluid, words in rules()["fluids"].items():
        for word in words:
            if re.search(rf"\b{word}\b", name):
                return fluid, " ".join(re.sub(rf"\b{word}\b|[()]", " ", name).split())
    return "", name


LONGEST = 2_000
"""How much of what was asked for is looked at: many times what any name takes."""


def scan_asked(text: str) -> tuple[str, str]:
    """The modality and the region that the beginning of a request names; empty for what it does not name."""
    lower, known = text[:LONGEST].lower(), rules()
    kinds = known["modalities"]
    own = next((one for one in kinds if one.get("own") and re.search(one["pattern"], lower)), None)
    kind = own or _most(lower, [one for one in kinds if not one.get("own")])
    region = _most(lower, known["regions"])
    return str(kind.get("name", "")), str(region.get("name") or kind.get("region", ""))


def _most(text: str, named: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """What a text names most often, the first in case of a tie; empty if it names none."""
    counts = [len(re.findall(one["pattern"], text)) for one in named]
    return named[counts.index(max(counts))] if any(counts) else {}


def patient_of(row: Mapping[str, Any]) -> Patient:
    """A patient from the framework's dictionary; item keys may be strings, as in JSON.

    Raises:
        KeyError, TypeError, ValueError: it is not such a dictionary.
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
        KeyError, TypeError, ValueError: it is not such a row.
    """
    number = int(row["itemid"] or 0)
    same = tuple(int(one) for one in row.get("corresponding_ids") or ()) or (number,)
    if same == (0,):
        raise ValueError("a row without an item")
    return Item(number, str(row["label"]), str(row.get("fluid") or ""), same)


def _numbers(values: Mapping[Any, Any] | None) -> dict[int, float]:
    """Limits by item; missing and non-numeric ones are left out."""
    found = {int(key): float(value) for key, value in (values or {}).items() if value is not None}
    return {key: value for key, value in found.items() if value == value}
