"""Agents, memories and judges get what the agent saw and did, and nothing else: on every installed environment with a bundled sample."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import altered
from experiments import run
from rbsuite.agents.base import AgentStart
from rbsuite.environments.base import PlainServices
from rbsuite.environments.users import ScriptedUser
from rbsuite.hookspecs import hookimpl
from rbsuite.jsonable import canonical
from rbsuite.plugins import Plugins, load_plugins
from rbsuite.run.config import make_config
from rbsuite.run.plan import Plan, make_plan
from rbsuite.run.rollout import Players, Stage, open_task, play
from rbsuite.seeds import rng
from rbsuite.specs import JudgeSpec, MemorySpec, ModelSpec
from rbsuite.task import Task
from rbsuite.trajectory import NO_CHOICE, Action, Observation, Trajectory

HIDDEN = ("instruction", "goal", "outputs")
"""Keys of payloads whose values nobody but the environment and the user may see."""
LONG = 24
"""Characters from which on a text does not stand somewhere by chance."""


class Watchers:
    """A model, a memory and a judge that keep what they are given."""

    @hookimpl
    def rbsuite_models(self) -> list[ModelSpec]:
        return [altered.recording()]

    @hookimpl
    def rbsuite_memories(self) -> list[MemorySpec]:
        return [altered.memory("watching", altered.Watching)]

    @hookimpl
    def rbsuite_judges(self) -> list[JudgeSpec]:
        return [altered.judge("watching", altered.WatchingJudge)]


def installed() -> Plugins:
    return load_plugins([("watchers", Watchers())])


SAMPLES = {
    spec.name: next(split.name for split in spec.splits if split.bundled)
    for spec in installed().environments.values()
    if any(split.bundled for split in spec.splits)
}


def planned(name: str, **config: Any) -> Plan:
    place = {"env": name, "split": SAMPLES[name], "orders": 1}
    return make_plan(make_config(place, config), installed())


def texts(value: Any) -> Iterator[str]:
    """The long texts in plain data."""
    if isinstance(value, str):
        if len(value) >= LONG:
            yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts(inner)


def hidden(task: Task) -> list[str]:
    return [text for key in HIDDEN for text in texts(task.payload.get(key))]


def check(shown: Trajectory, seen: list[Observation], did: list[Action]) -> None:
    """A trajectory holds these observations and actions of the agent, what the user said to it, and no ground truth."""
    own = [step for step in shown.steps if step.actor == "agent"]
    assert [step.observation for step in own] == seen
    assert [step.action for step in own] == did
    for step in shown.steps:
        assert step.reward is None
        if step.actor == "user":
            assert "agent" in step.audience
            assert step.observation == Observation("", turn="user")
            assert not step.action.thought
    assert shown.grade is None
    assert shown.final is None or shown.final.turn != "user"


@pytest.mark.parametrize("name", SAMPLES)
def test_roles_of_an_experiment_get_what_the_agent_saw(name: str, tmp_path: Path) -> None:
    for kept in (altered.Recording.requests, altered.Watching.seen, altered.WatchingJudge.seen):
        kept.clear()
    plan = planned(name, limit=4, memory=("watching",), judge="watching", model="sim/recording")
    with run(plan, tmp_path / "x", concurrency=1) as store:
        [info] = store.manifest.runs
        whole = {record.task_id: record.rollouts[0].trajectory for record in store.records(info.id)}
    judged = {request.trajectory.task_id: request for request in altered.WatchingJudge.seen}
    learnt = {one.task_id: one for one in altered.Watching.seen if not isinstance(one, tuple)}
    assert set(judged) == set(learnt) == set(whole)
    secrets = [text for task in plan.tasks for text in hidden(task)]
    for task_id, trajectory in whole.items():
        own = [step for step in trajectory.steps if step.actor == "agent"]
        assert judged[task_id].score is None
        assert judged[task_id].query == trajectory.query
        for shown in (judged[task_id].trajectory, learnt[task_id].outcomes[0].trajectory):
            check(shown, [step.observation for step in own], [step.action for step in own])
            assert not [text for text in secrets if text in canonical(shown)]
    said = [
        canonical(message)
        for request, _ in altered.Recording.requests
        if request.purpose != "user"
        for message in request.messages
    ]
    assert said
    assert not [text for text in secrets for message in said if text in message]


class Straying:
    """Plays the solution, straying from it at random; keeps what it sees and does."""

    def __init__(self, solution: tuple[Action, ...], seed: int) -> None:
        self._solution = iter(solution)
        self._chance = rng("straying", seed)
        self._choices = 0
        self._tools: list[str] = []
        self.seen: list[Observation] = []
        self.did: list[Action] = []

    def start(self, start: AgentStart) -> None: ...

    def remember(self, memory: str) -> None: ...

    def decided(self, observation: Observation) -> bool:
        return False

    async def act(self, observation: Observation) -> Action:
        self._choices = len(observation.choices) or self._choices
        self._tools = [tool.name for tool in observation.tools] or self._tools
        action = next(self._solution, Action()) if self._chance.random() < 0.7 else self._stray()
        self.seen.append(observation)
        self.did.append(action)
        return action

    def _stray(self) -> Action:
        if self._choices:
            return Action.choose(self._chance.randrange(NO_CHOICE, self._choices), "something", thought="I wander.")
        if self._tools and self._chance.random() < 0.7:
            return Action.call(self._chance.choice(self._tools), {"order_id": "#W1"}, thought="I wander.")
        return Action("Whatever.", thought="I wander.")


PLANS = {name: planned(name, memory=("none",)) for name in SAMPLES}


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_trajectory_shows_what_the_agent_saw_whatever_it_does(name: str, data: st.DataObject) -> None:
    plan = PLANS[name]
    task = data.draw(st.sampled_from(plan.tasks.tasks))
    seed = data.draw(st.integers(0, 2**32))
    environment = plan.environment
    solution = environment.solution(task)
    assert solution is not None
    bored = itertools.repeat(Action("###STOP###", thought="Enough."), 40)
    agent, user = Straying(solution.actions, seed), ScriptedUser([*solution.user, *bored])
    stage = Stage(plan.spec, environment, PlainServices(environment), max_steps=30)

    async def both() -> Trajectory:
        opening = await open_task(stage, task, user if plan.spec.users else None, seed)
        return await play(stage, task, opening, Players(agent, opening.user), rollout=0, seed=seed)

    trajectory = asyncio.run(both())
    assert not trajectory.error
    assert trajectory.grade is not None
    shown = trajectory.shown()
    check(shown, agent.seen, agent.did)
    assert not [text for text in hidden(task) if text in canonical(shown)]
    # The rest is the words of the user that the agent heard.
    heard = [step.action for step in trajectory.steps if step.actor == "user" and "agent" in step.audience]
    assert [step.action.text for step in shown.steps if step.actor == "user"] == [action.text for action in heard]
