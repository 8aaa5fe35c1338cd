"""Reference solutions and their pitfalls."""

from __future__ import annotations

import itertools
import os
import re
from collections import Counter
from pathlib import Path

import pytest
from rbsuite_eb_alfred.simulation import MOST_PITFALLS, build_solution, edited, succeeds
from rbsuite_eb_alfred.skills import SKILLS

from rbsuite.environments.replay import play_actions
from rbsuite.environments.solution import Solution
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action
from rbsuite_eb_alfred import skills
from rbsuite_eb_alfred.environment import EbAlfred
from rbsuite_embodied.environment import MAX_INVALID

PACKS = Path(os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).parents[4] / "shared" / "packs")
PACK = PACKS / "embodied" / "eb_alfred"
OF_TYPE = {
    "pick_two_obj": {skills.SECOND_OBJECT, skills.OTHER_INSTANCE},
    "look_at_obj": {skills.HOLD_IN_LIGHT},
    "pick_heat": {skills.CLOSE_BEFORE_HEATING},
    "pick_cool": {skills.CLOSE_TO_COOL},
    "pick_clean": {skills.RINSE},
    "movable_recep": {skills.VESSEL},
    "place_simple": {skills.FIND_FIRST, skills.GO_TO_PLACE},
}


def load(split: str) -> TaskSet:
    if split != "sample" and not PACK.is_dir():
        pytest.skip("upstream's data (an EB-ALFRED pack) is not here")
    return EbAlfred.load(split, data="" if split == "sample" else str(PACK))


def spoilt(solution: Solution, chosen: set[str]) -> tuple[Action, ...]:
    """The actions with the mistakes of some skills, laid over each other as the simulated learner does."""
    edits: dict[int, tuple[Action, ...]] = {}
    for pitfall in solution.pitfalls:
        if pitfall.skill in chosen:
            edits.update(pitfall.edits)
    return tuple(edited(solution.actions, edits))


@pytest.fixture(scope="module")
def sample() -> EbAlfred:
    return EbAlfred(load("sample"))


@pytest.mark.parametrize("split", ["sample", "test"])
def test_solutions_solve_and_pitfalls_fail_alone_and_together(split: str) -> None:
    tasks = load(split)
    env = EbAlfred(tasks)
    counts = Counter[bool]()
    for task in tasks:
        solution = env.solution(task)
        counts[bool(solution.actions)] += 1
        if not solution.actions:
            continue
        assert play_actions(env, task, solution.actions, ()) == 1.0, task.id
        chosen = [pitfall.skill for pitfall in solution.pitfalls]
        assert 1 <= len(set(chosen)) == len(chosen) <= MOST_PITFALLS, task.id
        for count in range(1, len(chosen) + 1):
            for lacking in itertools.combinations(chosen, count):
                assert play_actions(env, task, spoilt(solution, set(lacking)), ()) == 0.0, (task.id, lacking)
    assert counts[False] <= (0 if split == "sample" else 3)


@pytest.mark.parametrize("split", ["sample", "test"])
def test_solutions_have_the_agreed_form(split: str) -> None:
    tasks = load(split)
    env = EbAlfred(tasks)
    known = {skill.id for skill in SKILLS}
    for task in tasks:
        solution = env.solution(task)
        names = env.open_world(task).names
        edits = [actions for pitfall in solution.pitfalls for actions in pitfall.edits.values()]
        for action in (*solution.actions, *itertools.chain.from_iterable(edits)):
            assert action.kind == "choice"
            assert action.index is not None
            assert names[action.index] == action.text
        for pitfall in solution.pitfalls:
            assert pitfall.skill in known
            assert set(pitfall.edits) <= set(range(len(solution.actions)))
            assert pitfall.edits
        assert solution.user_lines == ()


def test_solutions_are_the_same_every_time() -> None:
    first, second = (EbAlfred(load("sample")) for _ in range(2))
    for task in first.tasks:
        assert first.solution(task) == second.solution(task)
        assert first.solution(task) is first.solution(task)


