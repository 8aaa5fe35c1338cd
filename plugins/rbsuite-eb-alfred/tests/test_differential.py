"""The engine against upstream's own code, live, on a stand-in for the simulator.

Runs only where ``RBSUITE_EB_ALFRED_CHECKOUT`` names a checkout of EmbodiedBench; upstream's data must be there as a pack.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from rbsuite.errors import DataError
from rbsuite.task import Task, TaskSet
from rbsuite_eb_alfred.choice import ENCLOSED
from rbsuite_eb_alfred.differential import Report, Upstream, compare_episodes, compare_walks, load_upstream
from rbsuite_eb_alfred.environment import EbAlfred

CHECKOUT = os.environ.get("RBSUITE_EB_ALFRED_CHECKOUT", "")
SEED = 1

needs_checkout = pytest.mark.skipif(not CHECKOUT, reason="RBSUITE_EB_ALFRED_CHECKOUT names no checkout")


@pytest.fixture(scope="module")
def theirs() -> Iterator[Upstream]:
    with load_upstream(Path(CHECKOUT)) as loaded:
        yield loaded


def trials(tasks: TaskSet) -> Sequence[Task]:
    """The first task of each trial: the others have its world and its goal."""
    first: dict[str, Task] = {}
    for task in tasks:
        first.setdefault(str(task.payload["trial"]), task)
    return list(first.values())


def check(report: Report, at_least: int) -> None:
    assert report.differences == []
    assert report.actions >= at_least


@needs_checkout
def test_walks_go_as_upstream_goes(theirs: Upstream, upstream_env: EbAlfred, upstream_tasks: TaskSet) -> None:
    chosen = trials(upstream_tasks)[:: len(trials(upstream_tasks)) // 20][:20]
    check(compare_walks(theirs, upstream_env, chosen, actions=200, seed=SEED), 4_000)


@needs_checkout
def test_episodes_end_as_upstreams_do(theirs: Upstream, upstream_env: EbAlfred, upstream_tasks: TaskSet) -> None:
    tasks = list(upstream_tasks)[::5]
    exact = compare_episodes(theirs, upstream_env, tasks, noise=0.0, seed=SEED)
    check(exact, len(tasks))
    assert exact.solved == len(tasks)
    noisy = compare_episodes(theirs, upstream_env, tasks, noise=0.4, seed=SEED)
    check(noisy, len(tasks))
    assert noisy.solved < len(tasks)


@needs_checkout
def test_a_rule_that_is_broken_is_noticed(
    theirs: Upstream, upstream_env: EbAlfred, upstream_tasks: TaskSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rbsuite_eb_alfred.choice.ENCLOSED", ENCLOSED / 1e6)
    report = compare_walks(theirs, upstream_env, trials(upstream_tasks)[:40], actions=200, seed=SEED)
    assert report.differences
    assert report.differences[0].actions


@needs_checkout
@pytest.mark.slow
def test_long_walks_through_all_trials_go_as_upstream_goes(
    theirs: Upstream, upstream_env: EbAlfred, upstream_tasks: TaskSet
) -> None:
    check(compare_walks(theirs, upstream_env, trials(upstream_tasks), actions=400, seed=SEED), 52_000)


@needs_checkout
@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.0, 0.15, 0.5])
def test_episodes_of_all_tasks_end_as_upstreams_do(
    theirs: Upstream, upstream_env: EbAlfred, upstream_tasks: TaskSet, noise: float
) -> None:
    check(compare_episodes(theirs, upstream_env, upstream_tasks, noise=noise, seed=SEED), 2_000)


@needs_checkout
def test_the_interpreter_is_left_as_it_was() -> None:
    modules, path, bytecode = set(sys.modules), sys.path.copy(), sys.dont_write_bytecode
    with load_upstream(Path(CHECKOUT)):
        assert set(sys.modules) == modules
    assert (sys.path, sys.dont_write_bytecode) == (path, bytecode)


def test_a_directory_without_upstream_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no EmbodiedBench in"), load_upstream(tmp_path):
        pass
