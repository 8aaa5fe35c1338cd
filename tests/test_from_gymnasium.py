"""Gymnasium's environments as ours."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env

from rbsuite.adapters import GymnasiumEnvironment, from_gymnasium
from rbsuite.environments.base import Environment, PlainServices, SyncEpisode
from rbsuite.environments.replay import play_actions
from rbsuite.environments.solution import Solution
from rbsuite.errors import EnvironmentFailure, UnknownNameError, UsageError
from rbsuite.gym import GymEnvironment
from rbsuite.gym.values import describe_space, describe_value, read_value
from rbsuite.specs import EnvironmentSpec, Option, Split
from rbsuite.task import Task
from rbsuite.trajectory import NO_CHOICE, Action, Grade, Observation

MOVES = ("left", "down", "right", "up")
SAFE = ("down", "down", "right", "right", "down", "right")


class Lake(
    from_gymnasium(  # type: ignore[misc]
        "FrozenLake-v1",
        tasks={"train": range(2), "test": range(2, 5)},
        name="lake",
        instructions="Cross the ice.",
        actions=MOVES,
        describe=lambda square, _: f"row {square // 4}, column {square % 4}",
        is_slippery=False,
    )
):
    """A lake with the way across."""

    def solution(self, task: Task) -> Solution:
        return Solution(tuple(choices(SAFE)))


def choices(names: Sequence[str]) -> list[Action]:
    return [Action.choose(MOVES.index(name), name) for name in names]


def play(environment: Environment, actions: Sequence[Action], **more: Any) -> tuple[Grade, tuple[Observation, ...]]:
    task = environment.tasks(more.pop("split", "sample")).tasks[0]
    return asyncio.run(play_actions(environment, task, actions, (), **more))


def begin(environment: GymnasiumEnvironment, seed: int = 0) -> SyncEpisode:
    task = environment.tasks("sample").tasks[0]
    return environment.begin(task, seed=seed, services=PlainServices(environment))


def test_frozen_lake_is_opened_played_and_graded() -> None:
    lake = Lake()
    tasks = lake.tasks("test")
    assert [task.id for task in tasks] == ["2", "3", "4"]
    solution = lake.solution(tasks.tasks[0])
    grade, seen = play(lake, solution.actions, split="test")
    assert (seen[0].text, seen[0].choices, seen[0].messages[0].text) == ("row 0, column 0", MOVES, "Cross the ice.")
    assert [observation.text for observation in seen[1:]] == [
        "row 1, column 0",
        "row 2, column 0",
        "row 2, column 1",
        "row 2, column 2",
        "row 3, column 2",
        "row 3, column 3",
    ]
    assert [observation.turn for observation in seen] == ["agent"] * 6 + ["over"]
    assert grade == Grade(1.0, truth={"total_reward": 1.0, "steps": 6, "invalid": 0, "stopped": False})


@pytest.mark.parametrize(
    ("actions", "score", "over"),
    [
        (choices(["right", "down"]), 0.0, True),  # into a hole
        (choices(SAFE[:3]), 0.0, False),
        ([*choices(SAFE[:3]), Action()], 0.0, True),  # the agent says that it is done
        ([Action("DOWN"), Action(" Down."), Action("'right'"), *choices(SAFE[3:])], 1.0, True),
    ],
)
def test_other_ways_end_otherwise(actions: list[Action], score: float, over: bool) -> None:
    grade, seen = play(Lake(), actions, split="train")
    assert (grade.score, seen[-1].turn == "over") == (score, over)


def test_an_invalid_action_is_answered_and_not_carried_out() -> None:
    wrong = [Action("fly", index=NO_CHOICE), Action("jump"), Action.choose(4), Action.call("down", id="1")]
    grade, seen = play(Lake(), [*wrong, *choices(SAFE)], split="train")
    assert all(observation.text.startswith("Invalid action: ") for observation in seen[1:5])
    assert "left, down, right, up" in seen[1].text
    assert [observation.data["valid"] for observation in seen[1:]] == [False] * 4 + [True] * 6
    assert [result.id for result in seen[4].results] == ["1"]
    assert (grade.score, grade.truth["invalid"]) == (1.0, 4)


def test_luck_comes_from_the_seed_of_the_rollout() -> None:
    slippery = Lake(is_slippery=True)
    walk = choices(["right", "down"] * 10)
    texts = [[seen.text for seen in play(slippery, walk, split="train", seed=seed)[1]] for seed in (1, 1, 2, 3)]
    assert texts[0] == texts[1]
    assert len({tuple(text) for text in texts}) > 1


def test_the_task_decides_where_an_episode_begins() -> None:
    newest = max(name for name in gymnasium.registry if name.startswith("Taxi-v"))
    taxi = from_gymnasium(newest, tasks=range(6))()
    openings = [
        [taxi.begin(task, seed=seed, services=PlainServices(taxi)).observation.text for task in taxi.tasks("sample")]
        for seed in (1, 2)
    ]
    assert openings[0] == openings[1]
    assert len(set(openings[0])) > 1


def test_success_is_what_one_says_it_is() -> None:
    def near(total: float, terminated: bool, truncated: bool, info: Any) -> float:
        return max(0.0, 1 + total / 100) if terminated else 0.0

    way = [Action("0"), *[Action("1")] * 11, Action("2")]
    for success, score in ((None, 0.0), (near, 0.87)):
        more = {} if success is None else {"success": success}
        grade, _ = play(from_gymnasium("CliffWalking-v1", tasks=[0], **more)(), way)
        assert grade.score == pytest.approx(score)
        assert grade.truth["total_reward"] == -13


def test_a_limit_of_theirs_truncates() -> None:
    lake = from_gymnasium("FrozenLake-v1", tasks=[0], max_episode_steps=2, is_slippery=False)()
    episode = begin(lake)
    assert episode.act(Action("0")).turn == "agent"
    assert episode.act(Action("0")).turn == "over"
    assert episode.truncated


class Painter(gymnasium.Env[Any, Any]):
    """Wants a word and a place; shows a dictionary and a picture."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 1}  # noqa: RUF012 - as gymnasium has it

    def __init__(self, render_mode: str | None = None, word: str = "red", broken: str = "") -> None:
        self.render_mode, self.word, self.broken = render_mode, word, broken
        self.action_space = spaces.Dict({"word": spaces.Text(8), "at": spaces.Box(-1.0, 1.0, (2,))})
        self.observation_space = spaces.Dict({"at": spaces.Box(-1.0, 1.0, (2,)), "left": spaces.Discrete(9)})
        if broken == "make":
            raise RuntimeError("no display")

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return {"at": np.zeros(2, np.float32), "left": (options or {}).get("left", 3)}, {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        if self.broken == "step":
            raise RuntimeError("no paint")
        return {"at": action["at"], "left": 2}, 1.0, action["word"] == self.word, False, {}

    def render(self) -> Any:
        return np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)


