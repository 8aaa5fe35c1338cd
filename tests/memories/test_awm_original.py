"""``awm-original``: a document that is induced anew from all successes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rbsuite.memories.awm_original import WorkflowDocument
from scripted import DOWN, GARBLED, World, experience, outcome, written


def memory(**options: object) -> World:
    defaults = {"trajectories": 20, "workflows": 10, "budget": 300, "temperature": 1.0}
    return World(WorkflowDocument(**{**defaults, **options}))  # type: ignore[arg-type]


def win(task: str, said: str, position: int = 0):
    return experience(task, outcome("success", said), position=position)


def workflows(*texts: str) -> str:
    return written(*texts, heading="Workflow")


def test_document_is_written_anew_from_all_successes() -> None:
    world = memory()
    world.absorb(win("lamp", "look left"), workflows("first"))
    world.absorb(win("desk", "look right", 1), workflows("second", "third"))
    [prompt] = world.prompts
    assert prompt.index("look left") < prompt.index("look right")
    assert prompt.count("Outcome: success") == 2
    assert "first" not in prompt, "the document so far is not shown"
    recall = world.recall("anything at all")
    assert "second" in recall.text
    assert "third" in recall.text
    assert "first" not in recall.text
    assert recall.items == ()
    assert recall.reason == ""


def test_only_the_newest_successes_are_shown() -> None:
    world = memory(trajectories=2)
    for number in range(4):
        world.absorb(win(f"task {number}", f"way {number}", number), workflows("w"))
    assert [f"way {number}" in world.prompts[0] for number in range(4)] == [False, False, True, True]
    assert len(world.items()) == 4


def test_failures_leave_the_document_alone_and_one_success_a_task_counts() -> None:
    world = memory()
    assert world.absorb(experience("lamp", outcome("failure", "guess"))) == []
    ops = world.absorb(
        experience(
            "desk", outcome("failure", "no"), outcome("success", "a", rollout=1), outcome("success", "b", rollout=2)
        ),
        workflows("w"),
    )
    assert [(op.op, op.provenance.rollouts) for op in ops] == [("add", (1,)), ("put_document", (1,))]


def test_domains_have_documents_of_their_own() -> None:
    world = memory()
    world.absorb(win("lamp", "look left"), workflows("shop workflow"))
    world.absorb(replace(win("trip", "book", 1), domain="travel"), workflows("travel workflow"))
    assert "look left" not in world.prompts[0]
    assert "travel workflow" not in world.recall("q", domain="shop").text
    assert "travel workflow" in world.recall("q", domain="travel").text
    assert world.recall("q", domain="air").reason == "no workflow yet"


@pytest.mark.parametrize("replies", [(GARBLED, GARBLED), (DOWN,)])
def test_failed_induction_keeps_the_document_and_the_success(replies: tuple[str, ...]) -> None:
    world = memory()
    world.absorb(win("lamp", "look"), workflows("w"))
    before = world.document("workflows/shop")
    assert [op.op for op in world.absorb(win("desk", "look", 1), *replies)] == ["add"]
    assert world.document("workflows/shop") == before
    assert world.counts["extraction_failed"] == 1
