"""The plugins of this repository, and the core's own, keep the rules of the contract kit."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from rbsuite.plugins import load_plugins
from rbsuite.testing import check, require_kept
from rbsuite.testing.kit import Target, Targets, find_targets

PLUGINS = load_plugins()
SAMPLED = [spec.name for spec in PLUGINS.environments.values() if not spec.needs]
MEMORIES = PLUGINS.of_kind("memory").keys() - {"none", "http"}
"""Memories that can be tried here; tests/memories/test_http.py has a service."""
SILENT = {"closes", "domains", "tool-schemas"}
"""Rules that say nothing of some environments: refine="retry", no domains, no tools."""
DIRECTORIES = {
    path.parent: tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    for path in sorted((Path(__file__).parents[2] / "plugins").glob("*/pyproject.toml"))
}
LIBRARIES = {"rbsuite-dialogue", "rbsuite-embodied"}
"""Directories that hold what plugins share, and no plugin."""


def targets() -> Mapping[Target, Targets]:
    """All that is installed, and, by their paths, the plugins that are not: what needs nothing more is checked of them too."""
    places = [str(place) for place, project in DIRECTORIES.items() if project["name"] not in LIBRARIES]
    return {
        target: found for found in (find_targets(text, PLUGINS) for text in (*places, "")) for target in found.targets
    }


TARGETS = targets()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: f"{target.kind}-{target.name}")
def test_every_rule_is_kept(target: Target) -> None:
    found = check(target.kind, target.name, TARGETS[target].plugins)
    require_kept(found)
    untried = {one.rule for one in found if one.outcome == "not tried"}
    if target.kind == "environment" and target.name in SAMPLED:
        assert untried <= SILENT
    if target.kind == "memory" and target.name in MEMORIES:
        assert untried == set()


def test_no_plugin_of_the_repository_is_left_out() -> None:
    checked = {target.name for target in TARGETS if target.kind == "plugin"}
    for place, project in DIRECTORIES.items():
        entries = project.get("entry-points", {}).get("rbsuite", {})
        assert bool(entries) != (place.name in LIBRARIES), place
        assert set(entries) <= checked, place
    assert {"environment", "memory", "judge", "agent", "embedder", "model", "plugin"} == {one.kind for one in TARGETS}


def test_what_a_plugin_needs_is_there_in_a_part_of_ci(request: pytest.FixtureRequest) -> None:
    """A plugin that the ordinary tests have no packages for has a test of all its rules, which a part of CI of its own runs."""
    tox = (request.config.rootpath / "tox.ini").read_text(encoding="utf-8")
    named = {name for line in tox.splitlines() if "pytest " in line for name in re.findall(r"plugins/[\w-]+", line)}
    installed = {info.distribution.partition(" ")[0] for info in PLUGINS.infos}
    for place, project in DIRECTORIES.items():
        if project["name"] in installed | LIBRARIES:
            continue
        assert f"plugins/{place.name}" in named, place
        texts = [path.read_text(encoding="utf-8") for path in (place / "tests").glob("test_*.py")]
        assert any("require_kept(" in text for text in texts), place