def test_a_solution_does_not_disturb_the_episode(sample: EbAlfred) -> None:
    first, other = sample.tasks.tasks[0], sample.tasks.tasks[5]
    sample.reset(options={"task": other.id})
    build_solution(first, sample)
    assert sample.task is other
    assert sample.step(Action("choice", index=0))[4]["truth"]["steps"] == 1


def test_every_skill_is_called_for_in_the_sample(sample: EbAlfred) -> None:
    used = {pitfall.skill for task in sample.tasks for pitfall in sample.solution(task).pitfalls}
    assert used == {skill.id for skill in SKILLS}


@pytest.mark.parametrize("split", ["sample", "test"])
def test_each_type_of_task_calls_for_skills_of_its_own(split: str) -> None:
    tasks = load(split)
    env = EbAlfred(tasks)
    called: dict[str, Counter[str]] = {kind: Counter() for kind in OF_TYPE}
    members = Counter[str]()
    for task in tasks:
        kind = next(kind for kind in OF_TYPE if kind in str(task.payload["trial"]).partition("-")[0])
        members[kind] += 1
        called[kind].update({pitfall.skill for pitfall in env.solution(task).pitfalls} & OF_TYPE[kind])
    assert set(members) == set(OF_TYPE)
    for kind, own in OF_TYPE.items():
        assert set(called[kind]) == own, kind
        assert sum(called[kind].values()) >= members[kind] / 2, kind


def test_skills_are_told_apart_by_their_texts() -> None:
    for field in ("id", "title", "lesson", "symptom"):
        assert len({getattr(skill, field) for skill in SKILLS}) == len(SKILLS)
    for skill in SKILLS:
        assert re.fullmatch(r"alfred/[a-z-]+", skill.id)
        for sentence in (skill.lesson, skill.symptom):
            assert re.fullmatch(r"[A-Z][^.!?]*\.", sentence), sentence
    texts = [text for skill in SKILLS for text in (skill.lesson, skill.symptom)]
    assert not any(a in b for a in texts for b in texts if a is not b)


def test_no_lesson_stands_in_what_every_agent_reads(sample: EbAlfred) -> None:
    for task in sample.tasks:
        observation, _ = sample.reset(options={"task": task.id})
        shown = "\n".join([observation.text, *(message.content for message in observation.messages)])
        told = " ".join(shown.split())
        assert not [skill.id for skill in SKILLS if skill.lesson in told or skill.symptom in told]


def test_invalid_actions_end_what_the_plan_would_reach(sample: EbAlfred) -> None:
    task: Task = sample.tasks.tasks[0]
    world, solution = sample.open_world(task), sample.solution(task)
    useless = Action("choice", index=world.names.index("put down the object in hand"))
    assert succeeds(solution.actions, world)
    assert succeeds((*[useless] * (MAX_INVALID - 1), *solution.actions), world)
    assert not succeeds((*[useless] * MAX_INVALID, *solution.actions), world)
    assert not succeeds(solution.actions[:-1], world)


def test_no_more_steps_count_than_an_episode_has(sample: EbAlfred) -> None:
    task = sample.tasks.tasks[0]
    world, solution = sample.open_world(task), sample.solution(task)
    idle = solution.actions[0]
    assert idle.text.startswith("find ")
    for before in (30 - len(solution.actions), 31 - len(solution.actions)):
        sequence = (*[idle] * before, *solution.actions)
        assert succeeds(sequence, world) == (play_actions(sample, task, sequence, ()) == 1.0)
        assert succeeds(sequence, world) == (len(sequence) <= 30)


def test_a_task_without_a_plan_has_an_empty_solution(sample: EbAlfred, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rbsuite_eb_alfred.simulation.solve", lambda world, trial: None)
    assert build_solution(sample.tasks.tasks[0], sample) == Solution(())
