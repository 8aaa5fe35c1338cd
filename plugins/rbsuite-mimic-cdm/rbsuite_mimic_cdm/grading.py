"""MIMIC-CDM's scores of one patient, from what was done and what was concluded. The rules are the tables of ``rules.toml``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rbsuite_mimic_cdm.chart import Patient
from rbsuite_mimic_cdm.matching import mentioned, negated, ratio
from rbsuite_mimic_cdm.rules import rules

WORD = 90.0
"""The similarity that a word must exceed to count as the pathology."""

DIAGNOSE = "diagnose"
"""The concluding action; it is not a round."""

_PARTS = re.compile(r"[,;\n]|(?<!\d)\.|\band\b|\bor\b|\bversus\b|\bvs\b", re.IGNORECASE)
_NUMBER = re.compile(r"^\W*+(?:\d++[.)]\W*+(?=\w))?(?=\w)")
_HEAD = re.compile(r"[^\n]*:[ \t*]*\n\s*(?=(?:1[.)]|[*•-])[ \t])")
"""What precedes a list."""
_LEAD = re.compile(
    r"(?:(?!\bdiagnosis\b|\bpatient has\b)[^.\n])*+(?:\bdiagnosis\b[^.\n]*?\bis\b|[^.\n]*?\bpatient has\b)",
    re.IGNORECASE,
)
"""What leads up to a diagnosis within its sentence."""


@dataclass(slots=True)
class Done:
    """What an agent has done for a patient.

    Attributes:
        actions: names of the actions, in order; empty for invalid ones.
        items: laboratory items asked for, in order.
        unknown: tests asked for by unknown names, in order.
        scans: (modality, region) of the scans asked for, in order.
        diagnosis: what was concluded; ``None``: nothing.
        treatment: what was proposed.
        parsed: by ``action``, ``diagnosis`` and ``treatment``, whether it had the requested form throughout.
        invalid: number of actions that do not exist or could not be carried out.
    """

    actions: list[str] = field(default_factory=list)
    items: list[int] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    scans: list[tuple[str, str]] = field(default_factory=list)
    diagnosis: str | None = None
    treatment: str = ""
    parsed: dict[str, bool] = field(default_factory=lambda: {"action": True, "diagnosis": False, "treatment": False})
    invalid: int = 0


def diagnosed(text: str, pathology: str, *, gracious: bool = False) -> bool:
    """Whether a text names a pathology and does not negate it: by a word that is close to it, or by a location and a change in it.

    Args:
        text: the diagnosis.
        pathology: the correct one.
        gracious: whether something close to it counts too.
    """
    known = rules()["pathologies"][pathology]
    lower = text.lower()
    for word in re.finditer(r"[a-z]+", lower):
        if round(ratio(word.group(), known["word"])) > WORD and not negated(lower, *word.span()):
            return True
    return any(
        mentioned(lower, one["place"]) and mentioned(lower, "|".join(one["changes"]))
        for one in (*known["mentions"], *(known["gracious"] if gracious else ()))
    )


def first_diagnosis(text: str) -> str:
    """The first of several diagnoses: the only one that counts. Lead-ins ("the patient has", the heading of a list) are left out."""
    return next(iter(_diagnoses(text)), "")


def _diagnoses(text: str) -> list[str]:
    """All diagnoses of a conclusion, in order."""
    text = text.strip()
    for before in (_HEAD, _LEAD):
        text = before.sub("", text, count=1) if before.match(text) else text
    cleaned = [_NUMBER.sub("", part).strip(" \t.*") for part in _PARTS.split(text)]
    return [part for part in cleaned if part]


def labs_hit(items: Sequence[int], pathology: str) -> dict[str, bool]:
    """Whether each required category of tests was asked for."""
    return {name: bool(set(items) & set(wanted)) for name, wanted in rules()["pathologies"][pathology]["labs"].items()}


def imaging_points(scans: Sequence[tuple[str, str]], pathology: str, *, biliary: bool) -> int:
    """0 to 2 points for the scans of the abdomen, in the order in which they were asked for.

    The first that counts decides, as the preferred one should be made first; if the bile ducts matter, a scan of them adds a point.
    """
    known = rules()["pathologies"][pathology]
    points = 0
    for modality, region in scans:
        if region == "Abdomen":
            if biliary and modality in known.get("biliary_1", ()):
                points += 1
            elif not points:
                points = 2 if modality in known["imaging_2"] else int(modality in known["imaging_1"])
    return min(2, points)


def treatments_required(patient: Patient) -> list[str]:
    """The treatments that a patient needs, in the table's order: those that everybody needs, and those that the chart shows."""
    known = rules()
    names = known["pathologies"][patient.pathology]["treatments"]
    return [name for name in names if known["treatments"][name].get("always") or patient.had(known["treatments"][name])]


