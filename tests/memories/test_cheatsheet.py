"""``dynamic-cheatsheet``: a sheet that is rewritten after or before every task."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbsuite.memories.asking import Unreadable
from rbsuite.memories.cheatsheet import DynamicCheatsheet, read_sheet
from rbsuite.reading.layers import clean
from rbsuite.reading.words import is_placeholder
from scripted import DOWN, GARBLED, World, experience, outcome


def sheet(text: str) -> str:
    return f"I thought about it.\n<sheet>\n{text}\n</sheet>"


def memory(variant: str = "cu", characters: int = 500) -> World:
    return World(DynamicCheatsheet(variant=variant, k=3, characters=characters, temperature=0.0))


def task(name: str, said: str = "look", label: str = "success", position: int = 0, **fields: object):
    return experience(name, outcome(label, said, why="The judge's reason."), position=position, **fields)


def test_cumulative_rewrites_after_each_task_from_the_sheet_so_far() -> None:
    world = memory()
    assert world.recall("q").reason == "the sheet is empty"
    world.absorb(task("lamp"), sheet("- first"))
    world.absorb(task("desk", "look twice", position=1), sheet("- first\n- second"))
    [prompt] = world.prompts
    assert "- first" in prompt
    assert "look twice" in prompt
    assert world.document("cheatsheet") == "- first\n- second"
    assert "- first\n- second" in world.recall("q").text
    assert world.items() == ()


@pytest.mark.parametrize("label", ["success", "failure"])
def test_no_verdict_reaches_the_writer(label: str) -> None:
    world = memory()
    world.absorb(task("lamp", label=label), sheet("x"))
    assert "Outcome: not judged" in world.prompts[0]
    assert "The judge's reason." not in world.prompts[0]
    other = memory()
    other.absorb(task("lamp", label="failure"), sheet("x"))
    assert world.prompts == other.prompts


@pytest.mark.parametrize("replies", [(GARBLED, sheet("")), (DOWN,), (sheet("x" * 501), "<sheet>\n</sheet>")])
def test_sheet_that_cannot_be_read_leaves_the_old_one(replies: tuple[str, ...]) -> None:
    world = memory()
    world.absorb(task("lamp"), sheet("- first"))
    assert world.absorb(task("desk", position=1), *replies) == []
    assert world.document("cheatsheet") == "- first"
    assert world.counts["extraction_failed"] == 1


def test_a_sheet_that_stays_too_long_keeps_the_lines_that_fit() -> None:
    world = memory(characters=20)
    world.absorb(task("lamp"), sheet("- first\n- second\n- third"), sheet("- first\n- second\n- fourth"))
    assert world.document("cheatsheet") == "- first\n- second"
    assert world.counts == {"extraction_malformed": 1}


def test_unchanged_sheet_is_no_operation() -> None:
    world = memory()
    world.absorb(task("lamp"), sheet("- first"))
    assert world.absorb(task("desk", position=1), sheet("- first")) == []


def test_retrieving_rewrites_before_the_task_and_keeps_what_was_recalled() -> None:
    world = memory("rs")
    assert world.recall("buy a lamp").reason == "the sheet is empty"
    world.absorb(task("lamp", "look left", query="buy a lamp"))
    recall = world.recall("buy a red lamp", sheet("- for lamps"))
    [prompt] = world.prompts
    assert "look left" in prompt
    assert "buy a red lamp" in prompt
    assert "- for lamps" in recall.text
    assert len(recall.items) == 1
    assert world.document("cheatsheet") == "", "a recall stores nothing"
    world.absorb(task("red", query="buy a red lamp", position=1, recalled=recall))
    assert world.document("cheatsheet") == "- for lamps"
    assert len(world.items()) == 2
    again = world.recall("buy a blue lamp", sheet("- for all lamps"))
    assert "- for lamps" in world.prompts[0], "the sheet so far"
    assert len(again.items) == 2


def test_retrieving_falls_back_to_the_sheet_so_far() -> None:
    world = memory("rs")
    world.absorb(task("lamp"))
    recall = world.recall("buy", sheet("- kept"))
    world.absorb(task("desk", position=1, recalled=recall))
    assert "- kept" in world.recall("buy", GARBLED, GARBLED).text
    assert world.counts == {"extraction_malformed": 2, "extraction_failed": 1}


def test_retrieving_fetches_at_most_k() -> None:
    world = memory("rs")
    for number in range(5):
        world.absorb(task(f"lamp {number}", position=number))
    assert len(world.recall("buy lamp", sheet("x")).items) == 3


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200).filter(
        lambda text: text == text.strip() and clean(f"a{text}a") == f"a{text}a" and not is_placeholder(text)
    )
)
def test_what_is_written_is_read_back(text: str) -> None:
    assert read_sheet(sheet(text), 200) == text


@pytest.mark.parametrize(
    "reply", ["", "Ok <think>\n<sheet>\nx\n</sheet>", "<sheet>\nx", "<sheet>\n \n</sheet>", sheet("x" * 11)]
)
def test_malformed_sheets_are_refused(reply: str) -> None:
    with pytest.raises(Unreadable):
        read_sheet(reply, 10)
