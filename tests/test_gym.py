"""Installed environments in gymnasium's registry."""

from __future__ import annotations

import subprocess
import sys

import gymnasium

from rbsuite.hookspecs import hookimpl
from rbsuite.plugins import Plugins
from rbsuite.specs import EnvironmentSpec, Split


class Plugin:
    @hookimpl
    def rbsuite_environments(self) -> list[EnvironmentSpec]:
        return [EnvironmentSpec("gym-toy", "a toy", "tests.support.toy:Toy", splits=(Split("all", "all"),))]


def test_environments_are_registered_once_by_name() -> None:
    from rbsuite.gym import gym_id, register_environments

    plugins = Plugins()
    plugins.register(Plugin(), "toy")
    assert register_environments(plugins) == register_environments(plugins) == ("rbsuite/gym-toy-v0",)
    spec = gymnasium.registry.pop(gym_id("gym-toy"))
    assert spec.entry_point == "tests.support.toy:Toy"
    assert spec.to_json()


def test_every_name_of_an_environment_has_an_id_without_brackets() -> None:
    from rbsuite.gym import gym_id, register_environments

    class Named:
        @hookimpl
        def rbsuite_environments(self) -> list[EnvironmentSpec]:
            return [EnvironmentSpec("gym-home[small]", "a home", "tests.support.toy:Toy", aliases=("gym-home",))]

    plugins = Plugins()
    plugins.register(Named(), "toy")
    assert register_environments(plugins) == ("rbsuite/gym-home-small-v0", "rbsuite/gym-home-v0")
    for name in ("gym-home[small]", "gym-home"):
        assert gymnasium.registry.pop(gym_id(name)).entry_point == "tests.support.toy:Toy"


def test_gymnasium_can_import_the_module_and_make_an_environment() -> None:
    code = (
        "import gymnasium\n"
        "env = gymnasium.make('rbsuite.gym:rbsuite/tau-bench-v0')\n"
        "assert env.reset(seed=1)[0].turn == 'user'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
