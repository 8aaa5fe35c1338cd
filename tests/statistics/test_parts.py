"""Figures by domain."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from experiments import core_plugins, measure, records_of, run
from rbsuite.environments.base import EpisodeServices
from rbsuite.hookspecs import hookimpl
from rbsuite.report.results import render
from rbsuite.run.config import make_config
from rbsuite.run.plan import make_plan
from rbsuite.specs import EnvironmentSpec
from rbsuite.statistics.intervals import average
from rbsuite.statistics.shares import proportion
from rbsuite.statistics.summary import summarise
from rbsuite.store import ExperimentStore
from rbsuite.task import Task
from rooms import DOMAINS, SPEC, House, Rooms, RoomsPlugin


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[ExperimentStore]:
    config = make_config({"env": "rooms", "orders": 2}, {"memory": ("none", "reasoningbank")})
    with run(make_plan(config, core_plugins(RoomsPlugin())), tmp_path / "x") as store:
        yield store


def test_figures_are_means_over_tasks_of_the_rollouts_that_count(rooms: ExperimentStore) -> None:
    for condition, figures in summarise(rooms).domains.items():
        assert [one.name for one in figures] == list(DOMAINS)
        for one in figures:
            by_task: dict[str, list[tuple[float, float]]] = {}
            for _, record in records_of(rooms, condition.memory):
                trajectory = record.rollouts[record.selected].trajectory
                assert trajectory.grade is not None
                if record.task_id.startswith(one.name):
                    pair = (trajectory.grade.score, trajectory.grade.measures["progress"])
                    by_task.setdefault(record.task_id, []).append(pair)
            assert one.tasks == len(by_task) == 4
            scores = [average([score for score, _ in pairs]) for pairs in by_task.values()]
            progress = [average([value for _, value in pairs]) for pairs in by_task.values()]
            assert one.success.mean == pytest.approx(average(scores))
            assert one.measures["progress"].mean == pytest.approx(average(progress))
            assert one.measures["progress"].mean >= one.success.mean


def test_an_environment_that_keeps_nothing_else_has_success_by_domain_where_it_has_several(tmp_path: Path) -> None:
    for domain, names in (("", ["apples", "bridges", "clouds"]), ("clouds", [])):
        with measure(tmp_path / f"x{domain}", memory=("none",), domain=domain) as store:
            summary = summarise(store)
        assert (summary.about.measures, summary.apart) == ({}, [])
        figures = summary.domains[summary.conditions[0].condition]
        assert [one.name for one in figures] == names
        assert all(one.tasks == one.size == 8 for one in figures)


class Flooded(Rooms):
    """Nobody gets into the coloured houses, and the first plain one."""

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> House:
        if task.domain == "coloured" or task.id == "plain/0":
            raise OSError("the stairs are under water")
        return super().begin(task, seed=seed, services=services)


class FloodedPlugin:
    @hookimpl
    def rbsuite_environments(self) -> list[EnvironmentSpec]:
        return [replace(SPEC, name="flooded", aliases=(), factory=f"{__name__}:Flooded")]


@pytest.fixture
def flooded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ExperimentStore]:
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__, ModuleType(__name__)))
    monkeypatch.setattr(sys.modules[__name__], "Flooded", Flooded, raising=False)
    config = make_config({"env": "flooded", "orders": 1}, {"memory": ("none",), "model": "sim/oracle", "probe": 3})
    with run(make_plan(config, core_plugins(FloodedPlugin())), tmp_path / "f") as store:
        yield store


def test_broken_rollouts_count_as_0_in_their_domain_and_are_shown_wherever_they_are(flooded: ExperimentStore) -> None:
    (found,) = summarise(flooded).domains.values()
    by_name = {one.name: one for one in found}
    assert {name: (one.success.mean, one.failed, one.tasks) for name, one in by_name.items()} == {
        "plain": (0.75, 1, 4),
        "long": (1.0, 0, 4),
        "coloured": (0.0, 4, 4),
    }
    assert by_name["plain"].measures["progress"].mean == 0.75
    assert by_name["coloured"].success.interval == pytest.approx(proportion(0, 4).interval)
    shown = render(flooded, summarise(flooded))
    assert "first failure: none x single on task" in shown
    assert "the stairs are under water" in shown
    assert re.search(r"coloured \*  none +4 .* 4$", shown, re.MULTILINE)


def test_probes_are_no_tasks_of_a_domain_and_belong_to_its_part(flooded: ExperimentStore) -> None:
    summary = summarise(flooded)
    probed = flooded.manifest.runs[0].tasks[-3:]
    parts = [summary.conditions[0], summary.apart[0].conditions[0]]
    assert sum(one.n_tasks for one in parts) == 12
    for one in parts:
        (stream,) = one.streams
        assert set(stream.probes) == set(stream.info.tasks[len(stream.tasks) :]) <= set(probed)
    assert sum(len(one.streams[0].probes) for one in parts) == 3
