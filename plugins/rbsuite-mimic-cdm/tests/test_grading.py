"""A worked example for every rule of the scores."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rbsuite_mimic_cdm.chart import Patient, patient_of
from rbsuite_mimic_cdm.grading import (
    Done,
    diagnosed,
    first_diagnosis,
    imaging_points,
    labs_hit,
    measures,
    scores,
    treatment_requested,
    treatments_required,
)
from rbsuite_mimic_cdm.rules import PATHOLOGIES, rules
from speed import cpu_seconds

BARE: dict[str, Any] = {
    "hadm_id": 91,
    "Patient History": "",
    "Physical Examination": "",
    "Laboratory Tests": {},
}


def chart(pathology: str, **more: Any) -> Patient:
    return patient_of({**BARE, "pathology": pathology, **more})


@pytest.mark.parametrize(
    ("text", "pathology", "right"),
    [
        ("Acute appendicitis", "appendicitis", True),
        ("acute apendicitis", "appendicitis", True),  # a word of a ratio above 90
        ("appendicular colic", "appendicitis", False),
        ("Perforated appendix", "appendicitis", True),  # a place and a change of it
        ("abscess of the appendix", "appendicitis", True),
        ("normal appendix", "appendicitis", False),
        ("no appendicitis", "appendicitis", False),
        ("appendicitis was ruled out", "appendicitis", False),
        ("Inflammation of the gallbladder", "cholecystitis", True),
        ("cholelithiasis", "cholecystitis", False),
        ("gangrenous cholecystitis", "cholecystitis", True),
        ("inflamed diverticulum of the colon", "diverticulitis", True),
        ("diverticulosis", "diverticulitis", False),
        ("necrotizing pancreatitis", "pancreatitis", True),
        ("necrosis of the pancreas", "pancreatitis", True),
        ("pancreatic cancer", "pancreatitis", False),
    ],
)
def test_a_diagnosis(text: str, pathology: str, right: bool) -> None:
    assert diagnosed(text, pathology) is right


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("1. Acute appendicitis\n2. Colitis", "Acute appendicitis"),
        ("Acute pancreatitis, gallstones", "Acute pancreatitis"),
        ("  - Cholecystitis or hepatitis", "Cholecystitis"),
        ("** Diverticulitis **", "Diverticulitis"),
        ("Diverticular disease with an abscess", "Diverticular disease with an abscess"),  # one, not two
        ("Pancreatitis is unlikely. Appendicitis.", "Pancreatitis is unlikely"),
        ("In question come:\n1. Colitis\n2. Appendicitis", "Colitis"),
        ("After fever, pain and a CT the diagnosis is acute pancreatitis.", "acute pancreatitis"),
        ("Based on this, the patient has cholecystitis.", "cholecystitis"),
        ("Acute appendicitis\n* fever\n* a thick wall", "Acute appendicitis"),  # a list of reasons
        ("Acute appendicitis. This diagnosis is supported by the CT.", "Acute appendicitis"),
        ("", ""),
    ],
)
def test_the_first_of_several_diagnoses(text: str, first: str) -> None:
    assert first_diagnosis(text) == first


@pytest.mark.parametrize(
    ("begin", "pattern"), [("a,", "`"), ("", "diagnosis "), ("", "diagnosis patient "), ("", "1.")]
)
def test_a_diagnosis_is_read_in_linear_time(begin: str, pattern: str) -> None:
    text = begin + pattern * (400_000 // len(pattern))
    assert cpu_seconds(lambda: first_diagnosis(text), 0.3) <= 0.3


@pytest.mark.parametrize(
    ("pathology", "text", "right"),
    [
        ("appendicitis", "Colitis, appendicitis", (0, 0)),  # the first counts
        ("appendicitis", "Appendicitis, colitis", (1, 1)),
        ("cholecystitis", "Acute gallbladder attack", (0, 1)),  # what is near to it counts graciously
        ("cholecystitis", "Ascending cholangitis", (1, 1)),
        ("diverticulitis", "Perforation of the sigmoid", (0, 1)),
        ("diverticulitis", "No perforation of the sigmoid", (0, 0)),
        ("diverticulitis", "Diverticular disease with an abscess", (1, 1)),
        ("appendicitis", "Colitis. Appendicitis", (0, 0)),
        ("pancreatitis", "Acute biliary colic", (0, 0)),
    ],
)
def test_the_first_counts_and_graciously_what_is_near(pathology: str, text: str, right: tuple[int, int]) -> None:
    scored = scores(chart(pathology), Done(diagnosis=text))
    assert (scored["diagnosis"], scored["gracious_diagnosis"]) == right


@pytest.mark.parametrize(
    ("actions", "first", "late"),
    [
        (["physical_examination", "imaging"], 1, 1),
        (["imaging", "physical_examination"], 0, 1),
        (["", "physical_examination"], 0, 1),  # what was no action was first
        (["laboratory_tests"], 0, 0),
        ([], 0, 0),
    ],
)
def test_the_physical_examination(actions: list[str], first: int, late: int) -> None:
    scored = scores(chart("appendicitis"), Done(actions=[*actions, "diagnose"]))
    assert (scored["physical_examination"], scored["late_physical_examination"]) == (first, late)
    assert scored["rounds"] == len(actions)  # the conclusion is none


@pytest.mark.parametrize(
    ("pathology", "items", "hit"),
    [
        ("appendicitis", [51301], {"Inflammation"}),
        ("appendicitis", [50956], set()),
        ("diverticulitis", [50889], {"Inflammation"}),
        ("cholecystitis", [51755, 50861, 50927], {"Inflammation", "Liver", "Gallbladder"}),
        ("cholecystitis", [50885], {"Gallbladder"}),
        ("pancreatitis", [50867, 51000], {"Pancreas", "Seriousness"}),
        ("pancreatitis", [51652, 51006], {"Inflammation", "Seriousness"}),
        ("pancreatitis", [50912, 50931], set()),  # neither creatinine nor glucose
    ],
)
def test_required_categories_of_tests(pathology: str, items: list[int], hit: set[str]) -> None:
    assert {name for name, found in labs_hit(items, pathology).items() if found} == hit


@pytest.mark.parametrize(
    ("pathology", "scan", "points"),
    [
        ("appendicitis", "Ultrasound", 2),
        ("appendicitis", "CT", 1),
        ("appendicitis", "MRI", 1),
        ("appendicitis", "HIDA", 0),
        ("cholecystitis", "Ultrasound", 2),
        ("cholecystitis", "HIDA", 2),
        ("cholecystitis", "MRI", 1),
        ("cholecystitis", "EUS", 1),
        ("cholecystitis", "CT", 0),
        ("diverticulitis", "CT", 2),
        ("diverticulitis", "Ultrasound", 1),
        ("diverticulitis", "MRI", 1),
        ("pancreatitis", "Ultrasound", 2),
        ("pancreatitis", "CT", 1),
        ("pancreatitis", "EUS", 0),
        ("cholecystitis", "MRCP", 0),
    ],
)
def test_points_of_a_scan(pathology: str, scan: str, points: int) -> None:
    assert imaging_points([(scan, "Abdomen")], pathology, biliary=False) == points
    assert imaging_points([(scan, "Chest")], pathology, biliary=False) == 0


def test_a_scan_of_the_bile_ducts_counts_on_top() -> None:
    scans = [("CT", "Abdomen"), ("EUS", "Abdomen")]
    assert imaging_points(scans, "pancreatitis", biliary=False) == 1
    assert imaging_points(scans, "pancreatitis", biliary=True) == 2
    assert imaging_points([("Ultrasound", "Abdomen"), *scans], "pancreatitis", biliary=True) == 2


def test_the_preferred_scan_is_to_be_the_first() -> None:
    for scans, points in ((["Ultrasound", "CT"], 2), (["CT", "Ultrasound"], 1), (["HIDA", "Ultrasound"], 2)):
        assert imaging_points([(one, "Abdomen") for one in scans], "appendicitis", biliary=False) == points


@pytest.mark.parametrize(
    ("pathology", "more", "required"),
    [
        ("appendicitis", {}, ["antibiotics", "support"]),
        ("appendicitis", {"Procedures ICD9": [4701]}, ["antibiotics", "support", "appendectomy"]),
        ("appendicitis", {"Procedures ICD10": ["0DTJ4ZZ"]}, ["antibiotics", "support", "appendectomy"]),
        ("appendicitis", {"Procedures Discharge": ["Laparoscopic appendectomy"]}, ["antibiotics", "support", "appendectomy"]),
        ("appendicitis", {"Procedures ICD9": ["appendectomy"]}, ["antibiotics", "support", "appendectomy"]),  # a keyword
        ("cholecystitis", {"Procedures": ["cholecystectomy"]}, ["antibiotics", "support", "cholecystectomy"]),
        ("diverticulitis", {}, ["colonoscopy", "antibiotics", "support"]),
        ("diverticulitis", {"Procedures ICD9": [5491, 4576]}, ["colonoscopy", "antibiotics", "support", "drainage", "colectomy"]),
        ("diverticulitis", {"Procedures Discharge": ["pigtail, pelvic"]}, ["colonoscopy", "antibiotics", "support", "drainage"]),
        ("diverticulitis", {"Procedures Discharge": ["chest drain"]}, ["colonoscopy", "antibiotics", "support"]),
        ("pancreatitis", {"Procedures ICD10": ["0F9G30Z"]}, ["support_pancreatitis", "drainage_pancreatitis"]),
        ("diverticulitis", {"Procedures Discharge": ["no drain, pelvic"]}, ["colonoscopy", "antibiotics", "support"]),
        ("pancreatitis", {"ICD Diagnosis": ["Pancreatitis without biliary obstruction"]}, ["support_pancreatitis"]),
        ("pancreatitis", {}, ["support_pancreatitis"]),
        ("pancreatitis", {"ICD Diagnosis": ["Biliary acute pancreatitis"]}, ["support_pancreatitis", "cholecystectomy_biliary"]),
        ("pancreatitis", {"Procedures ICD10": ["0F798DZ"]}, ["support_pancreatitis", "ercp"]),
    ],
)  # fmt: skip
def test_required_treatments(pathology: str, more: dict[str, Any], required: list[str]) -> None:
    assert treatments_required(chart(pathology, **more)) == required


@pytest.mark.parametrize(
    ("name", "text", "requested"),
    [
        ("antibiotics", "IV antibiotics", True),
        ("antibiotics", "no antibiotics needed", False),
        ("antibiotics", "ceftriaxone", False),  # upstream asks for the word
        ("support", "analgesia", True),
        ("support", "bowel rest", False),
        ("support_pancreatitis", "fluids, analgesia and monitoring", True),
        ("support_pancreatitis", "fluids and analgesia", False),
        ("appendectomy", "surgical removal of the inflamed appendix", True),
        ("appendectomy", "rest for the appendix. Surgery of the hernia", False),  # not in one sentence
        ("cholecystectomy", "laparoscopic cholecystectomy", True),
        ("colonoscopy", "colonoscopy after six weeks", True),
        ("drainage", "percutaneous drainage of the abscess", True),
        ("drainage", "percutaneous drainage", False),
        ("drainage_pancreatitis", "a pigtail into the gallbladder", True),
        ("colectomy", "low anterior resection", True),
        ("colectomy", "surgery of the colon if it recurs", True),
        ("ercp", "biliary stent", True),
        ("ercp", "ERCP with sphincterotomy", True),
        ("ercp", "without ERCP", False),
    ],
)
def test_requested_treatments(name: str, text: str, requested: bool) -> None:
    assert treatment_requested(text, name) is requested


def test_what_was_not_needed_is_kept_and_shares_are_taken() -> None:
    done = Done(
        actions=["physical_examination", "laboratory_tests", "imaging", "diagnose"],
        items=[51301, 50956, 51265],
        unknown=["zinc"],
        scans=[("CT", "Abdomen"), ("CT", "Head"), ("HIDA", "Abdomen"), ("CT", "Abdomen")],
        diagnosis="appendicitis",
        treatment="antibiotics",
        parsed={"action": True, "diagnosis": True, "treatment": False},
    )
    scored = scores(chart("appendicitis"), done)
    # The platelets are of a panel that helps to rule out others.
    assert scored["unnecessary_laboratory_tests"] == ["50956", "zinc"]
    assert scored["unnecessary_imaging"] == [["CT", "Head"], ["HIDA", "Abdomen"], ["CT", "Abdomen"]]
    assert measures(scored) == {
        "gracious_diagnosis": 1.0,
        "physical_examination": 1.0,
        "laboratory_tests": 1.0,
        "imaging": 0.5,
        "treatment": 0.5,
        "parsing": pytest.approx(2 / 3),
    }
    done.diagnosis = "appendicitis or colitis"  # one was asked for
    assert scores(chart("appendicitis"), done)["diagnosis_parsing"] == 0


def test_every_table_names_what_there_is() -> None:
    known = rules()
    modalities = {one["name"] for one in known["modalities"]}
    for name in PATHOLOGIES:
        table = known["pathologies"][name]
        assert set(table["treatments"]) <= set(known["treatments"])
        assert {*table["imaging_2"], *table["imaging_1"], *table.get("biliary_1", ())} <= modalities
    assert replace(chart("appendicitis"), diagnosis="Biliary colic").biliary