def treatment_requested(text: str, name: str) -> bool:
    """Whether a text proposes a treatment and does not negate it: by a word from each of its groups; or by its words, with the location if
    it has one; or by the organ and a word for surgery. What belongs together must be in one sentence.
    """
    known = rules()
    treatment = known["treatments"][name]
    if "groups" in treatment:
        return all(mentioned(text, group) for group in treatment["groups"])
    pairs = [(treatment["words"], treatment.get("place", ""))]
    if "surgery_of" in treatment:
        pairs.append((treatment["surgery_of"], known["surgery"]["pattern"]))
    return any(mentioned(part, one) and mentioned(part, other) for part in text.split(".") for one, other in pairs)


def scores(patient: Patient, done: Done) -> Mapping[str, Any]:
    """Every score of a patient, by name. What says something about the patient is a string, since strings are left out of what is shown for
    private tasks, and field names and numbers are not.
    """
    said = first_diagnosis(done.diagnosis or "")
    pathology = patient.pathology
    known = rules()["pathologies"][pathology]
    labs = labs_hit(done.items, pathology)
    panels = [panel["items"] for panel in rules()["panels"] if set(panel["short"]) & set(known["neutral"])]
    excused = {item for items in (*known["labs"].values(), *panels, known.get("neutral_items", ())) for item in items}
    useful = {*known["imaging_2"], *known["imaging_1"], *known.get("biliary_1", ())}
    required = treatments_required(patient)
    return {
        "pathology": pathology,
        "diagnosis": int(diagnosed(said, pathology)),
        "gracious_diagnosis": int(diagnosed(said, pathology, gracious=True)),
        "physical_examination": int(done.actions[:1] == ["physical_examination"]),
        "late_physical_examination": int("physical_examination" in done.actions),
        "laboratory_tests": sum(labs.values()),
        "laboratory_categories": list(labs),
        "laboratory_categories_hit": list(labs.values()),
        "imaging": imaging_points(done.scans, pathology, biliary=patient.biliary),
        "action_parsing": int(done.parsed["action"]),
        "diagnosis_parsing": int(done.parsed["diagnosis"] and len(_diagnoses(done.diagnosis or "")) == 1),
        "treatment_parsing": int(done.parsed["treatment"]),
        "invalid_tools": done.invalid,
        "rounds": sum(name != DIAGNOSE for name in done.actions),
        "unnecessary_laboratory_tests": [
            *(str(item) for item in done.items if item not in excused),
            *done.unknown,
        ],
        "unnecessary_imaging": [
            list(one)
            for number, one in enumerate(done.scans)
            if one[1] != "Abdomen" or one[0] not in useful or one in done.scans[:number]
        ],
        "treatment_required": required,
        "treatment_requested": [treatment_requested(done.treatment, name) for name in required],
    }


def measures(scored: Mapping[str, Any]) -> dict[str, float]:
    """The scores as shares, for reports."""
    requested = scored["treatment_requested"]
    parsing = [scored[f"{name}_parsing"] for name in ("action", "diagnosis", "treatment")]
    return {
        "gracious_diagnosis": float(scored["gracious_diagnosis"]),
        "physical_examination": float(scored["physical_examination"]),
        "laboratory_tests": scored["laboratory_tests"] / len(scored["laboratory_categories"]),
        "imaging": scored["imaging"] / 2,
        "treatment": sum(requested) / len(requested) if requested else 1.0,
        "parsing": sum(parsing) / len(parsing),
    }
