"""What the memories of the core store, recall and ask for, in whole experiments; and the defects of ReasoningBank's released code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import altered
from experiments import SURE, mean, measure, outcomes, records_of, runs_of, scores
from rbsuite.experience import MemoryItem
from rbsuite.models.prices import context
from rbsuite.record import TaskRecord
from rbsuite.statistics.summary import summarise
from rbsuite.store import ExperimentStore
from toy import SKILLS, ToyPlugin

MEMORIES = ("none", "reasoningbank", "awm", "synapse")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExperimentStore]:
    """All memories, judged by the truth, with a learner that extracts well."""
    options: dict[str, Any] = {"judge": "ground-truth", "model": "sim/learner:malformed=0", "orders": 2}
    with measure(tmp_path_factory.mktemp("mechanisms"), memory=MEMORIES, **options) as done:
        yield done


def added(store: ExperimentStore, memory: str) -> list[tuple[TaskRecord, MemoryItem]]:
    return [(record, op.item) for _, record in records_of(store, memory) for op in record.ops if op.item is not None]


def solved(record: TaskRecord) -> bool:
    return record.rollouts[0].trajectory.score == 1.0


@pytest.mark.parametrize("memory", MEMORIES)
def test_every_operation_says_where_it_comes_from(store: ExperimentStore, memory: str) -> None:
    """D1, D5: the label is the verdict's, not its opposite, and the judge is named."""
    for _, record in records_of(store, memory):
        for op in record.ops:
            assert op.op == "add", "banks only grow"
            assert op.item is not None
            for provenance in (op.provenance, op.item.provenance):
                assert (provenance.task_id, provenance.position) == (record.task_id, record.position)
                assert provenance.rollouts == (0,)
                assert provenance.label == ("success" if solved(record) else "failure")
                assert provenance.source == "ground-truth"
            assert op.item.key == record.rollouts[0].trajectory.query
            assert op.item.domain == record.task_id.partition("/")[0]
            assert op.item.revision == 1


def test_ids_are_unique_within_a_bank(store: ExperimentStore) -> None:
    for memory in MEMORIES[1:]:
        for info in runs_of(store, memory):
            ids = [op.item.id for _, op in store.ops(info.id) if op.item is not None]
            assert len(set(ids)) == len(ids) > 0


def test_none_recalls_nothing_and_learns_nothing(store: ExperimentStore) -> None:
    for _, record in records_of(store, "none"):
        assert record.ops == ()
        assert "memory" not in record.usage
        assert record.recalls[0].recall.items == ()
        assert record.recalls[0].recall.text == ""
        assert record.recalls[0].recall.reason == "no memory"


@pytest.mark.parametrize(("memory", "kind"), [("awm", "workflow"), ("synapse", "trajectory")])
def test_baselines_learn_once_from_every_success_and_never_from_a_failure(
    store: ExperimentStore, memory: str, kind: str
) -> None:
    """D22: a failed task is an ordinary outcome with nothing to store."""
    for _, record in records_of(store, memory):
        assert len(record.ops) == int(solved(record))
        assert {op.item.kind for op in record.ops if op.item} <= {kind}
    assert {solved(record) for _, record in records_of(store, memory)} == {True, False}


def test_synapse_asks_no_model_and_stores_what_was_done(store: ExperimentStore) -> None:
    for record, item in added(store, "synapse"):
        assert "memory" not in record.usage
        assert record.rollouts[0].trajectory.steps[-1].action.text in item.content
        assert "End: finished" in item.content


def test_reasoningbank_learns_from_successes_and_failures_within_three_items(store: ExperimentStore) -> None:
    labels = {item.provenance.label for _, item in added(store, "reasoningbank")}
    assert labels == {"success", "failure"}
    for _, record in records_of(store, "reasoningbank"):
        assert 1 <= len(record.ops) <= 3
        assert record.usage["memory"].calls == 1
        assert {op.item.kind for op in record.ops if op.item} == {"strategy"}


@pytest.mark.parametrize("memory", MEMORIES[1:])
def test_recall_is_of_what_is_stored_and_never_of_the_task_itself(store: ExperimentStore, memory: str) -> None:
    """D8, D11: ranked among stored entries, so a memory that holds something always recalls something."""
    for info in runs_of(store, memory):
        bank: dict[str, MemoryItem] = {}
        for record in store.records(info.id):
            [event] = record.recalls
            assert (event.rollout, event.phase, event.version) == (-1, "task", record.position)
            assert record.read_version == record.position
            recalled = [bank[found.item_id] for found in event.recall.items]
            assert bool(recalled) == bool(bank)
            assert event.recall.reason == ("" if bank else "empty bank")
            assert event.recall.index == ("exact" if bank else "")
            assert len({item.experience for item in recalled}) <= 1
            for item in recalled:
                assert item.provenance.task_id != record.task_id
                assert item.provenance.position < record.position
                assert item.content in event.recall.text
            if recalled:
                siblings = [item for item in bank.values() if item.experience == recalled[0].experience]
                assert recalled == siblings, "all items of the experience, in the order they were added"
            bank |= {op.item.id: op.item for op in record.ops if op.item is not None}


