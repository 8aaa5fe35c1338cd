"""The further memories and the controls in whole experiments: they run, they log, and they help through text alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import altered
from experiments import SURE, core_plugins, mean, measure, outcomes, records_of, runs_of, scores
from rbsuite.cli.listing import command as list_command
from rbsuite.store import ExperimentStore, experiment_digest
from toy import SKILLS, Toy, ToyPlugin

LEARNING = (
    "awm-original",
    "reflexion",
    "dynamic-cheatsheet",
    "dynamic-cheatsheet:variant=rs",
    "ace",
    "exprag",
    "remem",
)
CONTROLS = ("placebo", "random", "history")
FURTHER = (*LEARNING, *CONTROLS)
ASKING = [memory for memory in FURTHER if memory not in ("exprag", "history", "remem")]
"""Those that learn by asking a model."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExperimentStore]:
    """All of them beside memory off and ReasoningBank; with nothing but skills left to chance."""
    memories = ("none", "reasoningbank", *FURTHER)
    options: dict[str, Any] = {"memory": memories, "model": f"sim/learner:known=0.2,{SURE}", "orders": 4}
    with measure(tmp_path_factory.mktemp("further"), **options) as done:
        yield done


def texts(store: ExperimentStore, memory: str) -> list[str]:
    return [event.recall.text for _, record in records_of(store, memory) for event in record.recalls]


@pytest.mark.parametrize("memory", FURTHER)
def test_every_memory_learns_recalls_and_logs(store: ExperimentStore, memory: str) -> None:
    assert any(texts(store, memory))
    for info in runs_of(store, memory):
        known: dict[str, int] = {}
        for record in store.records(info.id):
            assert record.recalls[0].phase == "task"
            for event in record.recalls:
                assert bool(event.recall.text) != bool(event.recall.reason)
                for found in event.recall.items:
                    assert known[found.item_id] == found.revision
            for op in record.ops:
                assert op.provenance.task_id == record.task_id
                if op.item is not None:
                    known[op.item.id] = 1
                elif op.item_id:
                    known[op.item_id] += 1
        assert known or memory == "dynamic-cheatsheet"


@pytest.mark.parametrize("memory", FURTHER)
def test_task_is_solved_if_and_only_if_the_skill_was_known_or_read(store: ExperimentStore, memory: str) -> None:
    """Whatever the mechanism, the gain is in the text."""
    alone = {(info.order, record.task_id): record for info, record in records_of(store, "none")}
    for info, record in records_of(store, memory):
        told = SKILLS[record.task_id.partition("/")[0]].lesson in record.recalls[-1].recall.text
        knew = alone[info.order, record.task_id].rollouts[0].trajectory.score == 1.0
        assert record.rollouts[0].trajectory.score == float(told or knew)


@pytest.mark.parametrize("memory", LEARNING)
def test_mechanisms_gain_over_no_memory(store: ExperimentStore, memory: str) -> None:
    assert mean(scores(store, memory)) > mean(scores(store, "none")) + 0.1


def test_placebo_is_memory_off_at_the_cost_of_memory_on(store: ExperimentStore) -> None:
    """A longer prompt under the same header changes nothing, since no lesson stands in it."""
    assert outcomes(store, "placebo") == outcomes(store, "none")
    assert sum(map(bool, texts(store, "placebo"))) > 80
    assert not any(skill.lesson in text for text in texts(store, "placebo") for skill in SKILLS.values())
    for _, record in records_of(store, "placebo"):
        assert record.usage["memory"].calls == 1
        assert record.ops


def test_chance_is_worth_less_than_likeness(store: ExperimentStore) -> None:
    """On a stream of templates the sibling's lesson is the right one; a random one is so for a third of the tasks."""
    assert mean(scores(store, "random")) < mean(scores(store, "reasoningbank")) - 0.1
    assert mean(scores(store, "random")) > mean(scores(store, "none"))
    assert any(event.recall.items for _, record in records_of(store, "random") for event in record.recalls)


