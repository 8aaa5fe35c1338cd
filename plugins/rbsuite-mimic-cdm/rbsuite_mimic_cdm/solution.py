"""Reference plans for patients, and the mistakes that the dialogue sets as traps."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.environments.solution import Mistake, Solution
from rbsuite.seeds import derive_seed, unit
from rbsuite.trajectory import Action
from rbsuite_mimic_cdm.chart import Patient
from rbsuite_mimic_cdm.episode import Form
from rbsuite_mimic_cdm.grading import DIAGNOSE, treatments_required
from rbsuite_mimic_cdm.rules import PATHOLOGIES, rules

TESTS = "Complete Blood Count, C-Reactive Protein, Liver Function Panel, Basic Metabolic Panel, Amylase, Lipase, Triglycerides"

_SAID = {
    "antibiotics": "antibiotics",
    "support": "fluids and pain relief",
    "support_pancreatitis": "intravenous fluids, pain relief and close monitoring",
    "colonoscopy": "colonoscopy in six weeks",
    "appendectomy": "laparoscopic appendectomy",
    "cholecystectomy": "laparoscopic cholecystectomy",
    "cholecystectomy_biliary": "cholecystectomy before discharge",
    "drainage": "percutaneous drainage of the abscess",
    "drainage_pancreatitis": "percutaneous drainage of the abscess",
    "colectomy": "sigmoid colectomy",
    "ercp": "ERCP",
}
_SHARES = (0.5, 0.4, 0.1)
"""Shares of patients with one, two and three traps."""
_WEIGHTS = {"workup/labs": 0.4, "workup/imaging": 0.4}
"""Traps that are set more often than others: the lower the value, the more often."""


def plan(patient: Patient, form: Form) -> Solution:
    """Examination, all tests, the most informative scan, and the conclusion."""
    scan = str(rules()["pathologies"][patient.pathology]["imaging_2"][0])
    turns = [_turn(form, "physical_examination"), _tests(form, TESTS), _scan(form, scan, "Abdomen")]
    return Solution((*turns, _conclusion(form, patient, f"Acute {patient.pathology}")))


def traps(patient: Patient, form: Form) -> Sequence[Mistake]:
    """One to three mistakes, drawn for the patient; any of them makes the diagnosis wrong."""
    start = derive_seed("wrong", patient.hadm_id)
    others = [name for name in PATHOLOGIES if name != patient.pathology]
    wrong = others[start % len(others)]
    missed = (_conclusion(form, patient, f"Acute {wrong}"),)
    found = [
        Mistake("workup/labs", {1: (_tests(form, "the usual blood work"),), 3: missed}),
        Mistake("workup/imaging", {2: (_scan(form, "scan", ""),), 3: missed}),
        Mistake("workup/early", {0: (), 1: (), 2: (), 3: missed}),
        Mistake("conclusion/one", {3: (_conclusion(form, patient, f"Acute {wrong}, acute {patient.pathology}"),)}),
        Mistake("conclusion/hedge", {3: (_conclusion(form, patient, f"Not ruled out: {patient.pathology}"),)}),
    ]
    if form == "react":
        guess = Action(f"Thought: working diagnosis: {wrong}\nAction: Physical Examination\nAction Input:")
        found.append(Mistake("dialogue/label", {0: (guess,)}))
    found.sort(key=lambda one: unit("trap", patient.hadm_id, one.skill) * _WEIGHTS.get(one.skill, 1.0))
    draw, wanted = unit("traps", patient.hadm_id), 1
    for share in _SHARES[:-1]:
        draw -= share
        wanted += draw >= 0
    return found[:wanted]


def _turn(form: Form, action: str, given: str = "", **arguments: str) -> Action:
    if form == "tools":
        return Action.call(action, arguments)
    names = {key: name for name, key in rules()["actions"].items()}
    return Action(f"Thought: I need more to decide.\nAction: {names[action]}\nAction Input: {given}".rstrip(" "))


def _tests(form: Form, tests: str) -> Action:
    return _turn(form, "laboratory_tests", tests, tests=tests)


def _scan(form: Form, modality: str, region: str) -> Action:
    return _turn(form, "imaging", f"{modality} {region}".strip(), modality=modality, region=region)


def _conclusion(form: Form, patient: Patient, diagnosis: str) -> Action:
    return conclude(form, diagnosis, ", ".join(_SAID[name] for name in treatments_required(patient)))


def conclude(form: Form, diagnosis: str, treatment: str) -> Action:
    """The last turn."""
    if form == "tools":
        return Action.call(DIAGNOSE, {"diagnosis": diagnosis, "treatment": treatment})
    return Action(f"Thought: I have what I need.\nFinal Diagnosis: {diagnosis}\nTreatment: {treatment}")
