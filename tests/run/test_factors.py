"""Every factor may have several levels: their combinations are the conditions of one experiment, each compared with the first level."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import altered
from experiments import measure, prepare
from rbsuite.errors import UsageError
from rbsuite.specs import AgentSpec
from rbsuite.statistics.summary import summarise
from toy import ToyPlugin

AGENT = AgentSpec("text-again", "the same", "rbsuite.agents.chat:TextAgent", action_modes=("text",))


def toy() -> ToyPlugin:
    return ToyPlugin(agents=[AGENT], models=[altered.recording()])


@pytest.mark.parametrize(
    ("factor", "levels", "labels"),
    [
        ("agent", ("text", "text-again"), ("text", "text-again")),
        ("temperature", (0.0, 0.7), ("temperature 0", "temperature 0.7")),
        ("judge", ("self", "ground-truth"), ("self", "ground-truth")),
        ("embedder", ("hash", "hash:dimension=64"), ("hash", "hash:dimension=64")),
        ("prompts", ("", "own"), ("built-in prompts", "prompts own")),
    ],
)
def test_levels_are_conditions_that_are_compared_with_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factor: str, levels: Any, labels: tuple[str, str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own/agent").mkdir(parents=True)
    Path("own/agent/memory.j2").write_text("Heed: {{ memory }}", "utf-8")
    config = {"memory": ("none", "reasoningbank"), "model": "sim/recording", "limit": 6, factor: levels}
    altered.Recording.requests.clear()
    with measure(tmp_path / "x", toy(), **config) as store:
        summary = summarise(store)
        conditions = [run.condition for run in store.manifest.runs]
    memories = ("none", "reasoningbank")
    assert [one.label for one in conditions] == [
        f"{memory} x single x {label}" for memory in memories for label in labels
    ]
    assert len({getattr(one, factor) for one in conditions}) == 2
    none, none_second, bank, bank_second = conditions
    assert [(one.a, one.b) for one in summary.comparisons] == [
        (bank, none),
        (bank_second, none_second),
        (none_second, none),
        (bank_second, bank),
    ]
    asked = [request for request, _ in altered.Recording.requests if request.purpose == "agent"]
    assert {request.temperature for request in asked} == ({0.0, 0.7} if factor == "temperature" else {0.0})
    heeding = [request for request in asked if "Heed:" in request.messages[0].text]
    assert bool(heeding) is (factor == "prompts")


def test_levels_multiply() -> None:
    plan = prepare(toy(), memory=("none", "awm"), temperature=(0.0, 1.0), agent=("text", "text-again"), orders=2)
    assert len(plan.conditions) == len(set(plan.conditions)) == 8
    assert len(plan.runs()) == 16
    assert len({run.seed for run in plan.runs()}) == 2, "conditions meet the same chances"


@pytest.mark.parametrize("config", [{"temperature": (0.5, 0.5)}, {"judge": ("self", "self")}])
def test_a_level_that_is_named_twice_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="named twice"):
        prepare(**config)


def test_the_baseline_may_have_more_orders_or_fewer(tmp_path: Path) -> None:
    compared = {}
    for count in (1, 4):
        config = {"memory": ("none", "reasoningbank"), "limit": 6, "orders": 2, "baseline_orders": count}
        with measure(tmp_path / str(count), toy(), **config) as store:
            names = [run.condition.memory for run in store.manifest.runs]
            assert (names.count("none"), names.count("reasoningbank")) == (count, 2)
            [compared[count]] = summarise(store).comparisons
    assert [len(compared[count].paired.b) for count in (1, 4)] == [1, 4]
    assert {one.n_tasks for one in compared.values()} == {6}
    with pytest.raises(UsageError, match="baseline-orders needs a memory"):
        prepare(toy(), memory=("none",), baseline_orders=4)
