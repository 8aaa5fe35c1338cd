"""Figures by domain, and the tables that show them."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rich.console import Console

from experiments import core_plugins, records_of, run
from rbsuite.cli.comparison import Compared, Groups, check_alike
from rbsuite.cli.comparison_json import document
from rbsuite.cli.comparison_text import render
from rbsuite.cli.results import as_json, show
from rbsuite.errors import UsageError
from rbsuite.hookspecs import hookimpl
from rbsuite.jsonable import plain
from rbsuite.run.config import make_config
from rbsuite.run.setup import set_up
from rbsuite.specs import EnvironmentSpec
from rbsuite.statistics.intervals import average, mean_estimate, over_tasks, wilson_estimate
from rbsuite.statistics.memory_use import memory_use
from rbsuite.statistics.parts import domain_results, measures_of
from rbsuite.statistics.summary import runs_by_condition, summarise
from rbsuite.store import ExperimentStore
from rbsuite.task import Task
from rbsuite.trajectory import Observation
from rooms import DOMAINS, SPEC, Rooms, RoomsPlugin


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Warnings come from the environment that is installed."""
    monkeypatch.setattr("rbsuite.plugins.load_plugins", lambda: core_plugins(RoomsPlugin()))


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[ExperimentStore]:
    config = make_config({"env": "rooms", "orders": 2}, {"memory": ("none", "reasoningbank")})
    with run(set_up(config, core_plugins(RoomsPlugin())), tmp_path / "x") as store:
        yield store


def test_figures_are_means_over_tasks_of_the_rollouts_that_count(rooms: ExperimentStore) -> None:
    runs, _ = runs_by_condition([rooms])
    for condition, found in runs.items():
        figures = domain_results(found)
        assert [one.name for one in figures] == list(DOMAINS)
        for one in figures:
            by_task: dict[str, list[tuple[float, float]]] = {}
            for _, record in records_of(rooms, condition.memory):
                trajectory = record.rollouts[record.selected].trajectory
                if trajectory.truth["domain"] == one.name:
                    pair = (trajectory.score or 0.0, float(trajectory.truth["progress"]))
                    by_task.setdefault(record.task_id, []).append(pair)
            assert one.tasks == len(by_task) == 4
            scores = [average([score for score, _ in pairs]) for pairs in by_task.values()]
            progress = [average([value for _, value in pairs]) for pairs in by_task.values()]
            assert one.success.mean == pytest.approx(average(scores))
            assert one.measures["progress"].mean == pytest.approx(average(progress))
            assert one.measures["progress"].mean >= one.success.mean


def test_the_tables_name_every_domain_and_warn_of_those_apart(rooms: ExperimentStore) -> None:
    summary = summarise(rooms)
    said = io.StringIO()
    show(Console(file=said, width=140), rooms, summary)
    runs, _ = runs_by_condition([rooms])
    used = {condition: memory_use(found) for condition, found in runs.items()}
    compared = Compared([rooms], summary, Groups(), used, [])
    for text in (said.getvalue(), render(compared)):
        assert "8 tasks and 4 apart" in text
        assert "rooms[toy] all" in text
        assert "coloured *" in text
        assert "coloured stands apart, left out of the figures of the others: No text says which lamp is meant." in text
        assert "progress %" in text
        assert text.index("long  ") < text.index("coloured *")


def test_the_documents_hold_the_same(rooms: ExperimentStore) -> None:
    summary = summarise(rooms)
    runs, _ = runs_by_condition([rooms])
    used = {condition: memory_use(found) for condition, found in runs.items()}
    shown: list[Any] = [as_json(rooms, summary), document(Compared([rooms], summary, Groups(), used, []))]
    for found in json.loads(json.dumps([plain(one) for one in shown])):
        assert [one["domain"] for one in found["apart"]] == ["coloured"]
        assert found["apart"][0]["comparisons"][0]["n_tasks"] == 4
        for condition in found["conditions"]:
            assert [(one["domain"], one["apart"]) for one in condition["domains"]] == [
                ("plain", False),
                ("long", False),
                ("coloured", True),
            ]
            assert 0 <= condition["domains"][0]["progress"]["mean"] <= 1


