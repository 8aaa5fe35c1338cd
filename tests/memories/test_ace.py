"""``ace``: a playbook of bullets with counters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbsuite.experience import MemoryOp, Recall, Recalled
from rbsuite.memories.ace import Playbook, read_additions, read_reflection
from rbsuite.memories.asking import Unreadable
from rbsuite.trajectory import Action, Observation, Step
from scripted import DOWN, GARBLED, World, experience, outcome

REVIEW = "Bullets: none\nInsight: Look before you buy."


def memory(**options: object) -> World:
    defaults = {"characters": 2000, "bullets": 3, "similarity": 0.9, "temperature": 0.0}
    return World(Playbook(**{**defaults, **options}))  # type: ignore[arg-type]


def task(name: str, position: int = 0, label: str = "success", recalled: Recall | None = None):
    return experience(name, outcome(label, "look"), position=position, recalled=recalled or Recall())


def contents(world: World) -> list[str]:
    return [item.content for item in world.items()]


def filled(*bullets: str, **options: object) -> World:
    world = memory(**options)
    for number, bullet in enumerate(bullets):
        world.absorb(task(f"t{number}", number), REVIEW, f"ADD: {bullet}")
    return world


def test_insights_become_bullets_and_the_whole_playbook_is_shown() -> None:
    world = memory()
    assert world.recall("q").reason == "the playbook is empty"
    world.absorb(task("lamp", label="failure"), REVIEW, "ADD: Look first.\nADD: Ask when in doubt.")
    reflector, curator = world.prompts
    assert "Outcome: failure" in reflector
    assert "- Look before you buy." in curator
    recall = world.recall("nothing like it")
    assert [found.rank for found in recall.items] == [0, 1]
    for item in world.items():
        assert f"[{item.id}] helpful=0 harmful=0 :: {item.content}" in recall.text


def test_bullets_that_stood_in_the_prompt_are_counted() -> None:
    world = filled("Look first.", "Walk slowly.", "Whistle a tune.")
    recall = world.recall("q", task="t9")
    first, second, third = (item.id for item in world.items())
    ops = world.absorb(
        task("t9", 3, recalled=recall), f"Bullets: {first} helpful, [{second}] harmful, {third} neutral, ffff helpful"
    )
    assert [(op.op, op.item_id, dict(op.counters)) for op in ops] == [
        ("score", first, {"helpful": 1.0}),
        ("score", second, {"harmful": 1.0}),
    ]
    assert world.counts == {"extraction_dropped": 1}, "the bullet that does not exist"
    text = world.recall("q").text
    assert f"[{first}] helpful=1 harmful=0 ::" in text
    assert f"[{second}] helpful=0 harmful=1 ::" in text


def test_of_an_agent_that_tells_its_thoughts_the_bullets_it_named_are_tagged() -> None:
    world = filled("Look first.", "Walk slowly.")
    recall = world.recall("q", task="t9")
    first, second = (item.id for item in world.items())

    def after(position: int, thought: str, said: str) -> Sequence[MemoryOp]:
        step = Step("agent", Observation("go"), Action(said, thought=thought))
        done = outcome("success", "look")
        done = replace(done, trajectory=replace(done.trajectory, steps=(step,)))
        tags = f"Bullets: {first} helpful, {second} helpful"
        return world.absorb(experience(f"t{position}", done, position=position, recalled=recall), tags)

    assert [op.item_id for op in after(2, f"I use [{second}] here.", "look")] == [second]
    assert first not in world.prompts[0]
    assert [op.item_id for op in after(3, "", f"By [{first}]: look")] == [first]
    assert after(4, "I use none of them.", "look") == []
    assert "It used none." in world.prompts[0]
    assert [op.item_id for op in after(5, "", "look")] == [first, second], "it has no place to name one"
    assert "it named none" in world.prompts[0]


def test_bullets_that_were_not_recalled_are_not_counted() -> None:
    world = filled("Look first.")
    [item] = world.items()
    assert world.absorb(task("t9", 1), f"Bullets: {item.id} helpful") == []


def test_repeated_bullets_are_left_out() -> None:
    world = filled("Look at the price before you buy the lamp.")
    world.absorb(
        task("t9", 1),
        REVIEW,
        "ADD: look at the PRICE, before you buy the lamp\nADD: Look at the price before you buy a lamp.\nADD: Whistle.",
    )
    assert contents(world) == ["Look at the price before you buy the lamp.", "Whistle."]
    assert world.counts == {"extraction_dropped": 2}


def test_lessons_that_differ_in_a_word_are_two_unless_the_threshold_is_low() -> None:
    one, other = "Count the apples twice before you answer.", "Count the bridges twice before you answer."
    assert contents(filled(one, other)) == [one, other]
    assert contents(filled(one, other, similarity=0.7)) == [one]


def test_at_most_so_many_bullets_are_added() -> None:
    world = memory(bullets=1)
    world.absorb(task("lamp"), REVIEW, "ADD: Look.\nADD: Whistle.")
    assert contents(world) == ["Look."]


def test_bullets_that_helped_least_give_way_to_the_budget() -> None:
    world = filled("Look at everything first.", "Walk slowly to the shop.", "Whistle a merry tune.", characters=150)
    first = world.items()[0].id
    assert "Look at everything" not in world.recall("q").text, "older ones give way first among equals"
    everything = Recall(tuple(Recalled(item.id, item.revision, 0.0, rank) for rank, item in enumerate(world.items())))
    world.absorb(task("t9", 3, recalled=everything), f"Bullets: {first} helpful")
    recall = world.recall("q")
    assert [found.item_id for found in recall.items] == [first, world.items()[2].id]
    assert [found.score for found in recall.items] == [1.0, 0.0]
    assert len(world.items()) == 3


@pytest.mark.parametrize("replies", [(GARBLED, GARBLED), (DOWN,)])
def test_failed_reflection_teaches_nothing(replies: tuple[str, ...]) -> None:
    world = memory()
    assert world.absorb(task("lamp"), *replies) == []
    assert world.counts["extraction_failed"] == 1


def test_failed_curation_keeps_the_counts() -> None:
    world = filled("Look first.")
    [item] = world.items()
    recall = world.recall("q", task="t9")
    ops = world.absorb(task("t9", 1, recalled=recall), f"Bullets: {item.id} helpful\nInsight: x", GARBLED, GARBLED)
    assert [op.op for op in ops] == ["score"]
    assert world.absorb(task("t10", 2), REVIEW, "NOTHING") == []


@pytest.mark.parametrize("reply", ["", "Insight: x", "Bullets: a", "Bullets: a very", "Bullets: a helpful harmful"])
def test_malformed_reviews_are_refused(reply: str) -> None:
    with pytest.raises(Unreadable):
        read_reflection(reply)


TAGGED = st.dictionaries(
    st.from_regex(r"[0-9a-f]{16}", fullmatch=True), st.sampled_from(["helpful", "harmful", "neutral"])
)
LINES = st.lists(st.from_regex(r"[A-Z][a-z]{1,8}(?:[,.]? [a-z]{1,8}){1,4}", fullmatch=True), unique=True, max_size=4)


@given(TAGGED, LINES)
def test_what_is_written_is_read_back(tags: dict[str, str], insights: list[str]) -> None:
    named = ", ".join(f"{name} {tag}" for name, tag in tags.items()) or "none"
    reflection = read_reflection("\n".join([f"Bullets: {named}", *(f"Insight: {text}" for text in insights)]))
    assert reflection.tags == tags
    assert reflection.insights == insights
    if insights:
        assert read_additions("\n".join(f"ADD: {text}" for text in insights)) == insights


def test_additions_are_lines_or_nothing() -> None:
    assert read_additions("NOTHING") == []
    assert read_additions("There is NOTHING to add") == []
    for reply in ("", "ADD:", "I would keep the playbook as it is, but for one thing"):
        with pytest.raises(Unreadable):
            read_additions(reply)
