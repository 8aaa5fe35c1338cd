"""The simulator backend: its episodes, images, the processes behind them, whatever becomes of an episode, and rollouts."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import os
import signal
import struct
import sys
import time
import zlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, ClassVar

import pytest

from rbsuite.api import Experiment, evaluate
from rbsuite.environments.base import Episode, PlainServices
from rbsuite.environments.replay import play_actions
from rbsuite.errors import EnvironmentFailure, UnknownNameError, UsageError
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.plugins import load_plugins
from rbsuite.specs import AgentSpec, EnvironmentSpec, ModelSpec, Split
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import NO_CHOICE, Action, Image, Observation
from rbsuite_embodied.bridge.settings import PYTHON, SIMULATORS
from rbsuite_embodied.environment import UNREADABLE, EmbodiedEnvironment
from rbsuite_embodied.simulator import SimulatorEnvironment, SimulatorEpisode
from rbsuite_embodied.world import World
from toy import ToyPlugin

RECORDINGS = Path(__file__).parent / "recordings"
SOLVES = ["find a Mug", "pick up the Mug", "open the Cabinet", "turn on the Faucet", "put down the object in hand"]


class Paper(EmbodiedEnvironment):
    """In the place of a symbolic backend: it knows the tasks."""

    template = "kitchen/world.j2"
    recording: ClassVar[str] = "alfred"

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        sets = json.loads((RECORDINGS / f"{self.recording}.json").read_text(encoding="utf-8"))
        tasks = [
            Task(f"{name}/{split}/{index}", f"scene {index}", name, episode["instruction"])
            for name, episodes in sets.items()
            for index, episode in enumerate(episodes)
            if domain in ("", name)
        ]
        return TaskSet("paper[symbolic]", split, tuple(tasks), {"pack": "made here"})

    def open_world(self, task: Task) -> World:
        raise AssertionError


class PaperHome(Paper):
    recording = "habitat"


class Kitchen(SimulatorEnvironment):
    name = "kitchen[simulator]"
    upstream = "eb-alfred"
    symbolic = Paper
    tells_view = True


class Home(SimulatorEnvironment):
    name = "home[simulator]"
    upstream = "eb-habitat"
    symbolic = PaperHome
    tells_view = False


@pytest.fixture
def kitchen(stub: Any, tmp_path: Path) -> Any:
    """The stand-in, and a template for the world."""
    (tmp_path / "prompts" / "kitchen").mkdir(parents=True)
    (tmp_path / "prompts" / "kitchen" / "world.j2").write_text("You are a robot.{% if visible %} You see.{% endif %}")
    stub.monkeypatch.setattr(SimulatorEnvironment, "prompt_directory", tmp_path / "prompts")
    stub.replay("eb-alfred")
    return stub


async def opened(environment: SimulatorEnvironment, task: str = "base/test/0") -> SimulatorEpisode:
    tasks = environment.tasks("test")
    episode = await environment.open(tasks.by_id[task], seed=0, services=PlainServices(environment))
    assert isinstance(episode, SimulatorEpisode)
    return episode


async def act(episode: Episode, *actions: str | Action) -> list[Observation]:
    """What is seen after each action; they may be given by name."""
    seen = []
    for action in actions:
        episode.observation = await episode.act(Action(action) if isinstance(action, str) else action)
        seen.append(episode.observation)
    return seen


def playing(
    play: Callable[[SimulatorEnvironment], Coroutine[Any, Any, None]],
    kind: type[SimulatorEnvironment] = Kitchen,
    **options: Any,
) -> None:
    """Play in an environment that is closed in the end; then no process may be left (see the fixture ``stub``)."""

    async def main() -> None:
        environment = kind(**options)
        try:
            await play(environment)
        finally:
            await environment.aclose()

    asyncio.run(main())


def test_tasks_are_those_of_the_symbolic_backend_under_another_name() -> None:
    tasks, symbolic = Kitchen().tasks("test"), Paper().tasks("test")
    assert [(task.id, task.query) for task in tasks] == [(task.id, task.query) for task in symbolic]
    assert tasks.environment == "kitchen[simulator]"
    assert tasks.content_hash != symbolic.content_hash
    assert {task.domain for task in Kitchen().tasks("test", domain="spatial")} == {"spatial"}
    assert Kitchen().solution(tasks.tasks[0]) is None
    with pytest.raises(UnknownNameError, match="split of kitchen"):
        Kitchen().tasks("sample")


def test_episode_from_start_to_success(kitchen: Any) -> None:
    async def play(environment: SimulatorEnvironment) -> None:
        episode = await opened(environment)
        first = episode.observation
        assert first.text == "Wash the mug that stands by the stove."
        assert first.choices[-1] == "close the Cabinet_2"
        assert [message.text for message in first.messages] == ["You are a robot."]
        assert first.images == ()
        rewards = []
        for name in SOLVES:
            (seen,) = await act(episode, name)
            rewards.append((episode.reward, seen.data["valid"], seen.turn))
        assert rewards == [
            *((0, True, "agent"), (0, True, "agent"), (0, False, "agent")),
            *((0.5, True, "agent"), (0.5, True, "over")),
        ]
        grade = await episode.grade("finished")
        assert (grade.score, grade.measures["progress"]) == (1.0, 1.0)
        assert grade.truth == {"steps": 5, "invalid_actions": 1, "unreadable": 0, "ended": "success"}
        with pytest.raises(NotImplementedError, match="cannot be forked"):
            episode.fork()
        await episode.aclose()

    playing(play)


def test_what_is_in_view_is_told_where_upstream_tells_it(kitchen: Any) -> None:
    async def play(environment: SimulatorEnvironment) -> None:
        episode = await opened(environment)
        assert episode.observation.text.endswith("\nIn view: CounterTop, StoveBurner")
        assert episode.observation.messages[0].text == "You are a robot. You see."
        assert (await act(episode, "find a Mug"))[0].text.endswith("\nIn view: CounterTop, Mug")
        await episode.aclose()

    playing(play, obs_mode="visible")
    with pytest.raises(UsageError, match="does not report what is in view"):
        Home(obs_mode="visible")


def pixels(image: Image) -> tuple[tuple[int, int], list[bytes]]:
    """Width, height, and the rows of a PNG of 8-bit RGB without filters."""
    assert (image.media_type, image.description) == ("image/png", "what the robot sees")
    data = base64.b64decode(image.data)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = {}, 8
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        chunks[kind] = data[at + 8 : at + 8 + size]
        assert data[at + 8 + size : at + 12 + size] == struct.pack(">I", zlib.crc32(kind + chunks[kind]))
        at += 12 + size
    width, height, depth, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, colour) == (8, 2)
    lines = zlib.decompress(chunks[b"IDAT"])
    row = 1 + 3 * width
    assert {lines[start] for start in range(0, len(lines), row)} == {0}
    return (width, height), [lines[start + 1 : start + row] for start in range(0, len(lines), row)]


@pytest.mark.parametrize(("kind", "first", "action"), [(Kitchen, 1, "find a Mug"), (Home, 0, "pick up the bowl")])
def test_images_are_what_upstreams_agents_are_shown(
    kitchen: Any, kind: type[SimulatorEnvironment], first: int, action: str
) -> None:
    """The stand-in's pictures say in their first pixel which they are."""
    kitchen.replay(kind.upstream)

    async def play(environment: SimulatorEnvironment) -> None:
        episode = await opened(environment)
        seen = [episode.observation, *await act(episode, action, Action.choose(NO_CHOICE), "")]
        images = [pixels(*observation.images) for observation in seen]
        assert images[0] == ((3, 2), [bytes((first, 1, 2, *[0] * 6)), bytes((*[0] * 6, 250, 251, 252))])
        assert images[0] != images[1]
        assert images[1] == images[2] == images[3]  # nothing was done
        await episode.aclose()

    playing(play, kind, images=True)