def test_share_of_recalls_is_reported(store: ExperimentStore) -> None:
    """The figure that would have exposed D8 and D11: only the tasks before the first entry go without."""
    for condition in summarise(store).conditions:
        memory = condition.condition.memory
        empty = sum(not record.recalls[0].recall.items for _, record in records_of(store, memory))
        assert condition.recalled == 1 - empty / 48
        if memory == "reasoningbank":
            assert empty == 2, "the first task of each order"


def test_more_experiences_are_recalled_with_all_their_items(tmp_path: Path) -> None:
    with measure(tmp_path, memory=("reasoningbank:k=4",)) as done:
        for _, record in records_of(done, "reasoningbank:k=4"):
            items = record.recalls[0].recall.items
            assert [found.rank for found in items] == list(range(len(items)))
            assert [found.score for found in items] == sorted((found.score for found in items), reverse=True)
        counts = [len(record.recalls[0].recall.items) for _, record in records_of(done, "reasoningbank:k=4")]
        assert max(counts) >= 4


def test_same_task_again_does_not_recall_itself(tmp_path: Path) -> None:
    """D8, D12: with one task there is nothing to recall, however often it is asked."""
    with measure(tmp_path, memory=("reasoningbank",), tasks=("apples/1",), orders=3) as done:
        for _, record in records_of(done, "reasoningbank"):
            assert record.recalls[0].recall.items == ()
            assert record.recalls[0].recall.reason == "empty bank"


def test_runs_share_no_bank(store: ExperimentStore) -> None:
    """D13: every run begins with nothing and holds what it learnt itself."""
    for memory in MEMORIES[1:]:
        for info in runs_of(store, memory):
            first = next(store.records(info.id))
            assert first.read_version == 0
            assert first.recalls[0].recall.reason == "empty bank"
            learnt = [op.provenance.position for _, op in store.ops(info.id)]
            assert learnt == sorted(learnt)


def test_experiments_share_no_bank(tmp_path: Path) -> None:
    with (
        measure(tmp_path / "a", memory=("reasoningbank",)),
        measure(tmp_path / "b", memory=("reasoningbank",)) as second,
    ):
        _, first = next(records_of(second, "reasoningbank"))
        assert first.recalls[0].recall.reason == "empty bank"


def requests(purpose: str) -> list[tuple[str, float | None, str]]:
    return [
        ("\n".join(message.content for message in request.messages), request.temperature, reply)
        for request, reply in altered.Recording.requests
        if request.purpose == purpose
    ]


def test_both_prompts_are_used_with_the_right_label_and_the_paper_s_temperatures(tmp_path: Path) -> None:
    """D1, D6: the outcome in the prompt is the verdict's; extraction runs at 1.0, the judge at 0."""
    altered.Recording.requests.clear()
    plugin = ToyPlugin(models=[altered.recording()])
    with measure(tmp_path, plugin, memory=("reasoningbank",), model=f"sim/recording:{SURE}", concurrency=1) as done:
        records = [record for _, record in records_of(done, "reasoningbank")]
    asked = requests("memory")
    assert len(asked) == len(records) == 24
    for (prompt, temperature, _), record in zip(asked, records, strict=True):
        assert temperature == 1.0
        label = "success" if solved(record) else "failure"
        assert f"Outcome: {label}\n" in prompt
        assert f"judged a {label}" in prompt
        assert "at most 3 memory items" in prompt
        verdict = record.rollouts[0].verdict
        assert verdict is not None
        assert verdict.rationale
        assert verdict.rationale in prompt, "D23: the judge's rationale goes to memory"
        assert prompt.index("<<attempt ") < prompt.index("Action 1: ") < prompt.index("<<end of attempt ")
    assert {solved(record) for record in records} == {True, False}
    assert {temperature for _, temperature, _ in requests("judge")} == {0.0}
    assert {temperature for _, temperature, _ in requests("agent")} == {0.0}


def test_rationale_goes_to_every_memory_that_asks_a_model(tmp_path: Path) -> None:
    """D23: ReasoningBank and its baseline are told the same of a success."""
    told: dict[str, list[str]] = {}
    for memory in ("reasoningbank", "awm"):
        altered.Recording.requests.clear()
        plugin = ToyPlugin(models=[altered.recording()])
        options: dict[str, Any] = {
            "memory": (memory,),
            "model": f"sim/recording:known=1,{SURE}",
            "limit": 4,
            "concurrency": 1,
        }
        with measure(tmp_path / memory, plugin, **options):
            told[memory] = [prompt[prompt.index("# The attempt") :] for prompt, _, _ in requests("memory")]
    assert told["awm"] == told["reasoningbank"]
    assert all("The judge said:\n<<reasons " in prompt for prompt in told["awm"])


