"""Runs on a cluster come to the same as in one process, byte for byte, for every environment of the repository."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rbsuite.errors import UsageError
from rbsuite.plugins import load_plugins
from rbsuite.run.config import Execution, make_config
from rbsuite.run.directory import open_experiment
from rbsuite.run.executors import run_experiment
from rbsuite.run.plan import make_plan
from rbsuite.specs import load_object
from rbsuite.store import ExperimentStore, experiment_digest

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")]

PLUGINS = load_plugins()
ENVIRONMENTS = [spec.name for spec in PLUGINS.environments.values() if any(split.bundled for split in spec.splits)]


@pytest.fixture(scope="module")
def address(cluster: Any) -> Any:
    """The cluster's address; this process stays connected, which saves most of the time that a test takes."""
    import ray

    ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
    yield cluster.address
    ray.shutdown()


def carried_out(directory: Path, execution: Execution, **config: Any) -> str:
    planned = make_plan(make_config({"orders": 1}, config), PLUGINS, execution)
    with open_experiment(planned, directory) as store:
        asyncio.run(run_experiment(planned, store, execution))
    with ExperimentStore.open(directory, readonly=True) as store:
        assert all(store.run_finished(info.id) for info in store.manifest.runs)
        return experiment_digest(store)


def counted(directory: Path) -> list[int]:
    with closing(sqlite3.connect(directory / "experiment.sqlite")) as connection:
        return [connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("task", "rollout", "op")]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_environment_with_all_that_changes_the_schedule(tmp_path: Path, address: str, environment: str) -> None:
    """Ahead of what is committed, three rollouts a task, probes. A server that all tasks share cannot be spread."""
    spec = PLUGINS.environments[environment]
    for need in spec.needs:
        if need.resource and (missing := load_object(need.check, environment)()):
            pytest.skip(f"{environment}: {missing}")
    options: dict[str, Any] = {
        "env": environment,
        "limit": 3,
        "memory": ("reasoningbank",),
        "scaling": ("single" if spec.stateful_server else "parallel:3",),
        "probe": 1,
    }
    ray = Execution(speculate="8", executor="ray", ray_address=address)
    if spec.stateful_server:
        with pytest.raises(UsageError, match="takes one task at a time"):
            carried_out(tmp_path / "ray", ray, **options)
        return
    wanted = carried_out(tmp_path / "local", Execution(), **options)
    assert carried_out(tmp_path / "ray", ray, **options) == wanted
    assert counted(tmp_path / "ray") == counted(tmp_path / "local")


def test_conditions_orders_and_warm_starts(tmp_path: Path, address: str) -> None:
    options: dict[str, Any] = {"env": "tau-bench", "limit": 4, "memory": ("none", "awm"), "orders": 2}
    ray = Execution(speculate="auto", executor="ray", ray_address=address)
    wanted = carried_out(tmp_path / "local", Execution(), **options)
    assert carried_out(tmp_path / "ray", ray, **options) == wanted
    warm = {**options, "warm_start": str(tmp_path / "ray"), "seed": 1}
    assert carried_out(tmp_path / "warm", ray, **warm) == carried_out(tmp_path / "warm-local", Execution(), **warm)
