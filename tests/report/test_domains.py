"""The table by domain, and domains that are reported separately."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments import core_plugins, run
from rbsuite.errors import UsageError
from rbsuite.hookspecs import hookimpl
from rbsuite.jsonable import plain
from rbsuite.report.comparison import check_alike, gather
from rbsuite.report.comparison_json import document
from rbsuite.report.comparison_text import render as render_comparison
from rbsuite.report.results import as_json, render
from rbsuite.run.config import make_config
from rbsuite.run.plan import make_plan
from rbsuite.specs import EnvironmentSpec
from rbsuite.statistics.summary import summarise
from rbsuite.store import ExperimentStore
from rooms import SPEC, RoomsPlugin


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[ExperimentStore]:
    config = make_config({"env": "rooms", "orders": 2}, {"memory": ("none", "placebo")})
    with run(make_plan(config, core_plugins(RoomsPlugin())), tmp_path / "x") as store:
        yield store


def test_the_tables_name_every_domain_and_warn_of_those_reported_separately(rooms: ExperimentStore) -> None:
    for text in (render(rooms, summarise(rooms)), render_comparison(gather([rooms]))):
        assert "8 tasks and 4 reported separately" in text
        assert "rooms[toy] all" in text
        assert "coloured *" in text
        said = " ".join(text.split())
        assert "coloured is reported separately and left out of the figures of the others: No text says which" in said
        assert "progress %" in text
        assert text.index("long  ") < text.index("coloured *")
        assert "placebo x single (control)" in text


def test_the_documents_hold_the_same(rooms: ExperimentStore) -> None:
    shown: list[Any] = [as_json(rooms, summarise(rooms)), document(gather([rooms]))]
    for found in json.loads(json.dumps([plain(one) for one in shown])):
        assert [one["domain"] for one in found["apart"]] == ["coloured"]
        assert found["apart"][0]["warning"] == "No text says which lamp is meant."
        assert found["apart"][0]["comparisons"][0]["n_tasks"] == 4
        assert [one["control"] for one in found["conditions"]] == [False, True]
        for condition in found["conditions"]:
            assert [(one["domain"], one["apart"]) for one in condition["domains"]] == [
                ("plain", False),
                ("long", False),
                ("coloured", True),
            ]
            assert 0 <= condition["domains"][0]["progress"]["mean"] <= 1


def test_experiments_with_other_figures_are_not_put_together(tmp_path: Path) -> None:
    class Other:
        @hookimpl
        def rbsuite_environments(self) -> list[EnvironmentSpec]:
            return [replace(SPEC, measures=())]

    stores = []
    for number, plugin in enumerate((RoomsPlugin(), Other())):
        config = make_config({"env": "rooms", "orders": 1}, {"memory": ("none",), "limit": 2})
        stores.append(run(make_plan(config, core_plugins(plugin)), tmp_path / f"{number}"))
    with pytest.raises(UsageError, match="figures by domain progress and none"):
        check_alike(stores)
    for store in stores:
        store.close()