def test_camera_that_gives_no_picture_is_one_line(kitchen: Any) -> None:
    kitchen.monkeypatch.setenv("EB_STUB_PICTURE", "float32")

    async def play(environment: SimulatorEnvironment) -> None:
        with pytest.raises(EnvironmentFailure) as failure:
            await opened(environment)
        said = "failed at 'reset': EBAlfEnv.reset gives no image of 8-bit pixels as head_rgb."
        assert str(failure.value) == f"EmbodiedBench (eb-alfred) {said}"

    playing(play, images=True)


def test_upstreams_limits_are_the_environments(kitchen: Any) -> None:
    async def play(environment: SimulatorEnvironment) -> None:
        episode = await opened(environment, "base/test/2")
        last = (await act(episode, *["find a Mug"] * 30))[-1]
        assert (last.turn, episode.truncated) == ("over", True)
        assert (await episode.grade("max_steps")).truth["ended"] == "steps"
        await episode.aclose()
        episode = await opened(environment, "base/test/3")
        seen = await act(episode, "no such action", *["find a Mug"] * 9)
        assert seen[0].text == UNREADABLE
        assert (seen[-1].turn, episode.truncated) == ("over", False)
        truth = (await episode.grade("finished")).truth
        assert truth == {"ended": "invalid_actions", "steps": 9, "invalid_actions": 10, "unreadable": 1}
        await episode.aclose()

    playing(play)


