"""EB-ALFRED as an environment: readings, limits, scores, costs."""

from __future__ import annotations

import re
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gymnasium.utils.env_checker import check_env

from rbsuite.task import TaskSet
from rbsuite.trajectory import Action, Observation
from rbsuite_eb_alfred.actions import MOST_ACTIONS, base_actions
from rbsuite_eb_alfred.environment import PROMPTS, EbAlfred

PUT = "put down the object in hand"
SOLVING = ("find a Apple", "pick up the Apple", "find a Shelf", PUT)


@pytest.fixture
def tasks(home_pack: Path) -> TaskSet:
    return EbAlfred.load("test", data=str(home_pack))


@pytest.fixture
def start(tasks: TaskSet) -> Callable[..., EbAlfred]:
    def make(obs_mode: str = "feedback") -> EbAlfred:
        environment = EbAlfred(tasks, obs_mode=obs_mode)
        environment.reset(options={"task": "base/test/0"})
        return environment

    return make


def named(name: str) -> Action:
    return Action("text", text=name)


def test_the_first_observation_is_the_instruction_with_the_named_actions(tasks: TaskSet) -> None:
    first, _ = EbAlfred(tasks).reset(options={"task": "base/test/1"})
    assert first.text == "Put an apple on the shelf, 1."
    assert first.choices[:162] == base_actions()
    assert "find a Cabinet_2" in first.choices[162:]
    assert [message.role for message in first.messages] == ["system"]


def test_a_task_is_solved_by_names_and_by_ids(start: Callable[..., EbAlfred]) -> None:
    for by_id in (False, True):
        environment = start()
        rewards = []
        for name in SOLVING:
            action = Action("choice", index=base_actions().index(name)) if by_id else named(name)
            observation, reward, terminated, truncated, info = environment.step(action)
            assert observation.text == "Last action executed successfully."
            rewards.append(reward)
        assert (rewards, terminated, truncated) == ([0.0, 0.0, 0.0, 1.0], True, False)
        assert environment.score == 1.0
        assert info["truth"] == {
            "domain": "base",
            "progress": 1.0,
            "progress_upstream": 1.0,
            "steps": 4,
            "invalid_actions": 0,
            "unreadable": 0,
            "ended": "success",
        }


def test_an_episode_is_cut_at_30_steps(start: Callable[..., EbAlfred]) -> None:
    environment = start()
    for _ in range(29):
        _, _, terminated, truncated, _ = environment.step(named("find a Desk"))
        assert not terminated
        assert not truncated
    _, _, terminated, truncated, info = environment.step(named("find a Desk"))
    assert (terminated, truncated, info["truth"]["ended"], environment.score) == (False, True, "steps", 0.0)


def test_the_tenth_invalid_action_ends_the_episode(start: Callable[..., EbAlfred]) -> None:
    environment = start()
    for _ in range(4):
        environment.step(named("find a Sofa"))
        environment.step(Action("choice", index=MOST_ACTIONS - 1))
    assert not environment.step(named("close the Drawer"))[2]
    _, _, terminated, truncated, info = environment.step(named("nonsense"))
    assert (terminated, truncated) == (True, False)
    assert (info["truth"]["ended"], info["truth"]["steps"], info["truth"]["unreadable"]) == ("invalid_actions", 5, 5)


def test_the_empty_plan_ends_the_episode(start: Callable[..., EbAlfred]) -> None:
    environment = start()
    for name in SOLVING[:2]:
        environment.step(named(name))
    assert environment.closes(named(" "))
    _, _, terminated, _, info = environment.step(named(" "))
    assert (terminated, info["truth"]["ended"], environment.score) == (True, "empty_plan", 0.0)


def test_the_view_is_told_in_its_mode_alone(start: Callable[..., EbAlfred]) -> None:
    plain, _, _, _, _ = start().step(named("find a Desk"))
    seen, _, _, _, _ = start("visible").step(named("find a Desk"))
    assert plain.text == "Last action executed successfully."
    assert seen.text.startswith(plain.text + "\nIn view: ")
    names = set(seen.text.partition("In view: ")[2].split(", "))
    assert {"Desk", "Book", "Book_2", "Box", "Pencil", "DeskLamp"} == names


