"""The simulator backend: worlds, the pool behind them, the environment, and rollouts with the suite's own runner."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from gymnasium.utils.env_checker import check_env
from rbsuite.run.experiment import open_experiment

from experiments import prepare, records_of, run
from rbsuite.environments.base import Environment, StepResult
from rbsuite.errors import EnvironmentFailure, UnknownNameError, UsageError
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.specs import AgentSpec, EnvironmentSpec, ModelSpec, Split
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, Observation
from rbsuite_embodied.bridge.settings import PYTHON
from rbsuite_embodied.simulator import BridgePool, SimulatorEnvironment
from rbsuite_embodied.world import Achieved, World
from toy import ToyPlugin

RECORDINGS = Path(__file__).parent / "recordings"
SOLVES = ["find a Mug", "pick up the Mug", "open the Cabinet", "turn on the Faucet", "put down the object in hand"]


class Paper(Environment):
    """In the place of a symbolic backend: it knows the tasks."""

    recording: ClassVar[str] = "alfred"

    @classmethod
    def load(cls, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        sets = json.loads((RECORDINGS / f"{cls.recording}.json").read_text(encoding="utf-8"))
        tasks = [
            Task(f"{name}/{split}/{index}", f"scene {index}", name, episode["instruction"])
            for name, episodes in sets.items()
            for index, episode in enumerate(episodes)
            if domain in ("", name)
        ]
        return TaskSet("paper[symbolic]", split, tuple(tasks), {"pack": "made here"}, resources="the symbolic one's")

    def begin(self, task: Task) -> Observation:
        raise AssertionError

    def act(self, action: Action) -> StepResult:
        raise AssertionError


class PaperHome(Paper):
    recording = "habitat"


class Kitchen(SimulatorEnvironment):
    name = "kitchen[simulator]"
    upstream = "eb-alfred"
    symbolic = Paper
    template = "kitchen/world.j2"
    most_actions = 400
    tells_view = True


class Home(SimulatorEnvironment):
    name = "home[simulator]"
    upstream = "eb-habitat"
    symbolic = PaperHome
    template = "kitchen/world.j2"
    most_actions = 70
    tells_view = False


@pytest.fixture
def kitchen(stub: Any, tmp_path: Path) -> Any:
    """The stand-in, and a template for the world."""
    (tmp_path / "prompts" / "kitchen").mkdir(parents=True)
    (tmp_path / "prompts" / "kitchen" / "world.j2").write_text("You are a robot.{% if visible %} You see.{% endif %}")
    stub.monkeypatch.setattr(SimulatorEnvironment, "prompt_directory", tmp_path / "prompts", raising=False)
    stub.replay("eb-alfred")
    return stub


def act(environment: Environment, *names: str) -> list[Any]:
    return [environment.step(Action(text=name)) for name in names]


def test_tasks_are_those_of_the_symbolic_backend_under_another_name() -> None:
    tasks, symbolic = Kitchen.load("test"), Paper.load("test")
    assert [(task.id, task.query) for task in tasks] == [(task.id, task.query) for task in symbolic]
    assert tasks.environment == "kitchen[simulator]"
    assert isinstance(tasks.resources, BridgePool)
    assert tasks.content_hash != symbolic.content_hash
    assert {task.domain for task in Kitchen.load("test", domain="spatial")} == {"spatial"}
    with pytest.raises(UnknownNameError, match="split of kitchen"):
        Kitchen.load("sample")


def test_episode_from_reset_to_success(kitchen: Any) -> None:
    environment = Kitchen()
    observation, _ = environment.reset(options={"task": "base/test/0"})
    assert observation.text == "Wash the mug that stands by the stove."
    assert observation.choices[-1] == "close the Cabinet_2"
    assert [message.content for message in observation.messages] == ["You are a robot."]
    steps = act(environment, *SOLVES)
    assert [reward for _, reward, *_ in steps] == [0, 0, 0, 0.5, 0.5]
    assert [terminated for _, _, terminated, _, _ in steps] == [False] * 4 + [True]
    assert [seen.data["valid"] for seen, *_ in steps] == [True, True, False, True, True]
    truth = steps[-1][4]["truth"]
    assert (truth["progress"], truth["steps"], truth["invalid_actions"], truth["ended"]) == (1, 5, 1, "success")
    assert environment.score == 1.0
    environment.close()


def test_what_is_in_view_is_told_where_upstream_tells_it(kitchen: Any) -> None:
    environment = Kitchen(obs_mode="visible")
    observation, _ = environment.reset(options={"task": "base/test/0"})
    assert observation.text.endswith("\nIn view: CounterTop, StoveBurner")
    assert observation.messages[0].content == "You are a robot. You see."
    assert act(environment, "find a Mug")[0][0].text.endswith("\nIn view: CounterTop, Mug")
    environment.close()
    with pytest.raises(UsageError, match="does not tell what is in view"):
        Home(obs_mode="visible")


def test_upstreams_limits_are_the_environments(kitchen: Any) -> None:
    environment = Kitchen()
    environment.reset(options={"task": "base/test/2"})
    last = act(environment, *["find a Mug"] * 30)[-1]
    assert (last[2], last[3]) == (False, True)
    assert last[4]["truth"]["ended"] == "steps"
    environment.reset(options={"task": "base/test/3"})
    last = act(environment, "no such action", *["find a Mug"] * 9)[-1]
    assert (last[2], last[3]) == (True, False)
    assert last[4]["truth"] | {"ended": "invalid_actions", "steps": 9, "unreadable": 1} == last[4]["truth"]
    environment.close()


def test_end_of_upstreams_own_ends_the_episode(kitchen: Any) -> None:
    environment = Kitchen()
    environment.reset(options={"task": "base/test/1"})
    last = act(environment, "put down the object in hand", "find a Mug")[-1]
    assert (last[2], last[4]["truth"]["ended"], last[4]["truth"]["progress"]) == (True, "world", 0.25)
    assert environment.score == 0.0
    environment.close()


def test_agent_may_end_the_episode(kitchen: Any) -> None:
    environment = Kitchen()
    environment.reset(options={"task": "base/test/0"})
    assert act(environment, "find a Mug", "")[-1][4]["truth"]["ended"] == "empty_plan"
    environment.reset(options={"task": "base/test/0"})
    assert act(environment, *SOLVES)[-1][2]
    environment.close()


def test_gymnasium_finds_nothing_wrong(kitchen: Any) -> None:
    kitchen.monkeypatch.setattr(Kitchen, "most_actions", 5)
    environment = Kitchen(Kitchen.load("test", domain="spatial"))
    # A step of it fails where what is done is not what was recorded.
    recording = json.loads((RECORDINGS / "alfred.json").read_text(encoding="utf-8"))
    recording["spatial"][0]["steps"] = [{"action": "*", "progress": 0, "visible": ["Mug"]}] * 30
    path = kitchen.tmp_path / "any.json"
    path.write_text(json.dumps(recording))
    kitchen.monkeypatch.setenv("EB_STUB_RECORDING", str(path))
    check_env(environment, skip_render_check=True)
    environment.close()


def test_episodes_share_a_process_one_after_the_other(kitchen: Any) -> None:
    tasks = Kitchen.load("test")
    pids = []
    for task in ("base/test/0", "base/test/2", "spatial/test/0", "base/test/1"):
        environment = Kitchen(tasks)
        environment.reset(options={"task": task})
        pids.append(environment._world._bridge.pid)  # type: ignore[union-attr]
        environment.close()
        environment.close()
    assert len(set(pids)) == 1
    assert [line for line in kitchen.log if line.startswith("start")] == ["start base", "start spatial", "start base"]
    tasks.resources.close()
    assert kitchen.gone(pids[0])


def test_environments_that_are_open_at_once_have_a_process_each(kitchen: Any) -> None:
    tasks = Kitchen.load("test")
    first, second = Kitchen(tasks), Kitchen(tasks)
    first.reset(options={"task": "base/test/0"})
    second.reset(options={"task": "spatial/test/0"})
    assert len(kitchen.children) == 2
    assert act(second, "find a Mug_2")[0][2]
    assert not act(first, "find a Mug")[0][2]
    first.close()
    second.close()
    third = Kitchen(tasks)
    # Of the two idle ones it gets the one that needs no other simulator.
    third.reset(options={"task": "base/test/2"})
    assert len(kitchen.children) == 2
    third.close()
    tasks.resources.close()


def test_failed_process_is_replaced(kitchen: Any) -> None:
    kitchen.break_at("step", "exit")
    tasks = Kitchen.load("test")
    environment = Kitchen(tasks)
    environment.reset(options={"task": "base/test/0"})
    with pytest.raises(EnvironmentFailure, match="exit code 3 during 'step'"):
        act(environment, "find a Mug")
    kitchen.mend()
    environment.reset(options={"task": "base/test/0"})
    assert act(environment, *SOLVES)[-1][2]
    environment.close()
    tasks.resources.close()


def test_instruction_must_be_the_tasks(kitchen: Any) -> None:
    tasks = Kitchen.load("test")
    other = replace(tasks, tasks=(replace(tasks.tasks[0], query="Wash the plate."), *tasks.tasks[1:]))
    environment = Kitchen(other)
    with pytest.raises(EnvironmentFailure) as failure:
        environment.reset(options={"task": "base/test/0"})
    assert failure.value.message == (
        "EmbodiedBench's instruction of base/test/0 is 'Wash the mug that stands by the stove.', "
        "the imported data says 'Wash the plate.'."
    )
    environment.reset(options={"task": "base/test/1"})
    environment.close()
    tasks.resources.close()  # the failure's traceback still holds the pool


def test_world_keeps_the_contract(kitchen: Any) -> None:
    pool = BridgePool("eb-alfred")
    world: World = pool.open("base", 0)
    assert world.achieved == Achieved(False, 0.0)
    world.refuse()
    moved = world._bridge.step(world.names.index("find a Mug"))  # type: ignore[attr-defined]
    assert (moved.steps, moved.invalid) == (1, 1)
    assert world.do(world.names.index("pick up the Mug")).valid
    with pytest.raises(NotImplementedError, match="cannot be forked"):
        world.fork()
    world.close()
    world.close()
    with pytest.raises(EnvironmentFailure, match="the episode is closed"):
        world.do(0)
    pool.close()


def test_environment_cannot_be_forked_in_an_episode_and_has_no_solutions(kitchen: Any) -> None:
    environment = Kitchen()
    task = environment.tasks.tasks[0]
    environment.reset(options={"task": task.id})
    with pytest.raises(NotImplementedError, match="cannot be forked"):
        environment.fork()
    assert environment.solution(task) is None
    assert environment.skills() == ()
    environment.close()


def test_facts_say_who_answers_and_name_no_path(kitchen: Any) -> None:
    environment = Kitchen()
    facts = environment.facts()
    assert facts["python"] == ".".join(map(str, sys.version_info[:3]))
    assert facts["packages"]["numpy"]
    assert set(facts["embodiedbench"]) == {"commit", "sources", "data"}
    assert len(facts["embodiedbench"]["sources"]["EBAlfEnv.py"]) == 64
    assert str(Path(__file__).parents[1]) not in json.dumps(facts)
    assert Kitchen(environment.tasks).facts() == facts
    environment.reset(options={"task": "base/test/0"})
    assert len(kitchen.children) == 1
    environment.close()


def test_embodiedbench_may_not_change_on_the_way(kitchen: Any) -> None:
    pool = BridgePool("eb-alfred")
    first = pool.open("base", 0)
    kitchen.monkeypatch.setattr("rbsuite_embodied.simulator.describe_package", lambda folder, name: {"commit": "other"})
    with pytest.raises(EnvironmentFailure, match="has changed since this command was started"):
        pool.open("base", 1)
    first.close()
    pool.close()


class Mute:
    """No simulation, and never asked."""

    name = "mute"

    async def complete(self, request: ModelRequest) -> Completion:
        raise AssertionError

    async def aclose(self) -> None:
        """Nothing to give back."""


class Doer:
    """Does what solves the first task, whatever the task is."""

    def start(self, start: Any) -> None:
        self._left = [*SOLVES, ""]

    def decided(self, observation: Observation) -> bool:
        return False

    async def act(self, observation: Observation) -> Action:
        return Action(text=self._left.pop(0))


def spec(kind: type, **fields: Any) -> EnvironmentSpec:
    return EnvironmentSpec(
        name=kind.name,  # type: ignore[attr-defined]
        summary="a simulator",
        factory=f"{__name__}:{kind.__name__}",
        splits=(Split("test", "all of them"),),
        domains=("base", "spatial"),
        action_mode="choice",
        concurrency="exclusive",
        stateful_server=True,
        max_steps=40,
        agent="doer",
        **fields,
    )


def plugin(tmp_path: Path) -> ToyPlugin:
    return ToyPlugin(
        environments=[spec(Kitchen)],
        agents=[AgentSpec("doer", "does", f"{__name__}:Doer", action_modes=("choice",))],
        models=[ModelSpec("mute", "says nothing", f"{__name__}:Mute")],
        prompt_dirs=[tmp_path / "prompts"],
    )


def prepared(tmp_path: Path, tasks: Sequence[str] = ("base/test/0",), **config: Any) -> Any:
    given = {"memory": ("none",), "judge": "ground-truth", "model": "mute", "tasks": tuple(tasks), **config}
    return prepare(plugin(tmp_path), env="kitchen[simulator]", **given)


def test_rollouts_of_an_experiment(kitchen: Any, tmp_path: Path) -> None:
    setup = prepared(tmp_path, ("base/test/0", "spatial/test/0"))
    with run(setup, tmp_path / "experiment") as store:
        ends = {record.task_id: record.rollouts[0].trajectory for _, record in records_of(store, "none")}
        assert (ends["base/test/0"].end, ends["base/test/0"].score) == ("finished", 1.0)
        assert (ends["spatial/test/0"].end, "recorded: find a Mug_2" in ends["spatial/test/0"].error) == (
            "env_error",
            True,
        )
        facts = store.manifest.facts["environment"]
        assert len(facts["embodiedbench"]["data"]) == 0
        assert facts["python"] == ".".join(map(str, sys.version_info[:3]))
    setup.tasks.resources.close()


@pytest.mark.parametrize(
    ("at", "do", "nth", "steps", "said"),
    [
        ("init", "raise", 1, 0, "failed at 'init': RuntimeError: the scene could not be restored."),
        ("reset", "exit", 1, 0, "ended with exit code 3 during 'reset': Unity has left the building."),
        ("step", "kill", 3, 2, "was ended by SIGKILL during 'step': about to break."),
    ],
)
def test_rollout_whose_bridge_dies_is_an_env_error_with_one_line(
    kitchen: Any, tmp_path: Path, at: str, do: str, nth: int, steps: int, said: str
) -> None:
    kitchen.break_at(at, do, nth)
    setup = prepared(tmp_path)
    with run(setup, tmp_path / "experiment") as store:
        ((_, record),) = records_of(store, "none")
        (rollout,) = record.rollouts
        assert rollout.trajectory.end == "env_error"
        assert rollout.trajectory.error == f"EmbodiedBench (eb-alfred) {said}"
        assert len(rollout.trajectory.steps) == steps
        assert rollout.trajectory.score is None
        assert rollout.verdict is None
    setup.tasks.resources.close()


def test_experiment_without_embodiedbench_does_not_begin(kitchen: Any, tmp_path: Path) -> None:
    kitchen.monkeypatch.delenv(PYTHON)
    with pytest.raises(EnvironmentFailure, match=f"{PYTHON} is not set"):
        open_experiment(prepared(tmp_path), tmp_path / "experiment")
    assert not (tmp_path / "experiment").exists()


def test_simulated_models_are_refused(kitchen: Any, tmp_path: Path) -> None:
    setup = prepared(tmp_path, model="sim/learner")
    with pytest.raises(UsageError, match="has no reference solution, so a simulated model cannot act on it"):
        run(setup, tmp_path / "experiment").close()
    setup.tasks.resources.close()


def test_rollouts_of_a_task_at_once_are_refused(kitchen: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="share the state of one server"):
        prepared(tmp_path, scaling=("parallel:3",))
