"""``rbsuite plan``: tasks, orders and rollouts from a pilot's variances."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import altered
from experiments import core_plugins, measure, run
from rbsuite.cli.plan import command, split_sizes
from rbsuite.errors import UnknownNameError, UsageError
from rbsuite.plugins import Plugins
from rbsuite.run.config import make_config
from rbsuite.run.plan import make_plan
from rbsuite.statistics.power import components, tasks_needed
from rbsuite.statistics.summary import summarise
from rooms import RoomsPlugin
from toy import ToyPlugin


def plan(*arguments: object, plugins: Plugins | None = None) -> str:
    result: Result = CliRunner().invoke(
        command,
        [str(argument) for argument in arguments],
        obj=plugins or core_plugins(ToyPlugin()),
        catch_exceptions=False,
    )
    assert result.exit_code == 0, result.output
    return result.output


def test_a_simulated_pilot_says_what_it_is() -> None:
    text = plan("--env", "toy", "--effect", "0.1")
    assert "find a difference of 10.0 points with 80 % power" in " ".join(text.split())
    assert "a simulated pilot" in " ".join(text.split())
    assert "Simulated: a real model's variances differ" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80


def test_figures_are_those_of_the_experiment(tmp_path: Path) -> None:
    with measure(tmp_path / "e", memory=("none", "reasoningbank", "awm"), orders=4) as store:
        awm = summarise(store).comparisons[1]
    document = json.loads(
        plan("--from", tmp_path / "e", "--memory", "awm", "--effect", "0.2", "--power", "0.9", "--json")
    )
    on, off, _ = awm.paired.arrays()
    wanted_parts = components(on, off)
    likely = document["pilot"]["likely"]
    assert document["pilot"]["parts"] == pytest.approx(asdict(wanted_parts.parts))
    assert likely == pytest.approx(asdict(wanted_parts.likely))
    assert document["pilot"]["upper"] == pytest.approx(asdict(wanted_parts.upper))
    assert document["pilot"]["separated"] is False
    assert document["pilot"]["free"] is True
    from rbsuite.statistics.power import Components

    for design in document["designs"]:
        wanted = tasks_needed(Components(**likely), 0.2, design["orders"], design["rollouts"], 0.9)
        assert design["tasks"] == wanted
        assert design["tasks_sure"] is None or design["tasks_sure"] >= (wanted or 0)
    [split] = document["splits"]
    assert (split["split"], split["tasks"]) == ("all", 24)
    differences = [entry["difference"] for entry in split["detectable"]]
    assert differences == sorted(differences, reverse=True)


def test_a_budget_names_a_design_within_it(tmp_path: Path) -> None:
    measure(tmp_path / "e", memory=("none", "awm"), orders=3).close()
    document = json.loads(plan("--from", tmp_path / "e", "--budget", 600, "--json"))
    found = document["splits"][0]["budget"]
    assert found["cost"] == 24 * (found["orders"] + found["baseline_orders"]) * found["rollouts"] <= 600
    text = plan("--from", tmp_path / "e", "--budget", 600)
    assert "that 600 rollouts find" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 100


def test_several_rollouts_tell_their_own_variance(tmp_path: Path) -> None:
    options: dict[str, Any] = {"memory": ("none", "awm"), "scaling": ("three",), "orders": 3}
    measure(tmp_path / "e", ToyPlugin(scalings=[altered.THREE]), **options).close()
    pilot = json.loads(plan("--from", tmp_path / "e", "--json"))["pilot"]
    assert pilot["separated"] is True
    assert pilot["parts"]["rollouts"] > 0
    assert "upper bound" not in plan("--from", tmp_path / "e")


def test_what_cannot_be_a_pilot_is_refused(tmp_path: Path) -> None:
    measure(tmp_path / "one", memory=("none", "awm"), orders=1).close()
    measure(tmp_path / "alone", memory=("none",), orders=2).close()
    measure(tmp_path / "fine", memory=("none", "awm"), orders=2).close()
    with pytest.raises(UsageError, match="does not show how orders differ"):
        plan("--from", tmp_path / "one")
    with pytest.raises(UsageError, match="has no comparison"):
        plan("--from", tmp_path / "alone")
    with pytest.raises(UnknownNameError, match="awm"):
        plan("--from", tmp_path / "fine", "--memory", "wam")
    with pytest.raises(UnknownNameError, match="tau-bench"):
        plan("--from", tmp_path / "fine", "--env", "tau-bench")
    with pytest.raises(UsageError, match="is on toy"):
        plan("--from", tmp_path / "fine", "--env", "rooms", plugins=core_plugins(ToyPlugin(), RoomsPlugin()))
    with pytest.raises(UsageError, match="no environment"):
        plan()


def test_a_plan_bears_the_full_name_and_counts_what_is_compared(tmp_path: Path) -> None:
    plugins = core_plugins(RoomsPlugin())
    config = make_config({"env": "rooms", "orders": 2}, {"memory": ("none", "reasoningbank")})
    run(make_plan(config, plugins), tmp_path / "x").close()
    document = json.loads(plan("--env", "rooms", "--from", tmp_path / "x", "--effect", 0.2, "--json", plugins=plugins))
    assert document["env"] == "rooms[toy]"
    assert split_sizes(plugins, "rooms") == {"all": 8}


def test_effects_out_of_range_are_refused() -> None:
    assert CliRunner().invoke(command, ["--env", "toy", "--effect", "0"]).exit_code == 2
    assert CliRunner().invoke(command, ["--env", "toy", "--power", "1"]).exit_code == 2
