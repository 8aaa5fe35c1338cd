"""The single-agent view of an environment with a simulated user."""

from __future__ import annotations

from typing import Any

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env

from rbsuite.environments.base import Environment, StepResult
from rbsuite.environments.replay import play_actions
from rbsuite.environments.solution import Solution
from rbsuite.environments.users import STOP
from rbsuite.environments.wrappers import UserPolicy
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, Message, Observation


class Chat(Environment):
    """A conversation; the agent scores by saying the word."""

    @classmethod
    def load(cls, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        tasks = tuple(Task(f"t{number}", "g", "", payload={"word": f"word{number}"}) for number in range(3))
        return TaskSet("chat", split, tasks)

    def begin(self, task: Task) -> Observation:
        self.users_turn, self.scored = True, False
        return Observation("Hello?", turn="user", messages=(Message("system", "Be a user."),))

    def act(self, action: Action) -> StepResult:
        self.users_turn = not self.users_turn
        if self.users_turn:
            self.scored = self.task.payload["word"] in action.text
            return StepResult(Observation(action.text, turn="user"))
        return StepResult(Observation(action.text), 1.0 if self.scored else 0.0, STOP in action.text)

    def solution(self, task: Task) -> Solution:
        return Solution((Action(text=str(task.payload["word"])),), user_lines=(f"I am {task.id}",))


@pytest.fixture(autouse=True)
def registered() -> Any:
    gymnasium.register("rbsuite-test/chat-v0", entry_point=Chat)
    yield
    gymnasium.registry.pop("rbsuite-test/chat-v0")


def test_the_script_speaks_for_the_user_by_default() -> None:
    env = UserPolicy(Chat())
    observation, info = env.reset(options={"task": "t1"})
    assert (observation.turn, observation.text, info["task"]) == ("agent", "I am t1", "t1")
    observation, reward, terminated, truncated, _ = env.step(Action(text="word1"))
    assert (observation.text, reward, terminated, truncated) == (STOP, 1.0, True, False)
    assert env.reset(options={"task": "t2"})[0].text == "I am t2"


def test_a_policy_of_ones_own_sees_what_the_user_sees() -> None:
    seen: list[Observation] = []

    def policy(observation: Observation) -> str:
        seen.append(observation)
        return "hm" if len(seen) < 3 else STOP

    env = UserPolicy(Chat(), policy)
    env.reset(seed=0)
    env.step(Action(text="first"))
    assert env.step(Action(text="second"))[2]
    assert [observation.text for observation in seen] == ["Hello?", "first", "second"]
    assert seen[0].messages
    assert all(observation.turn == "user" for observation in seen)


@pytest.mark.filterwarnings("ignore:.*is different from the unwrapped version")
def test_both_views_pass_gymnasiums_checker() -> None:
    env = gymnasium.make("rbsuite-test/chat-v0")
    check_env(env.unwrapped, skip_render_check=True)
    check_env(UserPolicy(env), skip_render_check=True)
    check_env(UserPolicy(env, lambda observation: f"{len(observation.text)}"), skip_render_check=True)


def test_actions_that_do_not_end_the_episode_score_nothing() -> None:
    env = Chat()
    task = env.tasks.tasks[0]
    assert play_actions(env, task, (Action(text="word0"),), ("hi",)) == 1.0
    assert play_actions(env, task, (Action(text="nothing"),), ("hi",)) == 0.0
    assert play_actions(env, task, (Action(text="word0"),), ("hi", "more")) == 0.0
