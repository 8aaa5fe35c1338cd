"""The engine against upstream itself, live: ``EBHabEnv``, its task and measures, and habitat-lab's domain, on a simulator of ours.

Runs only where ``RBSUITE_EB_HABITAT_CHECKOUT`` names a checkout of zjunlp/WorldMind with ``habitat-lab`` in it;
``RBSUITE_EB_HABITAT_FUZZ_WALKS`` sets the number of walks of each kind per task (default 1), ``RBSUITE_EB_HABITAT_FUZZ_SEED`` their seed.
"""

from __future__ import annotations

import importlib.util
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rbsuite.errors import DataError
from rbsuite.task import Task, TaskSet
from rbsuite_eb_habitat.actions import ACTION_NAMES, ACTIONS
from rbsuite_eb_habitat.environment import EbHabitat
from rbsuite_eb_habitat.vocab import SETS
from rbsuite_embodied.environment import MAX_INVALID, MAX_STEPS

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # upstream is written for older versions of numpy

CHECKOUT = Path(os.environ.get("RBSUITE_EB_HABITAT_CHECKOUT") or "nowhere").resolve()
WALKS = int(os.environ.get("RBSUITE_EB_HABITAT_FUZZ_WALKS", "1"))
SEED = int(os.environ.get("RBSUITE_EB_HABITAT_FUZZ_SEED", "1"))
SHARES = {"reference": 1.0, "mixed": 0.7, "random": 0.0}
"""For each kind of walk how often the reference's next action is taken."""


def _differential() -> ModuleType:
    """The package beside this file, under a name of its own."""
    name, directory = "eb_habitat_differential", Path(__file__).with_name("differential")
    if name not in sys.modules:
        where = [str(directory)]
        spec = importlib.util.spec_from_file_location(name, directory / "__init__.py", submodule_search_locations=where)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        for part in ("stubs", "upstream", "expressions", "walks"):
            importlib.import_module(f"{name}.{part}")
    return sys.modules[name]


@pytest.fixture(scope="module")
def upstream_class() -> Iterator[Any]:
    """Upstream's environment, over a set that is named."""
    differential = _differential()
    if not differential.upstream.is_checkout(CHECKOUT):
        pytest.skip("RBSUITE_EB_HABITAT_CHECKOUT names no checkout of WorldMind with habitat-lab")
    with differential.upstream.upstream(CHECKOUT) as found:
        yield found


def of_set(tasks: TaskSet, name: str) -> list[Task]:
    return [task for task in tasks if task.domain == name]


def test_the_actions_are_upstreams(upstream_class: Any) -> None:
    environment = upstream_class(SETS[0]).environment
    assert tuple(environment.language_skill_set) == ACTION_NAMES
    theirs = [f"{name}({','.join(arguments)})" for name, arguments in environment.skill_set]
    # Upstream's picks bear the robot, the one there is.
    assert [text.replace("(robot_0)", "()") for text in theirs] == [action.call for action in ACTIONS]
    assert (environment._max_episode_steps, environment._max_invalid_actions) == (MAX_STEPS, MAX_INVALID)


@pytest.mark.parametrize("name", SETS)
def test_goals_and_predicates_are_upstreams(
    name: str, upstream_class: Any, upstream_env: EbHabitat, upstream_tasks: TaskSet
) -> None:
    expressions, upstream = _differential().expressions, upstream_class(name)
    own, made = expressions.Goals(), expressions.Goals()
    for task in of_set(upstream_tasks, name):
        episode, household = upstream_env.resources.episode(task), upstream_env.resources.household(task)
        upstream.reset(task.payload["index"], household)
        seed = SEED * 1_000 + int(task.payload["index"])
        expressions.compare_goal(upstream, episode, household, own, states=6 * WALKS, seed=seed)
        expressions.compare_trees(upstream, episode, household, made, trees=4 * WALKS, states=3, seed=seed)
    assert own.differences == []
    assert made.differences == []
    assert own.expanded == len(of_set(upstream_tasks, name))
    assert min(own.true, own.evaluated - own.true, made.true, made.evaluated - made.true, made.refused) > 10


@pytest.mark.parametrize("kind", SHARES)
@pytest.mark.parametrize("name", SETS)
def test_walks_tell_what_upstream_tells(
    name: str, kind: str, upstream_class: Any, upstream_env: EbHabitat, upstream_tasks: TaskSet
) -> None:
    walks, upstream = _differential().walks, upstream_class(name)
    found, planned = walks.Walks(), 0
    for task in of_set(upstream_tasks, name):
        household, solution = upstream_env.resources.household(task), upstream_env.solution(task)
        assert solution is not None
        planned += len(solution.actions)
        plan = [action.index for action in solution.actions]
        for number in range(1 if kind == "reference" else WALKS):
            rng = random.Random(f"{SEED} {task.id} {kind} {number}")
            walker = walks.Walker(household, rng, plan, SHARES[kind])
            walks.compare_walk(upstream, upstream_env, task, household, found, iter(walker))
    assert found.differences == []
    assert found.steps > 2 * found.walks
    if kind == "reference":
        assert found.solved == found.walks
        assert found.steps == planned
    else:
        assert min(found.ended, found.steps - found.valid) > 0
    # Upstream's own subgoals ask for more, namely for what the expert happened to have within reach.
    assert found.above <= 0.01 * found.steps
    assert found.same_progress > 0.3 * found.steps


def test_a_directory_without_upstream_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no checkout of WorldMind"), _differential().upstream.upstream(tmp_path):
        pass


def test_stubs_are_there_within_the_context_alone(tmp_path: Path) -> None:
    (tmp_path / "embodiedbench").mkdir()
    (tmp_path / "embodiedbench" / "probe.py").write_text(
        "import random, habitat_sim.utils\nfrom magnum import Vector3\nrandom.seed(1)\nLength = Vector3(3, 4, 0).normalized()\n"
    )
    before, path, drawn = dict(sys.modules), list(sys.path), random.getstate()
    with _differential().stubs.upstream_imports(tmp_path):
        probe = importlib.import_module("embodiedbench.probe")
        assert probe.Length.tolist() == [0.6, 0.8, 0.0]
        assert "magnum" in sys.modules
    assert {name: id(module) for name, module in sys.modules.items()} == {
        name: id(each) for name, each in before.items()
    }
    assert (sys.path, random.getstate()) == (path, drawn)
