"""An environment of named actions goes through runner, simulated models, scaling and verify like any other."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from experiments import SURE, core_plugins, records_of, run
from rbsuite.environments.base import EpisodeServices
from rbsuite.errors import PluginError, TemplateError, UsageError
from rbsuite.run.config import make_config
from rbsuite.run.plan import Plan, make_plan
from rbsuite.run.verify import verify
from rbsuite.statistics.summary import summarise
from rbsuite.store import ExperimentStore
from rbsuite.task import Task
from rbsuite.trajectory import Grade
from rooms import DOMAINS, LIMIT, House, Rooms, RoomsPlugin
from toy import ToyPlugin


def prepare(*plugins: object, **config: Any) -> Plan:
    return make_plan(make_config({"env": "rooms", "orders": 1}, config), core_plugins(RoomsPlugin(), *plugins))


def test_references_solve_every_task_and_doing_nothing_none() -> None:
    rooms = Rooms()
    report = asyncio.run(verify(rooms, rooms.tasks("all"), 20))
    assert (report.solved, report.tasks, report.floor_solved) == (12, 12, 0)


@pytest.mark.parametrize("agent", ["planner", "stepwise"])
def test_oracle_solves_all_random_and_noop_end_by_the_environments_own_limit(tmp_path: Path, agent: str) -> None:
    calls = {}
    for model in ("sim/oracle", "sim/noop", "sim/random"):
        with run(prepare(memory=("none",), model=model, agent=agent), tmp_path / model.replace("/", "-")) as store:
            summary = summarise(store).conditions[0]
            calls[model] = summary.usage["agent"].calls
            ends = {rollout.trajectory.end for _, record in records_of(store, "none") for rollout in record.rollouts}
            if model == "sim/oracle":
                assert summary.success.mean == 1.0
                assert ends == {"finished"}
            else:
                assert summary.success.mean < 0.5
                assert "max_steps" in ends
    assert calls["sim/oracle"] == (8 if agent == "planner" else 32)
    assert calls["sim/noop"] == 2 * 8 * LIMIT, "its replies name no action, and each is told back once"


@pytest.mark.parametrize("agent", ["planner", "stepwise"])
def test_a_lesson_in_memory_prevents_the_mistake(tmp_path: Path, agent: str) -> None:
    config = {"memory": ("none", "reasoningbank"), "agent": agent, "model": f"sim/learner:known=0.3,{SURE}"}
    with run(prepare(**config), tmp_path / agent) as store:
        none, bank = summarise(store).conditions
        assert bank.success.mean > none.success.mean


def test_an_agent_that_stops_is_asked_to_check_and_goes_on_in_the_same_world(tmp_path: Path) -> None:
    config = {"scaling": ("sequential:3",), "memory": ("none",), "model": f"sim/learner:known=0,notice=1,{SURE}"}
    with run(prepare(**config), tmp_path / "x") as store:
        for _, record in records_of(store, "none"):
            trajectory = record.rollouts[0].trajectory
            assert trajectory.score == 1.0
            checks = [step for step in trajectory.steps if step.observation.data.get("check")]
            assert len(checks) == 1
            assert trajectory.steps[-1].action.index is not None


@pytest.mark.parametrize("value", ["high", 7.5, None, True])
def test_a_measure_that_is_no_share_stops_the_run(tmp_path: Path, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(House, "grade", lambda self, end: Grade(1.0, {"progress": value}))
    with pytest.raises(PluginError, match=r"rooms\[toy\].* its measure 'progress' is"):
        run(prepare(memory=("none",), limit=1), tmp_path / "x")


def test_a_template_that_is_wrong_stops_the_run_and_is_no_failed_rollout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in (("plugin", "Carry on."), ("own", "{{ nothing_here }}")):
        (tmp_path / name / "rooms").mkdir(parents=True)
        (tmp_path / name / "rooms" / "rules.j2").write_text(text, "utf-8")
    monkeypatch.setattr(Rooms, "prompt_directory", tmp_path / "plugin")

    def begin_with_rules(self: Rooms, task: Task, *, seed: int, services: EpisodeServices) -> House:
        services.render("rooms/rules.j2")
        return House(task)

    monkeypatch.setattr(Rooms, "begin", begin_with_rules)
    plugin = ToyPlugin(prompt_dirs=[tmp_path / "plugin"])
    plan = prepare(plugin, memory=("none",), limit=2, prompts=str(tmp_path / "own"))
    with pytest.raises(TemplateError, match="nothing_here"):
        run(plan, tmp_path / "x")
    with ExperimentStore.open(tmp_path / "x", readonly=True) as store:
        assert not list(records_of(store, "none"))


def test_an_agent_of_another_mode_is_refused() -> None:
    with pytest.raises(UsageError, match=r"agent 'text' does not fit rooms\[toy\]"):
        prepare(agent="text")


def test_the_alias_and_the_name_are_one_environment_whose_results_bear_the_name() -> None:
    by_alias, by_name = prepare(), prepare(env="rooms[toy]")
    assert by_alias.config == by_name.config
    assert by_alias.config.env == "rooms[toy]"
    assert by_alias.manifest == by_name.manifest


def test_what_stands_apart_is_left_out_of_the_figures_and_shown_by_itself(tmp_path: Path) -> None:
    with run(prepare(memory=("none", "reasoningbank"), orders=2), tmp_path / "x") as store:
        summary = summarise(store)
        assert [one.n_tasks for one in summary.conditions] == [8, 8]
        (apart,) = summary.apart
        assert (apart.part.domain, len(apart.part.tasks)) == ("coloured", 4)
        assert [one.n_tasks for one in apart.conditions] == [4, 4]
        assert apart.part.tasks.isdisjoint(summary.conditions[0].scores)
        assert summary.comparisons[0].n_tasks == 8
        assert apart.comparisons[0].n_tasks == 4
        whole = sum(len(list(records_of(store, memory))) for memory in ("none", "reasoningbank"))
        parts = [*summary.conditions, *apart.conditions]
        assert whole == sum(one.committed for one in parts) == 2 * 2 * 4 * len(DOMAINS)
        assert all(one.committed == one.n_tasks * one.orders for one in parts)


def test_a_part_alone_is_the_experiment(tmp_path: Path) -> None:
    with run(prepare(memory=("none",), domain="coloured"), tmp_path / "x") as store:
        summary = summarise(store)
        assert summary.all_apart
        assert summary.conditions[0].n_tasks == 4
        assert [one.part.domain for one in summary.apart] == ["coloured"]
        assert summary.shown_apart == ()


def test_a_part_as_large_as_the_rest_is_still_left_out(tmp_path: Path) -> None:
    tasks = ("plain/0", "plain/1", "coloured/0", "coloured/1")
    with run(prepare(memory=("none", "awm"), tasks=tasks), tmp_path / "x") as store:
        summary = summarise(store)
        assert not summary.all_apart
        assert set(summary.conditions[0].scores) == {"plain/0", "plain/1"}
        assert [set(one.conditions[0].scores) for one in summary.shown_apart] == [{"coloured/0", "coloured/1"}]


def test_nothing_is_recalled_for_a_turn_that_a_plan_has_decided(tmp_path: Path) -> None:
    with run(prepare(memory=("remem",), model="sim/oracle", domain="plain"), tmp_path / "x") as store:
        for _, record in records_of(store, "remem"):
            steps = [event for event in record.recalls if event.phase == "step"]
            assert len(record.rollouts[0].trajectory.steps) == 4
            assert [event.step for event in steps] == [0]
