"""``exprag``, ``remem`` and ``history``: tasks as text, recalled by likeness, pruned, or by recency."""

from __future__ import annotations

import pytest

from rbsuite.experience import Recall
from rbsuite.memories.asking import Unreadable
from rbsuite.memories.exprag import ExperienceRetrieval
from rbsuite.memories.history import RecentHistory
from rbsuite.memories.remem import RefinedRetrieval, read_pruned
from scripted import DOWN, GARBLED, World, experience, outcome

THINGS = ("lamp", "desk", "shelf", "chair", "clock", "mirror")


def filled(memory) -> World:
    world = World(memory)
    for number, thing in enumerate(THINGS):
        label = "failure" if number % 2 else "success"
        world.absorb(experience(f"t{number}", outcome(label, f"way {number}"), query=f"buy a {thing}", position=number))
    return world


def exprag(**options: int) -> World:
    return filled(ExperienceRetrieval(**{"k": 4, "budget": 6000, **options}))


def remem() -> World:
    return filled(RefinedRetrieval(k=4, budget=6000, temperature=0.0))


def ways(recall: Recall) -> list[int]:
    places = {recall.text.find(f"Action 1: way {number}"): number for number in range(6)}
    return [number for place, number in sorted(places.items()) if place >= 0]


def test_exprag_recalls_requests_with_what_was_done_and_whether_it_was_right() -> None:
    world = exprag()
    recall = world.recall("buy a desk")
    assert len(recall.items) == 4
    assert ways(recall)[0] == 1, "most similar first"
    first, second = recall.text.split("Experience 2")[0], recall.text.split("Experience 2")[1]
    assert "\nbuy a desk\n" in first
    assert "Judged: failure" in first
    assert "\nbuy a desk\n" not in second
    assert World(ExperienceRetrieval(4, 6000)).recall("q").reason == "empty bank"


def test_of_several_rollouts_one_success_and_one_failure_are_stored() -> None:
    world = World(ExperienceRetrieval(4, 6000))
    rollouts = [
        outcome(label, f"way {n}", rollout=n) for n, label in enumerate(["failure", "success", "failure", "success"])
    ]
    ops = world.absorb(experience("lamp", *rollouts))
    assert [(op.provenance.rollouts, op.provenance.label) for op in ops] == [((0,), "failure"), ((1,), "success")]


def test_long_trajectories_lose_their_middle() -> None:
    world = World(ExperienceRetrieval(4, 60))
    world.absorb(experience("lamp", outcome("success", *(f"step {number}" for number in range(50)))))
    [item] = world.items()
    assert "Action 1: step 0" in item.content
    assert "Action 50: step 49" in item.content
    assert "End: finished" in item.content
    assert "turns left out]" in item.content
    assert len(item.content) < 700, "a budget of 60 tokens for the texts, and their labels"


def test_remem_recalls_as_exprag_before_the_task() -> None:
    assert remem().recall("buy a desk") == exprag().recall("buy a desk")


def test_remem_prunes_before_a_turn_and_for_good() -> None:
    world = remem()
    before = world.recall("buy a desk")
    order = ways(before)
    step = {"phase": "step", "history": "I went in."}
    after = world.recall("buy a desk", "They do not help.\nPrune: 1,3", previous=before, step=1, **step)
    [prompt] = world.prompts
    assert "I went in." in prompt
    assert prompt.count("Experience ") == 4
    assert ways(after) == [order[1], order[3]]
    assert [found.rank for found in after.items] == [0, 1]
    assert [found.item_id for found in after.items] == [before.items[1].item_id, before.items[3].item_id]
    last = world.recall("buy a desk", "Prune: 1, 2", previous=after, step=2, **step)
    assert (last.items, last.text, last.reason) == ((), "", "all was pruned")
    assert world.recall("buy a desk", previous=last, step=3, **step) == last, "nothing is left to ask about"
    assert len(world.items()) == 6, "the bank keeps what was pruned"


@pytest.mark.parametrize("replies", [("Keep",), ("I see.\nKeep.",), (GARBLED, GARBLED), (DOWN,), (GARBLED, "Prune: 9")])
def test_remem_keeps_all_otherwise(replies: tuple[str, ...]) -> None:
    world = remem()
    before = world.recall("buy a desk")
    assert world.recall("buy a desk", *replies, phase="step", previous=before) == before


@pytest.mark.parametrize(
    ("reply", "numbers"),
    [("Prune: 2", {2}), ("Think-Prune: 1,3", {1, 3}), ("Keep.", set()), ("**Prune:** [4 , 4]", {4})],
)
def test_pruning_is_read(reply: str, numbers: set[int]) -> None:
    assert read_pruned(reply, 4) == numbers


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "prune 1",
        "Prune:",
        "Prune: 0",
        "Prune: 5",
        "Prune: one",
        "Keep going",
        "Prune: 1\nKeep",
        "Prune: 1\n\u3000Keep",
        "a <think>\nPrune: 1",
    ],
)
def test_malformed_pruning_is_refused(reply: str) -> None:
    with pytest.raises(Unreadable):
        read_pruned(reply, 4)


def test_history_recalls_the_last_tasks_whatever_is_asked() -> None:
    world = filled(RecentHistory(k=3, budget=6000))
    recall = world.recall("buy a lamp")
    assert ways(recall) == [3, 4, 5]
    assert recall.text == world.recall("something else").text
    assert ways(world.recall("buy", task="t5")) == [2, 3, 4], "never the task itself"
    assert World(RecentHistory(3, 6000)).recall("q").reason == "empty bank"


def test_history_counts_tasks_not_rollouts() -> None:
    world = World(RecentHistory(k=2, budget=6000))
    for number in range(3):
        both = (outcome("success", f"way {number}"), outcome("failure", "no", rollout=1))
        world.absorb(experience(f"t{number}", *both, position=number))
    assert len(world.recall("q").items) == 4
