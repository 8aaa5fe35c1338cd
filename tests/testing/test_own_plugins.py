"""The plugins of this repository, and the core's own, keep the rules of the contract kit."""

from __future__ import annotations

import pytest

from rbsuite.plugins import load_plugins
from rbsuite.testing import check, require_kept
from rbsuite.testing.kit import Target, find_targets

PLUGINS = load_plugins()
TARGETS = find_targets("", PLUGINS).targets
SAMPLED = [spec.name for spec in PLUGINS.environments.values() if not spec.needs]
SILENT = {"closes", "domains", "tool-schemas", "truth-hidden", "truth-after-failure"}
"""Rules that say nothing of some environments: refine="retry", no domains, no tools, no value of a payload that decides the score alone."""


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: f"{target.kind}-{target.name}")
def test_every_rule_is_kept(target: Target) -> None:
    found = check(target.kind, target.name, PLUGINS)
    require_kept(found)
    untried = {one.rule for one in found if one.outcome == "not tried"}
    if target.kind == "environment" and target.name in SAMPLED:
        assert untried <= SILENT
    if target.kind == "memory" and target.name != "none":
        assert untried == set()


def test_everything_is_there() -> None:
    own = {"agentehr", "aime", "eb-alfred", "eb-habitat", "gpqa", "mimic-cdm", "mmlu-pro", "questions", "tau-bench"}
    assert own <= {target.name for target in TARGETS if target.kind == "plugin"}
    assert {"environment", "memory", "judge", "agent", "embedder", "model", "plugin"} == {one.kind for one in TARGETS}
