"""Stopped anywhere, started again with the same command: the result of an undisturbed run, and nothing done twice."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import altered
from experiments import measure, prepare, run
from rbsuite.errors import StoreError
from rbsuite.hookspecs import hookimpl
from rbsuite.record import RunInfo, TaskRecord
from rbsuite.run.config import Execution
from rbsuite.run.directory import open_experiment
from rbsuite.run.executors import run_experiment
from rbsuite.store import ExperimentStore, experiment_digest
from toy import Toy, ToyPlugin

SUPPORT = Path(__file__).parents[1] / "support"
OPTIONS: dict[str, Any] = {"memory": ("none", "reasoningbank"), "orders": 2, "model": "sim/recording"}


def stop(patch: pytest.MonkeyPatch, commits: int, how: Callable[[], object]) -> None:
    """Have something happen right after so many commits of this process."""
    commit = ExperimentStore.commit
    left = commits

    def counted(store: ExperimentStore, run: str, record: TaskRecord) -> None:
        nonlocal left
        commit(store, run, record)
        left -= 1
        if left == 0:
            how()

    patch.setattr(ExperimentStore, "commit", counted)


def raising(error: type[BaseException]) -> Callable[[], object]:
    def how() -> None:
        raise error

    return how


class Observer:
    """Keeps the hooks that were called."""

    def __init__(self) -> None:
        self.started: list[tuple[str, int]] = []
        self.committed: list[tuple[str, int]] = []
        self.finished: list[str] = []

    @hookimpl
    def rbsuite_run_started(self, run: RunInfo, resumed_at: int) -> None:
        self.started.append((run.id, resumed_at))

    @hookimpl
    def rbsuite_task_committed(self, run: RunInfo, record: TaskRecord) -> None:
        self.committed.append((run.id, record.position))

    @hookimpl
    def rbsuite_run_finished(self, run: RunInfo) -> None:
        self.finished.append(run.id)


def toy() -> ToyPlugin:
    return ToyPlugin(models=[altered.recording()])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, int]:
    """Digest and number of model calls of the experiment when nothing happens to it."""
    altered.Recording.requests.clear()
    with measure(tmp_path_factory.mktemp("undisturbed"), toy(), **OPTIONS) as store:
        return experiment_digest(store), len(altered.Recording.requests)


def committed(directory: Path) -> int:
    with ExperimentStore.open(directory, readonly=True) as store:
        return sum(store.committed(info.id) for info in store.manifest.runs)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RuntimeError])
@pytest.mark.parametrize("commits", [1, 30, 95])
def test_interrupted_run_goes_on_to_the_undisturbed_result(
    tmp_path: Path, undisturbed: tuple[str, int], error: type[BaseException], commits: int
) -> None:
    digest, calls = undisturbed
    altered.Recording.requests.clear()
    with pytest.MonkeyPatch.context() as patch:
        stop(patch, commits, raising(error))
        with pytest.raises(error):
            measure(tmp_path / "stopped", toy(), concurrency=1, **OPTIONS)
    gc.collect()  # asyncio reports the error when its task is freed; in the midst of a later test's parsing, CPython 106905 would meet it
    assert committed(tmp_path / "stopped") == commits
    observer = Observer()
    with measure(tmp_path / "stopped", toy(), observer, **OPTIONS) as store:
        assert experiment_digest(store) == digest
        assert all(store.run_finished(info.id) for info in store.manifest.runs)
    assert len(altered.Recording.requests) == calls, "something was run again"
    assert len(observer.committed) == 96 - commits
    assert sum(resumed_at for _, resumed_at in observer.started) == commits % 24


def test_finished_experiment_asks_no_model(tmp_path: Path, undisturbed: tuple[str, int]) -> None:
    measure(tmp_path, toy(), **OPTIONS).close()
    altered.Recording.requests.clear()
    observer = Observer()
    with measure(tmp_path, toy(), observer, **OPTIONS) as store:
        assert experiment_digest(store) == undisturbed[0]
    assert altered.Recording.requests == []
    assert (observer.started, observer.committed, observer.finished) == ([], [], [])


def test_interrupt_is_heard_within_a_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that never waits must not keep the interrupt of the terminal from the event loop until a stream has ended."""
    stop(monkeypatch, 4, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        measure(tmp_path, toy(), concurrency=1, **OPTIONS)
    assert committed(tmp_path) <= 6


def test_streams_share_the_event_loop(tmp_path: Path) -> None:
    """With in-process models too, runs advance side by side."""
    observer = Observer()
    with measure(tmp_path, toy(), observer, concurrency=4, **OPTIONS):
        assert len({run for run, _ in observer.committed[:24]}) > 1


KILLED = """
import os, signal, sys
from pathlib import Path
import altered
from experiments import measure
from rbsuite.store import ExperimentStore
from test_plugin import OPTIONS, toy

point, count = sys.argv[2], int(sys.argv[3])

def strike(here):
    global count
    count -= here == point
    if count == 0:
        os.kill(os.getpid(), signal.SIGKILL)

complete, commit = altered._Recorded.complete, ExperimentStore.commit

async def struck(self, request):
    strike(request.purpose)
    return await complete(self, request)

def counted(*arguments):
    commit(*arguments)
    strike("commit")

altered._Recorded.complete, ExperimentStore.commit = struck, counted
measure(Path(sys.argv[1]), toy(), **OPTIONS)
"""


@pytest.mark.parametrize(("point", "count"), [("judge", 41), ("commit", 40), ("memory", 20)])
def test_killed_process_leaves_nothing_to_mend(
    tmp_path: Path, undisturbed: tuple[str, int], point: str, count: int
) -> None:
    (tmp_path / "test_plugin.py").write_text(
        "import altered\nfrom toy import ToyPlugin\n"
        f"OPTIONS = {OPTIONS!r}\n"
        "def toy():\n    return ToyPlugin(models=[altered.recording()])\n",
        encoding="utf-8",
    )
    path = os.pathsep.join([str(SUPPORT), str(tmp_path)])
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "killed"), point, str(count)],
        env={**os.environ, "PYTHONPATH": path},
        check=False,
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL
    before = committed(tmp_path / "killed")
    assert 0 < before < 96
    observer = Observer()
    with measure(tmp_path / "killed", toy(), observer, **OPTIONS) as store:
        assert experiment_digest(store) == undisturbed[0]
        for info in store.manifest.runs:
            assert store.verify_chain(info.id) == store.state(info.id)[1]
            positions = [record.position for record in store.records(info.id)]
            assert positions == list(range(24))
    assert len(observer.committed) == 96 - before


