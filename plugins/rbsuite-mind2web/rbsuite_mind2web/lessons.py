"""Wording of the mistakes that the sample's pages set as traps, for the simulated learner."""

from __future__ import annotations

from collections.abc import Mapping

from rbsuite.environments.solution import Lesson

LESSONS: Mapping[str, Lesson] = {
    "form/field": Lesson(
        "Type into the form, not the box at the top",
        "Fill in the field of the form that bears the label, since the search box in the header covers the whole site and is never meant.",
        "The box at the top of the page will take it.",
    ),
    "form/verbatim": Lesson(
        "Type names as the task writes them",
        "Type a name in full and just as the task spells it, because codes and shortened forms are not what was recorded.",
        "A short code for it saves typing.",
    ),
    "form/select": Lesson(
        "Use SELECT on a drop-down",
        "A select element takes one SELECT with the text of the option, and a click that opens it first counts as wrong.",
        "I open the list before I look at what is in it.",
    ),
    "form/submit": Lesson(
        "Send the form with its own button",
        "Press the button inside the form, not the link with the same words in the navigation, which starts an empty form.",
        "That link up there says the same, so it will do.",
    ),
    "list/advert": Lesson(
        "Leave sponsored entries alone",
        "Choose the entry in the list itself, even where a sponsored copy with the same words stands above it.",
        "The first one that has the words is good enough.",
    ),
}
"""By skill id."""
