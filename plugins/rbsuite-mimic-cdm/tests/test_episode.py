"""The dialogue in both forms: what is asked, what is answered, how it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from rbsuite.trajectory import Action, ToolCall
from rbsuite_mimic_cdm.chart import Laboratory, Patient, Scan, item_of, scan_asked
from rbsuite_mimic_cdm.dialogue import read
from rbsuite_mimic_cdm.episode import CdmEpisode
from speed import cpu_seconds

Make = Callable[..., CdmEpisode]


def say(episode: CdmEpisode, text: str) -> str:
    episode.observation = episode.act(Action(text))
    return episode.observation.text


def ask(episode: CdmEpisode, action: str, given: str = "") -> str:
    return say(episode, f"Thought: more.\nAction: {action}\nAction Input: {given}")


@pytest.mark.parametrize(
    ("names", "items", "unknown"),
    [
        ("White Blood Cells", [51301], []),
        ("white blood cell", [51301], []),  # a ratio of 90 or more
        ("WBC", [51301], []),
        ("wbcs", [], ["wbcs"]),  # short names are exact
        ("Urine WBC", [51516], []),
        ("WBC (urine)", [51301], ["urine"]),
        ("Kidney function tests", [51006, 50912, 50983, 50971, 50862, 50893, 50902, 50931], []),
        ("CMP", [50983, 50971, 50902, 50882, 51006, 50912, 50931, 50893, 50861, 50878, 50863, 50885], []),
        ("serum lipase", [50956], []),
        ("ALT, SGOT and GGT", [50861, 50878, 50927], []),
        ("CBC", [51301, 51222, 51221, 51265], []),
        ("Complete Blood Count (CBC)", [51301, 51222, 51221, 51265], []),
        ("1. Lipase\n2. Amylase", [50956, 50867], []),
        ("BMP", [50983, 50971, 50902, 50882, 51006, 50912, 50931, 50893], []),
        ("Troponin, CRP", [50889], ["Troponin"]),
        ("the usual blood work", [], ["the usual blood work"]),
    ],
)
def test_names_of_tests(laboratory: Laboratory, names: str, items: list[int], unknown: list[str]) -> None:
    found = laboratory.find(names)
    assert (list(found.items), list(found.unknown)) == (items, unknown)


@pytest.mark.parametrize(
    ("request_text", "modality", "region"),
    [
        ("CT of the abdomen and pelvis", "CT", "Abdomen"),
        ("Abdominal ultrasound", "Ultrasound", "Abdomen"),
        ("RUQ US", "Ultrasound", "Abdomen"),
        ("MRCP", "MRCP", "Abdomen"),
        ("HIDA scan", "HIDA", "Abdomen"),
        ("EUS", "EUS", "Abdomen"),
        ("ERCP", "ERCP", "Abdomen"),
        ("magnetic resonance imaging, head", "MRI", "Head"),
        ("chest x-ray", "Radiograph", "Chest"),
        ("CT urogram", "CTU", "Abdomen"),
        ("EUS of the mediastinum", "EUS", "Chest"),  # implied only where none is named
        ("MR enterography", "MRE", "Abdomen"),
        ("upper GI series", "Upper GI Series", "Abdomen"),
        ("ultrasound of the upper right region, liver", "Ultrasound", "Abdomen"),
        ("CT of chest, lungs and heart, none of the abdomen", "CT", "Chest"),  # what is named most often
        ("doppler of the neck", "Ultrasound", "Neck"),
        ("ultrasound", "Ultrasound", ""),
        ("abdomen", "", "Abdomen"),
        ("focus on the patient", "", ""),
    ],
)
def test_modality_and_region_of_a_scan(request_text: str, modality: str, region: str) -> None:
    assert scan_asked(request_text) == (modality, region)


def test_a_consultation_as_text(make: Make) -> None:
    episode = make()
    assert episode.observation.tools == ()
    assert "Tender in the right" in ask(episode, "Physical Examination")
    results = ask(episode, "Laboratory Test", "CRP, Ferritin")  # a ratio above 80 is enough for an action
    assert "(Blood) C-Reactive Protein: " in results
    assert "reference range 0 to 5" in results
    assert results.endswith("Ferritin: N/A")
    assert "cannot be told" in ask(episode, "Imaging", "CT")
    assert "Appendix" in ask(episode, "Imaging", "CT Abdomen")
    assert ask(episode, "Imaging", "CT Abdomen").endswith("The second one.")
    assert "cannot be repeated" in ask(episode, "Imaging", "CT Abdomen")
    assert "not available" in ask(episode, "Imaging", "MRI Abdomen")
    assert "no action 'Surgery'" in ask(episode, "Surgery")
    assert not episode.closes(Action("Thought: let me think"))
    last = "Thought: clear.\nFinal Diagnosis: Acute appendicitis\nTreatment: antibiotics, fluids"
    assert episode.closes(Action(last))
    say(episode, last)
    grade = episode.grade("finished")
    scored = grade.truth["scores"]
    assert (episode.observation.turn, grade.score, scored["rounds"], scored["invalid_tools"]) == ("over", 1.0, 8, 2)
    assert (scored["action_parsing"], scored["diagnosis_parsing"], scored["treatment_parsing"]) == (0, 1, 1)
    assert (scored["imaging"], scored["laboratory_tests"], scored["physical_examination"]) == (1, 1, 1)


def test_a_consultation_by_tools_comes_to_the_same(make: Make) -> None:
    episode = make(form="tools")
    assert [tool.name for tool in episode.observation.tools] == [
        "physical_examination",
        "laboratory_tests",
        "imaging",
        "diagnose",
    ]
    calls = (ToolCall("1", "physical_examination"), ToolCall("2", "laboratory_tests", {"tests": "CRP"}))
    seen = episode.act(Action(calls=calls))
    assert [result.text.split()[0] for result in seen.results] == ["T", "(Blood)"]
    assert "Appendix" in episode.act(Action.call("imaging", {"modality": "CT", "region": "abdomen"})).text
    assert "Error" in episode.act(Action.call("surgery")).text
    last = Action.call("diagnose", {"diagnosis": "appendicitis", "treatment": "antibiotics and fluids"})
    assert episode.closes(last)
    assert episode.act(last).turn == "over"
    grade = episode.grade("finished")
    assert (grade.score, grade.truth["scores"]["invalid_tools"], grade.measures["treatment"]) == (1.0, 1, 1.0)


def test_any_text_with_diagnosis_and_a_colon_ends_it(make: Make) -> None:
    episode = make()
    assert episode.closes(Action("Thought: differential diagnosis: colitis\nAction: Imaging"))
    say(episode, "Thought: differential diagnosis: colitis\nAction: Imaging\nAction Input: CT Abdomen")
    scored = episode.grade("finished").truth["scores"]
    assert (episode.observation.turn, scored["diagnosis"]) == ("over", 0)
    assert (scored["diagnosis_parsing"], scored["treatment_parsing"], scored["imaging"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("text", "action", "given", "strict"),
    [
        ("Thought: a\nAction: Imaging\nAction Input: CT Abdomen", "imaging", "CT Abdomen", True),
        ("Thought: a\nAction: Physical Examination", "physical_examination", "", True),
        ("Action: Imaging\nAction Input: CT Abdomen", "imaging", "CT Abdomen", False),
        ("**Action:** Imaging: CT Abdomen", "imaging", "CT Abdomen", False),
        ("Thought: a\nAction: Labs\nAction Input: CRP", "laboratory_tests", "CRP", False),
        ("Thought: a\nAction: Lab Tests\nAction Input: CRP", "laboratory_tests", "CRP", False),
        ("Thought: a\nAction: Laboratory Tests - CRP", "laboratory_tests", "CRP", False),
        ("Thought: a\nAction: Physical Exam", "physical_examination", "", False),
        ("Thought: a\nAction: Abdominal Ultrasound\nAction Input: ", "imaging", "Abdominal Ultrasound", False),
        ("Thought: a\nAction: Surgery\nAction Input: appendix", "", "appendix", False),
        ("Thought: a\nAction: Imaging\nAction Input: CT\nObservation: it is clear.\nFinal Diagnosis: x", "imaging", "CT", True),
        ("Well, let me see.", "", "", False),
        ("Thought: a\n```\nAction: Imaging\n```\nBut I do\nAction: Laboratory Tests", "laboratory_tests", "", True),
        ("> Action: Imaging\nNo.\nAction: Laboratory Tests", "laboratory_tests", "", False),
        ("```\nAction: Imaging\nAction Input: CT\n```", "imaging", "CT", False),
        ("Action: Imaging\n```\nAction Input: CT", "imaging", "CT", False),
        ("- Action: Laboratory Tests", "laboratory_tests", "", False),
        ("1. Action: Laboratory Tests\n2. Action Input: CRP", "laboratory_tests", "CRP", False),
        ("Action\uff1aLaboratory Tests", "laboratory_tests", "", False),
        ("**Action:** Laboratory Tests\n**Action Input:** CBC", "laboratory_tests", "CBC", False),
        ("**Action**: Labs\n**Observation 1:** ok\nAction: Imaging", "laboratory_tests", "", False),
    ],
)  # fmt: skip
def test_turns_as_text(text: str, action: str, given: str, strict: bool) -> None:
    said = read(text)
    assert (said.action, said.input, said.strict, said.diagnosis) == (action, given, strict, None)


@pytest.mark.parametrize(
    ("text", "diagnosis", "treatment", "strict"),
    [
        ("Thought: a\nFinal Diagnosis: X\nTreatment: Y", "X", "Y", (True, True)),
        ("Final Diagnosis: X. Treatment: Y", "X.", "Y", (True, True)),
        ("Final Diagnosis: X\nTreatment plan: Y", "X", "Y", (True, False)),
        ("**Final Diagnosis**: X", "X", None, (True, False)),
        ("**Final Diagnosis:** X\nTreatment\uff1a Y", "X", "Y", (True, True)),
        ("Treatment: Y\nDiagnosis: X", "X", "Y", (False, True)),
        ("Thought: first diagnosis: Z\nFinal Diagnosis: X", "Z\nFinal Diagnosis: X", None, (False, False)),
    ],
)
def test_conclusions_as_text(text: str, diagnosis: str, treatment: str | None, strict: tuple[bool, bool]) -> None:
    said = read(text)
    assert (said.diagnosis, said.treatment, (said.strict, said.treatment_strict)) == (diagnosis, treatment, strict)


def test_a_test_in_place_of_an_action_is_asked_for(make: Make) -> None:
    episode = make()
    assert "C-Reactive Protein" in ask(episode, "CRP")
    assert "Which tests" in ask(episode, "Laboratory Tests")
    scored = episode.grade("max_steps").truth["scores"]
    assert (scored["laboratory_tests"], scored["invalid_tools"], scored["action_parsing"]) == (1, 1, 0)


def test_names_of_a_release_are_found_in_their_fluid() -> None:
    rows = [
        {"itemid": 50931, "label": "Glucose", "fluid": "Blood", "corresponding_ids": [50931, 51478]},
        {"itemid": 51478, "label": "Glucose", "fluid": "Urine", "corresponding_ids": [50931, 51478]},
        {"itemid": 51487, "label": "Nitrite", "fluid": "Urine", "corresponding_ids": []},
        {"itemid": 90039, "label": "URINE CULTURE", "fluid": None, "corresponding_ids": [90039]},
        {"itemid": None, "label": "Sugar Panel", "fluid": None, "corresponding_ids": [50931, 51487]},
    ]
    laboratory = Laboratory([item_of(row) for row in rows])
    for names, items in (
        ("Glucose", (50931, 51478)),
        ("Urine glucose", (51478,)),
        ("Nitrite", (51487,)),
        ("urine culture", (90039,)),
        ("sugar panel", (50931, 51487)),
    ):
        assert laboratory.find(names).items == items, names
    assert set(laboratory.items) == {50931, 51478, 51487, 90039}


def test_ten_rounds_are_all_there_are(make: Make) -> None:
    episode = make()
    for turn in range(10):
        assert episode.observation.turn == "agent", turn
        say(episode, "I wonder.")
    assert (episode.observation.turn, episode.truncated) == ("over", True)
    scored = episode.grade("max_steps").truth["scores"]
    assert (scored["rounds"], scored["diagnosis"], scored["action_parsing"], scored["invalid_tools"]) == (10, 0, 0, 10)


def test_results_can_be_shown_as_low_normal_or_high_without_ranges(make: Make) -> None:
    episode = make(bin_labs=True, include_ref_range=False)
    assert ask(episode, "Laboratory Tests", "CRP, Sodium").splitlines() == [
        "Observation: (Blood) C-Reactive Protein: high",
        "(Blood) Sodium: normal",
    ]


def test_what_was_not_measured_is_left_out_and_a_narrower_scan_answers_a_wider_question(
    make: Make, patient: Patient
) -> None:
    scan = Scan("MRCP", "Abdomen", "No stone.")
    episode = make(patient=replace(patient, tests={51301: "12 K/uL"}, scans=(scan,)))
    assert ask(episode, "Laboratory Tests", "CBC, Ferritin").splitlines() == [
        "Observation: (Blood) White Blood Cells: 12 K/uL | reference range 4 to 10",
        "Ferritin: N/A",
    ]
    assert ask(episode, "Laboratory Tests", "Sodium") == "Observation: (Blood) Sodium: N/A"
    assert "No stone" in ask(episode, "Imaging", "MRI Abdomen")


def test_a_copy_goes_its_own_way(make: Make) -> None:
    episode = make()
    ask(episode, "Imaging", "CT Abdomen")
    twin = episode.fork()
    ask(twin, "Imaging", "CT Abdomen")
    say(twin, "Final Diagnosis: appendicitis")
    assert "second" in ask(episode, "Imaging", "CT Abdomen")
    assert (episode.grade("max_steps").score, twin.grade("finished").score) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("begin", "pattern", "end"),
    [
        ("Diagnosis: a\n", "treatment ", ""),
        ("Diagnosis:", ". treatment", ""),
        ("Thought: a\nAction: a", " ", "b"),
        ("Action: ", "a", ""),
    ],
)
def test_a_turn_is_read_in_linear_time(begin: str, pattern: str, end: str) -> None:
    text = begin + pattern * (1_000_000 // len(pattern)) + end
    assert cpu_seconds(lambda: read(text), 0.3) <= 0.3
