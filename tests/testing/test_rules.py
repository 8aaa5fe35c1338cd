"""Every rule of the contract kit is kept by what is as it should be, and a plugin that breaks one is caught by that rule alone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from broken import agents, embedders, environments, judges, memories, models, plugins
from experiments import core_plugins
from rbsuite.hookspecs import hookimpl
from rbsuite.plugins import Plugins
from rbsuite.testing import Finding, check
from rbsuite.testing.kit import RULES
from rbsuite.testing.plugins import PluginSubject, entry_of
from rbsuite.testing.rules import try_rules

MODULES: dict[str, Any] = {
    "environment": environments,
    "memory": memories,
    "judge": judges,
    "agent": agents,
    "embedder": embedders,
    "model": models,
}
LEAST = {"environment": 20, "memory": 12, "judge": 6, "agent": 6, "embedder": 6, "model": 6, "plugin": 6}


def declaring(kind: str, spec: Any) -> object:
    """A plugin that declares one spec."""
    plural = {"memory": "memories"}.get(kind, f"{kind}s")

    def declare(self: object) -> Sequence[Any]:
        return [spec]

    declare.__name__ = f"rbsuite_{plural}"
    return type("Declares", (), {declare.__name__: hookimpl(declare)})()


def findings(kind: str, spec: Any) -> list[Finding]:
    return check(kind, spec.name, core_plugins(declaring(kind, spec)))


def outcomes(found: Sequence[Finding], outcome: str) -> dict[str, str]:
    return {one.rule: one.detail for one in found if one.outcome == outcome}


@pytest.mark.parametrize("kind", MODULES)
def test_what_is_as_it_should_be_keeps_every_rule(kind: str) -> None:
    found = findings(kind, MODULES[kind].GOOD)
    assert {one.rule: one.detail for one in found if one.outcome != "kept"} == {}


@pytest.mark.parametrize(
    ("kind", "rule"), [(kind, rule.id) for kind in MODULES for rule in RULES[kind]], ids=lambda value: str(value)
)
def test_exactly_the_rule_that_is_broken_says_so(kind: str, rule: str) -> None:
    broken = outcomes(findings(kind, MODULES[kind].BROKEN[rule]), "broken")
    assert list(broken) == [rule], broken
    assert broken[rule], "it says what was found"
    assert "\n" not in broken[rule]


@pytest.mark.parametrize(("environment", "tells"), [("LooksUp", False), ("LooksUpAndTells", True)])
def test_truth_that_is_looked_up_is_swapped_for_that_of_another_task(environment: str, tells: bool) -> None:
    spec = replace(environments.GOOD, name="looking", factory=f"{environments.__name__}:{environment}")
    found = {one.rule: (one.outcome, one.detail) for one in findings("environment", spec)}
    shown = ("broken", "payload.shelf of task 'north/0' is shown")
    assert found["truth-hidden"] == (shown if tells else ("kept", ""))


@pytest.mark.parametrize(
    ("environment", "rule"), [("TellsTheVerdict", "truth-hidden"), ("VerdictInData", "truth-in-data")]
)
def test_a_last_observation_that_tells_right_from_wrong_is_a_leak(environment: str, rule: str) -> None:
    spec = replace(environments.GOOD, name="telling", factory=f"{environments.__name__}:{environment}")
    broken = outcomes(findings("environment", spec), "broken")
    assert list(broken) == [rule], broken
    assert "the last observation tells whether the answer was right" in broken[rule]


def plugin_findings(load: Any) -> list[Finding]:
    known = core_plugins()
    known.add("mine", "my-distribution 1.0", load)
    entry = ""
    if known.plugin("mine") is not None:
        entry = entry_of(load())
    return asyncio.run(try_rules(RULES["plugin"], PluginSubject("mine", known, load, entry), "mine"))


def test_a_plugin_that_is_as_it_should_be_keeps_every_rule() -> None:
    found = plugin_findings(lambda: plugins.good)
    assert outcomes(found, "broken") == {}
    assert outcomes(found, "not tried") == {"templates": "it has no prompt directories"}


@pytest.mark.parametrize("rule", [rule.id for rule in RULES["plugin"]])
def test_exactly_the_rule_that_a_plugin_breaks_says_so(rule: str) -> None:
    assert list(outcomes(plugin_findings(plugins.BROKEN[rule]), "broken")) == [rule]


def test_a_plugin_that_waits_is_not_cheap() -> None:
    broken = outcomes(plugin_findings(lambda: import_module("broken.waits")), "broken")
    assert list(broken) == ["cheap"]
    assert re.fullmatch(r"it takes 1\.[01] s", broken["cheap"])


@pytest.mark.parametrize("kind", RULES)
def test_rules_are_told_apart_and_say_what_to_do(kind: str) -> None:
    ids = [rule.id for rule in RULES[kind]]
    assert len(ids) == len(set(ids)) >= LEAST[kind]
    for number, rule in enumerate(RULES[kind]):
        assert rule.kind == kind
        assert rule.requires.endswith(".")
        assert rule.remedy
        assert set(rule.after) <= set(ids[:number]), f"{rule.id} comes before what it needs"
    assert Plugins().infos == ()
