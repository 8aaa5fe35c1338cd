"""Reference solutions.

They are only for the oracle, ``rbsuite verify`` and the simulated learner; no agent, memory or self-judge can reach them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rbsuite.errors import PLUGIN_REMEDY, PluginError, blamed_on, in_words
from rbsuite.task import Task
from rbsuite.trajectory import Action

if TYPE_CHECKING:
    from rbsuite.environments.base import Environment


@dataclass(frozen=True, slots=True)
class Solution:
    """A way to solve a task.

    Attributes:
        actions: what the agent does, from its first observation to the end.
        user: what the simulated user does, opening first; empty if no user takes part.
    """

    actions: tuple[Action, ...]
    user: tuple[Action, ...] = ()


def reference_of(environment: Environment, task: Task, owner: str = "") -> Solution | None:
    """What an environment's ``solution`` returns for a task.

    Args:
        environment: the environment.
        task: the task.
        owner: who is to blame if it fails, in words; empty: the environment, named by its class.

    Raises:
        PluginError: it failed, or what it returned is not a solution.
    """
    owner = owner or f"environment {type(environment).__name__} on task {task.id!r}"
    with blamed_on(f"solution of {owner}"):
        value: object = environment.solution(task)
    return check_solution(value, owner)


def check_solution(value: object, owner: str = "") -> Solution | None:
    """What an environment's ``solution`` returned.

    Raises:
        PluginError: it is not a solution.
    """
    wanted = "None or a Solution"
    if isinstance(value, Solution):
        wanted = "a Solution whose actions and user are tuples of Action"
        lists = (value.actions, value.user)
        if all(isinstance(one, tuple) and all(isinstance(action, Action) for action in one) for one in lists):
            return value
    elif value is None:
        return None
    raise PluginError(f"solution must return {wanted}, not {in_words(value)}.", PLUGIN_REMEDY, owner=owner)


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How far a benchmark's own answers get by its own grading, if that does not count them all as right.

    Attributes:
        figures: the benchmark's own figures for its own answers, by name, each in [0, 1].
        beyond: the tasks that no reference solves, each with the reason in a few words.
    """

    figures: Mapping[str, float] = field(default_factory=dict)
    beyond: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mistake:
    """A way to go wrong on a task. The usual ones are found by :mod:`rbsuite.learner`; an environment may name further ones.

    Attributes:
        skill: id of the skill whose lack leads to it. Tasks that exercise the same skill give the same id.
        edits: what is done in place of an action of the solution, by its index; nothing, if it is left out.
    """

    skill: str
    edits: Mapping[int, tuple[Action, ...]]


@dataclass(frozen=True, slots=True)
class Lesson:
    """How a skill is put into words, for the simulated learner.

    Attributes:
        title: the strategy's name, as a memory item's title would have it.
        lesson: one sentence that states the strategy. Whoever has this sentence in its prompt can know the skill; nothing else carries it.
        symptom: one sentence that shows in a trajectory when the mistake is made. It must not contain the lesson.
    """

    title: str
    lesson: str
    symptom: str


def check_mistakes(value: object, owner: str = "") -> Sequence[Mistake]:
    """What an environment's ``mistakes`` returned.

    Raises:
        PluginError: it is not a list of mistakes.
    """
    wanted = "a list of Mistake"
    if isinstance(value, list | tuple) and all(isinstance(one, Mistake) for one in value):
        wanted = "Mistakes with a str as skill, and tuples of Action by index as edits"
        if all(isinstance(one.skill, str) and _are_edits(one.edits) for one in value):
            return value
    raise PluginError(f"mistakes must return {wanted}, not {in_words(value)}.", PLUGIN_REMEDY, owner=owner)


def _are_edits(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(index, int) and isinstance(done, tuple) and all(isinstance(one, Action) for one in done)
        for index, done in value.items()
    )


def check_lessons(value: object, owner: str = "") -> Mapping[str, Lesson]:
    """What an environment's ``lessons`` returned.

    Raises:
        PluginError: it is not a mapping to lessons.
    """
    wanted = "a mapping of str to Lesson"
    if isinstance(value, Mapping) and all(
        isinstance(name, str) and isinstance(one, Lesson) for name, one in value.items()
    ):
        wanted = "Lessons whose title, lesson and symptom are str"
        texts = (text for one in value.values() for text in (one.title, one.lesson, one.symptom))
        if all(isinstance(text, str) for text in texts):
            return value
    raise PluginError(f"lessons must return {wanted}, not {in_words(value)}.", PLUGIN_REMEDY, owner=owner)
