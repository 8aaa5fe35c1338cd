"""``reflexion``: the last reflections on failures."""

from __future__ import annotations

import pytest

from rbsuite.memories.reflexion import Reflexion
from scripted import DOWN, GARBLED, World, experience, outcome, written


def reflected(*texts: str) -> str:
    return written(*texts, heading="Reflection")


def memory(failures: int = 0, window: int = 3) -> World:
    world = World(Reflexion(reflections=window, temperature=0.7))
    for number in range(failures):
        failed = experience(f"task {number}", outcome("failure", "guess"), position=number)
        world.absorb(failed, reflected(f"reflection {number}"))
    return world


def shown(text: str) -> list[int]:
    return [number for number in range(10) if f"\nreflection {number}" in text]


def test_the_last_reflections_stand_in_the_prompt() -> None:
    world = memory(5)
    recall = world.recall("nothing like it")
    assert shown(recall.text) == [2, 3, 4]
    assert [world.bank.get(found.item_id, 5).content for found in recall.items] == [
        f"reflection {n}" for n in (2, 3, 4)
    ]  # type: ignore[union-attr]
    assert memory().recall("q").reason == "no reflection yet"


def test_successes_are_not_reflected_on() -> None:
    world = memory()
    assert world.absorb(experience("lamp", outcome("success", "look"))) == []
    [op] = world.absorb(
        experience("desk", outcome("success", "go left"), outcome("failure", "guess", rollout=1)), reflected("r")
    )
    assert op.provenance.rollouts == (1,)
    assert "go left" not in world.prompts[0]
    assert "Outcome: failure" in world.prompts[0]


def test_failures_of_a_task_are_reflected_on_together_or_each_by_itself() -> None:
    failures = [outcome("failure", f"way {number}", rollout=number) for number in range(2)]
    [op] = memory().absorb(experience("lamp", *failures), reflected("r", "s"))
    assert op.provenance.rollouts == (0, 1)
    ops = memory().absorb(experience("lamp", *failures, aggregation="independent"), reflected("r"), reflected("s"))
    assert [op.provenance.rollouts for op in ops] == [(0,), (1,)]


def test_before_a_further_rollout_it_reflects_on_those_so_far() -> None:
    world = memory(2)
    recall = world.recall(
        "buy", reflected("reflection 8", "reflection 9"), phase="retry", earlier=2, history="I guessed."
    )
    assert shown(recall.text) == [1, 8, 9]
    assert [found.rank for found in recall.items] == [0]
    [prompt] = world.prompts
    assert "I guessed." in prompt
    assert "Outcome: not judged" in prompt
    assert "at most 3 reflections" in prompt
    assert len(world.items()) == 2, "a recall stores nothing"


@pytest.mark.parametrize("replies", [(GARBLED, GARBLED), (DOWN,)])
def test_failed_reflection_leaves_the_stored_ones(replies: tuple[str, ...]) -> None:
    world = memory(2)
    recall = world.recall("buy", *replies, phase="retry", earlier=1, history="I guessed.")
    assert shown(recall.text) == [0, 1]
    assert world.counts["extraction_failed"] == 1
    assert world.absorb(experience("lamp", outcome("failure", "guess")), *replies) == []


def test_no_history_is_nothing_to_reflect_on() -> None:
    assert shown(memory(1).recall("buy", phase="retry", earlier=1).text) == [0]
