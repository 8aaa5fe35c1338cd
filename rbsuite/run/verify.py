"""Replays an environment's reference solutions: each must score 1, or engine, data or grading are broken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rbsuite.environments.base import Environment
from rbsuite.environments.replay import play_actions
from rbsuite.errors import PluginError, RbsuiteError
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action


@dataclass(frozen=True, slots=True)
class DomainReport:
    """The counts of one domain, of tasks that have a reference; see :class:`VerifyReport`."""

    tasks: int
    solved: int
    floor_solved: int


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What came of replaying the references of a task set.

    Attributes:
        tasks: number of tasks.
        solved: number of tasks whose reference scored 1.
        unsolved: ids of those whose reference did not, or failed, with what happened in one line.
        without: ids of tasks that have no reference; they count as neither.
        floor_solved: number of tasks that an agent solves which says nothing, once; of those that have a reference.
        domains: the counts by domain.
    """

    tasks: int
    solved: int
    unsolved: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    floor_solved: int = 0
    domains: Mapping[str, DomainReport] = field(default_factory=dict)


async def verify(environment: Environment, tasks: TaskSet, max_steps: int) -> VerifyReport:
    """Replay every task's reference actions with the scripted user, and the do-nothing floor.

    Args:
        environment: the environment, which has given the tasks.
        tasks: the tasks.
        max_steps: agent turns after which a rollout is cut, as in an experiment.
    """
    unsolved: dict[str, str] = {}
    without: list[str] = []
    solved: list[Task] = []
    floor: list[Task] = []
    for task in tasks:
        problem = await _replay(environment, task, max_steps)
        if problem is None:
            without.append(task.id)
            continue
        if problem:
            unsolved[task.id] = problem
        else:
            solved.append(task)
        if await says_nothing(environment, task):
            floor.append(task)
    tried = [task for task in tasks if task.id not in without]
    domains = {name: _domain(name, tried, solved, floor) for name in dict.fromkeys(task.domain for task in tried)}
    return VerifyReport(len(tasks), len(solved), unsolved, tuple(without), len(floor), domains)


async def says_nothing(environment: Environment, task: Task) -> bool:
    """Whether a task is solved by an agent that says nothing, once."""
    try:
        grade, _ = await play_actions(environment, task, (Action(),), ())
    except Exception as error:
        raise _raised(environment, task, error) from error
    return grade.score == 1.0


async def _replay(environment: Environment, task: Task, max_steps: int) -> str | None:
    """What went wrong, ``""`` if nothing did, or ``None`` where there is no reference."""
    try:
        solution = environment.solution(task)
        if solution is None:
            return None
        if len(solution.actions) > max_steps:
            return f"the reference takes {len(solution.actions)} turns, and {max_steps} are allowed"
        grade, _ = await play_actions(environment, task, solution.actions, solution.user)
    except Exception as error:  # whatever an engine raises is the finding
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return "" if grade.score == 1.0 else f"the reference scored {grade.score:g}"


def _raised(environment: Environment, task: Task, error: Exception) -> RbsuiteError:
    if isinstance(error, RbsuiteError):
        return error
    name = f"{type(environment).__module__}.{type(environment).__qualname__}"
    return PluginError(
        f"environment {name} on task {task.id!r} raised {type(error).__name__}: {error}.",
        "An invalid action must become an observation; fix the environment.",
    )


def _domain(name: str, tasks: Sequence[Task], solved: Sequence[Task], floor: Sequence[Task]) -> DomainReport:
    counts = [sum(task.domain == name for task in group) for group in (tasks, solved, floor)]
    return DomainReport(*counts)
