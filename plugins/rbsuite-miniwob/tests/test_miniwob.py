"""MiniWoB++ in its browser. Skipped where it is not installed."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterator

import pytest

import rbsuite
from rbsuite.run.verify import verify
from rbsuite.testing import check_plugin, require_kept

pytest.importorskip(
    "miniwob", reason="rbsuite-miniwob is not installed (uv run --group web pytest plugins/rbsuite-miniwob)"
)


@pytest.fixture
def miniwob(browser: None) -> Iterator[rbsuite.Environment]:
    made = importlib.import_module("rbsuite_miniwob.environment").MiniWob()
    yield made
    asyncio.run(made.aclose())


def test_the_groups_hold_each_page_of_the_package_once() -> None:
    catalogue = importlib.import_module("rbsuite_miniwob.catalogue")
    pages = importlib.import_module("rbsuite_miniwob.environment")._pages()
    assert sorted(catalogue.domains()) == sorted(path.stem for path in pages.glob("*.html"))
    assert len(catalogue.domains()) == 130
    assert set(catalogue.domains()) >= catalogue.NONDETERMINISTIC


def test_twelve_tasks_are_solved_by_script_and_none_by_doing_nothing(miniwob: rbsuite.Environment) -> None:
    tasks = miniwob.tasks("sample")
    one_seed = type(tasks)(tasks.environment, tasks.split, tasks.tasks[::2])
    report = asyncio.run(verify(miniwob, one_seed, 30))
    assert (report.tasks, report.solved, report.floor_solved) == (12, 12, 0)


@pytest.mark.slow
def test_all_tasks_load(miniwob: rbsuite.Environment) -> None:
    for task in miniwob.tasks("test").tasks[::5]:
        grade, _ = asyncio.run(rbsuite.play_actions(miniwob, task, (), ()))
        assert grade.score == 0.0, task.id


@pytest.mark.slow
def test_five_seeds_of_each_scripted_task_are_solved(miniwob: rbsuite.Environment) -> None:
    report = asyncio.run(verify(miniwob, miniwob.tasks("reference"), 60))
    assert report.unsolved == ()


@pytest.mark.slow
def test_the_rules_of_the_kit_are_kept(browser: None) -> None:
    require_kept(check_plugin("miniwob"))
