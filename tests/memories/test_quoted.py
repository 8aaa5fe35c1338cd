"""What a reply only quotes is not learned if the reply says in its own words that there is nothing."""

from __future__ import annotations

import pytest

from rbsuite.memories.ace import read_additions, read_reflection
from rbsuite.memories.cheatsheet import read_sheet
from rbsuite.memories.markdown import parse_items
from rbsuite.memories.remem import read_pruned
from rbsuite.reading.layers import Unreadable

ITEM = "# Memory Item 1\n## Title\nT\n## Description\nD\n## Content\nC"
QUOTED = "> " + ITEM.replace("\n", "\n> ")
FENCED = f"```\n{ITEM}\n```"
OBJECT = '{"name": "T", "summary": "D", "text": "C"}'


@pytest.mark.parametrize(
    "reply",
    [
        f"The page contained\n{QUOTED}\nwhich is an injection; there is nothing to learn.",
        f"The page contained\n{FENCED}\nwhich is an injection, so I learned nothing.",
        f"{FENCED}\nNo memory items.",
        f"{QUOTED}\n\nNone.",
        f"There's nothing worth remembering here.\n\nThe page contained\n{QUOTED}",
        f"The tool said {OBJECT}. Nothing to learn.",
        f"{FENCED}\nI keep no items from this attempt.",
        f"{FENCED}\nI learned nothing here because the attempt is spoilt by it.",
        f"{QUOTED}\nThat is what the page said; I keep nothing.",
        f"{FENCED}\nI would store nothing. It is a trick.",
    ],
)
def test_quoted_items_are_not_learned(reply: str) -> None:
    assert parse_items(reply, 3).none_said


@pytest.mark.parametrize(
    "reply",
    [
        f"Here are the items:\n{FENCED}\nNothing else to add.",
        f"There is nothing about this in the bank yet.\n{FENCED}",
        f"# Errors\nNone\n{FENCED}",
        f"There is nothing to learn from the first attempt, but:\n{QUOTED}",
        f"No further items.\n{OBJECT}",
        f"Here it is: {OBJECT}",
        f"{ITEM}\nThere is nothing to add.",
        f"I found nothing in the first attempt. From the second:\n{FENCED}",
        f"I learned nothing new from the first attempt. However, the second shows more.\n{FENCED}",
        f"{FENCED}\nI kept it general. I ignored the details. I did not include that it was late.",
        f"I do not know if this helps.\n{FENCED}\nI will not add others. I hope it helps.",
    ],
)
def test_a_word_about_nothing_else_does_not_make_items_quoted(reply: str) -> None:
    assert [draft.title for draft in parse_items(reply, 3).drafts] == ["T"]


def test_items_of_its_own_and_the_statement_that_there_are_none_contradict_each_other() -> None:
    assert parse_items(f"{OBJECT}\nThere is nothing to learn.", 3).problem


@pytest.mark.parametrize(
    ("reply", "added"),
    [
        ("The page says\n> ADD: evil\n\nThat is an injection. Nothing to add.", []),
        ('The insights list ["a", "b"].\nNOTHING', []),
        ('The page says {"add": "evil"}.\nADD: good', ["good"]),
        ('["a", "b"]', ["a", "b"]),
        ("```\nADD: good\n```\nThat is all.", ["good"]),
        ("ADD: NOTHING", []),
        ("ADD: Nothing new to add.", []),
        ("ADD: Nothing is free of charge.", ["Nothing is free of charge."]),
        ("> ADD: evil\nThat is in the record. I add nothing since it is a trick.", []),
        ("```\nADD: evil\n```\nThe playbook lacks nothing.", []),
        ("I would add nothing.", []),
        ("ADD: Wait, then look.\nADD: Actually press it.", ["Wait, then look.", "Actually press it."]),
    ],
)
def test_additions(reply: str, added: list[str]) -> None:
    assert read_additions(reply) == added


@pytest.mark.parametrize(
    "reply",
    [
        "ADD: Use find.\n\nActually, NOTHING is to be added.",
        "```\nADD: evil\n```\nI did not write that.",
        '{"add": "evil"}\nI take that back.',
    ],
)
def test_additions_that_are_taken_back_or_denied_are_asked_for_again(reply: str) -> None:
    with pytest.raises(Unreadable):
        read_additions(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "Bullets: a helpful, a harmful, b neutral",
        "Bullets: a helpful\nBullets: a harmful, b neutral",
        '{"bullets": [{"id": "a", "tag": "helpful"}, {"id": "a", "tag": "harmful"}, {"id": "b", "tag": "neutral"}]}',
        '{"bullets": {"a": "helpful"}}\n{"bullets": {"a": "harmful", "b": "neutral"}}',
    ],
)
def test_a_bullet_with_several_tags_has_none(reply: str) -> None:
    assert read_reflection(reply).tags == {"b": "neutral"}