def test_an_environment_that_keeps_nothing_else_has_no_such_table(tmp_path: Path) -> None:
    config = make_config({"env": "toy", "orders": 1}, {"memory": ("none",), "limit": 2})
    from toy import ToyPlugin

    with run(set_up(config, core_plugins(ToyPlugin())), tmp_path / "x") as store:
        assert measures_of(store) == ()
        assert domain_results([(store, store.manifest.runs[0])]) == ()
        assert as_json(store, summarise(store))["apart"] == []


class Flooded(Rooms):
    """Nobody gets into the coloured houses, and the first plain one."""

    def begin(self, task: Task) -> Observation:
        if task.domain == "coloured" or task.id == "plain/0":
            raise OSError("the stairs are under water")
        return super().begin(task)


class FloodedPlugin:
    @hookimpl
    def rbsuite_environments(self) -> list[EnvironmentSpec]:
        return [replace(SPEC, name="flooded", aliases=(), factory=f"{__name__}:Flooded")]


@pytest.fixture
def flooded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ExperimentStore]:
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__, ModuleType(__name__)))
    monkeypatch.setattr(sys.modules[__name__], "Flooded", Flooded, raising=False)
    config = make_config({"env": "flooded", "orders": 1}, {"memory": ("none",), "model": "sim/oracle", "probe": 3})
    with run(set_up(config, core_plugins(FloodedPlugin())), tmp_path / "f") as store:
        yield store


def test_broken_rollouts_count_as_0_in_their_domain_and_are_shown_wherever_they_are(flooded: ExperimentStore) -> None:
    (found,) = (domain_results(runs) for runs in runs_by_condition([flooded])[0].values())
    by_name = {one.name: one for one in found}
    assert {name: (one.success.mean, one.failed, one.tasks) for name, one in by_name.items()} == {
        "plain": (0.75, 1, 4),
        "long": (1.0, 0, 4),
        "coloured": (0.0, 4, 4),
    }
    assert by_name["plain"].measures["progress"].mean == 0.75
    # One 0 or 1 a task: Wilson's interval, also where all are alike.
    assert by_name["coloured"].success == wilson_estimate(0, 4)
    said = io.StringIO()
    show(Console(file=said, width=140), flooded, summarise(flooded))
    assert "first failure: none x single on task" in said.getvalue()
    assert "the stairs are under water" in said.getvalue()
    assert re.search(r"coloured \*  4 .* 4$", said.getvalue(), re.MULTILINE)


def test_probes_are_no_tasks_of_a_domain_and_belong_to_its_part(flooded: ExperimentStore) -> None:
    summary = summarise(flooded)
    probed = flooded.manifest.runs[0].tasks[-3:]
    parts = [summary.conditions[0], summary.apart[0].conditions[0]]
    assert sum(one.n_tasks for one in parts) == 12
    for one in parts:
        (stream,) = one.streams
        assert set(stream.probes) == set(stream.info.tasks[len(stream.tasks) :]) <= set(probed)
    assert sum(len(one.streams[0].probes) for one in parts) == 3


@pytest.mark.parametrize(
    ("values", "interval"),
    [
        ([("a", 0.0), ("a", 0.0), ("b", 0.0)], wilson_estimate(0, 2).interval),
        ([("a", 1.0), ("a", 1.0), ("b", 1.0)], wilson_estimate(2, 2).interval),
        ([("a", 0.5), ("b", 0.5)], None),
        ([("a", 0.0), ("b", 1.0), ("c", 1.0)], wilson_estimate(2, 3).interval),
        ([("a", 0.0), ("a", 1.0), ("b", 1.0), ("c", 0.0)], mean_estimate([0.5, 1.0, 0.0]).interval),
        ([], None),
    ],
)
def test_an_interval_over_tasks_never_claims_what_it_cannot_know(
    values: list[tuple[str, float]], interval: tuple[float, float] | None
) -> None:
    assert over_tasks(values).interval == interval


def test_experiments_with_other_figures_are_not_put_together(tmp_path: Path) -> None:
    class Other:
        @hookimpl
        def rbsuite_environments(self) -> list[EnvironmentSpec]:
            return [replace(SPEC, measures=())]

    stores = []
    for number, plugin in enumerate((RoomsPlugin(), Other())):
        config = make_config({"env": "rooms", "orders": 1}, {"memory": ("none",), "limit": 2})
        stores.append(run(set_up(config, core_plugins(plugin)), tmp_path / f"{number}"))
    with pytest.raises(UsageError, match="figures by domain progress and none"):
        check_alike(stores)
    for store in stores:
        store.close()