def test_other_spaces_take_json_and_show_dictionaries_and_pictures() -> None:
    tasks = [Task("wide", "g", "", "Paint.", {"seed": 1, "options": {"left": 8}})]
    painter = from_gymnasium(Painter, tasks=tasks, images=True, word="blue")()
    actions = [
        Action("paint it blue"),
        Action('{"word": "blue", "at": [0, 2]}'),
        Action('I paint:\n```json\n{"at": [0.5, -1], "word": "blue"}\n```\nin blue (really).'),
    ]
    grade, seen = play(painter, actions)
    assert seen[0].text == "at: [0., 0.]\nleft: 8"
    assert "Write your action as JSON: an object with" in seen[0].messages[0].text
    assert not seen[0].choices
    assert "not [0, 2]" in seen[2].text
    assert (seen[3].text, grade.score) == ("at: [ 0.5, -1. ]\nleft: 2", 1.0)
    data = base64.b64decode(seen[0].images[0].data)
    assert struct.unpack(">II", data[16:24]) == (3, 2)
    body = data[data.index(b"IDAT") + 4 :]
    assert zlib.decompressobj().decompress(body) == bytes([0, *range(9), 0, *range(9, 18)])


def test_an_action_may_be_read_by_ones_own_function() -> None:
    def parse(action: Action) -> Any:
        word, _, place = action.text.partition("@")
        if not place:
            raise ValueError("write WORD@PLACE")
        return {"word": word, "at": np.full(2, float(place), np.float32)}

    grade, seen = play(from_gymnasium(Painter, tasks=[0], parse=parse)(), [Action("red"), Action("red@0.5")])
    assert (seen[1].text, grade.score) == ("Invalid action: write WORD@PLACE.", 1.0)


