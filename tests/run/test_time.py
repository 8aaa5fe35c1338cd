"""The time of a rollout is limited from the opening of its episode to its grade, and an opening may wait for other rollouts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from experiments import measure, prepare, records_of
from rbsuite.environments.base import Environment, Episode, EpisodeServices
from rbsuite.environments.solution import Solution
from rbsuite.errors import LimitReached
from rbsuite.hookspecs import hookimpl
from rbsuite.run import rollout, stream
from rbsuite.run.config import Execution
from rbsuite.run.directory import open_experiment
from rbsuite.run.executors import run_experiment
from rbsuite.specs import EnvironmentSpec, Option, Split
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, EndReason, Grade, Observation


class Slow(Environment):
    """Something takes for ever, or each turn some seconds in a world that only one episode at a time can have."""

    def __init__(self, *, at: str = "", turn: float = 0.0) -> None:
        self.at, self.turn, self.world = at, turn, asyncio.Lock()
        self.opened = 0

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        return TaskSet("slow", split, (Task("t", "g", "d", "Go."), Task("u", "g", "d", "Go.")))

    def solution(self, task: Task) -> Solution:
        return Solution((Action("x"),))

    async def open(self, task: Task, *, seed: int, services: EpisodeServices) -> Episode:
        await self.reached("open")
        if self.turn:
            await self.world.acquire()
        return _Slow(self)

    async def reached(self, place: str) -> None:
        self.opened += place == "open"
        if self.at == "second" and self.opened == 2 and place == "open":
            await asyncio.sleep(3600)
        if place == self.at:
            await asyncio.sleep(3600)


class _Slow(Episode):
    def __init__(self, environment: Slow) -> None:
        self._environment = environment
        self.observation = Observation("Go.")

    async def act(self, action: Action) -> Observation:
        await self._environment.reached("act")
        await asyncio.sleep(self._environment.turn)
        return Observation("Gone.", turn="over")

    async def grade(self, end: EndReason) -> Grade:
        await self._environment.reached("grade")
        return Grade(1.0)

    async def aclose(self) -> None:
        if self._environment.turn:
            self._environment.world.release()
        await self._environment.reached("aclose")


class Plugin:
    @hookimpl
    def rbsuite_environments(self) -> Sequence[EnvironmentSpec]:
        options = (Option("at", "str", "", "where"), Option("turn", "float", 0.0, "seconds"))
        splits = (Split("all", "x", bundled=True),)
        return [EnvironmentSpec("slow", "x", f"{__name__}:Slow", options, splits=splits, agent="text")]


def ends(directory: Path, env: str, seconds: float, **config: Any) -> list[tuple[str, str]]:
    options = {"memory": ("none",), "model": "sim/noop", "rollout_max_time": seconds, "limit": 1, **config}
    with measure(directory, Plugin(), env=env, **options) as store:
        rollouts = [one.trajectory for _, record in records_of(store, "none") for one in record.rollouts]
    return [(one.end, one.error) for one in rollouts]


@pytest.mark.parametrize(
    ("at", "end", "error"),
    [
        ("open", "env_error", "opening the episode has taken 0.15 s (--rollout-max-time)."),
        ("act", "timeout", "the rollout has taken 0.05 s (--rollout-max-time)."),
        ("grade", "env_error", "grading has taken 0.05 s (--rollout-max-time)."),
        ("aclose", "env_error", "closing the episode has taken 0.05 s (--rollout-max-time)."),
    ],
)
def test_whatever_takes_for_ever_is_ended(
    at: str, end: str, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollout, "CLOSING_SECONDS", 0.02)
    assert ends(tmp_path / "x", f"slow:at={at}", 0.05) == [(end, error)]


def test_an_opening_may_wait_for_all_that_are_under_way(tmp_path: Path) -> None:
    found = ends(tmp_path / "x", "slow:turn=0.2", 0.5, scaling=("parallel:10",))
    assert found == [("finished", "")] * 10


def test_when_a_limit_is_reached_what_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "GRACE", 0.1)
    plan = prepare(Plugin(), env="slow:at=second", memory=("none",), model="sim/noop")
    execution = Execution(concurrency=4, speculate="8", max_calls=1, call_time="0.1")
    with open_experiment(plan, tmp_path / "x") as store, pytest.raises(LimitReached):
        asyncio.run(asyncio.wait_for(run_experiment(plan, store, execution), 30))
