"""Runs toy experiments: what the tests of runner, memories and statistics share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from rbsuite.plugins import BUILT_IN, BUILTIN, Plugins
from rbsuite.record import RunInfo, TaskRecord
from rbsuite.run.config import Execution, make_config
from rbsuite.run.directory import open_experiment
from rbsuite.run.executors import run_experiment
from rbsuite.run.plan import Plan, make_plan
from rbsuite.store import ExperimentStore
from toy import ToyPlugin

SURE = "judge_accuracy=1,malformed=0,useless=0,slip=0,follow=1"
"""Options of the simulated learner under which only its skills are left to chance."""


def core_plugins(*plugins: object) -> Plugins:
    """The built-in plugins and the given ones, whatever else is installed."""
    found = Plugins()
    for module in BUILTIN:
        found.register(import_module(module), module, BUILT_IN)
    for number, plugin in enumerate(plugins):
        found.register(plugin, f"test-{number}")
    return found


def prepare(*plugins: object, **config: Any) -> Plan:
    """A toy experiment with one order, unless the options say otherwise; ``plugins`` default to the toy's."""
    found = core_plugins(*(plugins if any(isinstance(one, ToyPlugin) for one in plugins) else (ToyPlugin(), *plugins)))
    return make_plan(make_config({"env": "toy", "orders": 1}, config), found)


def run(plan: Plan, directory: Path, *, concurrency: int = 4, speculate: str = "off") -> ExperimentStore:
    """Run an experiment to its end; the caller closes the store."""
    store = open_experiment(plan, directory)
    try:
        asyncio.run(run_experiment(plan, store, Execution(concurrency, speculate, outage="commit")))
    except BaseException:
        store.close()
        raise
    return store


def measure(
    directory: Path, *plugins: object, concurrency: int = 4, speculate: str = "off", **config: Any
) -> ExperimentStore:
    """:func:`prepare` and :func:`run`."""
    return run(prepare(*plugins, **config), directory, concurrency=concurrency, speculate=speculate)


def runs_of(store: ExperimentStore, memory: str) -> list[RunInfo]:
    """The runs of a memory, in order."""
    found = [info for info in store.manifest.runs if info.condition.memory == memory]
    assert found, f"no run of {memory}"
    return found


def records_of(store: ExperimentStore, memory: str) -> Iterator[tuple[RunInfo, TaskRecord]]:
    """Every committed task of a memory."""
    for info in runs_of(store, memory):
        for record in store.records(info.id):
            yield info, record


def outcomes(store: ExperimentStore, memory: str) -> Mapping[tuple[int, str, int], Any]:
    """What the agent did and what it scored, by order, task and rollout."""
    return {
        (info.order, record.task_id, rollout.trajectory.rollout): (
            rollout.trajectory.score,
            rollout.trajectory.end,
            rollout.trajectory.steps,
            rollout.verdict,
        )
        for info, record in records_of(store, memory)
        for rollout in record.rollouts
    }


def scores(store: ExperimentStore, memory: str) -> list[float]:
    """The score of every task's answer; a broken one counts 0."""
    return [record.rollouts[record.selected].trajectory.score or 0.0 for _, record in records_of(store, memory)]


def mean(values: list[float]) -> float:
    """The mean."""
    return sum(values) / len(values)