def test_result_and_operations_commit_together(tmp_path: Path, undisturbed: tuple[str, int]) -> None:
    """A commit whose operations cannot be written leaves no result, so the task is run again and its lesson is not lost."""
    plan = prepare(toy(), **OPTIONS)
    home = tmp_path / "sabotaged"
    open_experiment(plan, home).close()
    file = next(home.glob("*.sqlite"))
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(
            "CREATE TRIGGER sabotage BEFORE INSERT ON op WHEN (SELECT count(*) FROM op) >= 5"
            " BEGIN SELECT RAISE(ABORT, 'sabotage'); END"
        )
    with pytest.raises(Exception, match="sabotage"):
        run(plan, home)
    with ExperimentStore.open(home, readonly=True) as store:
        ops = 0
        for info in store.manifest.runs:
            assert len(list(store.results(info.id))) == store.committed(info.id)
            ops += len(list(store.ops(info.id)))
            assert store.verify_chain(info.id) == store.state(info.id)[1]
        assert ops == 5
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DROP TRIGGER sabotage")
    with run(plan, home) as store:
        assert experiment_digest(store) == undisturbed[0]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"seed": 1}, ["seed", "0", "1"]),
        ({"memory": ("none", "awm")}, ["memory", "reasoningbank", "awm"]),
        ({"max_steps": 2}, ["max-steps", "2"]),
        ({"limit": 3}, ["limit", "None", "3"]),
        ({"judge": "noisy:0.7"}, ["judge", "self", "noisy:0.7"]),
    ],
)
def test_another_experiment_in_the_same_place_is_refused(
    tmp_path: Path, changed: dict[str, Any], named: list[str]
) -> None:
    open_experiment(prepare(toy(), **OPTIONS), tmp_path).close()
    with pytest.raises(StoreError) as caught:
        open_experiment(prepare(toy(), **{**OPTIONS, **changed}), tmp_path)
    assert all(word in str(caught.value) for word in [*named, "--out"])
    assert "\n" not in str(caught.value)
    with open_experiment(prepare(toy(), **OPTIONS), tmp_path) as store:
        assert store.committed(store.manifest.runs[0].id) == 0


def test_changed_task_set_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_experiment(prepare(), tmp_path).close()
    edited = altered.Edited().tasks("all")
    monkeypatch.setattr(Toy, "tasks", lambda self, split, **options: edited)
    with pytest.raises(StoreError, match="task_set"):
        open_experiment(prepare(), tmp_path)


def test_first_failure_stops_the_other_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop(monkeypatch, 10, raising(RuntimeError))
    with pytest.raises(RuntimeError):
        measure(tmp_path, toy(), concurrency=4, **OPTIONS)
    assert committed(tmp_path) < 20


def test_two_processes_cannot_write_one_experiment(tmp_path: Path) -> None:
    plan = prepare()
    with open_experiment(plan, tmp_path) as store:
        with pytest.raises(StoreError):
            open_experiment(plan, tmp_path)
        asyncio.run(run_experiment(plan, store, Execution(1)))
        assert all(store.run_finished(info.id) for info in store.manifest.runs)
