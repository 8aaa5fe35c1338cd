"""How rollouts end, and what each end means for verdict, memory and denominator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import altered
from experiments import measure, prepare, records_of
from rbsuite.errors import ParseFailure, PluginError, RbsuiteError
from rbsuite.report.results import render
from rbsuite.specs import AgentSpec, JudgeSpec
from rbsuite.statistics.summary import summarise
from rbsuite.trajectory import Action, Observation
from toy import ToyPlugin


class Mumbling:
    """An agent whose replies about apples cannot be read."""

    def start(self, start: Any) -> None:
        self._services = start.services

    def decided(self, observation: Observation) -> bool:
        return False

    async def act(self, observation: Observation) -> Action:
        if "apples" in observation.text:
            raise ParseFailure("the model mumbled.")
        return Action(text="There are 1.")


def toy(**extra: Any) -> ToyPlugin:
    environments = [
        altered.environment("crumbling", altered.Crumbling),
        altered.environment("endless", altered.Endless),
        altered.environment("talking", altered.Talking, users=("scripted", "llm")),
    ]
    agents = [AgentSpec("mumbling", "altered", f"{__name__}:Mumbling", action_modes=("text",))]
    return ToyPlugin(environments=environments, agents=agents, models=[altered.failing(), altered.recording()], **extra)


@pytest.mark.parametrize(
    ("config", "end", "broken", "said"),
    [
        ({"env": "crumbling", "domain": "clouds"}, "env_error", True, "OSError: the sky is closed"),
        ({"env": "crumbling", "domain": "bridges"}, "env_error", True, "RuntimeError: the bridge gave way"),
        ({"model": "sim/failing:agent"}, "model_error", True, "the provider is down"),
        ({"env": "endless"}, "max_steps", False, ""),
        ({"env": "talking", "user": "llm", "model": "sim/failing:user"}, "model_error", True, "the provider is down"),
    ],
)
def test_end_is_recorded_with_its_reason(
    tmp_path: Path, config: dict[str, Any], end: str, broken: bool, said: str
) -> None:
    with measure(tmp_path, toy(), memory=("reasoningbank",), limit=5, **config) as store:
        for _, record in records_of(store, "reasoningbank"):
            rollout = record.rollouts[0]
            assert rollout.trajectory.end == end
            assert said in rollout.trajectory.error
            assert rollout.trajectory.broken is broken
            assert (rollout.verdict is None) is broken
            assert (rollout.trajectory.score is None) is broken
            if broken:
                assert record.ops == ()
                assert "judge" not in rollout.usage
                assert "memory" not in record.usage
        summary = summarise(store).conditions[0]
        assert (summary.n_tasks, summary.committed) == (5, 5)
        assert summary.ends == {end: 5}
        assert summary.failures == (5 if broken else 0)
        assert summary.success.mean == 0.0
        assert len(summary.scores) == 5


def test_one_action_is_kept_of_a_rollout_that_broke_later(tmp_path: Path) -> None:
    with measure(tmp_path, toy(), env="crumbling", domain="bridges", memory=("none",), limit=2) as store:
        for _, record in records_of(store, "none"):
            trajectory = record.rollouts[0].trajectory
            assert trajectory.steps == ()
            assert trajectory.final is not None
            assert "bridges" in trajectory.final.text


def test_max_steps_cuts_after_that_many_turns_of_the_agent(tmp_path: Path) -> None:
    with measure(tmp_path, toy(), env="endless", memory=("none",), max_steps=2, limit=4) as store:
        for _, record in records_of(store, "none"):
            assert record.rollouts[0].trajectory.agent_steps == 2
            assert record.rollouts[0].verdict is not None
    assert prepare(toy(), env="endless").manifest.facts["max_steps"] == 3


@pytest.mark.parametrize("broken", ["apples", "bridges"])
def test_broken_rollouts_stay_in_the_denominator_and_teach_nothing(tmp_path: Path, broken: str) -> None:
    model = f"sim/failing:agent,family={broken}"
    with (
        measure(tmp_path / "broken", toy(), memory=("none", "reasoningbank"), model=model, orders=2) as store,
        measure(tmp_path / "whole", toy(), memory=("none",), orders=2) as whole,
    ):
        failing, healthy = summarise(store).conditions[0], summarise(whole).conditions[0]
        assert set(failing.scores) == set(healthy.scores)
        for task, score in failing.scores.items():
            assert score == (0.0 if task.startswith(broken) else healthy.scores[task])
        assert failing.failures == 16
        assert sum(failing.judged.values()) == 48 - 16
        learnt = [op for _, record in records_of(store, "reasoningbank") for op in record.ops]
        assert learnt
        assert not any(op.provenance.task_id.startswith(broken) for op in learnt)


def test_unreadable_reply_ends_a_rollout_and_is_judged(tmp_path: Path) -> None:
    with measure(tmp_path, toy(), memory=("none",), agent="mumbling") as store:
        ends = {
            record.task_id: (record.rollouts[0].trajectory.end, record.rollouts[0].verdict is not None)
            for _, record in records_of(store, "none")
        }
    assert {end for task, end in ends.items() if task.startswith("apples")} == {("parse_errors", True)}
    assert {end for task, end in ends.items() if not task.startswith("apples")} == {("finished", True)}


def test_failing_self_judge_gives_unknown_and_nothing_is_learnt(tmp_path: Path) -> None:
    with measure(tmp_path, toy(), memory=("reasoningbank",), model="sim/failing:judge") as store:
        for _, record in records_of(store, "reasoningbank"):
            verdict = record.rollouts[0].verdict
            assert verdict is not None
            assert verdict.label == "unknown"
            assert "the provider is down" in verdict.rationale
            assert record.ops == ()
            assert "memory" not in record.usage
            assert record.notes["judge_calls_failed"] == 1
        summary = summarise(store).conditions[0]
        assert summary.judge_accuracy is None
        assert {label for label, _ in summary.judged} == {"unknown"}


def test_judge_of_a_plugin_that_fails_gives_unknown(tmp_path: Path) -> None:
    plugin = toy(judges=[altered.judge("broken", altered.BrokenJudge)])
    with measure(tmp_path, plugin, memory=("reasoningbank",), judge="broken") as store:
        verdicts = [record.rollouts[0].verdict for _, record in records_of(store, "reasoningbank")]
    assert {verdict.label for verdict in verdicts if verdict is not None} == {"unknown"}
    assert all(verdict is not None and "provider is down" in verdict.rationale for verdict in verdicts)


def test_failing_extractor_teaches_nothing_and_is_counted(tmp_path: Path) -> None:
    with measure(tmp_path, toy(), memory=("none", "reasoningbank"), model="sim/failing:memory") as store:
        for _, record in records_of(store, "reasoningbank"):
            assert record.ops == ()
            assert record.notes == {"extraction_failed": 1, "memory_calls_failed": 1}
        assert summarise(store).conditions[1].notes == {"extraction_failed": 24, "memory_calls_failed": 24}
        assert summarise(store).comparisons[0].difference.mean == 0


@pytest.mark.parametrize("kind", [altered.BrokenMemory, altered.PoisonousMemory])
def test_bug_in_a_memory_names_memory_and_task(tmp_path: Path, kind: type) -> None:
    plugin = toy(memories=[altered.memory("buggy", kind)])
    plan = prepare(plugin, memory=("buggy",))
    at = 2 if kind is altered.BrokenMemory else 0
    with pytest.raises(RbsuiteError) as caught:
        measure(tmp_path, plugin, memory=("buggy",))
    message = str(caught.value)
    assert "buggy" in message
    assert plan.runs()[0].tasks[at] in message
    assert ("ZeroDivisionError: a bug in the plugin" if kind is altered.BrokenMemory else "document") in message
    assert "\n" not in message


def test_model_without_a_task_solution_is_refused_before_anything_is_run(tmp_path: Path) -> None:
    plugin = ToyPlugin(environments=[altered.environment("unsolved", altered.Unsolved)])
    with pytest.raises(RbsuiteError, match="--model"):
        measure(tmp_path, plugin, env="unsolved")


class Stumbling(Mumbling):
    """An agent with a bug."""

    async def act(self, observation: Observation) -> Action:
        raise LookupError("a bug in the agent")


class Dreaming:
    """A judge with a bug."""

    async def judge(self, request: Any, services: Any) -> Any:
        raise LookupError("a bug in the judge")


@pytest.mark.parametrize(
    ("config", "who"), [({"agent": "stumbling"}, "agent 'stumbling'"), ({"judge": "dreaming"}, "judge 'dreaming'")]
)
def test_bug_in_agent_or_judge_is_named(tmp_path: Path, config: dict[str, Any], who: str) -> None:
    agents = [AgentSpec("stumbling", "altered", f"{__name__}:Stumbling", action_modes=("text",))]
    plugin = ToyPlugin(agents=agents, judges=[JudgeSpec("dreaming", "altered", f"{__name__}:Dreaming")])
    with pytest.raises(PluginError, match=rf"{who} on task '\w+/\d' failed: LookupError: '?a bug in the") as caught:
        measure(tmp_path, plugin, **config)
    assert isinstance(caught.value.__cause__, LookupError)


def test_the_result_says_why_the_first_rollout_broke(tmp_path: Path) -> None:
    with measure(tmp_path, toy(), memory=("none",), limit=3, model="sim/failing:agent") as store:
        shown = render(store, summarise(store))
        first = store.manifest.runs[0].tasks[0]
        assert f"first failure: none x single on task {first}: " in shown
        assert "the provider is down" in shown
