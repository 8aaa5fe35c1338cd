"""What the plugin declares."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rbsuite.environments.base import Environment
from rbsuite.plugins import Plugins
from rbsuite.specs import EnvironmentSpec, load_object
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
    assert issubclass(environment, Environment)
    tasks = environment.load(spec.splits[0].name)
    made = environment(tasks, **{option.name: option.default for option in spec.options})
    _, _, _, _, info = _after_one_step(made)
    assert {measure.name for measure in spec.measures} <= set(info["truth"])


def _after_one_step(environment: Environment) -> tuple[object, float, bool, bool, dict[str, dict[str, object]]]:
    environment.reset(seed=0)
    return environment.step(environment.action_space.sample())


def test_prompt_directories_hold_the_template() -> None:
    (directory,) = plugin.rbsuite_prompt_dirs()
    assert directory == PROMPTS
    assert (Path(directory) / "eb-habitat" / "world.j2").is_file()


def test_declaring_imports_nothing_heavy() -> None:
    code = (
        "import sys, rbsuite_eb_habitat.plugin as plugin\n"
        "plugin.rbsuite_environments()\n"
        "heavy = {'gymnasium', 'numpy', 'jinja2', 'rbsuite_embodied.environment', 'rbsuite_eb_habitat.pack'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
