"""Users with tools, and users of plugins: what they do is carried out and recorded, and the agent's view has none of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from altered import Watching
from experiments import core_plugins, prepare, records_of, run
from rbsuite.environments.base import EpisodeServices, SyncEnvironment, SyncEpisode
from rbsuite.environments.solution import Solution
from rbsuite.environments.users import STOP, UserServices, UserStart
from rbsuite.experience import Experience
from rbsuite.hookspecs import hookimpl
from rbsuite.run.config import make_config
from rbsuite.run.plan import make_plan
from rbsuite.specs import EnvironmentSpec, MemorySpec, Split, UserSpec
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, EndReason, Grade, Message, Observation, ToolResult, ToolSpec

BRIEF, SECRET, PRIVATE = "BRIEF: read the meter", "SECRET 4711", "PRIVATE thought"
READ = ToolSpec("read_meter", "Reads the meter.")


class Meters(SyncEnvironment):
    """The user reads a meter, with a tool that the agent does not have, and tells the agent, which has to say what it heard."""

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        return TaskSet("meters", split, tuple(Task(f"m/{number}", "m", "m") for number in range(3)))

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> SyncEpisode:
        return _Meter()

    def solution(self, task: Task) -> Solution:
        return Solution((Action("Noted: 42."),), (Action.call("read_meter"), Action("It says 42.")))


class _Meter(SyncEpisode):
    def __init__(self) -> None:
        self._said = ""
        self.observation = Observation("Good day.", turn="user", messages=(Message("system", BRIEF),), tools=(READ,))

    def act(self, action: Action) -> Observation:
        if self.observation.turn == "agent":
            self._said = action.text
            return Observation(action.text, turn="user")
        if action.calls:
            results = [ToolResult(call.id, call.name, f"{SECRET}: 42") for call in action.calls]
            return Observation.of_results(results, turn="user")
        return Observation(action.text, turn="over" if STOP in action.text else "agent")

    def grade(self, end: EndReason) -> Grade:
        return Grade(float("42" in self._said))


class Reader:
    """A user of a plugin: uses the tool it is offered, then says what that gave, then that it is done."""

    def __init__(self, *, done: int = 0) -> None:
        self._done = done

    def start(self, start: UserStart) -> None:
        self._done = 0

    async def act(self, observation: Observation) -> Action:
        self._done += 1
        if self._done == 1:
            assert [tool.name for tool in observation.tools] == ["read_meter"]
            return Action.call("read_meter", id="c1", thought=PRIVATE)
        if self._done == 2:
            assert observation.results == (ToolResult("c1", "read_meter", f"{SECRET}: 42"),)
            return Action(f"It says {observation.text[-2:]}.", thought=PRIVATE)
        return Action(STOP)

    def fork(self, services: UserServices) -> Reader:
        return Reader(done=self._done)


class Plugin:
    @hookimpl
    def rbsuite_environments(self) -> Sequence[EnvironmentSpec]:
        splits = (Split("all", "all", bundled=True),)
        return [
            EnvironmentSpec(
                "meters", "reads", f"{__name__}:Meters", splits=splits, agent="text", users=("scripted", "reader")
            )
        ]

    @hookimpl
    def rbsuite_users(self) -> Sequence[UserSpec]:
        return [UserSpec("reader", "reads", f"{__name__}:Reader")]

    @hookimpl
    def rbsuite_memories(self) -> Sequence[MemorySpec]:
        return [MemorySpec("watching", "watches", "altered:Watching")]


@pytest.mark.parametrize("user", ["scripted", "reader"])
def test_what_a_user_does_with_its_tools_is_recorded_and_hidden_from_the_agents_side(tmp_path: Path, user: str) -> None:
    Watching.seen.clear()
    config = {"env": "meters", "user": user, "orders": 1, "memory": ("watching",), "model": "sim/oracle"}
    plan = make_plan(make_config(config, {"scaling": ("parallel:2",), "selector": "random"}), core_plugins(Plugin()))
    with run(plan, tmp_path / "x") as store:
        records = [record for _, record in records_of(store, "watching")]
    for record in records:
        for rollout in record.rollouts:
            whole = rollout.trajectory
            assert whole.score == 1.0
            assert whole.query == "It says 42."
            assert [(step.actor, step.audience) for step in whole.steps] == [
                ("user", ("user",)),
                ("user", ("agent", "user")),
                ("agent", ("agent", "user")),
                ("user", ("agent", "user")),
            ]
            assert whole.steps[0].observation.tools == (READ,)
            assert SECRET in whole.steps[1].observation.text
            shown = whole.shown()
            assert [step.action.text for step in shown.steps[:2]] == ["It says 42.", whole.steps[2].action.text]
            assert not any(word in repr(shown) for word in (BRIEF, SECRET, PRIVATE, "read_meter"))
    learnt = [seen for seen in Watching.seen if isinstance(seen, Experience)]
    assert len(learnt) == 3
    for word in (BRIEF, SECRET, PRIVATE, "read_meter"):
        assert word not in repr(Watching.seen)


def test_lessons_are_weighed_in_silence_where_a_user_hears_the_agent_and_openly_elsewhere(tmp_path: Path) -> None:
    meters = make_plan(make_config({"env": "meters", "orders": 1, "model": "sim/oracle"}), core_plugins(Plugin()))
    for plan, asked, other in ((meters, "in silence", "openly"), (prepare(limit=3), "openly", "in silence")):
        with run(plan, tmp_path / plan.name) as store:
            recalled = [record.recalls[0].recall.text for _, record in records_of(store, "reasoningbank")]
        assert any(recalled)
        for text in filter(None, recalled):
            assert f"Do that {asked}" in text
            assert f"Do that {other}" not in text
