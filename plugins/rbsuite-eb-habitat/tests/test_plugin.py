"""What the plugin declares."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rbsuite.environments.base import Environment
from rbsuite.environments.replay import play_actions
from rbsuite.plugins import Plugins
from rbsuite.specs import EnvironmentSpec, load_object
from rbsuite.trajectory import Action
from rbsuite_eb_habitat import plugin
from rbsuite_eb_habitat.environment import NAME, PROMPTS
from rbsuite_eb_habitat.resources import SPLITS
from rbsuite_eb_habitat.vocab import SETS


@pytest.fixture
def spec() -> EnvironmentSpec:
    plugins = Plugins()
    plugins.register(plugin, "eb-habitat")
    found = plugins.environment("eb-habitat")
    assert found.name == NAME
    return found


def test_the_symbolic_environment_is_declared_in_full(spec: EnvironmentSpec) -> None:
    assert [split.name for split in spec.splits] == list(SPLITS)
    assert [split.name for split in spec.splits if split.bundled] == ["sample"]
    assert spec.domains == SETS
    assert (spec.max_steps, spec.action_mode, spec.refine, spec.agent) == (40, "choice", "continue", "planner")
    assert [measure.name for measure in spec.measures] == ["progress", "progress_upstream"]
    assert [apart.domain for apart in spec.apart] == ["spatial_relationship", "visual_appearance"]
    assert {row.grade for row in spec.fidelity} == {"exact", "approximate", "absent"}
    assert "2502.09560" in spec.citation
    environment = load_object(spec.factory, "test")
    made = environment(**{option.name: option.default for option in spec.options})
    assert isinstance(made, Environment)
    task = made.tasks(spec.splits[0].name).tasks[0]
    grade, _ = asyncio.run(play_actions(made, task, (Action.choose(0),), ()))
    assert {measure.name for measure in spec.measures} == set(grade.measures)


def test_prompt_directories_hold_the_template() -> None:
    (directory,) = plugin.rbsuite_prompt_dirs()
    assert directory == PROMPTS
    assert (Path(directory) / "eb-habitat" / "world.j2").is_file()
