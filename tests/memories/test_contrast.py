"""What memories learn from several rollouts of a task: by contrast, or from each by itself."""

from __future__ import annotations

import re

import pytest

from rbsuite.memories.awm import WorkflowMemory
from rbsuite.memories.reasoningbank import ReasoningBank
from rbsuite.memories.synapse import TrajectoryMemory
from scripted import DOWN, GARBLED, World, experience, outcome, written

WON = outcome("success", "look first", rollout=0, why="It was bought.")
LOST = outcome("failure", "guess", rollout=1, why="Another was bought.")
LOST_TOO = outcome("failure", "wait", rollout=2)
THREE = experience("lamp", WON, LOST, LOST_TOO)


def bank(**options: object) -> World:
    return World(ReasoningBank(**{"k": 1, "items": 3, "temperature": 1.0, "failures": True, **options}))  # type: ignore[arg-type]


def test_joint_contrasts_all_trajectories_each_with_its_label() -> None:
    """D2, D3: every trajectory of the group stands in the one prompt, after its own label."""
    world = bank()
    world.absorb(THREE, written("a", "b"))
    [prompt] = world.prompts
    assert re.findall(r"^(?:Rollout|Outcome|Action 1): ?(.*)$|^Rollout (\d)$", prompt, re.MULTILINE) == [
        ("", "0"), ("success", ""), ("look first", ""),
        ("", "1"), ("failure", ""), ("guess", ""),
        ("", "2"), ("failure", ""), ("wait", ""),
    ]  # fmt: skip
    assert "The judge said:\n<<reasons " in prompt
    assert "\nIt was bought.\n<<end of reasons" in prompt
    assert "\nAnother was bought.\n<<end of reasons" in prompt
    assert "at most 5 memory items" in prompt
    assert world.temperatures == [1.0]


def test_what_was_contrasted_stems_from_all_rollouts() -> None:
    world = bank()
    ops = world.absorb(THREE, written("a", "b"))
    assert [(op.provenance.rollouts, op.provenance.label) for op in ops] == [((0, 1, 2), "mixed")] * 2
    assert [item.content for item in world.items()] == ["a", "b"]
    ops = bank().absorb(experience("lamp", LOST, LOST_TOO), written("a"))
    assert [(op.provenance.rollouts, op.provenance.label) for op in ops] == [((1, 2), "failure")]


def test_at_most_contrast_items_are_kept() -> None:
    world = bank()
    world.absorb(THREE, written(*"abcdefg"))
    assert [item.content for item in world.items()] == list("abcde")
    assert world.counts == {"extraction_dropped": 2}
    world = bank(contrast_items=1)
    world.absorb(THREE, written("a", "b"))
    assert len(world.items()) == 1
    assert "at most 1 memory item for" in world.prompts[0]


def test_independent_learns_from_each_by_itself() -> None:
    world = bank()
    ops = world.absorb(
        experience("lamp", WON, LOST, aggregation="independent"), written("a", "b", "c", "d"), written("e")
    )
    assert [(op.provenance.rollouts, op.provenance.label) for op in ops] == [((0,), "success")] * 3 + [
        ((1,), "failure")
    ]
    assert ["look first" in prompt for prompt in world.prompts] == [True, False]
    assert ["guess" in prompt for prompt in world.prompts] == [False, True]
    assert len({item.experience for item in world.items()}) == 1


def test_one_outcome_is_nothing_to_contrast() -> None:
    world = bank()
    world.absorb(experience("lamp", WON), written("a"))
    assert "judged a success" in world.prompts[0]
    world = bank(failures=False)
    [op] = world.absorb(THREE, written("a"))
    assert op.provenance.rollouts == (0,)
    assert "guess" not in world.prompts[0]


@pytest.mark.parametrize("replies", [(GARBLED, GARBLED), (DOWN,), (GARBLED, DOWN)])
def test_nothing_is_learnt_of_a_contrast_that_cannot_be_read(replies: tuple[str, ...]) -> None:
    world = bank()
    assert world.absorb(THREE, *replies) == []
    assert world.counts["extraction_failed"] == 1
    assert world.counts["extraction_malformed"] == replies.count(GARBLED)


def test_second_reply_may_mend_the_first() -> None:
    world = bank()
    assert len(world.absorb(THREE, GARBLED, written("a"))) == 1
    assert world.counts == {"extraction_malformed": 1}
    assert "there is no line '# Memory Item 1'" in world.prompts[1]


def test_notes_of_refinement_go_into_extraction() -> None:
    """Sequential scaling: intermediate notes are signals too; they are data, not instructions."""
    noted = outcome("success", "look first", notes=("I had missed the price.",))
    world = bank()
    world.absorb(experience("lamp", noted), written("a"))
    assert re.search(r"<<notes \w+>>\nI had missed the price.\n<<end of notes", world.prompts[0])
    world.absorb(experience("desk", noted, LOST), written("a"))
    assert "I had missed the price." in world.prompts[0]
    world.absorb(experience("shelf", WON, LOST), written("a"))
    assert "Notes that were made" not in world.prompts[0]


@pytest.mark.parametrize("aggregation", ["joint", "independent"])
def test_baselines_learn_from_each_success_within_a_cap(aggregation: str) -> None:
    wins = [outcome("success", f"way {number}", rollout=number) for number in range(5)]
    task = experience("lamp", LOST, *wins, aggregation=aggregation)
    synapse = World(TrajectoryMemory(k=1, budget=600))
    assert [op.provenance.rollouts for op in synapse.absorb(task)] == [(0,), (1,), (2,)]
    awm = World(WorkflowMemory(k=1, temperature=0.7, per_task=2))
    replies = [written(text, heading="Workflow") for text in "ab"]
    assert [op.provenance.rollouts for op in awm.absorb(task, *replies)] == [(0,), (1,)]


def test_rollouts_that_did_the_same_are_one_exemplar() -> None:
    same = [outcome("success", "the way", rollout=number) for number in range(3)]
    assert len(World(TrajectoryMemory(k=1, budget=600)).absorb(experience("lamp", *same))) == 1
