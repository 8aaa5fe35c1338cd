"""Invented patients: six of each pathology, made by a seeded program. No value comes from a real person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rbsuite.seeds import rng
from rbsuite_mimic_cdm.rules import PATHOLOGIES

EACH = 6
FIRST = 91_000_001
"""Admission ids start here; MIMIC-IV's start with 2."""

# itemid: label, fluid, unit, lower, upper
ITEMS: Mapping[int, tuple[str, str, str, float, float]] = {
    51301: ("White Blood Cells", "Blood", "K/uL", 4.0, 10.0),
    51222: ("Hemoglobin", "Blood", "g/dL", 12.0, 17.5),
    51221: ("Hematocrit", "Blood", "%", 36.0, 51.0),
    51265: ("Platelet Count", "Blood", "K/uL", 150.0, 440.0),
    50889: ("C-Reactive Protein", "Blood", "mg/L", 0.0, 5.0),
    50861: ("Alanine Aminotransferase (ALT)", "Blood", "IU/L", 0.0, 40.0),
    50878: ("Asparate Aminotransferase (AST)", "Blood", "IU/L", 0.0, 40.0),
    50863: ("Alkaline Phosphatase", "Blood", "IU/L", 35.0, 130.0),
    50885: ("Bilirubin, Total", "Blood", "mg/dL", 0.0, 1.5),
    50927: ("Gamma Glutamyltransferase", "Blood", "IU/L", 5.0, 61.0),
    50867: ("Amylase", "Blood", "IU/L", 0.0, 100.0),
    50956: ("Lipase", "Blood", "IU/L", 0.0, 60.0),
    51006: ("Urea Nitrogen", "Blood", "mg/dL", 6.0, 20.0),
    50912: ("Creatinine", "Blood", "mg/dL", 0.4, 1.2),
    50893: ("Calcium, Total", "Blood", "mg/dL", 8.4, 10.3),
    50983: ("Sodium", "Blood", "mEq/L", 133.0, 145.0),
    50971: ("Potassium", "Blood", "mEq/L", 3.3, 5.1),
    50902: ("Chloride", "Blood", "mEq/L", 96.0, 108.0),
    50882: ("Bicarbonate", "Blood", "mEq/L", 22.0, 32.0),
    50931: ("Glucose", "Blood", "mg/dL", 70.0, 105.0),
    50862: ("Albumin", "Blood", "g/dL", 3.5, 5.2),
    51000: ("Triglycerides", "Blood", "mg/dL", 0.0, 149.0),
    51516: ("WBC", "Urine", "#/hpf", 0.0, 5.0),
}

