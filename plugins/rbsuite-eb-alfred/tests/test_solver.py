"""The solver: plans that reach the goals, and the moves that they are made of."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from rbsuite.task import Task, TaskSet
from rbsuite_eb_alfred.environment import EbAlfred
from rbsuite_eb_alfred.plans import DeadEndError, Draft, Step, find_name
from rbsuite_eb_alfred.solver import solve
from rbsuite_embodied.environment import MAX_STEPS

LEAST_SOLVED = 297


@pytest.fixture
def env(request: pytest.FixtureRequest, split: str) -> EbAlfred:
    return cast("EbAlfred", request.getfixturevalue(f"{SPLITS[split]}_env"))


@pytest.fixture
def tasks(request: pytest.FixtureRequest, split: str) -> TaskSet:
    return cast("TaskSet", request.getfixturevalue(f"{SPLITS[split]}_tasks"))


SPLITS = {"sample": "sample", "test": "upstream"}
in_both = pytest.mark.parametrize("split", SPLITS)


def plan(env: EbAlfred, task: Task, **changed: object) -> tuple[Step, ...] | None:
    return solve(env.open_world(task), {**trial(env, task), **changed})


def trial(env: EbAlfred, task: Task) -> Mapping[str, Any]:
    found: Mapping[str, Any] = env.resources.pack.trials[str(task.payload["trial"])]
    return found


@in_both
def test_plans_reach_the_goal_without_an_invalid_step(env: EbAlfred, tasks: TaskSet, split: str) -> None:
    unsolved = []
    for task in tasks:
        steps = plan(env, task)
        if steps is None:
            unsolved.append(task.id)
            continue
        world = env.open_world(task)
        assert len(steps) <= MAX_STEPS
        assert [step.name for step in steps] == [world.names[step.index] for step in steps]
        for step in steps:
            assert not world.achieved.success, (task.id, "it goes on after the goal is reached", step)
            assert world.do(step.index).valid, (task.id, step)
        assert world.achieved.success, task.id
    most = 0 if split == "sample" else len(tasks) - LEAST_SOLVED
    assert len(unsolved) <= most, unsolved


def test_a_solution_is_the_plan_as_choices(sample_env: EbAlfred, sample_tasks: TaskSet) -> None:
    for task in sample_tasks:
        solution = sample_env.solution(task)
        assert solution is not None
        assert [(action.index, action.text) for action in solution.actions] == [
            (step.index, step.name) for step in plan(sample_env, task) or ()
        ]
        assert all(action.speaks is False for action in solution.actions)
        assert solution.user == ()


@in_both
def test_the_experts_plan_is_a_hint_only(env: EbAlfred, tasks: TaskSet, split: str) -> None:
    unsolved = [task.id for task in tasks if plan(env, task, high_pddl=[]) is None]
    assert len(unsolved) <= len(tasks) // 100


def test_the_experts_instances_go_first(sample_env: EbAlfred, sample_tasks: TaskSet) -> None:
    shared = sample_env.resources
    same = 0
    for task in sample_tasks:
        expert = next(
            step["objectId"] for step in trial(sample_env, task)["high_pddl"] if step["action"] == "PickupObject"
        )
        household = shared.household(str(task.payload["trial"]))
        steps = plan(sample_env, task) or ()
        first = next(before.name for before, step in itertools.pairwise(steps) if step.name.startswith("pick up "))
        same += first == f"find a {find_name(household, household.index[expert])}"
    assert same >= 0.8 * len(sample_tasks)


def test_plans_are_the_same_every_time(sample_env: EbAlfred, sample_tasks: TaskSet) -> None:
    again = EbAlfred()
    again.tasks("sample")
    for task in sample_tasks:
        assert sample_env.solution(task) == again.solution(task)
        assert again.solution(task) is again.solution(task)


def test_solving_leaves_the_world_alone(sample_env: EbAlfred, sample_tasks: TaskSet) -> None:
    task = sample_tasks.tasks[0]
    world = sample_env.open_world(task)
    before = world.visible(), world.state.places.copy(), world.state.stand
    assert solve(world, trial(sample_env, task))
    assert (world.visible(), world.state.places, world.state.stand) == before


def test_a_goal_out_of_reach_has_no_plan(sample_env: EbAlfred, sample_tasks: TaskSet) -> None:
    for task in sample_tasks:
        world = sample_env.open_world(task)
        world.goal = replace(world.goal, objects=(), lights=())
        assert solve(world, trial(sample_env, task)) is None


def test_a_goal_that_no_choice_reaches_is_given_up(sample_env: EbAlfred, sample_tasks: TaskSet) -> None:
    task = next(task for task in sample_tasks if "simple" in str(task.payload["trial"]))
    world = sample_env.open_world(task)
    world.goal = replace(world.goal, total=world.goal.total + 1)
    assert solve(world, trial(sample_env, task)) is None


def test_a_draft_notes_what_worked_alone(sample_env: EbAlfred, sample_tasks: TaskSet) -> None:
    world = sample_env.open_world(sample_tasks.tasks[0])
    draft = Draft(world)
    assert not draft.succeeds("find", "Unicorn")
    assert not draft.succeeds("put", "")
    with pytest.raises(DeadEndError):
        draft.do("pick", "Unicorn")
    with pytest.raises(DeadEndError):
        _ = draft.held
    assert draft.steps == []
    assert draft.world.state.places == world.state.places


def test_a_draft_opens_what_a_thing_lies_in(sample_env: EbAlfred, sample_tasks: TaskSet) -> None:
    opened = 0
    for task in sample_tasks:
        world = sample_env.open_world(task)
        for thing in world.household.things:
            if not (thing.pickupable and world.state.enclosed(thing.index)):
                continue
            draft = Draft(world)
            draft.fetch(thing.index)
            assert [step.name.split()[0] for step in draft.steps] == ["find", "open", "find", "pick"]
            assert world.household.things[draft.held].type == thing.type
            opened += 1
    assert opened > 0


def test_a_draft_takes_back_the_thing_itself_or_nothing(sample_env: EbAlfred, sample_tasks: TaskSet) -> None:
    """Whatever of its kind lies beside it."""
    taken = 0
    for task in sample_tasks:
        world = sample_env.open_world(task)
        for thing, like in itertools.permutations(world.household.things, 2):
            if not thing.pickupable or thing.type != like.type or like.place < 0 or thing.whole >= 0:
                continue
            draft = Draft(world)
            try:
                draft.fetch(thing.index)
                draft.stow(like.place)
                if draft.world.state.places[thing.index] != like.place:
                    continue
                draft.take_back(thing.index)
            except DeadEndError:
                continue
            assert draft.held == thing.index
            assert draft.steps[-1].name.startswith("pick up ")
            taken += 1
    assert taken > 0
