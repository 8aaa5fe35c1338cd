"""Figures over all rollouts of a task: their mean, at least one right, and a vote over what was answered."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbsuite.record import Condition, RunInfo
from rbsuite.statistics.reading import RunRows
from rbsuite.statistics.rollouts import rollout_figures, voted
from rbsuite.store import ResultRow

ANSWERS = st.lists(st.sampled_from([None, "A", "B", "C"]), min_size=1, max_size=6)


def rollouts(answers: Sequence[str | None], task: str = "t", position: int = 0, end: str = "finished") -> tuple:
    return tuple(
        ResultRow(
            task_id=task,
            position=position,
            rollout=number,
            selected=number == 0,
            end=end,
            score=float(answer == "A"),
            label="",
            steps=1,
            usage={},
            seconds=0.0,
            measures={},
            truth={"answered": answer},
            error="",
            whole=None,
        )
        for number, answer in enumerate(answers)
    )


@given(ANSWERS)
def test_a_vote_wins_with_the_most_voices_and_nothing_never_wins(answers: list[str | None]) -> None:
    voices = [one for one in answers if one is not None]
    if not voices:
        assert voted(rollouts(answers)) == 0.0
        return
    winner = max(voices, key=lambda one: (voices.count(one), -voices.index(one)))
    assert voted(rollouts(answers)) == float(winner == "A")


def test_ties_go_to_the_first_seen_and_what_broke_has_no_vote() -> None:
    assert voted(rollouts([None, "A", "B", "B", "A"])) == 1.0
    assert voted(rollouts(["B", "A", "A", "B"])) == 0.0
    assert voted((*rollouts(["B", "B"], end="env_error"), *rollouts(["A"]))) == 1.0


def test_figures_of_a_condition() -> None:
    info = RunInfo("r", Condition("none", "parallel:2", "text", "m", "self"), 0, "seeded", 0, ("a", "b", "c"), 0)
    tasks = [rollouts(["A", "B", "A"], "a"), rollouts(["B", None], "b", 1), rollouts(["A", "A"], "c", 2)]
    found = rollout_figures([RunRows(info, tasks, ())], lambda task: task != "c")
    assert found is not None
    assert found.k == 2
    assert found.average.mean == pytest.approx((2 / 3 + 0) / 2)
    assert found.passed.mean == pytest.approx((1 + 0) / 2)
    assert found.voted is not None
    assert found.voted.mean == pytest.approx((1 + 0) / 2)
    assert rollout_figures([RunRows(info, (), ())], lambda task: True) is None
