"""Our environments as Gymnasium's."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import pytest
from gymnasium.error import ClosedEnvironmentError, ResetNeeded
from gymnasium.utils.env_checker import check_env

from rbsuite.environments.users import STOP
from rbsuite.errors import UnknownNameError, UsageError
from rbsuite.gym import GymEnvironment, gym_id, register_environments
from rbsuite.hookspecs import hookimpl
from rbsuite.plugins import Plugins
from rbsuite.specs import EnvironmentSpec
from rbsuite.trajectory import Action, Observation
from worlds import SPECS, Chat, WorldsPlugin

REPOSITORY = Path(__file__).parents[1]
NAMES = [*SPECS, "gym-doors"]


@pytest.fixture
def registered() -> Iterator[tuple[str, ...]]:
    plugins = Plugins()
    plugins.register(WorldsPlugin(), "worlds")
    yield register_environments(plugins)
    for name in NAMES:
        gymnasium.registry.pop(gym_id(name), None)


def make(name: str, **more: Any) -> GymEnvironment:
    return GymEnvironment(SPECS[name], **more)


def test_gymnasium_is_imported_by_the_adapter_alone() -> None:
    sources = [*REPOSITORY.glob("rbsuite/**/*.py"), *REPOSITORY.glob("plugins/*/rbsuite_*/**/*.py")]
    users = {
        path.parent for path in sources if re.search(r"^\s*(?:import|from) gymnasium\b", path.read_text("utf-8"), re.M)
    }
    assert users == {REPOSITORY / "rbsuite" / "gym"}


def test_every_name_of_an_environment_has_an_id_without_brackets(registered: tuple[str, ...]) -> None:
    assert set(registered) == {gym_id(name) for name in NAMES}
    assert "rbsuite/gym-doors-small-v0" in registered
    for identifier in registered:
        assert gymnasium.registry[identifier].to_json()
    plugins = Plugins()
    plugins.register(WorldsPlugin(), "again")
    assert register_environments(plugins) == registered


def test_a_name_that_gymnasium_cannot_hold_stops_no_other(registered: tuple[str, ...]) -> None:
    class Odd:
        @hookimpl
        def rbsuite_environments(self) -> list[EnvironmentSpec]:
            return [replace(next(iter(SPECS.values())), name="two words", aliases=())]

    plugins = Plugins()
    plugins.register(Odd(), "odd")
    plugins.register(WorldsPlugin(), "worlds")
    assert register_environments(plugins) == registered


@pytest.mark.parametrize("name", NAMES)
def test_environments_pass_gymnasiums_checker_wherever_their_episodes_run(
    registered: tuple[str, ...], name: str
) -> None:
    env = gymnasium.make(gym_id(name))
    check_env(env.unwrapped)
    env.close()


def test_gymnasium_can_import_the_package_and_make_an_environment() -> None:
    code = (
        "import gymnasium\n"
        "env = gymnasium.make('rbsuite.gym:rbsuite/tau-bench-v0')\n"
        "assert env.reset(seed=1)[0].turn == 'agent'\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=120)


def test_an_episode_is_graded_when_it_ends() -> None:
    env = make("gym-guess")
    _, info = env.reset(options={"task": "guess/2"})
    assert info == {"task": "guess/2"}
    assert env.step(Action("no"))[1:] == (0.0, False, False, {"task": "guess/2"})
    observation, *rest = env.step(Action("word2"))
    assert observation.turn == "over"
    grade = {"score": 1.0, "measures": {"patience": pytest.approx(2 / 3)}}
    assert rest == [1.0, True, False, {"task": "guess/2", "grade": grade}]
    with pytest.raises(ResetNeeded):
        env.step(Action("word2"))


@pytest.mark.parametrize(("max_steps", "turns"), [(None, 3), (2, 2)])
def test_a_limit_of_the_benchmark_or_of_the_view_truncates(max_steps: int | None, turns: int) -> None:
    env = make("gym-guess", max_steps=max_steps)
    env.reset(seed=0)
    steps = [env.step(Action("no")) for _ in range(turns)]
    assert [step[2:4] for step in steps] == [(False, False)] * (turns - 1) + [(False, True)]
    assert steps[-1][4]["grade"]["score"] == steps[-1][1] == 0.0


def test_rewards_of_the_episode_are_not_replaced_by_its_score() -> None:
    env = make("gym-doors[small]")
    env.reset(seed=0)
    assert env.step(Action.choose(1))[1] == 0.25
    _, reward, terminated, _, info = env.step(Action.choose(2))
    assert (reward, terminated, info["grade"]["score"]) == (0.5, True, 1.0)


def test_the_seed_gives_task_and_world() -> None:
    env = make("gym-guess")
    first = [env.reset(seed=5), *(env.reset() for _ in range(9))]
    assert first == [env.reset(seed=5), *(env.reset() for _ in range(9))]
    assert {info["task"] for _, info in first} == {f"guess/{n}" for n in range(4)}
    assert len({observation.text for observation, _ in first}) == 10
    only = make("gym-guess", domain="d1")
    assert {only.reset()[1]["task"] for _ in range(20)} == {"guess/1", "guess/3"}


def test_options_of_the_environment_are_read_as_on_the_command_line() -> None:
    env = make("gym-guess", loud=True)
    env.reset(options={"task": "guess/0"})
    assert env.step(Action("WORD0"))[2]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"split": "al"}, "unknown split of gym-guess 'al'. Did you mean 'all'?"),
        ({"lout": True}, "unknown option of environment 'gym-guess' 'lout'. Did you mean 'loud'?"),
        ({"loud": "maybe"}, "option loud='maybe' is not true or false"),
        ({"domain": "d7"}, "there are no tasks"),
    ],
)
def test_what_does_not_exist_is_refused_when_made(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        make("gym-guess", **given)


def test_what_does_not_exist_is_refused_by_reset_and_step() -> None:
    env = make("gym-guess")
    with pytest.raises(ResetNeeded):
        env.step(Action("no"))
    with pytest.raises(UnknownNameError, match="unknown option of reset 'tsak'"):
        env.reset(options={"tsak": "guess/1"})
    with pytest.raises(UsageError, match=r"there is no task 'guess/9'. Ask for one such as 'guess/\d'"):
        env.reset(options={"task": "guess/9"})
    env.reset()
    with pytest.raises(UsageError, match=r"an action is an rbsuite\.Action, not a str"):
        env.step("word1")  # type: ignore[arg-type]


def test_the_script_speaks_for_the_user_by_default() -> None:
    env = make("gym-chat")
    observation, _ = env.reset(options={"task": "chat/1"})
    assert (observation.turn, observation.text) == ("agent", "I want chat/1")
    observation, _ = env.reset(options={"task": "chat/2"})
    assert observation.text == "I want chat/2"
    assert env.step(Action.call("look"))[0].text == "looked []"
    assert env.step(Action("word2"))[0].text == "Thanks"
    observation, reward, terminated, _, info = env.step(Action("anything else?"))
    assert (observation.text, reward, terminated, info["grade"]["score"]) == (STOP, 1.0, True, 1.0)
    env.close()


def test_a_user_of_ones_own_sees_what_the_user_sees() -> None:
    seen: list[tuple[Observation, threading.Thread]] = []

    def user(observation: Observation) -> str | Action:
        seen.append((observation, threading.current_thread()))
        return Action("hm") if len(seen) < 3 else STOP

    env = make("gym-chat", user=user)
    env.reset(seed=0)
    env.step(Action("first"))
    assert env.step(Action("second"))[2]
    env.close()
    assert [observation.text for observation, _ in seen] == ["Hello?", "first", "second"]
    assert seen[0][0].messages
    assert {(observation.turn, thread) for observation, thread in seen} == {("user", threading.current_thread())}


def test_everything_is_given_back_also_where_a_loop_is_running(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Chat] = []
    begin = Chat.__init__

    def init(self: Chat) -> None:
        begin(self)
        made.append(self)

    monkeypatch.setattr(Chat, "__init__", init)

    async def notebook() -> None:
        env = make("gym-chat")
        before = threading.active_count()
        env.reset(seed=0)
        env.step(Action("cut short"))
        env.reset(seed=1)
        (chat,) = made
        assert chat.open_episodes == 1
        assert threading.active_count() == before + 1
        env.close()
        env.close()
        assert (chat.open_episodes, chat.closed, threading.active_count()) == (0, 1, before)
        with pytest.raises(ClosedEnvironmentError):
            env.reset()

    asyncio.run(notebook())


def test_inline_episodes_need_no_thread() -> None:
    before = threading.active_count()
    env = make("gym-guess")
    env.reset(seed=0)
    assert threading.active_count() == before
    env.close()


def test_samples_of_the_action_space_fit_what_is_offered() -> None:
    env = make("gym-doors[small]")
    env.action_space.seed(1)
    env.reset(seed=0)
    assert {env.action_space.sample().index for _ in range(30)} == {0, 1, 2}
    env = make("gym-chat")
    env.action_space.seed(1)
    env.reset(seed=0)
    samples = [env.action_space.sample() for _ in range(60)]
    env.close()
    calls = [call for action in samples for call in action.calls if call.name == "look"]
    assert {call.arguments["how"] for call in calls} == {"a", "b"}
    assert any(action.speaks for action in samples)