# For each pathology: how it began (six, one per patient), the physical findings, the blood results, what scans show.
_COURSES: Mapping[str, Mapping[str, Any]] = {
    "appendicitis": {
        "stories": [
            "{age}-year-old, a day of pain that began around the navel and now sits low on the right; no appetite.",
            "{age}-year-old with two days of pain low on the right side of the belly, vomited once, felt hot at night.",
            "{age}-year-old, sudden worse pain on the right after a day of dull ache, now in the whole lower belly.",
            "{age}-year-old with low right-sided pain that hurts on every step; the last meal was yesterday.",
            "{age}-year-old, pain in the right flank and groin since the morning, no burning on passing water.",
            "{age}-year-old with diarrhoea for a day and pain low on the right, worse on coughing.",
        ],
        "signs": "Tender in the right lower quadrant, pain there on letting go of the left side.",
        "blood": {51301: (12.5, 19.5), 50889: (40.0, 160.0), 50861: (14.0, 34.0), 50956: (18.0, 50.0)},
        "scans": [
            (
                "Ultrasound",
                "A tube in the right lower quadrant that cannot be compressed, {mm} mm across, fat around it bright.",
            ),
            ("CT", "Appendix {mm} mm across with a thick wall and stranding of the fat around it."),
        ],
        "diagnoses": ["Acute appendicitis", "Acute appendicitis with localized peritonitis"],
        "procedure": ("laparoscopic appendectomy", 4701, "0DTJ4ZZ"),
    },
    "cholecystitis": {
        "stories": [
            "{age}-year-old, pain under the right ribs since a heavy dinner, into the shoulder, nausea.",
            "{age}-year-old with a third attack of pain under the right ribs, this time it does not go.",
            "{age}-year-old, two days of upper right belly pain and shivering, no stone was known before.",
            "{age}-year-old with nausea and pressure in the upper belly after meals, now constant on the right.",
            "{age}-year-old, right-sided upper pain on breathing in, cough-free, ate little since yesterday.",
            "{age}-year-old, found with fever and a sore right upper belly on the third day after a fast.",
        ],
        "signs": "Tender below the right ribs; breathing in stops when one presses there.",
        "blood": {
            51301: (11.5, 17.0),
            50889: (30.0, 140.0),
            50885: (1.0, 2.4),
            50927: (60.0, 160.0),
            50861: (35.0, 90.0),
        },
        "scans": [
            (
                "Ultrasound",
                "Stones in the gallbladder, its wall {mm} mm thick, fluid around it, tender under the probe.",
            ),
            ("HIDA", "The gallbladder does not fill within four hours."),
        ],
        "diagnoses": ["Acute cholecystitis", "Acute cholecystitis due to gallstones"],
        "procedure": ("laparoscopic cholecystectomy", 5123, "0FT44ZZ"),
    },
    "diverticulitis": {
        "stories": [
            "{age}-year-old, three days of pain low on the left, hard stools, a little fever.",
            "{age}-year-old with a known tendency to constipation, now steady left lower belly pain.",
            "{age}-year-old, left-sided pain that began after a week of travel and little water, chills today.",
            "{age}-year-old with pain above the pubic bone and on the left, passes water often.",
            "{age}-year-old, second episode of left lower pain within a year, the first went with tablets.",
            "{age}-year-old with cramps on the left and loose stools alternating, sore since last night.",
        ],
        "signs": "Tender in the left lower quadrant with some guarding; a firm band can be felt.",
        "blood": {51301: (11.0, 16.5), 50889: (50.0, 180.0), 50956: (15.0, 45.0), 50861: (12.0, 36.0)},
        "scans": [
            (
                "CT",
                "The wall of the sigmoid colon is thick over {mm} mm beside pouches, with stranded fat; no free air.",
            ),
            ("Radiograph", "Normal pattern of gas."),
        ],
        "diagnoses": ["Acute diverticulitis of the sigmoid colon", "Diverticulitis with a small abscess"],
        "procedure": ("percutaneous drainage of pelvic abscess", 5491, "0W9G30Z"),
    },
    "pancreatitis": {
        "stories": [
            "{age}-year-old, pain like a belt in the upper belly since last night, vomits again and again.",
            "{age}-year-old with upper belly pain into the back after a weekend of drinking.",
            "{age}-year-old with known stones in the gallbladder, now steady upper pain into the back.",
            "{age}-year-old, sits bent forward because of pain above the navel; drinks daily.",
            "{age}-year-old with very high blood fats in the family and sudden upper belly pain.",
            "{age}-year-old, upper belly pain and retching since a rich meal, dark water once.",
        ],
        "signs": "Tender above the navel, belly a little swollen, few sounds of the bowel.",
        "blood": {
            50956: (640.0, 3900.0),
            50867: (280.0, 1400.0),
            51301: (11.0, 17.5),
            50893: (7.4, 8.6),
            51006: (16.0, 34.0),
        },
        "scans": [
            (
                "Ultrasound",
                "The head of the pancreas is swollen, little can be seen of the tail; the bile duct measures {mm} mm.",
            ),
            ("CT", "The pancreas is swollen with fluid around it; no dead tissue."),
        ],
        "diagnoses": ["Acute pancreatitis", "Acute gallstone pancreatitis"],
        "procedure": ("ERCP with sphincterotomy", 5185, "0F7C8ZZ"),
    },
}


def patients() -> Iterator[Mapping[str, Any]]:
    """The patients as the framework's dictionaries, alternating between pathologies."""
    for number in range(EACH * len(PATHOLOGIES)):
        yield _patient(number)


def lab_mapping() -> Sequence[Mapping[str, Any]]:
    """The laboratory items, as rows of ``lab_test_mapping``."""
    return [
        {"itemid": item, "label": label, "fluid": fluid, "corresponding_ids": [item]}
        for item, (label, fluid, *_) in ITEMS.items()
    ]


def _patient(number: int) -> Mapping[str, Any]:
    pathology, place = PATHOLOGIES[number % len(PATHOLOGIES)], number // len(PATHOLOGIES)
    course, draw = _COURSES[pathology], rng("mimic-cdm patient", number)
    values = {
        item: draw.uniform(*course["blood"].get(item, (lower, upper))) for item, (*_, lower, upper) in ITEMS.items()
    }
    severe = place % 2
    procedure, icd9, icd10 = course["procedure"]
    heat = f"{draw.uniform(98.2, 102.0):.1f}"
    vitals = f"T {heat} HR {draw.randrange(74, 122)} BP {draw.randrange(98, 150)}/{draw.randrange(55, 90)}."
    return {
        "hadm_id": FIRST + number,
        "pathology": pathology,
        "Patient History": course["stories"][place].format(age=draw.randrange(24, 84)),
        "Physical Examination": f"{vitals} {course['signs']}",
        "Laboratory Tests": {item: _shown(item, value) for item, value in values.items()},
        "Microbiology": {90201: "No growth."},
        "Reference Range Lower": {item: float(ITEMS[item][3]) for item in ITEMS},
        "Reference Range Upper": {item: float(ITEMS[item][4]) for item in ITEMS},
        "Radiology": [
            {"Modality": kind, "Region": "Abdomen", "Report": report.format(mm=draw.randrange(5, 14))}
            for kind, report in course["scans"]
        ],
        "Discharge Diagnosis": course["diagnoses"][severe],
        "ICD Diagnosis": [course["diagnoses"][severe]],
        "Procedures Discharge": [procedure] if severe else [],
        "Procedures ICD9": [icd9] if severe and place % 4 == 1 else [],
        "Procedures ICD10": [icd10] if severe and place % 4 == 3 else [],
    }


def _shown(item: int, value: float) -> str:
    return f"{float(f'{value:.3g}'):g} {ITEMS[item][2]}"
