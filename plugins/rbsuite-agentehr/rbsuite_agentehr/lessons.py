"""Wording of the mistakes that the record sets as traps, for the simulated learner."""

from __future__ import annotations

from collections.abc import Mapping

from rbsuite.environments.solution import Lesson

_NAMES = {
    "diagnoses_ccs": ("diagnoses", "CCS category"),
    "procedures_ccs": ("procedures", "CCS category"),
    "labevents": ("laboratory tests", "laboratory label"),
    "prescriptions": ("drugs", "ATC group"),
    "microbiologyevents": ("microbiological tests", "test name"),
    "transfers": ("care units", "care unit"),
}

LESSONS: Mapping[str, Lesson] = {
    **{
        f"{task}/synonyms": Lesson(
            f"Answer with candidates: {what}",
            f"Look every one of the {what} up among the candidates and finish with the exact {name}, never with the words of the ward.",
            f"The {what} go into the answer as people on the ward call them.",
        )
        for task, (what, name) in _NAMES.items()
    },
    "record/cut": Lesson(
        "Look back from the prediction time",
        "The record ends at the prediction time, so set every window to end there and to begin at the admission.",
        "I ask for the two days that follow the given time, and take the empty result for the answer.",
    ),
    "labs/units": Lesson(
        "Read the unit before the number",
        "Two laboratories report in different units, so compare valueuom before you call a result high or low.",
        "The number alone tells me whether a result is high, whatever laboratory it is from.",
    ),
    "orders/withdrawn": Lesson(
        "Leave withdrawn orders out",
        "An order counts only while its order_status is Active, so filter the orders before predicting from them.",
        "Every order that was ever written will be carried out, I suppose.",
    ),
    "sql/repeated": Lesson(
        "Mend a failing query at once",
        "After an SQL error read the column names and write another query; the same query fails again and ends the episode.",
        "The query did not work, so I send it once more as it is.",
    ),
}
"""By skill id."""
