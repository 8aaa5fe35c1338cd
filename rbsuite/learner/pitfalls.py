"""Finds what can go wrong on a task: candidates are tried in the environment, and those with which the task fails are kept.

What is kept fails alone and in combination: with any of the pitfalls, whichever they are, the task is not solved. So the chance of
solving it follows from the chances of avoiding each. The same task gives the same pitfalls, and similar tasks give pitfalls of the same
skills, which is what lets a lesson help on a later task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from rbsuite.environments.base import Environment, Opener
from rbsuite.environments.replay import owner_of, play_actions
from rbsuite.environments.solution import Mistake, Solution, check_lessons, check_mistakes, reference_of
from rbsuite.errors import EnvironmentFailure, ModelError, UsageError, blamed_on, is_mistake
from rbsuite.learner.candidates import Played, candidates, rank
from rbsuite.learner.skills import Skill, Vocabulary
from rbsuite.seeds import unit
from rbsuite.task import Task
from rbsuite.trajectory import Action, Grade, Observation

MOST = 4
"""Pitfalls of a task at most, if they are hand-written."""
SHARES = (0.5, 0.4, 0.1)
"""The shares of tasks with one, two and three pitfalls, if as many are found."""
TRIES = 40
"""Candidates that are played per task, at most."""
SOLVED = 1.0
LONGEST = 3
"""How many times as long as the turns of a rollout may take a candidate may be played, if that is limited."""


@dataclass(frozen=True, slots=True)
class Pitfall:
    """A mistake with which a task fails.

    Attributes:
        skill: id of the skill that avoids it.
        wording: the skill in words.
        edits: what is done in place of an action of the solution, by the action's index.
    """

    skill: str
    wording: Skill
    edits: Mapping[int, tuple[Action, ...]]


@dataclass(frozen=True, slots=True)
class Lore:
    """What the simulated learner is given on a task.

    Attributes:
        solution: the reference solution.
        pitfalls: what can go wrong, in the order of the solution.
        vocabulary: the words of the environment's skills.
    """

    solution: Solution
    pitfalls: tuple[Pitfall, ...]
    vocabulary: Vocabulary


class Finder:
    """Finds the pitfalls of tasks, each once."""

    def __init__(self) -> None:
        self._known: dict[str, Lore] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def lore(self, task: Task, environment: Environment, opener: Opener) -> Lore:
        """The solution, pitfalls and vocabulary of a task.

        Raises:
            UsageError: it has no reference solution.
        """
        if task.id not in self._known:
            async with self._locks.setdefault(task.id, asyncio.Lock()):
                if task.id not in self._known:
                    self._known[task.id] = await find(task, environment, opener)
            self._locks.pop(task.id, None)
        return self._known[task.id]


async def find(task: Task, environment: Environment, opener: Opener | None = None) -> Lore:
    """The pitfalls of a task.

    It has none if its solution does not solve it, if the environment cannot play it, or if grading it takes a model.

    Args:
        task: the task.
        environment: provides the solution, lessons, and hand-written mistakes if it has any.
        opener: opens the episodes; ``None``: the environment itself.

    Raises:
        UsageError: the task has no reference solution.
        PluginError: a hand-written lesson or mistake cannot be used, or an episode breaks its contract.
    """
    solution = solution_of(task, environment)
    vocabulary = lessons_of(environment)
    result = await _outcome(environment, task, solution.actions, solution.user, opener)
    if result is None or result[0].score < SOLVED:
        return Lore(solution, (), vocabulary)
    _, seen = result
    played = Played(task, solution, [observation for observation in seen if observation.turn == "agent"])
    owner = f"{owner_of(environment, opener)} on task {task.id!r}"
    with blamed_on(owner):
        written = check_mistakes(environment.mistakes(task), owner)
    trial = _Trial(environment, opener, played)
    if written:
        kept = await _kept(trial, written, MOST, apart=False)
    else:
        with blamed_on(owner):  # e.g. of a schema of its tools that is none
            ranked = sorted(candidates(played), key=lambda one: (one.skill not in vocabulary, rank(played, one)))
        draw, wanted = unit("pitfalls", task.id), 1
        for share in SHARES[:-1]:
            draw -= share
            wanted += draw >= 0
        kept = await _kept(trial, ranked, wanted, apart=True)
    kept.sort(key=lambda mistake: min(mistake.edits, default=0))
    pitfalls = tuple(Pitfall(one.skill, vocabulary.skill(one.skill), one.edits) for one in kept)
    return Lore(solution, pitfalls, vocabulary)


def solution_of(task: Task, environment: Environment) -> Solution:
    """The reference solution of a task.

    Raises:
        UsageError: it has none.
    """
    solution = reference_of(environment, task)
    if solution is None:
        raise UsageError(
            f"task {task.id!r} has no reference solution, so a simulated model cannot act on it.",
            "Choose a real model with --model.",
        )
    return solution


def lessons_of(environment: Environment) -> Vocabulary:
    """The lessons that an environment puts into words.

    Raises:
        PluginError: it fails, or a lesson cannot be used.
    """
    owner = f"environment {type(environment).__name__}"
    with blamed_on(owner):
        return Vocabulary(check_lessons(environment.lessons(), owner))


def carried_out(actions: Sequence[Action], mistakes: Sequence[Mistake | Pitfall]) -> Iterator[tuple[int, Action]]:
    """The actions with mistakes in them, each with its index in the solution, or the index of the action it replaces."""
    for place, action in enumerate(actions):
        edits = [mistake.edits[place] for mistake in mistakes if place in mistake.edits]
        for done in _joined(action, edits):
            yield place, done


def _joined(action: Action, edits: Sequence[tuple[Action, ...]]) -> tuple[Action, ...]:
    """What several mistakes make of an action: all changed arguments of its calls are merged; of other changes, the last counts."""
    if len(edits) < 2:
        return edits[0] if edits else (action,)
    if not all(_changes_arguments(action, edit) for edit in edits):
        return edits[-1]
    calls = []
    for number, call in enumerate(action.calls):
        arguments = dict(call.arguments)
        for edit in edits:
            changed = edit[0].calls[number].arguments
            arguments.update({name: value for name, value in changed.items() if value != call.arguments.get(name)})
        calls.append(replace(call, arguments=arguments))
    return (replace(action, calls=tuple(calls)),)


def _changes_arguments(action: Action, edit: Sequence[Action]) -> bool:
    names = [call.name for call in action.calls]
    return bool(names) and len(edit) == 1 and [call.name for call in edit[0].calls] == names


class _Trial:
    """Plays a task with mistakes."""

    def __init__(self, environment: Environment, opener: Opener | None, played: Played) -> None:
        self._environment = environment
        self._opener = opener
        self._played = played

    def hides(self, one: Mistake, other: Mistake) -> bool:
        """Whether one of two mistakes would hide the other."""
        actions = self._played.solution.actions
        return any(
            not (_changes_arguments(actions[place], one.edits[place]) and _changes_arguments(actions[place], edit))
            for place, edit in other.edits.items()
            if place in one.edits
        )

    async def fails(self, mistakes: Sequence[Mistake]) -> bool:
        """Whether the task can be played with these mistakes and is then not solved."""
        actions = [action for _, action in carried_out(self._played.solution.actions, mistakes)]
        task, user = self._played.task, self._played.solution.user
        result = await _outcome(self._environment, task, actions, user, self._opener)
        return result is not None and result[0].score < SOLVED


async def _outcome(
    environment: Environment, task: Task, actions: Sequence[Action], user: Sequence[Action], opener: Opener | None
) -> tuple[Grade, Sequence[Observation]] | None:
    """The result of playing actions; ``None`` if the environment or its grader fails, which a rollout will meet again and record."""
    seconds = getattr(opener, "seconds", None)
    try:
        async with asyncio.timeout(None if seconds is None else LONGEST * seconds):
            return await play_actions(environment, task, actions, user, opener=opener)
    except (EnvironmentFailure, ModelError):
        return None
    except BaseException as error:
        if not is_mistake(error):
            raise
        return None


async def _kept(trial: _Trial, offered: Sequence[Mistake], wanted: int, *, apart: bool) -> list[Mistake]:
    """The first ``wanted`` mistakes that fail alone and with any of those already kept; with ``apart``, only if they hide none of those."""
    kept: list[Mistake] = []
    for mistake in offered[:TRIES]:
        if len(kept) == wanted:
            break
        if any(mistake.skill == other.skill or (apart and trial.hides(other, mistake)) for other in kept):
            continue
        for group in (group for size in range(len(kept) + 1) for group in combinations(kept, size)):
            if not await trial.fails([*group, mistake]):
                break
        else:
            kept.append(mistake)
    return kept
