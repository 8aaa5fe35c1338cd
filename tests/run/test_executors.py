"""Runs in several processes come to the same as in one, byte for byte, and a process that dies leaves the rest resumable."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from counters import CountersPlugin
from experiments import prepare
from rbsuite.errors import ConfinedError, PluginError, UsageError
from rbsuite.plugins import load_plugins
from rbsuite.run.config import Execution, make_config
from rbsuite.run.directory import open_experiment
from rbsuite.run.executors import run_experiment
from rbsuite.run.plan import Plan, make_plan
from rbsuite.run.private import check_confined
from rbsuite.run.ray_executor import as_ray_names, resources_of
from rbsuite.specs import Check
from rbsuite.store import ExperimentStore, experiment_digest

PROCESSES = Execution(4, executor="processes:2")


def plan(**config: Any) -> Plan:
    """The processes find the plugins that are installed, so this runs one of them."""
    pytest.importorskip("rbsuite_tau_bench")
    options = {"env": "tau-bench", "split": "sample", "domain": "retail", "limit": 3, "orders": 2}
    return make_plan(make_config(options, {"memory": ("none", "reasoningbank")}, config), load_plugins())


def rows(directory: Path) -> Mapping[object, list[object]]:
    """Every column of every row but the numbers of rows, times and the chain over them, by table, and by run and position of its task."""
    found: dict[object, list[object]] = {}
    with closing(sqlite3.connect(directory / "experiment.sqlite")) as connection:
        connection.row_factory = sqlite3.Row
        places = {
            row["id"]: (row["run_id"], row["position"])
            for row in connection.execute("SELECT task.id, run_id, position FROM task JOIN run ON run.id = task.run")
        }
        queries = {
            "task": "SELECT *, id AS task FROM task ORDER BY id",
            "rollout": "SELECT rollout.*, body FROM rollout JOIN trajectory USING (id) ORDER BY id",
            "recall": "SELECT * FROM recall ORDER BY id",
            "op": "SELECT * FROM op ORDER BY id",
        }
        for table, query in queries.items():
            for row in connection.execute(query):
                plain = {
                    name: row[name] for name in sorted({*dict(row)} - {"id", "run", "task", "seconds", "record_hash"})
                }
                if table == "rollout":
                    *plain["head"], seconds = json.loads(row["head"])
                    assert seconds == row["seconds"]
                found.setdefault((table, places[row["task"]]), []).append(plain)
        for table in ("meta", "run", "seed", "template"):
            found[table] = [tuple(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2")]
    return found


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("local") / "x"
    planned = plan()
    with open_experiment(planned, directory) as store:
        asyncio.run(run_experiment(planned, store, Execution()))
    return directory


def digest(directory: Path) -> str:
    with ExperimentStore.open(directory, readonly=True) as store:
        return experiment_digest(store)


def test_processes_give_what_one_process_gives(local: Path, tmp_path: Path) -> None:
    planned = plan()
    with open_experiment(planned, tmp_path / "x") as store:
        asyncio.run(run_experiment(planned, store, PROCESSES))
    assert digest(tmp_path / "x") == digest(local)
    assert rows(tmp_path / "x") == rows(local)
    assert not multiprocessing.active_children()


def test_a_process_that_is_killed_is_one_line_and_the_same_command_goes_on(local: Path, tmp_path: Path) -> None:
    planned = plan()

    async def kill_one(store: ExperimentStore) -> None:
        while not any(store.committed(info.id) for info in planned.manifest.runs):
            await asyncio.sleep(0.01)
        os.kill(next(_children()), signal.SIGKILL)

    async def run(store: ExperimentStore) -> None:
        await asyncio.gather(run_experiment(planned, store, PROCESSES), kill_one(store))

    with open_experiment(planned, tmp_path / "x") as store:
        with pytest.raises(
            PluginError, match=r"the process of run '.*' ended \(exit code -9\).*[Rr]un the same"
        ) as caught:
            asyncio.run(run(store))
        assert "\n" not in str(caught.value)
        assert not multiprocessing.active_children()
        done = sum(store.committed(info.id) for info in store.manifest.runs)
        assert 0 < done < 12
    with open_experiment(planned, tmp_path / "x") as store:
        asyncio.run(run_experiment(planned, store, PROCESSES))
    assert digest(tmp_path / "x") == digest(local)


def _children() -> Iterator[int]:
    for child in multiprocessing.active_children():
        assert child.pid is not None
        yield child.pid


@pytest.mark.parametrize("executor", ["processes", "processes:0", "ray:2", "local:2"])
def test_what_is_no_executor_is_refused(tmp_path: Path, executor: str) -> None:
    planned = prepare(limit=1)
    with open_experiment(planned, tmp_path) as store, pytest.raises(UsageError, match="Use local, processes:N or ray"):
        asyncio.run(run_experiment(planned, store, Execution(executor=executor)))


def test_worlds_that_take_one_task_at_a_time_are_not_spread() -> None:
    planned = prepare(CountersPlugin(), env="counted-exclusive", model="test/saying", judge="none")
    with pytest.raises(UsageError, match="takes one task at a time"):
        make_plan(planned.config, planned.plugins, PROCESSES)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cache": "replies"}, "--cache keeps replies on one machine"),
        ({"ray_env": "RBSUITE_NOT_SET"}, "--ray-env RBSUITE_NOT_SET: it is not set here"),
        ({"ray_resources": "cpu=many"}, "--ray-resources 'cpu=many' is not valid"),
        ({"ray_address": "ray://127.0.0.1:1"}, "records cannot come back over a Ray client"),
        ({}, r"Ray cannot be imported.* pip install 'rbsuite\[ray\]'"),
    ],
)
def test_what_ray_cannot_do_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], said: str
) -> None:
    if not options:
        monkeypatch.setitem(sys.modules, "ray", None)
    planned = plan()
    with open_experiment(planned, tmp_path) as store, pytest.raises(UsageError, match=said) as caught:
        asyncio.run(run_experiment(planned, store, Execution(executor="ray", **options)))
    assert "\n" not in str(caught.value)


def test_a_run_takes_of_a_node_what_its_environment_needs_and_the_user_says() -> None:
    spec = replace(plan().spec, needs=(Check("a browser", "x:y", "browser"), Check("a package", "x:y")))
    assert as_ray_names(resources_of(spec, "")) == {"CPU": 1.0, "browser": 1.0}
    assert as_ray_names(resources_of(spec, "CPU=2, gpu=0.5,browser=3")) == {"CPU": 2.0, "GPU": 0.5, "browser": 3.0}


def test_private_tasks_do_not_go_to_other_machines() -> None:
    planned = plan()
    with pytest.raises(ConfinedError, match="--executor ray takes them to other machines"):
        check_confined(planned.config, planned.plugins, Execution(executor="ray"))
