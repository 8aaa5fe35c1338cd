"""Ranks: the comparisons are those of ``rbsuite compare``, and their ranges are as wide as is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from rbsuite.leaderboard.ranking import ScoredRow, compare_all, rank_ranges
from rbsuite.record import Condition, RunInfo
from rbsuite.statistics.beside import intervals_beside
from rbsuite.statistics.exact import holm
from rbsuite.statistics.intervals import p_value
from rbsuite.statistics.pairing import StreamScores, difference, pair
from rbsuite.statistics.two_parts import Floats

TASKS = tuple(f"t{number}" for number in range(40))
MADE = Condition("m", "single", "a", "x", "j")


def entry(cells: Floats, first_seed: int = 0, *, exchangeable: bool = False) -> ScoredRow:
    keys = tuple((first_seed + column, TASKS) for column in range(cells.shape[1]))
    return ScoredRow(cells.astype(float), keys, exchangeable)


def streams(one: ScoredRow) -> Sequence[StreamScores]:
    return [
        StreamScores(
            RunInfo("r", MADE, column, "seeded", seed, TASKS),
            dict(zip(TASKS, one.cells[:, column].tolist(), strict=True)),
            {},
        )
        for column, (seed, _) in enumerate(one.keys)
    ]


def arm(rng: np.random.Generator, shift: float, runs: int = 3, spread: float = 0.0) -> Floats:
    chances = 1 / (
        1 + np.exp(-(np.linspace(-2, 2, len(TASKS))[:, None] + shift + rng.normal(0, spread, runs)[None, :]))
    )
    return (rng.random((len(TASKS), runs)) < chances).astype(float)


def test_comparisons_are_those_of_compare() -> None:
    rng = np.random.default_rng(1)
    entries = [
        entry(arm(rng, 0.0), exchangeable=True),
        entry(arm(rng, 1.0, spread=0.5)),
        entry(arm(rng, 0.6, spread=0.5)),
        entry(arm(rng, 0.2, runs=5), exchangeable=True),
    ]
    pairs = compare_all(entries)
    p_values, places = [], np.triu_indices(len(entries), 1)
    for a, b in zip(*places, strict=True):
        one, other = entries[a], entries[b]
        estimate = difference(pair(streams(one), streams(other), (one.exchangeable, other.exchangeable)))
        assert estimate is not None
        assert estimate.interval is not None
        p_values.append(p_value(estimate))
        assert pairs.difference[a, b] == pytest.approx(estimate.mean)
        bounds = pairs.difference[a, b] - pairs.reach[a, b], pairs.difference[a, b] + pairs.reach[a, b]
        assert np.clip(bounds, -1, 1) == pytest.approx(estimate.interval, abs=1e-9)
    assert pairs.p_holm[places] == pytest.approx([p for p in holm(p_values) if p is not None], rel=1e-5)
    assert pairs.same_streams.all()


def test_a_rank_is_a_range_until_the_order_is_settled() -> None:
    rng = np.random.default_rng(2)
    low, high = np.zeros((40, 3)), np.ones((40, 3))
    twin = arm(rng, 0.0)
    entries = [entry(high, exchangeable=True), entry(twin), entry(twin.copy()), entry(low, exchangeable=True)]
    pairs = compare_all(entries)
    assert rank_ranges(pairs) == [(1, 1), (2, 3), (2, 3), (4, 4)]
    assert rank_ranges(pairs, lower_is_better=True) == [(4, 4), (2, 3), (2, 3), (1, 1)]


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_rows_on_different_orders_are_covered(spread: float) -> None:
    # 150 pairs of equal arms; an interval of 95 % that covered 88 % would fail one time in a hundred.
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(150):
        pairs = compare_all([entry(arm(rng, 0.0, spread=spread)), entry(arm(rng, 0.0, spread=spread), first_seed=100)])
        assert not pairs.same_streams[0, 1]
        covered += bool(abs(pairs.difference[0, 1]) <= pairs.reach[0, 1])
    assert covered >= 135


def test_rows_are_told_apart_only_where_they_would_be_on_new_groups_too() -> None:
    # Pairs of equal arms that are each better at some of 13 groups; with tasks as units two of five would be told apart.
    rng, groups = np.random.default_rng(5), [f"g{number % 13}" for number in range(len(TASKS))]
    covered = {"tasks": 0, "groups": 0}
    for _ in range(150):
        chances = 0.5 + 0.45 * rng.choice([-1, 1], (2, 13))[:, np.arange(len(TASKS)) % 13, None]
        entries = [entry(rng.random((len(TASKS), 3)) < one, exchangeable=True) for one in chances]
        for name, known in (("tasks", []), ("groups", groups)):
            pairs = compare_all(entries, known)
            covered[name] += bool(abs(pairs.difference[0, 1]) <= pairs.reach[0, 1])
    assert covered["tasks"] < 120
    assert covered["groups"] >= 135
    # The interval is the one that `compare` shows for new groups, where that is the wider one.
    one, other = entries
    paired = pair(streams(one), streams(other), (True, True))
    beside = intervals_beside(paired, dict(zip(TASKS, groups, strict=True)))
    [new] = [found.interval for found in beside if found.name == "t over 13 groups"]
    pairs = compare_all(entries, groups)
    assert pairs.by_group[0, 1]
    assert new == pytest.approx(
        (pairs.difference[0, 1] - pairs.reach[0, 1], pairs.difference[0, 1] + pairs.reach[0, 1])
    )
    # Alike in every group, or in too few groups to say how they differ: as without groups.
    alike = [entry(arm(rng, 0.0)), entry(arm(rng, 1.0)), entry(arm(rng, 0.5, runs=4), first_seed=1)]
    plain, few = compare_all(alike), compare_all(alike, ["a", "b"] * 20)
    np.testing.assert_array_equal(plain.reach, few.reach)
    assert (compare_all(alike, groups).reach >= plain.reach - 1e-12).all()


def test_order_of_rows_does_not_matter() -> None:
    rng = np.random.default_rng(4)
    entries = [
        entry(arm(rng, 0.3 * number, spread=0.3), first_seed=10 * (number % 2), exchangeable=number == 3)
        for number in range(5)
    ]
    groups = [f"g{number // 3}" for number in range(len(TASKS))]
    there, back = compare_all(entries, groups), compare_all(entries[::-1], groups)
    np.testing.assert_allclose(there.difference, back.difference[::-1, ::-1], atol=1e-12)
    np.testing.assert_allclose(there.p_holm, back.p_holm[::-1, ::-1], rtol=1e-5)