def test_remem_recalls_at_every_turn(store: ExperimentStore) -> None:
    pruned = 0
    for _, record in records_of(store, "remem"):
        first, *steps = record.recalls
        assert [event.phase for event in steps] == ["step"] * record.rollouts[0].trajectory.agent_steps
        kept = [[found.item_id for found in event.recall.items] for event in (first, *steps)]
        assert all(set(later) <= set(earlier) for earlier, later in pairwise(kept))
        pruned += len(kept[-1]) < len(kept[0])
    assert pruned > 0


@pytest.mark.parametrize("memory", FURTHER)
def test_nothing_is_learnt_without_a_verdict(tmp_path: Path, memory: str) -> None:
    with measure(tmp_path, memory=("none", memory), judge="none") as done:
        assert all(record.ops == () for _, record in records_of(done, memory))
        assert outcomes(done, memory) == outcomes(done, "none")


@pytest.mark.parametrize("memory", ASKING)
def test_malformed_replies_teach_nothing_and_are_counted(tmp_path: Path, memory: str) -> None:
    with measure(tmp_path, memory=("none", memory), model="sim/learner:malformed=1") as done:
        assert outcomes(done, memory) == outcomes(done, "none")
        notes = [record.notes for _, record in records_of(done, memory)]
        assert sum(note.get("extraction_failed", 0) for note in notes) > 0
        assert sum(note.get("extraction_malformed", 0) for note in notes) == 2 * sum(
            note.get("extraction_failed", 0) for note in notes
        )


def test_what_runs_at_once_changes_nothing(tmp_path: Path) -> None:
    """Each is a function of its reads and replies, so tasks that run ahead give the same."""
    with (
        measure(tmp_path / "a", memory=FURTHER, concurrency=1, speculate="off") as one,
        measure(tmp_path / "b", memory=FURTHER, concurrency=8, speculate="5") as other,
    ):
        assert experiment_digest(one) == experiment_digest(other)


@pytest.mark.parametrize("aggregation", ["joint", "independent"])
def test_every_memory_takes_several_rollouts(tmp_path: Path, aggregation: str) -> None:
    memories = ("reasoningbank", "awm", "synapse", *FURTHER)
    with measure(tmp_path, memory=memories, scaling=("parallel:3",), aggregation=aggregation, limit=6) as done:
        for memory in memories:
            used = {op.provenance.rollouts for _, record in records_of(done, memory) for op in record.ops}
            assert used
        strategies = [op for _, record in records_of(done, "reasoningbank") for op in record.ops]
        if aggregation == "joint":
            assert {op.provenance.rollouts for op in strategies} == {(0, 1, 2)}
        else:
            assert {op.provenance.rollouts for op in strategies} <= {(0,), (1,), (2,)}


def test_reflexion_reflects_before_further_rollouts(tmp_path: Path) -> None:
    """Where an episode has ended each round is a fresh rollout, and the reflection on the earlier ones stands before it."""
    plugin = ToyPlugin(environments=[altered.environment("again", Toy, refine="retry")])
    options: dict[str, Any] = {"env": "again", "scaling": ("sequential:2",), "limit": 9}
    with measure(tmp_path, plugin, memory=("reflexion",), model=f"sim/learner:known=0,{SURE}", **options) as done:
        first = next(record for _, record in records_of(done, "reflexion"))
        assert [event.phase for event in first.recalls] == ["task", "retry"]
        assert first.recalls[0].recall.text == ""
        assert SKILLS[first.task_id.partition("/")[0]].lesson in first.recalls[1].recall.text
        assert [rollout.trajectory.score for rollout in first.rollouts] == [0.0, 1.0]


def test_list_shows_all_with_their_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rbsuite.plugins.load_plugins", core_plugins)
    shown = CliRunner().invoke(list_command, ["memories", "-v"], catch_exceptions=False).stdout
    specs = json.loads(CliRunner().invoke(list_command, ["memories", "--json"], catch_exceptions=False).stdout)
    found = {spec["name"]: spec for spec in specs}
    assert {name.partition(":")[0] for name in FURTHER} <= set(found)
    assert {name for name, spec in found.items() if spec["control"]} == set(CONTROLS)
    for word in ("contrast_items", "variant", "cu|rs", "similarity", "trajectories", "per_task"):
        assert word in shown
    for spec in found.values():
        for option in spec["options"]:
            assert option["type"] not in ("int", "float") or option["minimum"] is not None