def test_end_of_upstreams_own_and_the_agents_word_end_the_episode(kitchen: Any) -> None:
    async def play(environment: SimulatorEnvironment) -> None:
        for task, names, ended in (
            ("base/test/1", ("put down the object in hand", "find a Mug"), "world"),
            ("base/test/0", ("find a Mug", ""), "empty_plan"),
        ):
            episode = await opened(environment, task)
            assert episode.closes(Action())
            assert (await act(episode, *names))[-1].turn == "over"
            grade = await episode.grade("finished")
            assert (grade.truth["ended"], grade.score) == (ended, 0.0)
            await episode.aclose()

    playing(play)


def test_episodes_share_a_process_one_after_the_other(kitchen: Any) -> None:
    async def play(environment: SimulatorEnvironment) -> None:
        pids = set()
        for task in ("base/test/0", "base/test/2", "spatial/test/0", "base/test/1"):
            episode = await opened(environment, task)
            pids.add(episode._bridge.pid)
            await episode.aclose()
        assert len(pids) == 1
        started = [line for line in kitchen.log if line.startswith("start")]
        assert started == ["start base", "start spatial", "start base"]

    playing(play)


def test_no_more_simulators_run_at_once_than_are_allowed(kitchen: Any) -> None:
    kitchen.monkeypatch.setenv(SIMULATORS, "2")

    async def play(environment: SimulatorEnvironment) -> None:
        first, second = await asyncio.gather(opened(environment), opened(environment, "spatial/test/0"))
        waiting = asyncio.create_task(opened(environment, "base/test/2"))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        assert (await act(second, "find a Mug_2"))[0].turn == "over"
        assert (await act(first, "find a Mug"))[0].turn == "agent"
        await second.aclose()
        third = await waiting
        await first.aclose()
        await third.aclose()
        # Of the two idle ones it gets the one that needs no other simulator.
        await (await opened(environment, "base/test/2")).aclose()
        assert len(kitchen.children) == 3  # the third had to start its set's in the second's process

    playing(play)


def test_other_work_goes_on_while_a_simulator_thinks(kitchen: Any) -> None:
    async def play(environment: SimulatorEnvironment) -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        ticking = asyncio.create_task(tick())
        began = time.monotonic()
        episode = await opened(environment)
        spent = time.monotonic() - began
        ticking.cancel()
        assert ticks > 5
        assert ticks > spent / 0.1
        await episode.aclose()

    playing(play)


@pytest.mark.parametrize("at", ["init", "reset", "step"])
def test_cancelled_call_ends_the_process_at_once_and_the_next_episode_has_another(
    kitchen: Any, at: str, caplog: pytest.LogCaptureFixture
) -> None:
    kitchen.break_at(at, "hang")

    async def play(environment: SimulatorEnvironment) -> None:
        async def first() -> None:
            episode = await opened(environment)
            try:
                await act(episode, "find a Mug")
            finally:
                await episode.aclose()

        hanging = asyncio.create_task(first())
        async with asyncio.timeout(30):
            while "hang" not in kitchen.log:
                await asyncio.sleep(0.05)
        began = time.monotonic()
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging
        assert time.monotonic() - began < 10
        assert all(kitchen.gone(pid) for pid in kitchen.children)
        kitchen.mend()
        again = await opened(environment)
        assert (await act(again, *SOLVES))[-1].turn == "over"
        await again.aclose()

    playing(play)
    gc.collect()
    assert caplog.records == []  # nothing that asyncio would show a user who presses Ctrl-C


