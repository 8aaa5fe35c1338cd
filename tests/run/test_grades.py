"""A rollout is graded once, however it ended, and never where it broke."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from counters import Counted, CountersPlugin, Tally
from experiments import measure, records_of


@pytest.fixture
def tally(monkeypatch: pytest.MonkeyPatch) -> Tally:
    found = Tally()
    monkeypatch.setattr(Counted, "tally", found)
    return found


def counted(directory: Path, **config: Any) -> Any:
    options = {"env": "counted", "memory": ("none",), "model": "test/saying", "limit": 3, **config}
    return measure(directory, CountersPlugin(), **options)


@pytest.mark.parametrize(
    ("config", "end", "score"),
    [
        ({}, "finished", 1.0),
        ({"env": "counted:turns=4", "max_steps": 3}, "max_steps", 0.75),
        ({"env": "counted:turns=4", "rollout_max_calls": 2}, "budget", 0.5),
        ({"env": "counted:turns=4", "rollout_max_time": 0.9, "model": "test/saying:latency=0.6"}, "timeout", 0.25),
        ({"agent": "mumbling"}, "parse_errors", 0.0),
    ],
)
def test_every_end_is_graded_once_and_the_grade_knows_it(
    tmp_path: Path, tally: Tally, config: dict[str, Any], end: str, score: float
) -> None:
    with counted(tmp_path, **config) as store:
        records = [record for _, record in records_of(store, "none")]
    assert sorted(tally.graded) == [(f"n/{number}", end) for number in range(3)]
    for record in records:
        [rollout] = record.rollouts
        assert (rollout.trajectory.end, rollout.trajectory.score) == (end, score)
        assert rollout.verdict is not None, "it says something of the agent"
    assert (tally.opened, tally.closed, tally.environments) == (3, 3, 1)


@pytest.mark.parametrize(
    ("config", "broken", "end"),
    [
        ({"env": "counted:fault=open"}, {"n/1"}, "env_error"),
        ({"env": "counted:fault=act"}, {"n/1"}, "env_error"),
        ({"env": "counted-thread:fault=act", "rollout_max_time": 60.0}, {"n/1"}, "env_error"),
        ({"model": "test/saying:failing=agent"}, {"n/0", "n/1", "n/2"}, "model_error"),
    ],
)
def test_what_broke_is_not_graded_and_the_others_are(
    tmp_path: Path, tally: Tally, config: dict[str, Any], broken: set[str], end: str
) -> None:
    """The environment's own time-outs are its failures, whether the time of rollouts is limited or not."""
    with counted(tmp_path, **config) as store:
        rollouts = {record.task_id: record.rollouts[0] for _, record in records_of(store, "none")}
    assert {task for task, _ in tally.graded} == set(rollouts) - broken
    for task, rollout in rollouts.items():
        assert rollout.trajectory.end == (end if task in broken else "finished")
        assert (rollout.trajectory.grade is None) == (rollout.verdict is None) == (task in broken)
    assert tally.opened == tally.closed


def test_a_grader_that_asks_a_model_is_metered_like_any_other(tmp_path: Path) -> None:
    with counted(tmp_path, env="asking") as store:
        for _, record in records_of(store, "none"):
            [rollout] = record.rollouts
            assert rollout.trajectory.score == 1.0
            assert {purpose: usage.calls for purpose, usage in rollout.usage.items()} == {
                "agent": 1,
                "grade": 1,
                "judge": 1,
            }


def test_where_the_graders_model_fails_there_is_no_grade(tmp_path: Path) -> None:
    with counted(tmp_path, env="asking", grade_model="test/saying:failing=grade") as store:
        for _, record in records_of(store, "none"):
            [rollout] = record.rollouts
            assert (rollout.trajectory.end, rollout.trajectory.grade) == ("model_error", None)
            assert len(rollout.trajectory.steps) == 1
            assert rollout.verdict is None
