"""Observers are told everything in order, from threads of their own, and nothing depends on them."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import pytest

from experiments import prepare, run
from rbsuite.events import (
    Event,
    ModelCalled,
    ModelWaiting,
    RolloutEnded,
    RunFinished,
    RunStarted,
    StepTaken,
    TaskCommitted,
    TaskOpened,
)
from rbsuite.hookspecs import hookimpl
from rbsuite.run import observers
from rbsuite.run.config import Execution
from rbsuite.run.directory import open_experiment
from rbsuite.run.executors import run_experiment
from rbsuite.store import experiment_digest
from rbsuite.trajectory import Usage

CONFIG: dict[str, Any] = {"memory": ("none", "reasoningbank"), "model": "sim/learner:malformed=0,useless=0", "limit": 4}


class Watcher:
    """Keeps what it is told, and when."""

    def __init__(self, seconds: float = 0.0, *types: type) -> None:
        self._seconds = seconds
        self.event_types = types
        self.told: list[Event] = []
        self.times: list[float] = []

    @hookimpl
    def rbsuite_event(self, event: Event) -> None:
        time.sleep(self._seconds)
        self.told.append(event)
        self.times.append(time.perf_counter())


def undisturbed(directory: Path) -> str:
    with run(prepare(**CONFIG), directory) as store:
        return experiment_digest(store)


def test_everything_is_told_in_order(tmp_path: Path) -> None:
    watcher = Watcher()
    with run(prepare(watcher, **CONFIG), tmp_path / "watched") as store:
        assert experiment_digest(store) == undisturbed(tmp_path / "plain")
        for info in store.manifest.runs:
            mine = [
                event
                for event in watcher.told
                if not isinstance(event, ModelWaiting)
                and (event.place.run if hasattr(event, "place") else event.run.id) == info.id
            ]
            assert mine[0] == RunStarted(info, 0)
            assert mine[-1] == RunFinished(info)
            for record in store.records(info.id):
                here = [event for event in mine if hasattr(event, "place") and event.place.position == record.position]
                [rollout] = record.rollouts
                order = [type(event) for event in here if not isinstance(event, ModelCalled)]
                assert order == [TaskOpened, *[StepTaken] * len(rollout.trajectory.steps), RolloutEnded]
                ended = here[[type(event) for event in here].index(RolloutEnded)]
                assert isinstance(ended, RolloutEnded)
                assert (ended.trajectory, ended.verdict) == (rollout.trajectory, rollout.verdict)
                calls = [event for event in here if isinstance(event, ModelCalled)]
                spent = sum((event.usage for event in calls), Usage())
                booked = [*record.usage.values(), *rollout.usage.values()]
                assert spent == sum(booked, Usage())
            assert [event.record for event in mine if isinstance(event, TaskCommitted)] == list(store.records(info.id))


def test_an_observer_is_told_what_it_names_alone(tmp_path: Path) -> None:
    watcher = Watcher(0.0, TaskCommitted)
    with run(prepare(watcher, **CONFIG), tmp_path):
        pass
    assert [type(event) for event in watcher.told] == [TaskCommitted] * 8


def test_a_slow_observer_slows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It takes 0.2 s an event. The end waits for it no longer than is set; what it then has not heard is counted in one line."""
    monkeypatch.setattr(observers, "LAST_SECONDS", 0.5)
    slow, quick = Watcher(0.2), Watcher()
    plan = prepare(slow, quick, **CONFIG)
    with open_experiment(plan, tmp_path / "slow") as store:
        started = time.perf_counter()
        asyncio.run(run_experiment(plan, store, Execution(4)))
        assert time.perf_counter() - started < 0.2 * len(quick.told) / 4
        assert quick.times[-1] - started < 0.2 * len(quick.told) / 8
        assert experiment_digest(store) == undisturbed(tmp_path / "plain")
    assert isinstance(quick.told[-1], RunFinished)
    [said] = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "is too slow" in said
    [left] = re.findall(r"it missed (\d+) events", said)
    assert len(quick.told) / 2 < int(left) < len(quick.told)


class Breaks:
    """Fails at whatever it sees."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    @hookimpl
    def rbsuite_event(self, event: Event) -> None:
        raise self._error


@pytest.mark.parametrize("error", [ValueError("no\nroom"), SystemExit("no room")])
def test_an_observer_that_raises_is_named_once_and_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    watcher = Watcher()
    with run(prepare(Breaks(error), watcher, **CONFIG), tmp_path / "broken") as store:
        assert experiment_digest(store) == undisturbed(tmp_path / "plain")
    assert isinstance(watcher.told[-1], RunFinished)
    [said] = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert f"its hook rbsuite_event raised {type(error).__name__}: no room" in said
    assert "\n" not in said
