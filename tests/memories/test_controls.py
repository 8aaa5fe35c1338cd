"""``placebo`` and ``random``: ReasoningBank with one thing taken away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbsuite.experience import MemoryItem, Provenance
from rbsuite.memories.placebo import Placebo
from rbsuite.memories.random_recall import RandomRecall
from rbsuite.memories.reasoningbank import ReasoningBank
from rbsuite.memories.unrelated import LESSONS, fit, stand_ins
from scripted import World, experience, outcome, written

OPTIONS = {"k": 1, "items": 3, "temperature": 1.0, "failures": True, "contrast_items": 5}


def filled(kind: type[ReasoningBank], tasks: int = 8, **options: int) -> World:
    world = World(kind(**{**OPTIONS, **options}))  # type: ignore[arg-type]
    for number in range(tasks):
        learnt = written(f"Lesson {number}: compare the shelves.", f"Second lesson {number}.")
        done = experience(f"t{number}", outcome("success", "look"), query=f"buy thing {number}", position=number)
        world.absorb(done, learnt)
    return world


def test_placebo_learns_the_same_and_reads_something_else_of_the_same_length() -> None:
    real, placebo = filled(ReasoningBank), filled(Placebo)
    assert placebo.bank.state_hash == real.bank.state_hash
    for number in range(8):
        true, false = real.recall(f"buy thing {number}"), placebo.recall(f"buy thing {number}")
        assert (false.items, false.index) == (true.items, true.index)
        assert len(false.text) == len(true.text)
        assert false.text.split("<<")[0] == true.text.split("<<")[0], "the header is the same"
        assert "esson" not in false.text.split("<<", 1)[1]
        assert false == placebo.recall(f"buy thing {number}")
    assert World(Placebo(**OPTIONS)).recall("q") == World(ReasoningBank(**OPTIONS)).recall("q")  # type: ignore[arg-type]


TEXTS = st.text(min_size=1, max_size=700)


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=4))
def test_stand_ins_have_the_lengths_of_what_they_stand_for(texts: list[tuple[str, str, str]]) -> None:
    items = [
        MemoryItem(f"id{number}", *fields, "key", "e", "strategy", "shop", Provenance("t", 0))
        for number, fields in enumerate(texts)
    ]
    unrelated = stand_ins(items)
    assert [(len(i.title), len(i.description), len(i.content)) for i in unrelated] == [
        (len(i.title), len(i.description), len(i.content)) for i in items
    ]
    assert len({item.content[:60] for item in unrelated if len(item.content) > 60}) == sum(
        len(item.content) > 60 for item in unrelated
    ), "no two say the same"


@given(st.integers(0, 3000))
def test_fit_is_exact(length: int) -> None:
    text = fit([lesson.content for lesson in LESSONS], length, " ")
    assert len(text) == length
    assert text == text.rstrip()


def test_lessons_are_distinct_and_complete() -> None:
    assert len({lesson.title for lesson in LESSONS}) == len(LESSONS) >= 10
    assert all(lesson.title and lesson.description and lesson.content for lesson in LESSONS)


def test_random_ignores_the_query_and_keeps_to_the_seed() -> None:
    world = filled(RandomRecall)
    drawn = [world.recall("buy thing 3", seed=seed) for seed in range(40)]
    assert drawn == [world.recall("quite another query", seed=seed) for seed in range(40)]
    experiences = {world.bank.get(recall.items[0].item_id, 8).experience for recall in drawn}  # type: ignore[union-attr]
    assert len(experiences) == 8
    for recall in drawn:
        assert len(recall.items) == 2, "all items of the experience"


@pytest.mark.parametrize(("k", "tasks", "items"), [(3, 8, 6), (5, 2, 4), (1, 0, 0)])
def test_random_draws_k_experiences_or_all(k: int, tasks: int, items: int) -> None:
    recall = filled(RandomRecall, tasks, k=k).recall("buy")
    assert len({found.item_id for found in recall.items}) == items
    assert bool(recall.reason) == (items == 0)


def test_random_never_draws_the_task_itself() -> None:
    world = filled(RandomRecall, 2)
    for seed in range(20):
        [first, _] = world.recall("buy", task="t0", seed=seed).items
        assert world.bank.get(first.item_id, 2).provenance.task_id == "t1"  # type: ignore[union-attr]
