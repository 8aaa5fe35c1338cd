"""The simulated learner as writer of memory: it answers in the form that a prompt asks for, from the prompt's text alone."""

from __future__ import annotations

import pytest

from rbsuite.learner.lessons import COMMONPLACE, learnt, skills_seen
from rbsuite.learner.skills import Skill
from rbsuite.memories.ace import read_additions, read_reflection
from rbsuite.memories.cheatsheet import read_sheet
from rbsuite.memories.markdown import parse_items
from rbsuite.memories.remem import read_pruned

LEFT = Skill("Turn left", "Always turn left at the oak.", "I turned right at the oak.")
DOOR = Skill("Shut doors", "Shut the door behind you.", "I left the door open.")
SKILLS = (LEFT, DOOR)


def reply(prompt: str, *, useless: bool = False) -> str:
    return learnt(prompt, [] if useless else skills_seen(prompt, SKILLS), SKILLS)


@pytest.mark.parametrize(
    ("label", "text", "seen"),
    [
        ("success", LEFT.lesson, [LEFT]),
        ("success", LEFT.symptom, []),
        ("failure", LEFT.symptom, [LEFT]),
        ("failure", LEFT.lesson, []),
        ("unknown", LEFT.lesson + LEFT.symptom, []),
        ("not judged", LEFT.lesson, [LEFT]),
        ("not judged", f"{DOOR.symptom} {LEFT.lesson} {LEFT.symptom}", [DOOR, LEFT]),
    ],
)
def test_what_is_seen_depends_on_the_outcome(label: str, text: str, seen: list[Skill]) -> None:
    assert skills_seen(f"{DOOR.lesson}\nOutcome: {label}\n{text}", SKILLS) == seen


def test_several_trajectories_are_read_by_their_own_labels() -> None:
    prompt = f"Outcome: success\n{LEFT.lesson} {DOOR.symptom}\nOutcome: failure\n{LEFT.lesson}"
    assert skills_seen(prompt, SKILLS) == [LEFT]
    assert skills_seen("nothing here", SKILLS) == []


@pytest.mark.parametrize("heading", ["Memory Item", "Workflow", "Reflection"])
def test_items_have_the_heading_and_number_of_the_prompt(heading: str) -> None:
    prompt = f"Write at most 1 thing.\n# {heading} 1\nOutcome: success\n{LEFT.lesson} {DOOR.lesson}"
    assert [draft.content for draft in parse_items(reply(prompt), 9, heading).drafts] == [LEFT.lesson]


SHEET = "<sheet>\n...\n</sheet>\n# The sheet so far\n"


def test_sheet_keeps_what_it_holds_and_adds_what_is_seen() -> None:
    text = read_sheet(reply(f"{SHEET}- {DOOR.lesson}\nOutcome: not judged\n{LEFT.symptom}"), 1000)
    assert DOOR.lesson in text
    assert LEFT.lesson in text
    assert DOOR.lesson in read_sheet(
        reply(f"{SHEET}{DOOR.lesson}\nOutcome: not judged\n{LEFT.symptom}", useless=True), 1000
    )
    assert COMMONPLACE in read_sheet(reply(f"{SHEET}Empty.\nOutcome: not judged\nx"), 1000)


REVIEW = "Bullets: ID helpful\nInsight: ...\nat most 3 insights\n"


def test_review_tags_bullets_by_what_the_record_shows() -> None:
    bullets = f"[a1] helpful=0 harmful=0 :: {LEFT.lesson}\n[b2] helpful=0 harmful=0 :: Whistle."
    reflection = read_reflection(reply(f"{REVIEW}{bullets}\nOutcome: success\n{LEFT.lesson}"))
    assert reflection.tags == {"a1": "helpful", "b2": "neutral"}
    assert reflection.insights == [LEFT.lesson]
    assert read_reflection(reply(f"{REVIEW}Outcome: failure\n{LEFT.lesson}")).tags == {}


def test_additions_are_the_insights_that_are_new() -> None:
    prompt = "- a rule\nADD: ...\n[a1] helpful=0 harmful=0 :: Old.\n# The insights\n- Old.\n- New."
    assert read_additions(reply(prompt)) == ["New."]
    assert read_additions(reply("ADD: ...\n[a1] x :: Old.\n# The insights\n- Old.")) == []


def test_experiences_without_a_lesson_are_pruned() -> None:
    prompt = f"Prune: 1,3\nExperience 1\nnothing\nExperience 2\n{LEFT.lesson}\nExperience 3\n{DOOR.symptom}"
    assert read_pruned(reply(prompt), 3) == {1, 3}
    assert read_pruned(reply(f"Prune: 1,3\nExperience 1\n{DOOR.lesson}"), 1) == set()
