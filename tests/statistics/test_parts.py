"""Figures by domain, and the tables that show them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from experiments import core_plugins, records_of, run
from rbsuite.cli.comparison import Compared, Groups
from rbsuite.cli.comparison_json import document
from rbsuite.cli.comparison_text import render
from rbsuite.cli.results import as_json, show
from rbsuite.jsonable import plain
from rbsuite.runner.config import make_config
from rbsuite.runner.setup import set_up
from rbsuite.statistics.intervals import average, mean_estimate
from rbsuite.statistics.memory_use import memory_use
from rbsuite.statistics.parts import domain_figures, measures_of
from rbsuite.statistics.summary import runs_by_condition, summarise
from rbsuite.store import ExperimentStore
from rooms import DOMAINS, RoomsPlugin


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[ExperimentStore]:
    config = make_config({"env": "rooms", "orders": 2}, {"memory": ("none", "reasoningbank")})
    with run(set_up(config, core_plugins(RoomsPlugin())), tmp_path / "x") as store:
        yield store


def test_figures_are_means_over_tasks_of_the_rollouts_that_count(rooms: ExperimentStore) -> None:
    runs, _ = runs_by_condition([rooms])
    for condition, found in runs.items():
        figures = domain_figures(found)
        assert [one.name for one in figures] == sorted(DOMAINS)
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
            assert one.success == mean_estimate(scores)
            assert one.measures["progress"] == mean_estimate(progress)
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
                ("coloured", True),
                ("long", False),
                ("plain", False),
            ]
            assert 0 <= condition["domains"][0]["progress"]["mean"] <= 1


def test_an_environment_that_keeps_nothing_else_has_no_such_table(tmp_path: Path) -> None:
    config = make_config({"env": "toy", "orders": 1}, {"memory": ("none",), "limit": 2})
    from toy import ToyPlugin

    with run(set_up(config, core_plugins(ToyPlugin())), tmp_path / "x") as store:
        assert measures_of(store) == {}
        assert domain_figures([(store, store.manifest.runs[0])]) == ()
        assert "apart" not in as_json(store, summarise(store))