@pytest.mark.parametrize(
    ("space", "text", "value"),
    [
        (spaces.MultiDiscrete([3, 2]), "[2, 1]", [2, 1]),
        (spaces.MultiDiscrete([3, 2]), "Step 1 of 2: I take [2, 1].", [2, 1]),
        (spaces.MultiDiscrete([3, 2]), "not [9, 9] but [0, 1.0]", [0, 1]),
        (spaces.MultiBinary(3), "[1, 0, 1]", [1, 0, 1]),
        (spaces.Box(-1, 1, (1,)), "0.25", [0.25]),
        (spaces.Box(-1, 1, (1,)), "I push with -0.5", [-0.5]),
        (spaces.Box(0, 255, (2,), np.uint8), "[0, 255]", [0, 255]),
        (spaces.Text(5, charset="ab "), " abba ", "abba"),
        (spaces.Tuple([spaces.Discrete(3, start=-1), spaces.Text(3)]), '[-1, "abc"]', (-1, "abc")),
    ],
)
def test_values_are_read_leniently(space: spaces.Space[Any], text: str, value: Any) -> None:
    found = read_value(space, text)
    assert space.contains(found)
    assert (found.tolist() if isinstance(found, np.ndarray) else found) == value


@pytest.mark.parametrize(
    ("space", "text"),
    [
        (spaces.MultiDiscrete([3, 2]), ""),
        (spaces.MultiDiscrete([3, 2]), "[3, 0]"),
        (spaces.MultiDiscrete([3, 2]), "[0.5, 0]"),
        (spaces.MultiDiscrete([3, 2]), "[[0], [1, 2]]"),
        (spaces.MultiDiscrete([3, 2]), "[1e300, 0]"),
        (spaces.Box(-1, 1, (1,)), "NaN"),
        (spaces.Box(-np.inf, np.inf, (1,)), "1e999"),
        (spaces.Box(-1, 1, (1,)), "9" * 5000),
        (spaces.Box(-1, 1, (1,)), "[" * 50_000),
        (spaces.Box(-1, 1, (1,)), '"half"'),
        (spaces.Box(0, 255, (2,), np.uint8), "[-1, 256]"),
        (spaces.Tuple([spaces.Discrete(3), spaces.Text(3)]), '[true, "abc"]'),
        (spaces.Dict({"a": spaces.Discrete(2)}), '{"a": 1e999}'),
        (spaces.Dict({"a": spaces.Discrete(2)}), '{"a": 1, "b": 1}'),
        (spaces.MultiDiscrete([3, 2]), "[1, 0] or [0, 1]"),
    ],
)
def test_what_is_no_value_is_told_what_would_be(space: spaces.Space[Any], text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected an? (array|number|object|whole number)"):
        read_value(space, text)


@pytest.mark.parametrize(
    "text", ["1 or 3", "either 1, or maybe 3", "not 1", "I would not choose 1", "1 is wrong", "1/3", "3, not 1"]
)
def test_a_number_that_is_denied_or_one_of_several_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected a whole number"):
        read_value(spaces.Discrete(9), text)


@pytest.mark.parametrize(
    "text", ["Not 1 but 3", "1 is wrong, so 3", "Step 1 of 2: 3", "I don't know; let me try 3.", "not far: 3"]
)
def test_a_number_after_a_denied_one_is_read(text: str) -> None:
    assert read_value(spaces.Discrete(9), text) == 3


def test_large_arrays_are_described() -> None:
    assert describe_value(np.eye(20, dtype=np.uint8)) == "array of shape (20, 20), from 0 to 1"
    assert describe_value(np.float32(0.1)) == "0.1"
    assert describe_value((1, {"a": np.arange(3)})) == "0: 1\n1: a: [0, 1, 2]"


def test_a_sample_written_as_json_is_read_back() -> None:
    space = spaces.Dict(
        {"m": spaces.MultiDiscrete([3, 4], start=[1, -2]), "b": spaces.Box(-2, 2, (2, 2)), "t": spaces.Text(6)}
    )
    space.seed(3)
    for _ in range(50):
        sample = space.sample()
        text = json.dumps({"m": sample["m"].tolist(), "b": sample["b"].tolist(), "t": sample["t"]})
        found = read_value(space, text)
        assert all(np.array_equal(found[key], sample[key]) for key in sample)
    assert describe_space(space["m"]) == "an array of whole numbers of length 2, with the ranges 1 to 3, -2 to 1"


def test_faults_are_one_line() -> None:
    with pytest.raises(EnvironmentFailure, match="painter cannot be opened: RuntimeError: no display"):
        begin(from_gymnasium(Painter, tasks=[0], broken="make")())
    with pytest.raises(EnvironmentFailure, match="painter raised RuntimeError: no paint"):
        begin(from_gymnasium(Painter, tasks=[0], broken="step")()).act(Action('{"word": "red", "at": [0, 0]}'))
    with pytest.raises(UsageError, match="frozenlake-v1 has 4 actions, and 1 are named"):
        begin(from_gymnasium("FrozenLake-v1", tasks=[0], actions=("on",))())
    with pytest.raises(UsageError, match="lock has 3 x 2 actions, and 3 x 1 are named"):
        begin(from_gymnasium(Lock, tasks=[0], actions=(("a", "b", "c"), ("d",)))())
    with pytest.raises(UsageError, match="painter names actions, and those of the space Dict have no names"):
        begin(from_gymnasium(Painter, tasks=[0], actions=("on",))())
    with pytest.raises(UnknownNameError, match=r"unknown split of lake 'tset'\. Did you mean 'test'"):
        Lake().tasks("tset")


def test_theirs_as_ours_as_theirs() -> None:
    spec = EnvironmentSpec(
        "lake",
        "a lake",
        f"{__name__}:Lake",
        (Option("is_slippery", "bool", False, "whether one slips"),),
        splits=(Split("train", "2 lakes", bundled=True),),
        action_mode="choice",
        concurrency="thread",
    )
    env = GymEnvironment(spec, is_slippery=True)
    check_env(env, skip_render_check=True)
    env.close()


def test_a_way_to_solve_it_is_the_reference() -> None:
    def across(world: gymnasium.Env[Any, Any]) -> list[int]:
        return [MOVES.index(name) for name in SAFE]

    lake = from_gymnasium("FrozenLake-v1", actions=MOVES, solve=across, is_slippery=False)()
    task = lake.tasks("sample").tasks[0]
    solution = lake.solution(task)
    assert solution is not None
    assert solution.actions == tuple(choices(SAFE))
    assert asyncio.run(play_actions(lake, task, solution.actions, ()))[0].score == 1.0
    wrong = from_gymnasium("FrozenLake-v1", actions=MOVES, solve=lambda _: [9])()
    with pytest.raises(UsageError, match=r"solve gives 9, which is not an action"):
        wrong.solution(task)


class Lock(gymnasium.Env[Any, Any]):
    """Opens at the right numbers."""

    action_space = spaces.MultiDiscrete([3, 2])
    observation_space = spaces.Discrete(1)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        self.code = [int(self.np_random.integers(3)), int(self.np_random.integers(2))]
        return 0, {}

    def step(self, action: Any) -> tuple[int, float, bool, bool, dict[str, Any]]:
        right = list(action) == self.code
        return 0, float(right), bool(right), False, {}


def test_actions_of_several_numbers_are_solved_and_read_as_json() -> None:
    lock = from_gymnasium(Lock, solve=lambda world: [np.array(world.unwrapped.code)])()
    for task in lock.tasks("sample").tasks[:3]:
        solution = lock.solution(task)
        assert solution is not None
        assert json.loads(solution.actions[0].text)[0] in (0, 1, 2)
        assert asyncio.run(play_actions(lock, task, solution.actions, ()))[0].score == 1.0


class Dial(Lock):
    """The same lock, whose numbers do not begin at 0."""

    action_space = spaces.MultiDiscrete([3, 2], start=[1, -1])

    def step(self, action: Any) -> tuple[int, float, bool, bool, dict[str, Any]]:
        return super().step(action - self.action_space.start)


def test_actions_of_several_parts_are_choices_where_the_parts_have_names() -> None:
    parts = (("red", "green", "blue"), ("on", "off"))
    lock = from_gymnasium(
        Dial, actions=parts, solve=lambda world: [np.array(world.unwrapped.code) + world.unwrapped.action_space.start]
    )()
    names = ("red, on", "red, off", "green, on", "green, off", "blue, on", "blue, off")
    for task in lock.tasks("sample"):
        solution = lock.solution(task)
        assert solution is not None
        grade, seen = asyncio.run(play_actions(lock, task, solution.actions, ()))
        assert (grade.score, seen[0].choices) == (1.0, names)
        assert asyncio.run(play_actions(lock, task, [Action(solution.actions[0].text)], ()))[0].score == 1.0
    assert "names none of the actions" in play(lock, [Action("red")])[1][1].text


class Echo(gymnasium.Env[Any, Any]):
    """Wants the word that it says."""

    action_space = observation_space = spaces.Text(12)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        super().reset(seed=seed)
        self.word = ["north", "south"][int(self.np_random.integers(2))]
        return self.word, {}

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        return action, float(action == self.word), action == self.word, False, {}


def test_texts_are_actions_as_they_stand() -> None:
    echo = from_gymnasium(Echo, solve=lambda world: [world.unwrapped.word])()
    for task in echo.tasks("sample").tasks[:4]:
        solution = echo.solution(task)
        assert solution is not None
        assert solution.actions[0].text in ("north", "south")
        grade, seen = asyncio.run(play_actions(echo, task, [Action("so" * 9), *solution.actions], ()))
        assert grade.score == 1.0
        assert seen[0].messages[0].text == "Write your action: a text of 1 to 12 characters."
        assert seen[1].text == "Invalid action: expected a text of 1 to 12 characters."


def test_a_task_may_name_its_own_environment() -> None:
    tasks = [Task("small", "lake", "", "", {"seed": 0}), Task("pole", "pole", "", "", {"seed": 0, "id": "CartPole-v1"})]
    mixed = from_gymnasium("FrozenLake-v1", tasks=tasks)()
    first, second = (mixed.begin(task, seed=0, services=PlainServices(mixed)).observation for task in tasks)
    assert (len(first.choices), len(second.choices)) == (4, 2)


def test_declaring_one_imports_no_gymnasium() -> None:
    code = (
        "import sys, rbsuite; Lake = rbsuite.from_gymnasium('FrozenLake-v1'); Lake().tasks('sample');"
        "sys.exit('gymnasium' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
