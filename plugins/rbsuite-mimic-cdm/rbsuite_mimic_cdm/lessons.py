"""Wording of the mistakes that patients set as traps, for the simulated learner."""

from __future__ import annotations

from collections.abc import Mapping

from rbsuite.environments.solution import Lesson

LESSONS: Mapping[str, Lesson] = {
    "workup/labs": Lesson(
        "Ask for tests by name",
        "Name each laboratory test or panel, lipase and the white count among them, since a general request gives nothing.",
        "I ask for the usual blood work and leave the choice to the laboratory.",
    ),
    "workup/imaging": Lesson(
        "Name modality and region of a scan",
        "Every request for a scan needs both the modality and the region, and ultrasound or CT of the abdomen settles most cases.",
        "I just ask for a scan, they will know which part to look at.",
    ),
    "workup/early": Lesson(
        "Gather before you conclude",
        "Examine the patient, then get tests and a scan of the abdomen, and conclude only when these agree with the history.",
        "The history alone is enough for me, so I conclude right away.",
    ),
    "conclusion/one": Lesson(
        "Put the one diagnosis first",
        "Only the first diagnosis counts, so name the single most likely one and leave the others out.",
        "I list whatever it could be, the order does not matter.",
    ),
    "conclusion/hedge": Lesson(
        "State the diagnosis without a hedge",
        "Write the diagnosis as a plain noun with no word of doubt or denial around it, or it is read as denied.",
        "I stay careful and write that it has not been settled.",
    ),
    "dialogue/label": Lesson(
        "Keep the closing words for the end",
        "A colon after the word diagnosis closes the case, so do not write it in a thought before the last turn.",
        "I note my first guess under a heading before I have seen anything.",
    ),
}
"""By skill id."""