def test_episode_that_waits_for_its_turn_can_be_cancelled(kitchen: Any) -> None:
    async def play(environment: SimulatorEnvironment) -> None:
        first = await opened(environment)
        waiting = asyncio.create_task(opened(environment, "base/test/1"))
        await asyncio.sleep(0.1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await first.aclose()
        await (await opened(environment, "base/test/2")).aclose()
        assert len(kitchen.children) == 1

    playing(play)


@pytest.mark.parametrize(
    ("at", "do", "said"),
    [
        ("init", "raise", "failed at 'init': RuntimeError: the scene could not be restored."),
        ("reset", "exit", "ended with exit code 3 during 'reset': Unity has left the building."),
        ("step", "kill", "was ended by SIGKILL during 'step': about to break."),
    ],
)
def test_process_that_fails_is_one_line_and_is_replaced(kitchen: Any, at: str, do: str, said: str) -> None:
    kitchen.break_at(at, do)

    async def play(environment: SimulatorEnvironment) -> None:
        tasks = environment.tasks("test")
        with pytest.raises(EnvironmentFailure) as failure:
            await play_actions(environment, tasks.tasks[0], [Action(name) for name in SOLVES], ())
        assert str(failure.value) == f"EmbodiedBench (eb-alfred) {said}"
        assert all(kitchen.gone(pid) for pid in kitchen.children)
        kitchen.mend()
        grade, _ = await play_actions(environment, tasks.tasks[0], [Action(name) for name in SOLVES], ())
        assert grade.score == 1.0

    playing(play)


def test_process_that_is_killed_is_replaced(kitchen: Any) -> None:
    async def play(environment: SimulatorEnvironment) -> None:
        episode = await opened(environment)
        os.kill(episode._bridge.pid, signal.SIGKILL)
        with pytest.raises(EnvironmentFailure, match="was ended by SIGKILL during 'step'"):
            await act(episode, "find a Mug")
        await episode.aclose()
        again = await opened(environment)
        assert (await act(again, *SOLVES))[-1].turn == "over"
        await again.aclose()
        # Nor does it harm an episode if it is killed between two of them.
        os.kill(again._bridge.pid, signal.SIGKILL)
        async with asyncio.timeout(30):
            while not again._bridge.ended:  # ps calls a process a zombie while threads of it are still ending
                await asyncio.sleep(0.01)
        last = await opened(environment)
        assert last._bridge.pid != again._bridge.pid
        await last.aclose()

    playing(play)


def test_closing_that_is_cancelled_leaves_nothing_behind(kitchen: Any) -> None:
    kitchen.break_at("close", "hang")

    async def main() -> None:
        environment = Kitchen()
        await (await opened(environment)).aclose()
        closing = asyncio.create_task(environment.aclose())
        async with asyncio.timeout(30):
            while "hang" not in kitchen.log:
                await asyncio.sleep(0.05)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        assert all(kitchen.gone(pid) for pid in kitchen.children)

    asyncio.run(main())


def test_instruction_must_be_the_tasks(kitchen: Any) -> None:
    async def play(environment: SimulatorEnvironment) -> None:
        other = Task("base/test/0", "", "base", "Wash the plate.")
        with pytest.raises(EnvironmentFailure) as failure:
            await environment.open(other, seed=0, services=PlainServices(environment))
        assert failure.value.message == (
            "EmbodiedBench's instruction for base/test/0 is 'Wash the mug that stands by the stove.', "
            "but that of the imported data is 'Wash the plate.'."
        )
        await (await opened(environment, "base/test/1")).aclose()
        assert len(kitchen.children) == 1

    playing(play)


def test_facts_say_who_answers_and_name_no_path(kitchen: Any) -> None:
    async def play(environment: SimulatorEnvironment) -> None:
        facts = environment.facts()
        assert kitchen.children == []
        assert facts["python"] == ".".join(map(str, sys.version_info[:3]))
        assert facts["packages"]["numpy"]
        assert set(facts["embodiedbench"]) == {"commit", "sources", "data"}
        assert len(facts["embodiedbench"]["sources"]["EBAlfEnv.py"]) == 64
        assert str(Path(__file__).parents[1]) not in json.dumps(facts)
        await (await opened(environment)).aclose()
        assert environment.facts() == facts
        assert len(kitchen.children) == 1

    playing(play)


def test_embodiedbench_may_not_change_on_the_way(kitchen: Any) -> None:
    kitchen.monkeypatch.setenv(SIMULATORS, "2")

    async def play(environment: SimulatorEnvironment) -> None:
        first = await opened(environment)
        describe = "rbsuite_embodied.simulator.describe_package"
        kitchen.monkeypatch.setattr(describe, lambda folder, name: {"commit": "other"})
        with pytest.raises(EnvironmentFailure, match="has changed since this command was started"):
            await opened(environment, "base/test/1")
        await first.aclose()

    playing(play)


def test_without_embodiedbench_there_are_no_facts_and_no_episodes(kitchen: Any) -> None:
    kitchen.monkeypatch.delenv(PYTHON)

    async def play(environment: SimulatorEnvironment) -> None:
        with pytest.raises(EnvironmentFailure, match=f"{PYTHON} is not set"):
            environment.facts()
        for _ in range(2):
            with pytest.raises(EnvironmentFailure, match=f"{PYTHON} is not set"):
                await opened(environment)

    playing(play)


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

    def remember(self, memory: str) -> None:
        raise AssertionError

    def decided(self, observation: Observation) -> bool:
        return False

    async def act(self, observation: Observation) -> Action:
        return Action(self._left.pop(0))


KITCHEN = EnvironmentSpec(
    name="kitchen[simulator]",
    summary="a simulator",
    factory=f"{__name__}:Kitchen",
    splits=(Split("test", "all of them"),),
    domains=("base", "spatial"),
    action_mode="choice",
    max_steps=40,
    agent="doer",
)


def evaluated(kitchen: Any, *tasks: str, **config: Any) -> Experiment:
    """An experiment in the kitchen, in which the agent does what solves the first task."""
    plugin = ToyPlugin(
        environments=[KITCHEN],
        agents=[AgentSpec("doer", "does", f"{__name__}:Doer", action_modes=("choice",))],
        models=[ModelSpec("mute", "says nothing", f"{__name__}:Mute")],
        prompt_dirs=[kitchen.tmp_path / "prompts"],
    )
    given = {"model": "mute", "memory": ("none",), "judge": "ground-truth", "orders": 1, "tasks": tasks, **config}
    plugins = load_plugins([("kitchen", plugin)])
    return evaluate("kitchen[simulator]", out=kitchen.tmp_path / "experiment", plugins=plugins, **given)


def test_rollouts_of_an_experiment(kitchen: Any) -> None:
    with evaluated(kitchen, "base/test/0", "spatial/test/0", scaling=("parallel:2",), selector="oracle") as experiment:
        rollouts = {record.task_id: [each.trajectory for each in record.rollouts] for record in experiment.records()}
        assert [(each.end, each.score) for each in rollouts["base/test/0"]] == [("finished", 1.0)] * 2
        assert [each.end for each in rollouts["spatial/test/0"]] == ["env_error"] * 2
        assert all("recorded: find a Mug_2" in each.error for each in rollouts["spatial/test/0"])
        facts = experiment.manifest.facts["environment"]
        assert facts["python"] == ".".join(map(str, sys.version_info[:3]))
        assert set(facts["embodiedbench"]) == {"commit", "sources", "data"}


def test_rollout_whose_process_dies_is_an_env_error_with_one_line(kitchen: Any) -> None:
    kitchen.break_at("step", "kill", 3)
    with evaluated(kitchen, "base/test/0") as experiment:
        (record,) = experiment.records()
        (rollout,) = record.rollouts
        said = "EmbodiedBench (eb-alfred) was ended by SIGKILL during 'step': about to break."
        assert (rollout.trajectory.end, rollout.trajectory.error) == ("env_error", said)
        assert (len(rollout.trajectory.steps), rollout.trajectory.score, rollout.verdict) == (2, None, None)


def test_experiment_without_embodiedbench_does_not_begin(kitchen: Any) -> None:
    kitchen.monkeypatch.delenv(PYTHON)
    with pytest.raises(EnvironmentFailure, match=f"{PYTHON} is not set"):
        evaluated(kitchen, "base/test/0")
    assert not (kitchen.tmp_path / "experiment").exists()


def test_simulated_models_are_refused(kitchen: Any) -> None:
    with pytest.raises(UsageError, match="has no reference solution, so a simulated model cannot act on it"):
        evaluated(kitchen, "base/test/0", model="sim/learner")
