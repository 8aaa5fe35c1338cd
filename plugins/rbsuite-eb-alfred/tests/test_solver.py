"""The solver: plans that reach the goals, and the moves that they are made of."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from pathlib import Path

import pytest

from rbsuite.task import Task, TaskSet
from rbsuite_eb_alfred.environment import EbAlfred
from rbsuite_eb_alfred.plans import DeadEndError, Draft, Step, find_name
from rbsuite_eb_alfred.resources import Resources
from rbsuite_eb_alfred.solver import solve
from rbsuite_embodied.environment import MAX_STEPS

PACKS = Path(os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).parents[4] / "shared" / "packs")
PACK = PACKS / "embodied" / "eb_alfred"
LEAST_SOLVED = 297


def load(split: str) -> TaskSet:
    if split != "sample" and not PACK.is_dir():
        pytest.skip("upstream's data (an EB-ALFRED pack) is not here")
    return EbAlfred.load(split, data="" if split == "sample" else str(PACK))


def resources(tasks: TaskSet) -> Resources:
    assert isinstance(tasks.resources, Resources)
    return tasks.resources


def plan(tasks: TaskSet, task: Task, **changed: object) -> tuple[Step, ...] | None:
    shared = resources(tasks)
    return solve(shared.world(task), {**shared.pack.trials[str(task.payload["trial"])], **changed})


@pytest.fixture(scope="module")
def sample() -> TaskSet:
    return load("sample")


@pytest.mark.parametrize("split", ["sample", "test"])
def test_plans_reach_the_goal_without_an_invalid_step(split: str) -> None:
    tasks = load(split)
    unsolved = []
    for task in tasks:
        steps = plan(tasks, task)
        if steps is None:
            unsolved.append(task.id)
            continue
        world = resources(tasks).world(task)
        assert len(steps) <= MAX_STEPS
        assert [step.name for step in steps] == [world.names[step.index] for step in steps]
        for step in steps:
            assert not world.achieved.success, (task.id, "it goes on after the goal is reached", step)
            assert world.do(step.index).valid, (task.id, step)
        assert world.achieved.success, task.id
    most = 0 if split == "sample" else len(tasks) - LEAST_SOLVED
    assert len(unsolved) <= most, unsolved


@pytest.mark.parametrize("split", ["sample", "test"])
def test_the_experts_plan_is_a_hint_only(split: str) -> None:
    tasks = load(split)
    unsolved = [task.id for task in tasks if plan(tasks, task, high_pddl=[]) is None]
    assert len(unsolved) <= len(tasks) // 100


def test_the_experts_instances_go_first(sample: TaskSet) -> None:
    shared = resources(sample)
    same = 0
    for task in sample:
        trial = shared.pack.trials[str(task.payload["trial"])]
        expert = next(step["objectId"] for step in trial["high_pddl"] if step["action"] == "PickupObject")
        household = shared.household(str(task.payload["trial"]))
        steps = plan(sample, task) or ()
        first = next(step.name for step in steps if step.part in ("fetch", "tool"))
        same += first == f"find a {find_name(household, household.index[expert])}"
    assert same >= 0.8 * len(sample)


def test_plans_are_the_same_every_time(sample: TaskSet) -> None:
    again = load("sample")
    for task in sample:
        assert plan(sample, task) == plan(again, task)


def test_solving_leaves_the_world_alone(sample: TaskSet) -> None:
    task = sample.tasks[0]
    world = resources(sample).world(task)
    before = world.visible(), world.state.places.copy(), world.state.stand
    assert solve(world, resources(sample).pack.trials[str(task.payload["trial"])])
    assert (world.visible(), world.state.places, world.state.stand) == before


def test_a_goal_out_of_reach_has_no_plan(sample: TaskSet) -> None:
    for task in sample:
        world = resources(sample).world(task)
        world.goal = replace(world.goal, objects=(), lights=())
        assert solve(world, resources(sample).pack.trials[str(task.payload["trial"])]) is None


def test_a_goal_that_no_choice_reaches_is_given_up(sample: TaskSet) -> None:
    task = next(task for task in sample if "simple" in str(task.payload["trial"]))
    world = resources(sample).world(task)
    world.goal = replace(world.goal, total=world.goal.total + 1)
    assert solve(world, resources(sample).pack.trials[str(task.payload["trial"])]) is None


def test_a_draft_notes_what_worked_alone(sample: TaskSet) -> None:
    world = resources(sample).world(sample.tasks[0])
    draft = Draft(world)
    assert not draft.attempt("find", "Unicorn", "fetch")
    assert not draft.attempt("put", "", "place")
    with pytest.raises(DeadEndError):
        draft.do("pick", "Unicorn", "fetch")
    with pytest.raises(DeadEndError):
        _ = draft.held
    assert draft.steps == []
    assert draft.world.state.places == world.state.places


def test_a_draft_opens_what_a_thing_lies_in(sample: TaskSet) -> None:
    opened = 0
    for task in sample:
        world = resources(sample).world(task)
        for thing in world.household.things:
            if not (thing.pickupable and world.state.enclosed(thing.index)):
                continue
            draft = Draft(world)
            draft.fetch(thing.index)
            assert [step.part for step in draft.steps[:2]] == ["holder", "holder"]
            assert [step.verb for step in draft.steps] == ["find", "open", "find", "pick"]
            assert world.household.things[draft.held].type == thing.type
            opened += 1
    assert opened > 0


def test_a_draft_takes_back_the_thing_itself_or_nothing(sample: TaskSet) -> None:
    """Whatever of its kind lies beside it."""
    taken = 0
    for task in sample:
        world = resources(sample).world(task)
        for thing, like in itertools.permutations(world.household.things, 2):
            if not thing.pickupable or thing.type != like.type or like.place < 0 or thing.whole >= 0:
                continue
            draft = Draft(world)
            try:
                draft.fetch(thing.index)
                draft.stow(like.place, "place")
                if draft.world.state.places[thing.index] != like.place:
                    continue
                draft.take_back(thing.index, "place")
            except DeadEndError:
                continue
            assert draft.held == thing.index
            assert draft.steps[-1].verb == "pick"
            taken += 1
    assert taken > 0
