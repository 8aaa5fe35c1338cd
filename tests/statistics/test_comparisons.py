"""Which comparisons are declared, what their intervals are, and how experiments are put together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import altered
from experiments import mean, measure, records_of
from rbsuite.statistics.curves import final_bank_gain
from rbsuite.statistics.differences import against_control
from rbsuite.statistics.intervals import p_value
from rbsuite.statistics.power import detectable_by
from rbsuite.statistics.summary import summarise
from toy import ToyPlugin

MEMORIES = ("none", "reasoningbank", "awm")


def test_the_reported_interval_is_over_tasks_and_orders(tmp_path: Path) -> None:
    with measure(tmp_path, memory=MEMORIES, orders=3) as store:
        summary = summarise(store)
        cells = {
            (memory, info.order, record.task_id): record.rollouts[0].trajectory.score or 0.0
            for memory in MEMORIES
            for info, record in records_of(store, memory)
        }
    tasks = sorted(summary.conditions[0].scores)
    for comparison in summary.comparisons:
        on, off = (
            np.array([[cells[memory, o, task] for o in range(3)] for task in tasks])
            for memory in (comparison.a.memory, "none")
        )
        wanted = against_control(on, off, range(3))
        assert comparison.paired.exchangeable == (False, True)
        assert comparison.difference.mean == pytest.approx(wanted.mean)
        assert comparison.difference.interval == pytest.approx(wanted.interval)
        assert comparison.p_value == pytest.approx(p_value(wanted))
        assert comparison.detectable == pytest.approx(detectable_by(wanted))


def test_one_order_is_the_paired_t_test_and_wilson_s_interval(tmp_path: Path) -> None:
    with measure(tmp_path, memory=("none", "reasoningbank")) as store:
        summary = summarise(store)
    base, other = (condition.scores for condition in summary.conditions)
    tasks = sorted(base)
    paired = stats.ttest_rel([other[task] for task in tasks], [base[task] for task in tasks])
    [comparison] = summary.comparisons
    assert comparison.difference.interval == pytest.approx(tuple(paired.confidence_interval(0.95)))
    assert comparison.p_value == pytest.approx(paired.pvalue)
    wilson = stats.binomtest(int(sum(base.values())), 24).proportion_ci(method="wilson")
    assert summary.conditions[0].success.interval == pytest.approx((wilson.low, wilson.high), abs=0.02)


def test_p_values_are_adjusted_for_the_declared_comparisons(tmp_path: Path) -> None:
    with measure(tmp_path, memory=MEMORIES, orders=3) as store:
        one, other = summarise(store).comparisons
    assert one.p_value is not None
    assert other.p_value is not None
    low, high = sorted((one.p_value, other.p_value))
    adjusted = sorted((one.p_holm or 0.0, other.p_holm or 0.0))
    assert adjusted == pytest.approx(sorted((min(1.0, 2 * low), max(min(1.0, 2 * low), high))))


def test_each_memory_is_compared_with_the_baseline_under_its_own_scaling(tmp_path: Path) -> None:
    plugin = ToyPlugin(scalings=[altered.THREE])
    options: dict[str, Any] = {"memory": ("none", "reasoningbank"), "scaling": ("single", "three")}
    with measure(tmp_path, plugin, **options) as store:
        summary = summarise(store)
        turned = summarise(store, baseline="reasoningbank")
    pairs = [(c.a.memory, c.a.scaling, c.b.memory, c.b.scaling) for c in summary.comparisons]
    assert pairs == [
        ("reasoningbank", "single", "none", "single"),
        ("reasoningbank", "three", "none", "three"),
    ]
    assert all(comparison.same_scaling for comparison in summary.comparisons)
    assert [c.b.memory for c in turned.comparisons] == ["reasoningbank", "reasoningbank"]
    assert turned.comparisons[0].difference.mean == pytest.approx(-summary.comparisons[0].difference.mean)


def test_without_an_equal_budget_control_the_comparison_says_so(tmp_path: Path) -> None:
    plugin = ToyPlugin(scalings=[altered.THREE])
    with (
        measure(tmp_path / "a", plugin, memory=("none",)) as a,
        measure(tmp_path / "b", plugin, memory=("reasoningbank",), scaling=("three",)) as b,
    ):
        [comparison] = summarise(a, b).comparisons
    assert (comparison.a.scaling, comparison.b.scaling) == ("three", "single")
    assert not comparison.same_scaling
    assert comparison.n_tasks == 24


def test_conditions_of_one_memory_are_compared_with_the_first(tmp_path: Path) -> None:
    options: dict[str, Any] = {"memory": ("none",), "scaling": ("single", "three")}
    with measure(tmp_path, ToyPlugin(scalings=[altered.THREE]), **options) as store:
        [comparison] = summarise(store).comparisons
    assert (comparison.a.scaling, comparison.b.scaling) == ("three", "single")


def test_models_are_not_compared_across(tmp_path: Path) -> None:
    weak = "sim/learner:known=0.1"
    with (
        measure(tmp_path / "a", memory=("none", "awm")) as a,
        measure(tmp_path / "b", memory=("none", "awm"), model=weak) as b,
        measure(tmp_path / "c", memory=("awm",), model="sim/learner:known=0.5") as c,
    ):
        comparisons = summarise(a, b, c).comparisons
    assert [(one.a.memory, one.a.model == one.b.model) for one in comparisons] == [("awm", True), ("awm", True)]


def test_pass_at_k_of_the_rollouts(tmp_path: Path) -> None:
    options: dict[str, Any] = {"memory": ("none",), "scaling": ("three",), "orders": 2}
    with measure(tmp_path, ToyPlugin(scalings=[altered.THREE]), **options) as store:
        [condition] = summarise(store).conditions
        groups = [
            [rollout.trajectory.score == 1.0 for rollout in record.rollouts] for _, record in records_of(store, "none")
        ]
    assert condition.rollouts_a_task == 3
    one, three = condition.passes(1), condition.passes(3)
    assert one is not None
    assert three is not None
    assert [found.mean for found in one] == pytest.approx([mean([sum(group) / 3 for group in groups])] * 2)
    assert [found.mean for found in three] == pytest.approx(
        [mean([float(any(group)) for group in groups]), mean([float(all(group)) for group in groups])]
    )
    assert all(found.interval is not None for found in three)
    both = condition.passes_over_orders(2)
    assert both is not None
    answers = [run.scores for run in condition.streams]
    assert both.mean == pytest.approx(mean([answers[0][task] * answers[1][task] for task in answers[0]]))
    assert condition.passes_over_orders(3) is None
    assert condition.passes(4) is None


def test_experiments_with_other_seeds_add_orders_and_repeated_runs_count_once(tmp_path: Path) -> None:
    options: dict[str, Any] = {"memory": ("none", "reasoningbank"), "orders": 2}
    with (
        measure(tmp_path / "a", **options, seed=1) as a,
        measure(tmp_path / "b", **options, seed=2) as b,
        measure(tmp_path / "c", memory=("none", "awm"), orders=2, seed=1) as c,
    ):
        together = summarise(a, b, c)
        alone = [summarise(store).comparisons[0].difference.mean for store in (a, b)]
        off, awm = together.conditions[0], together.conditions[2]
        other_mean = awm.success.mean - off.success.mean
    assert [one.orders for one in together.conditions] == [4, 4, 2]
    reasoningbank, other = together.comparisons
    assert reasoningbank.orders == 4
    assert reasoningbank.difference.mean == pytest.approx(mean(alone))
    assert other.a.memory == "awm"
    assert other.difference.mean == pytest.approx(other_mean)
    assert other.paired.left_out == 0, "the runs of memory off are exchangeable: all four count"
    assert [condition.memory for condition in together.repeated] == ["none"]


def test_probes_count_in_nothing_but_what_was_forgotten(tmp_path: Path) -> None:
    options: dict[str, Any] = {"memory": ("none", "reasoningbank"), "orders": 2}
    with (
        measure(tmp_path / "a", **options) as plain,
        measure(tmp_path / "b", **options, probe=6) as probed,
    ):
        without, found = summarise(plain), summarise(probed)
        records = {
            memory: [(info, record) for info, record in records_of(probed, memory)] for memory in options["memory"]
        }
    for one, other in zip(without.conditions, found.conditions, strict=True):
        assert (one.success, one.scores, one.committed) == (other.success, other.scores, other.committed)
        assert (one.n_tasks, one.total.calls, one.ends) == (other.n_tasks, other.total.calls, other.ends)
    assert found.comparisons[0].difference == without.comparisons[0].difference
    by_order = []
    for order in range(2):
        gap = {}
        for memory, sign in (("reasoningbank", 1), ("none", -1)):
            scores = {r.position: r.rollouts[0].trajectory.score or 0.0 for i, r in records[memory] if i.order == order}
            gap[memory] = sign * mean([scores[24 + place] - scores[place] for place in range(6)])
        by_order.append(sum(gap.values()))
    gain = final_bank_gain(found.comparisons[0].paired)
    assert gain is not None
    assert gain.mean == pytest.approx(mean(by_order))
    assert final_bank_gain(without.comparisons[0].paired) is None


def test_a_warm_start_is_a_condition_of_its_own_and_compared_with_the_cold_one(tmp_path: Path) -> None:
    options: dict[str, Any] = {"memory": ("none", "reasoningbank"), "orders": 2}
    measure(tmp_path / "first", **options, domain="apples").close()
    with (
        measure(tmp_path / "cold", **options, domain="bridges") as cold,
        measure(tmp_path / "warm", **options, domain="bridges", warm_start=str(tmp_path / "first")) as warm,
    ):
        summary = summarise(cold, warm)
    labels = [(one.a.memory.partition(" after ")[::2], one.b.memory) for one in summary.comparisons]
    source = str(tmp_path / "first")
    assert labels == [
        (("reasoningbank", ""), "none"),
        (("reasoningbank", source), "none"),
        (("reasoningbank", source), "reasoningbank"),
    ]
    warmed, cooled, transfer = (summary.comparisons[index].difference.mean for index in (1, 0, 2))
    assert transfer == pytest.approx(warmed - cooled)
    assert [condition.memory for condition in summary.repeated] == ["none"]