def test_unreadable_reply_is_asked_for_once_more_then_nothing_is_learnt(tmp_path: Path) -> None:
    """D25: what does not keep to the form never enters the bank, and is counted."""
    altered.Recording.requests.clear()
    plugin = ToyPlugin(models=[altered.recording()])
    options: dict[str, Any] = {
        "memory": ("none", "reasoningbank"),
        "model": "sim/recording:malformed=1",
        "concurrency": 1,
    }
    with measure(tmp_path, plugin, **options) as done:
        for _, record in records_of(done, "reasoningbank"):
            assert record.ops == ()
            assert record.usage["memory"].calls == 2
            assert record.notes == {"extraction_failed": 1, "extraction_malformed": 2}
        assert outcomes(done, "reasoningbank") == outcomes(done, "none")
        assert summarise(done).conditions[1].notes == {"extraction_failed": 24, "extraction_malformed": 48}
    first, second = requests("memory")[:2]
    assert second[0].startswith(first[0])
    assert "could not be read" in second[0]
    assert "there is no line '# Memory Item 1'" in second[0]


def test_malformed_first_reply_is_made_good_by_the_second(tmp_path: Path) -> None:
    with measure(tmp_path, memory=("reasoningbank",), model="sim/learner:malformed=0.5", orders=2) as done:
        mended = [
            record for _, record in records_of(done, "reasoningbank") if record.notes == {"extraction_malformed": 1}
        ]
        assert mended
        assert all(record.ops and record.usage["memory"].calls == 2 for record in mended)


@pytest.mark.parametrize("memory", ["reasoningbank", "awm", "synapse"])
def test_nothing_is_learnt_without_a_verdict(tmp_path: Path, memory: str) -> None:
    """D19: no verdict, no lesson."""
    with measure(tmp_path, memory=("none", memory), judge="none") as done:
        assert all(record.ops == () for _, record in records_of(done, memory))
        assert outcomes(done, memory) == outcomes(done, "none")


def test_judge_that_is_always_wrong_teaches_less_than_the_truth(tmp_path: Path) -> None:
    """Verdicts matter: awm stores failures as workflows and successes not at all."""
    options: dict[str, Any] = {"memory": ("awm",), "orders": 2, "model": f"sim/learner:{SURE}"}
    with (
        measure(tmp_path / "right", judge="noisy:1", **options) as right,
        measure(tmp_path / "wrong", judge="noisy:0", **options) as wrong,
    ):
        assert mean(scores(right, "awm")) > mean(scores(wrong, "awm"))
        assert summarise(right).conditions[0].judge_accuracy == 1.0
        assert summarise(wrong).conditions[0].judge_accuracy == 0.0


@pytest.mark.parametrize(
    ("judge", "truth", "sources"),
    [("self", False, {"self"}), ("ground-truth", True, {"ground-truth"}), ("noisy:0.9", True, {"noisy:0.9"})],
)
def test_truth_enters_memory_only_when_asked_for_and_says_so(
    tmp_path: Path, judge: str, truth: bool, sources: set[str]
) -> None:
    """D5."""
    with measure(tmp_path, memory=("reasoningbank",), judge=judge) as done:
        assert done.manifest.facts["judge_sees_ground_truth"] is truth
        assert {op.provenance.source for _, record in records_of(done, "reasoningbank") for op in record.ops} == sources


def test_bank_of_a_resumed_run_is_folded_from_the_log(tmp_path: Path) -> None:
    """D12: nothing is appended twice."""
    with measure(tmp_path, memory=("reasoningbank",)) as done:
        before = list(done.ops(done.manifest.runs[0].id))
    with measure(tmp_path, memory=("reasoningbank",)) as done:
        assert list(done.ops(done.manifest.runs[0].id)) == before


def test_lessons_are_those_of_the_family_that_was_seen(store: ExperimentStore) -> None:
    lessons = {skill.lesson: family for family, skill in SKILLS.items()}
    seen = [
        (lessons[item.content], item.domain) for _, item in added(store, "reasoningbank") if item.content in lessons
    ]
    assert seen
    assert all(family == domain for family, domain in seen)


def test_what_does_not_fit_a_model_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The context is that of litellm's list; what was left out for it stands in the results."""
    assert (context("openai/gpt-4"), context("openai/no-such-model")) == (8192, 0)
    monkeypatch.setattr("rbsuite.run.roles.context", lambda name: 660)
    with measure(tmp_path, memory=("reasoningbank",), orders=1, limit=8) as done:
        [notes] = [one.notes for one in summarise(done).conditions]
    assert notes.get("transcripts_cut", 0) + notes.get("rules_cut", 0) > 0
