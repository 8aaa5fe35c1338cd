"""Learning curve, halves, orders, groups, and the intervals shown beside the reported one, on scores made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from scipy import stats

from rbsuite.record import Condition, RunInfo
from rbsuite.statistics.beside import intervals_beside, mcnemar_of
from rbsuite.statistics.crossed import mean_squares
from rbsuite.statistics.curves import breakdown, cumulative_curve, half_gain, learning_curve, order_spread
from rbsuite.statistics.intervals import clustered_estimate, mean_estimate
from rbsuite.statistics.pairing import Paired, StreamScores, difference, pair

TASKS = ("t0", "t1", "t2", "t3", "t4", "t5")
ON = ([0, 0, 0, 1, 1, 1], [0, 1, 0, 1, 1, 0], [1, 0, 1, 1, 1, 1])
OFF = ([0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 1, 0], [0, 0, 0, 1, 0, 0])


def stream(memory: str, order: int, scores: Sequence[float], tasks: Sequence[str] = TASKS) -> StreamScores:
    """A run that met the tasks in their own order, up to where scores end."""
    condition = Condition(memory, "single", "text", "sim/learner", "self")
    info = RunInfo(f"{memory}/{order}", condition, order, "seeded", order, tuple(tasks))
    found: Mapping[str, float] = dict(zip(tasks, map(float, scores), strict=False))
    return StreamScores(info, found, {task: (score,) for task, score in found.items()})


def paired(orders: int = 3) -> Paired:
    on = [stream("on", order, ON[order]) for order in range(orders)]
    return pair(on, [stream("off", order, OFF[order]) for order in range(orders)])


def test_pairs_are_made_by_stream_and_task() -> None:
    found = paired()
    assert found.tasks == TASKS
    assert found.complete
    assert found.matrix()[0] == [0, 0, 1]
    assert found.matrix()[3] == [1, 1, 0]
    turned = stream("off", 0, OFF[0], TASKS[::-1])
    unpaired = pair([stream("on", 0, ON[0])], [turned])
    assert unpaired.tasks == ()
    assert unpaired.left_out == 2
    assert difference(unpaired) is None


def test_gaps_leave_the_t_interval_over_tasks() -> None:
    found = pair([stream("on", 0, ON[0]), stream("on", 1, ON[1][:3])], [stream("off", o, OFF[o]) for o in (0, 1)])
    assert not found.complete
    assert [len(row) for row in found.matrix()] == [2, 2, 2, 1, 1, 1]
    assert difference(found) == mean_estimate(found.task_means())
    assert {one.name for one in intervals_beside(found, {})} == {"t over tasks", "BCa over tasks"}


def test_learning_curve_has_the_means_of_each_window() -> None:
    windows = learning_curve(paired(), windows=3)
    assert [one.name for one in windows] == ["1-2", "3-4", "5-6"]
    assert [one.n for one in windows] == [6, 6, 6]
    assert [one.a for one in windows] == pytest.approx([2 / 6, 4 / 6, 5 / 6])
    assert [one.b for one in windows] == pytest.approx([0, 2 / 6, 1 / 6])
    assert windows[0].difference == pytest.approx(2 / 6)
    assert len(learning_curve(paired(), windows=50)) == 6
    assert learning_curve(pair([], [])) == []


def test_cumulative_curve_has_the_means_up_to_each_window() -> None:
    curve = cumulative_curve(paired(), windows=3)
    assert [(one.name, one.n) for one in curve] == [("1-2", 6), ("1-4", 12), ("1-6", 18)]
    assert [one.a for one in curve] == pytest.approx([2 / 6, 6 / 12, 11 / 18])
    assert [one.b for one in curve] == pytest.approx([0, 2 / 12, 3 / 18])
    assert cumulative_curve(pair([], [])) == []


def test_second_half_against_the_first() -> None:
    """By order: on 3/3 - 0/3 less off 0/3 - 1/3; 2/3 - 1/3 less 1/3 - 0; 3/3 - 2/3 less 1/3 - 0."""
    gain = half_gain(paired())
    assert gain is not None
    by_order = [1 + 1 / 3, 1 / 3 - 1 / 3, 1 / 3 - 1 / 3]
    assert gain.mean == pytest.approx(sum(by_order) / 3)
    assert gain.interval == pytest.approx(mean_estimate(by_order).interval)
    alone = half_gain(paired(1))
    assert alone is not None
    assert alone.interval is None
    assert half_gain(pair([stream("on", 0, ON[0][:2])], [stream("off", 0, OFF[0])])) is None


def test_spread_over_orders() -> None:
    spread = order_spread(paired())
    differences = [2 / 6, 2 / 6, 4 / 6]
    assert spread.differences == pytest.approx(differences)
    assert spread.deviation == pytest.approx(stats.tstd(differences))
    squares = mean_squares(paired().matrix())
    assert spread.p_value == squares.orders_p_value
    assert spread.order_deviation == squares.order_variance**0.5
    assert order_spread(paired(1)).deviation is None


def test_groups() -> None:
    found = breakdown(paired(), {"t0": "late", "t1": "late", "t5": "early"})
    assert [(one.name, one.n) for one in found] == [("early", 3), ("late", 6)]
    assert found[0].a == pytest.approx(2 / 3)
    assert found[1].difference == pytest.approx(2 / 6)


def test_intervals_beside_the_reported_one() -> None:
    groups = {task: str(index // 2) for index, task in enumerate(TASKS)}
    found = {one.name: one.interval for one in intervals_beside(paired(), groups)}
    means = paired().task_means()
    assert found["t over tasks"] == mean_estimate(means).interval
    assert found["t over 3 groups"] == clustered_estimate(means, list(groups.values())).interval
    assert found["t over orders"] == pytest.approx(mean_estimate([2 / 6, 2 / 6, 4 / 6]).interval)
    assert set(found) == {
        "t over tasks",
        "BCa over tasks",
        "t over 3 groups",
        "t over orders",
        "bootstrap, orders then tasks",
    }
    assert "t over 6 groups" not in {
        one.name for one in intervals_beside(paired(), dict(zip(TASKS, TASKS, strict=True)))
    }
    assert "bootstrap, orders then tasks" not in {one.name for one in intervals_beside(paired(2), {})}
    assert intervals_beside(pair([], []), {}) == []


def test_mcnemar_is_for_one_order_of_solved_or_not() -> None:
    test = mcnemar_of(paired(1))
    assert test is not None
    assert (test.only_a, test.only_b) == (3, 1)
    assert test.p_value == pytest.approx(stats.binomtest(3, 4).pvalue)
    assert mcnemar_of(paired(2)) is None
    graded = pair([stream("on", 0, [0.5] * 6)], [stream("off", 0, OFF[0])])
    assert mcnemar_of(graded) is None
