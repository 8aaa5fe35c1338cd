"""The dialogue in both forms: what is asked, what is answered, how it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from rbsuite.trajectory import Action, ToolCall
from rbsuite_mimic_cdm.chart import Laboratory, Patient, Scan, scan_asked
from rbsuite_mimic_cdm.dialogue import read
from rbsuite_mimic_cdm.episode import CdmEpisode

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
    assert (episode.observation.turn, grade.score, scored["rounds"], scored["invalid_tools"]) == ("over", 1.0, 9, 1)
    assert (scored["action_parsing"], scored["diagnosis_parsing"], scored["treatment_parsing"]) == (1, 1, 1)
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
        ("Thought: a\nAction: Labs\nAction Input: CRP", "", "CRP", True),
        ("Thought: a\nAction: Imaging\nAction Input: CT\nObservation: it is clear.\nFinal Diagnosis: x", "imaging", "CT", True),
        ("Well, let me see.", "", "", False),
    ],
)  # fmt: skip
def test_turns_as_text(text: str, action: str, given: str, strict: bool) -> None:
    said = read(text)
    assert (said.action, said.input, said.strict, said.diagnosis) == (action, given, strict, None)


def test_ten_rounds_are_all_there_are(make: Make) -> None:
    episode = make()
    for turn in range(10):
        assert episode.observation.turn == "agent", turn
        say(episode, "I wonder.")
    assert (episode.observation.turn, episode.truncated) == ("over", True)
    scored = episode.grade("max_steps").truth["scores"]
    assert (scored["rounds"], scored["diagnosis"], scored["action_parsing"]) == (10, 0, 0)


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
