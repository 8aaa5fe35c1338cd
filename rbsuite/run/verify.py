"""Replays an environment's reference solutions: each must score 1, or the engine, data or grading is broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from rbsuite.environments.base import Environment
from rbsuite.environments.replay import play_actions
from rbsuite.environments.solution import Ceiling, check_solution
from rbsuite.errors import RbsuiteError, is_failure, told
from rbsuite.store.redaction import left_out
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action

_LOW = "the reference scored"


@dataclass(frozen=True, slots=True)
class DomainReport:
    """The counts of one domain, for tasks that have a reference; see :class:`VerifyReport`."""

    tasks: int
    solved: int
    floor_solved: int
    majority_solved: int | None = None


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The result of replaying the references of a task set.

    Attributes:
        tasks: number of tasks.
        solved: number of tasks whose reference scored 1.
        unsolved: ids of those whose reference did not, or failed, with what happened in one line.
        without: ids of tasks that have no reference; they count as neither.
        floor_solved: number of tasks, of those that have a reference, that an agent solves by saying nothing, once.
        domains: the counts by domain. There ``majority_solved`` is the number of tasks that one and the same answer solves
            (:meth:`rbsuite.Environment.majority`); ``None`` if the environment knows none.
        beyond: tasks whose reference does not score 1 and of which the environment says so, each with the reason; they are not among
            the unsolved.
        ceiling: the benchmark's own figures for its own answers.
    """

    tasks: int
    solved: int
    unsolved: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    floor_solved: int = 0
    domains: Mapping[str, DomainReport] = field(default_factory=dict)
    beyond: Mapping[str, str] = field(default_factory=dict)
    ceiling: Mapping[str, float] = field(default_factory=dict)


async def verify(environment: Environment, tasks: TaskSet, max_steps: int) -> VerifyReport:
    """Replay every task's reference actions with the scripted user, and the do-nothing floor.

    Args:
        environment: the environment that the tasks come from.
        tasks: the tasks.
        max_steps: agent turns after which a rollout is cut off, as in an experiment.
    """
    ceiling = environment.ceiling(tasks) or Ceiling()
    unsolved: dict[str, str] = {}
    beyond: dict[str, str] = {}
    without: list[str] = []
    solved: list[Task] = []
    floor: list[Task] = []
    answers = environment.majority(tasks)
    guessed = dict.fromkeys(answers, 0)
    for task in tasks:
        problem = await _replay(environment, task, max_steps)
        if problem is None:
            without.append(task.id)
            continue
        idle = await _idle(environment, task)
        if task.domain in answers:
            guessed[task.domain] += (await _score_of(environment, task, answers[task.domain])) == 1.0
        if idle == 1.0:
            floor.append(task)
        if problem.startswith(_LOW) and task.id in ceiling.beyond:
            beyond[task.id] = ceiling.beyond[task.id]
        elif problem or isinstance(idle, str):
            told = problem or str(idle)
            unsolved[task.id] = left_out(told) if tasks.private else told
        else:
            solved.append(task)
    tried = [task for task in tasks if task.id not in without]
    domains = {
        name: DomainReport(*(sum(task.domain == name for task in group) for group in (tried, solved, floor)))
        for name in dict.fromkeys(task.domain for task in tried)
    }
    domains = {name: replace(one, majority_solved=guessed.get(name)) for name, one in domains.items()}
    return VerifyReport(len(tasks), len(solved), unsolved, tuple(without), len(floor), domains, beyond, ceiling.figures)


async def idle_score(environment: Environment, task: Task) -> float:
    """The score of an agent that says nothing, once."""
    return await _score_of(environment, task, Action())


async def _score_of(environment: Environment, task: Task, action: Action) -> float:
    return (await play_actions(environment, task, (action,), ()))[0].score


async def _replay(environment: Environment, task: Task, max_steps: int) -> str | None:
    """What went wrong, ``""`` if nothing did, or ``None`` if there is no reference."""
    try:
        solution = check_solution(environment.solution(task))
        if solution is None:
            return None
        if len(solution.actions) > max_steps:
            return f"the reference takes {len(solution.actions)} turns, but only {max_steps} are allowed"
        grade, _ = await play_actions(environment, task, solution.actions, solution.user)
    except BaseException as error:  # whatever an engine raises is the finding
        if not is_failure(error):
            raise
        return _raised(error)
    return "" if grade.score == 1.0 else f"{_LOW} {grade.score:g}"


async def _idle(environment: Environment, task: Task) -> float | str:
    """The score of an agent that says nothing, or what went wrong."""
    try:
        return await idle_score(environment, task)
    except BaseException as error:
        if not is_failure(error):
            raise
        return f"when the agent says nothing, {_raised(error)}"


def _raised(error: BaseException) -> str:
    words = str(error) if isinstance(error, RbsuiteError) else f"the environment raised {told(error)}"
    return " ".join(words.split())
