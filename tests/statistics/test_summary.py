"""The figures of an experiment: nothing leaves the denominator, and only what was paired is compared."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

import altered
from experiments import mean, measure, prepare, records_of, run
from rbsuite.record import TaskRecord
from rbsuite.run.directory import open_experiment
from rbsuite.statistics.summary import summarise
from rbsuite.store import ExperimentStore
from rbsuite.trajectory import Usage
from toy import ToyPlugin

MEMORIES = ("none", "reasoningbank", "awm")


def test_figures_are_those_of_the_records(tmp_path: Path) -> None:
    with measure(tmp_path, memory=MEMORIES, orders=3) as store:
        summary = summarise(store)
        assert [condition.condition.memory for condition in summary.conditions] == list(MEMORIES)
        for condition in summary.conditions:
            records = [record for _, record in records_of(store, condition.condition.memory)]
            rollouts = [record.rollouts[0] for record in records]
            per_task: dict[str, list[float]] = {}
            for record in records:
                per_task.setdefault(record.task_id, []).append(record.rollouts[0].trajectory.score or 0.0)
            assert condition.scores == pytest.approx({task: mean(values) for task, values in per_task.items()})
            assert condition.success.mean == pytest.approx(mean([mean(values) for values in per_task.values()]))
            assert (condition.n_tasks, condition.orders, condition.committed) == (24, 3, 72)
            assert condition.steps == mean([rollout.trajectory.agent_steps for rollout in rollouts])
            assert condition.ends == Counter(rollout.trajectory.end for rollout in rollouts)
            spent = [usage for record in records for usage in record.usage.values()]
            spent += [usage for rollout in rollouts for usage in rollout.usage.values()]
            assert condition.total == sum(spent, Usage())
            right = [
                rollout.verdict is not None
                and (rollout.verdict.label == "success") == (rollout.trajectory.score == 1.0)
                for rollout in rollouts
            ]
            assert condition.judge_accuracy == pytest.approx(sum(right) / 72)


@pytest.mark.parametrize("orders", [1, 3])
def test_comparison_is_paired_by_task_and_order(tmp_path: Path, orders: int) -> None:
    with measure(tmp_path, memory=MEMORIES, orders=orders) as store:
        summary = summarise(store)
    base, *others = summary.conditions
    assert [comparison.a.memory for comparison in summary.comparisons] == list(MEMORIES[1:])
    tasks = sorted(base.scores)
    for comparison, other in zip(summary.comparisons, others, strict=True):
        assert comparison.b.memory == "none"
        assert comparison.difference.mean == pytest.approx(other.success.mean - base.success.mean)
        assert (comparison.n_tasks, comparison.orders) == (24, orders)
        paired = stats.ttest_rel([other.scores[task] for task in tasks], [base.scores[task] for task in tasks])
        low, high = paired.confidence_interval(0.95)
        assert comparison.difference.interval is not None
        if orders == 1:
            assert comparison.difference.interval == pytest.approx((low, high))
            assert comparison.p_value == pytest.approx(paired.pvalue)
        else:
            assert comparison.difference.interval[0] < comparison.difference.mean < comparison.difference.interval[1]


def test_broken_rollouts_count_as_failures_of_the_condition(tmp_path: Path) -> None:
    plugin = ToyPlugin(models=[altered.failing()])
    with (
        measure(tmp_path / "a", plugin, memory=("none",), model="sim/failing:agent,family=apples") as broken,
        measure(tmp_path / "b", plugin, memory=("none",)) as whole,
    ):
        failing, healthy = summarise(broken).conditions[0], summarise(whole).conditions[0]
    assert failing.n_tasks == len(failing.scores) == 24
    assert failing.failures == 8
    assert failing.ends == {"finished": 16, "model_error": 8}
    lost = sum(score for task, score in healthy.scores.items() if task.startswith("apples"))
    assert lost > 0
    assert failing.success.mean == pytest.approx(healthy.success.mean - lost / 24)
    assert sum(failing.judged.values()) == 16


@pytest.mark.parametrize("commits", [1, 24, 30, 60, 80])
def test_unfinished_experiment_compares_the_tasks_that_both_have_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commits: int
) -> None:
    options: dict[str, Any] = {"memory": ("none", "reasoningbank"), "orders": 2}
    commit, done = ExperimentStore.commit, itertools.count(1)

    def commit_and_stop(store: ExperimentStore, run_id: str, record: TaskRecord) -> bool:
        commit(store, run_id, record)
        if next(done) == commits:
            raise RuntimeError("stop")
        return True

    with monkeypatch.context() as patch:
        patch.setattr(ExperimentStore, "commit", commit_and_stop)
        with pytest.raises(RuntimeError, match="stop"):
            measure(tmp_path, concurrency=1, **options)
    with ExperimentStore.open(tmp_path, readonly=True) as store:
        summary = summarise(store)
        cells = {
            memory: {(info.order, record.task_id): record for info, record in records_of(store, memory)}
            for memory in options["memory"]
        }
    base, other = summary.conditions
    assert base.committed + other.committed == commits
    assert (base.n_tasks, other.n_tasks) == (24, 24)
    [comparison] = summary.comparisons
    answers: dict[str, dict[str, list[float]]] = {memory: {} for memory in options["memory"]}
    for memory, found in cells.items():
        for (_, task), record in found.items():
            answers[memory].setdefault(task, []).append(record.rollouts[0].trajectory.score or 0.0)
    gains = {
        task: mean(answers["reasoningbank"][task]) - mean(answers["none"][task])
        for task in answers["reasoningbank"]
        if task in answers["none"]
    }
    assert comparison.n_tasks == len(gains)
    if gains:
        assert comparison.difference.mean == pytest.approx(mean(list(gains.values())))
    else:
        assert math.isnan(comparison.difference.mean)
        assert comparison.difference.interval is None
        assert comparison.p_value is None


def test_experiment_that_has_not_begun_has_no_figures(tmp_path: Path) -> None:
    with open_experiment(prepare(memory=("none", "awm")), tmp_path) as store:
        summary = summarise(store)
    for condition in summary.conditions:
        assert condition.committed == 0
        assert math.isnan(condition.success.mean)
        assert condition.success.interval is None
        assert condition.judge_accuracy is None
        assert math.isnan(condition.recalled)
    assert summary.comparisons[0].n_tasks == 0


def test_one_task_says_next_to_nothing(tmp_path: Path) -> None:
    with run(prepare(limit=1), tmp_path) as store:
        summary = summarise(store)
    low, high = summary.conditions[0].success.interval or (0, 0)
    assert high - low > 0.9
    assert summary.comparisons[0].difference.interval is None
    assert summary.comparisons[0].p_value is None
    assert (summary.comparisons[0].n_tasks, summary.comparisons[0].orders) == (1, 1)


def test_a_memory_that_recalls_text_without_items_has_recalled_something(tmp_path: Path) -> None:
    with measure(tmp_path, memory=("none", "dynamic-cheatsheet")) as store:
        summary = summarise(store)
        events = [event for _, record in records_of(store, "dynamic-cheatsheet") for event in record.recalls]
    off, on = summary.conditions
    assert not any(event.recall.items for event in events)
    assert on.recalled == mean([float(bool(event.recall.text)) for event in events]) > 0.5
    assert off.recalled == 0.0
    for one in (off, on):
        used = summary.memory[one.condition]
        assert used.recalls / used.tasks == one.recalled
    assert summary.memory[on.condition].documents > 0
