"""Plays question environments: what the tests of all of them share."""

from __future__ import annotations

import asyncio

from rbsuite.environments.replay import play_actions
from rbsuite.task import Task
from rbsuite.trajectory import Action, Grade
from rbsuite_questions.environment import QuestionEnvironment


def graded(world: QuestionEnvironment, task: Task, *said: Action) -> Grade:
    """What a rollout is worth in which this is said."""
    grade, _ = asyncio.run(play_actions(world, task, said, ()))
    return grade


def played(world: QuestionEnvironment, split: str, **more: str) -> tuple[int, int, int]:
    """How many tasks there are, how many references solve theirs, and how many are solved by saying nothing."""
    tasks = world.tasks(split, **more)
    right = [graded(world, task, *world.solution(task).actions).score for task in tasks]
    floor = [graded(world, task, Action()).score for task in tasks]
    return len(tasks), right.count(1.0), len(floor) - floor.count(0.0)


def mistaken(world: QuestionEnvironment, task: Task) -> Grade:
    """What the mistake is worth that a question invites, said with the symptom of its skill."""
    (mistake,) = world.mistakes(task)
    (wrong,) = mistake.edits[0]
    return graded(world, task, Action(f"{world.lessons()[mistake.skill].symptom} {wrong.text}"))
