"""Learning curve, halves, orders, groups, and the intervals shown beside the reported one, on scores made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from rbsuite.statistics.beside import intervals_beside, mcnemar_of
from rbsuite.statistics.curves import breakdown, cumulative_curve, half_gain, learning_curve, order_spread
from rbsuite.statistics.intervals import mean_estimate
from rbsuite.statistics.pairing import Paired, difference, pair
from streams import TASKS, stream

ON = ([0, 0, 0, 1, 1, 1], [0, 1, 0, 1, 1, 0], [1, 0, 1, 1, 1, 1])
OFF = ([0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 1, 0], [0, 0, 0, 1, 0, 0])


def paired(orders: int = 3) -> Paired:
    on = [stream("on", order, ON[order]) for order in range(orders)]
    return pair(on, [stream("off", order, OFF[order]) for order in range(orders)])


def test_pairs_are_made_by_stream_and_task() -> None:
    found = paired()
    assert found.tasks == TASKS
    assert found.complete
    assert found.cells()["t0"] == [(0, 0), (0, 0), (1, 0)]
    turned = stream("off", 0, OFF[0], TASKS[::-1])
    unpaired = pair([stream("on", 0, ON[0])], [turned])
    assert unpaired.tasks == ()
    assert unpaired.left_out == 2
    assert difference(unpaired) is None


def test_runs_of_a_control_that_recalls_nothing_are_exchangeable() -> None:
    on = [stream("on", order, ON[order]) for order in range(3)]
    off = [stream("off", 0, OFF[0]), stream("off", 7, OFF[1], TASKS[::-1])]
    found = pair(on, off, (False, True))
    assert (found.left_out, found.orders, found.tasks) == (0, 3, TASKS)
    wanted = sum(map(sum, ON)) / 18 - sum(map(sum, OFF[:2])) / 12
    estimate, turned = difference(found), difference(pair(off, on, (True, False)))
    assert estimate is not None
    assert turned is not None
    assert estimate.mean == pytest.approx(wanted)
    assert turned.mean == pytest.approx(-wanted)
    assert turned.interval == pytest.approx(tuple(-bound for bound in reversed(estimate.interval or ())))
    alike = difference(pair(off, [stream("on", 3, ON[0])], (True, True)))
    assert alike is not None
    assert alike.degrees == 5


def test_gaps_do_not_make_a_difference_surer() -> None:
    off = [stream("off", order, OFF[order]) for order in range(3)]
    found = pair([*(stream("on", order, ON[order]) for order in range(2)), stream("on", 2, ON[2][:3])], off)
    assert not found.complete
    assert [len(cells) for cells in found.cells().values()] == [3, 3, 3, 2, 2, 2]
    estimate, whole = difference(found), difference(paired())
    assert estimate is not None
    assert whole is not None
    assert estimate.interval is not None
    assert whole.interval is not None
    assert estimate.interval[1] - estimate.interval[0] >= 0.95 * (whole.interval[1] - whole.interval[0])
    assert {one.name for one in intervals_beside(found, {})} == {"t over tasks", "BCa over tasks"}


def test_learning_curve_has_the_means_of_each_window() -> None:
    windows = learning_curve(paired(), windows=3)
    assert [one.name for one in windows] == ["1-2", "3-4", "5-6"]
    assert [one.n for one in windows] == [6, 6, 6]
    assert [one.a.mean for one in windows] == pytest.approx([2 / 6, 4 / 6, 5 / 6])
    assert [one.b.mean for one in windows] == pytest.approx([0, 2 / 6, 1 / 6])
    assert windows[0].difference == pytest.approx(2 / 6)
    assert len(learning_curve(paired(), windows=50)) == 6
    assert learning_curve(pair([], [])) == []


def test_cumulative_curve_has_the_means_up_to_each_window() -> None:
    curve = cumulative_curve(paired(), windows=3)
    assert [(one.name, one.n) for one in curve] == [("1-2", 6), ("1-4", 12), ("1-6", 18)]
    assert [one.a.mean for one in curve] == pytest.approx([2 / 6, 6 / 12, 11 / 18])
    assert [one.b.mean for one in curve] == pytest.approx([0, 2 / 12, 3 / 18])
    assert cumulative_curve(pair([], [])) == []


def test_second_half_against_the_first_by_regression() -> None:
    """Against least squares with an effect of each task and each order, in streams of different orders."""
    rng = np.random.default_rng(6)
    tasks = [f"t{number}" for number in range(20)]
    runs, rows = [], []
    for order in range(3):
        mixed = [tasks[index] for index in rng.permutation(20)]
        scores = rng.integers(0, 2, 20).astype(float)
        runs.append(stream("on", order, scores.tolist(), mixed))
        rows += [
            (tasks.index(task), order, place >= 10, score)
            for place, (task, score) in enumerate(zip(mixed, scores, strict=True))
        ]
    control = [stream("off", 9, [0.0] * 20, tasks)]
    design = np.zeros((60, 24))
    for row, (task, order, late, _) in enumerate(rows):
        design[row, [task, 20 + order]] = 1
        design[row, 23] = late
    y = np.array([row[3] for row in rows])
    solution = np.linalg.lstsq(design, y, rcond=None)[0]
    gain = half_gain(pair(runs, control, (False, True)))
    assert gain is not None
    assert gain.mean == pytest.approx(solution[-1])
    left = 60 - np.linalg.matrix_rank(design)
    variance = float(((y - design @ solution) ** 2).sum()) / left * np.linalg.pinv(design.T @ design)[-1, -1]
    assert gain.degrees == pytest.approx(left, abs=1)
    assert gain.error == pytest.approx(variance**0.5, rel=0.02)
    assert half_gain(pair([stream("on", 0, ON[0][:2])], [stream("off", 0, OFF[0])])) is None
    alone = half_gain(paired(1))
    assert alone is not None
    assert alone.mean == pytest.approx(1 - (-1 / 3))


def test_spread_over_orders() -> None:
    spread = order_spread(paired())
    differences = [2 / 6, 2 / 6, 4 / 6]
    assert spread.differences == pytest.approx(differences)
    assert spread.deviation == pytest.approx(stats.tstd(differences))
    assert spread.p_value is not None
    assert 0 < spread.p_value <= 1
    assert spread.order_deviation is not None
    assert order_spread(paired(1)).deviation is None
    alike = pair([stream("on", 0, ON[0])] * 1, [stream("off", 0, OFF[0])], (True, True))
    assert order_spread(alike).p_value is None


def test_groups() -> None:
    found = breakdown(paired(), {"t0": "late", "t1": "late", "t5": "early"})
    assert [(one.name, one.n) for one in found] == [("early", 3), ("late", 6)]
    assert found[0].a.mean == pytest.approx(2 / 3)
    assert found[1].difference == pytest.approx(2 / 6)
    assert all(one.interval is not None for one in (found[1].a, found[1].b, found[1].change))


def test_intervals_beside_the_reported_one() -> None:
    groups = {task: str(index // 2) for index, task in enumerate(TASKS)}
    found = {one.name: one for one in intervals_beside(paired(), groups)}
    assert set(found) == {
        "t over tasks",
        "BCa over tasks",
        "stratified by group",
        "t over 3 groups",
        "t over orders",
        "bootstrap, tasks and orders",
    }
    over_tasks = difference(paired(), ordered=False)
    assert over_tasks is not None
    assert found["t over tasks"].interval == over_tasks.interval
    assert found["t over orders"].interval == pytest.approx(mean_estimate([2 / 6, 2 / 6, 4 / 6]).interval, abs=0.02)
    assert found["stratified by group"].about == "the same mix of groups"
    assert found["t over 3 groups"].about.startswith("new groups")
    assert not any("group" in one.name for one in intervals_beside(paired(), dict(zip(TASKS, TASKS, strict=True))))
    assert "t over orders" not in {one.name for one in intervals_beside(paired(2), {})}
    assert intervals_beside(pair([], []), {}) == []


def test_groups_that_gain_differently_narrow_the_stratified_interval_and_widen_that_for_new_ones() -> None:
    rng = np.random.default_rng(3)
    tasks = [f"t{number}" for number in range(60)]
    groups = {task: f"{number // 10}" for number, task in enumerate(tasks)}
    on = [float(rng.random() < 0.2 + 0.15 * (number // 10)) for number in range(60)]
    found = {
        one.name: one.interval
        for one in intervals_beside(pair([stream("on", 0, on, tasks)], [stream("off", 0, [0.0] * 60, tasks)]), groups)
    }
    width = {name: bounds[1] - bounds[0] for name, bounds in found.items() if bounds is not None}
    assert width["stratified by group"] < width["t over tasks"] < width["t over 6 groups"]


def test_mcnemar_is_for_one_order_of_solved_or_not() -> None:
    test = mcnemar_of(paired(1))
    assert test is not None
    assert (test.only_a, test.only_b) == (3, 1)
    assert test.p_value == pytest.approx(stats.binomtest(3, 4).pvalue)
    assert mcnemar_of(paired(2)) is None
    graded = pair([stream("on", 0, [0.5] * 6)], [stream("off", 0, OFF[0])])
    assert mcnemar_of(graded) is None