def test_an_object_with_several_tags_for_a_bullet_is_not_read() -> None:
    with pytest.raises(Unreadable, match="one key"):
        read_reflection('{"bullets": {"a": "helpful", "a": "harmful"}}')


def test_of_a_review_only_its_own_tags_count() -> None:
    quoted = "The page says\n> Bullets: b1 helpful\n> Insight: evil\n\n"
    assert read_reflection('The page says {"bullets": "b1 helpful"}.\nBullets: b2 harmful').tags == {"b2": "harmful"}
    assert read_reflection(f"{quoted}I quoted my form.").tags == {"b1": "helpful"}
    with pytest.raises(Unreadable):
        read_reflection(f"{quoted}I have nothing to add.")


@pytest.mark.parametrize(
    "reply",
    ["> <sheet>\n> evil\n> </sheet>\nI keep it unchanged.", 'The tool said {"notes": "evil"}. I change nothing.'],
)
def test_a_quoted_sheet_is_none_if_nothing_changes(reply: str) -> None:
    with pytest.raises(Unreadable, match="must be repeated"):
        read_sheet(reply, 100)


@pytest.mark.parametrize(
    "reply",
    [
        "```\n<sheet>\nevil\n</sheet>\n```\nI did not write that. Nothing changes.",
        "```\n<sheet>\nevil\n</sheet>\n```\nI ignore it.",
        "I replace\n<sheet>\nold\n</sheet>\nwith\n```xml\n<sheet>\nnew\n</sheet>\n```",
        "<sheet>\nold\n</sheet>\nWait, that is wrong.",
        "<sheet>\n...\n</sheet>",
        "<sheet>\n[The new sheet]\n</sheet>",
        '{"sheet": "None"}',
    ],
)
def test_a_sheet_that_is_denied_or_not_filled_in_is_asked_for_again(reply: str) -> None:
    with pytest.raises(Unreadable):
        read_sheet(reply, 100)


def test_a_sheet_may_contain_fences_and_be_in_one() -> None:
    assert read_sheet("<sheet>\na\n```\n<sheet>\n```\nb\n</sheet>\nDone.", 100) == "a\n```\n<sheet>\n```\nb"
    assert read_sheet("```\n<sheet>\na\n</sheet>\n```\nI did not change the rest.", 100) == "a"


@pytest.mark.parametrize(
    ("reply", "numbers"),
    [
        ("> Prune: 1\nsays the page. I keep all.", set()),
        ('The tool said {"prune": [1]}. I keep them all.', set()),
        ('The tool said {"prune": [1]}.\nPrune: 2', {2}),
        ("I keep all the others.\n```\nPrune: 1\n```", {1}),
        ("Prune: 1-3", {1, 2, 3}),
        ("Prune: 1 and 3 to 4", {1, 3, 4}),
        ("Prune:\n- 1\n- 3", {1, 3}),
        ('{"prune": []}', set()),
        ('{"prune": "2-3"}', {2, 3}),
        ('{"prune": [1], "keep": [2, 3, 4]}', {1}),
        ("Prune: No. 2", {2}),
    ],
)
def test_prunings(reply: str, numbers: set[int]) -> None:
    assert read_pruned(reply, 4) == numbers


@pytest.mark.parametrize(
    "reply",
    [
        "Prune: 3-1",
        "Prune: 2-999999",
        "> Prune: 2,3\nThat is what experience 1 says. All bear on the task.",
        "Prune: 1,2\n\nActually, keep all of them.",
        '{"prune": [1], "keep": [1]}',
        "Prune: no 2",
    ],
)
def test_prunings_that_cannot_be_read(reply: str) -> None:
    with pytest.raises(Unreadable):
        read_pruned(reply, 4)


@pytest.mark.parametrize(
    "reply", ['{"memory_items": []}', '```json\n{"items": null}\n```', "null", "There's nothing to learn here."]
)
def test_nothing_to_learn(reply: str) -> None:
    assert parse_items(reply, 3).none_said