def test_nothing_tells_what_is_hidden(start: Callable[..., EbAlfred], tasks: TaskSet) -> None:
    first, _ = EbAlfred(tasks).reset(options={"task": "base/test/0"})
    told = repr(first)
    assert "9001" not in told
    assert "pick_and_place_simple" not in told
    assert "+00.50" not in told


def test_a_fork_goes_its_own_way(start: Callable[..., EbAlfred]) -> None:
    environment = start()
    environment.step(named(SOLVING[0]))
    environment.step(named(SOLVING[1]))
    twin = environment.fork()
    environment.step(named("drop the object in hand"))
    twin.step(named(SOLVING[2]))
    assert twin.step(named(SOLVING[3]))[2]
    assert (twin.score, environment.score) == (1.0, 0.0)
    assert environment.step(named(PUT))[0].text.endswith("Robot is not holding any object")


def test_the_same_actions_give_the_same_episode(tasks: TaskSet) -> None:
    def episode() -> list[tuple[Observation, float]]:
        environment = EbAlfred(tasks)
        observation, _ = environment.reset(seed=3, options={"task": "spatial/test/0"})
        environment.action_space.seed(5)
        steps = [(observation, 0.0)]
        space = environment.action_space
        space.seed(5)
        for _ in range(30):
            observation, reward, terminated, truncated, _ = environment.step(space.sample())
            steps.append((observation, reward))
            if terminated or truncated:
                break
        return steps

    assert episode() == episode()


def test_gymnasium_finds_no_fault(tasks: TaskSet) -> None:
    check_env(EbAlfred(tasks), skip_render_check=True)


def test_the_examples_have_the_ids_of_the_actions(start: Callable[..., EbAlfred], tasks: TaskSet) -> None:
    first, _ = EbAlfred(tasks).reset(options={"task": "base/test/0"})
    told = first.messages[0].content
    lines = [match.groups() for match in re.finditer(r"^(\d+): (.+)$", told, re.MULTILINE)]
    assert len(lines) > 30
    assert all(base_actions()[int(number)] == name for number, name in lines)
    assert told.count("\nTask: ") >= 4
    assert (PROMPTS / EbAlfred.template).is_file()


def mixed(environment: EbAlfred) -> Iterator[Action]:
    """Actions of a plan and others in turn."""
    space = environment.action_space
    space.seed(1)
    while True:
        for name in ("find a Apple", "pick up the Apple", "find a Fridge", "open the Fridge", PUT):
            yield named(name)
            yield space.sample()


def test_steps_and_resets_are_cheap(start: Callable[..., EbAlfred]) -> None:
    environment = start()
    actions = mixed(environment)
    began = time.process_time()
    steps = 0
    for _ in range(200):
        environment.reset(options={"task": "base/test/0"})
        for action in actions:
            steps += 1
            _, _, terminated, truncated, _ = environment.step(action)
            if terminated or truncated:
                break
    spent = time.process_time() - began
    # The bar is 5,000 steps a second and 5 ms a reset; a slow or busy machine has five times as long.
    assert spent < 5 * (steps / 5_000 + 200 * 0.005)


def test_a_thousand_environments_take_little_memory(tasks: TaskSet) -> None:
    EbAlfred(tasks).reset(options={"task": "base/test/0"})
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        alive = []
        for _ in range(1_000):
            environment = EbAlfred(tasks)
            environment.reset(options={"task": "base/test/0"})
            environment.step(named("find a Apple"))
            alive.append(environment)
        each = (tracemalloc.get_traced_memory()[0] - before) / len(alive)
    finally:
        tracemalloc.stop()
    assert each < 64 * 1024


def test_upstreams_tasks_load_and_start(upstream: Path) -> None:
    tasks = EbAlfred.load("test", data=str(upstream.parent))
    assert len(tasks) == 300
    assert len({task.group for task in tasks}) == 73
    assert [sum(task.domain == name for task in tasks) for name in dict.fromkeys(task.domain for task in tasks)] == [
        50
    ] * 6
    environment = EbAlfred(tasks)
    for task in tasks.tasks[::37]:
        first, _ = environment.reset(options={"task": task.id})
        assert first.text == task.query
        assert environment.score == 0.0
