"""Reference solutions of EB-Habitat's tasks, for the oracle, ``rbsuite verify`` and the simulated learner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from rbsuite.environments.solution import Pitfall, Solution
from rbsuite.seeds import derive_seed
from rbsuite.task import Task
from rbsuite.trajectory import Action
from rbsuite_eb_habitat import skills
from rbsuite_eb_habitat.household import Household
from rbsuite_eb_habitat.mistakes import Draft, Edits, Mistake, mistakes
from rbsuite_eb_habitat.planning import find_plan, reaches_goal
from rbsuite_eb_habitat.resources import Resources

MOST_PITFALLS = 2
_GENERIC = (skills.RELEASE, skills.NAVIGATE)
"""Skills whose mistake fits nearly every task; one of them fills in where a task invites no other."""


def build_solution(task: Task, resources: Resources) -> Solution | None:
    """The task's reference solution, with pitfalls that were seen to fail; ``None`` if no plan was found.

    Args:
        task: the task.
        resources: the data behind the task's set.
    """
    episode, household = resources.episode(task), resources.household(task)
    plan = find_plan(episode, household)
    if plan is None:
        return None
    if plan.done:
        return Solution(plan.actions)
    found = _failing(Draft(episode, household, plan))
    chosen = _choose(task, plan.actions, found, household)
    return Solution(plan.actions, tuple(Pitfall(skill, edits) for skill, edits in chosen))


def edited(actions: Sequence[Action], edits: Edits) -> Iterator[Action]:
    """The actions with some of them replaced."""
    for index, action in enumerate(actions):
        yield from edits.get(index, (action,))


def _failing(draft: Draft) -> Mapping[str, Edits]:
    """For each skill the first candidate that makes the task fail, in the order of the candidates."""
    found: dict[str, Edits] = {}
    steps = len(draft.plan.actions)
    for skill, candidate in mistakes(draft):
        edits = {index: instead for index, instead in candidate.items() if index < steps}
        if skill not in found and not reaches_goal(draft.household, edited(draft.plan.actions, edits)):
            found[skill] = edits
    return found


def _choose(task: Task, actions: Sequence[Action], found: Mapping[str, Edits], household: Household) -> list[Mistake]:
    """At most two, by a hash, so that no skill crowds out another; whichever of them are made together, the task fails."""
    order = sorted(found, key=lambda skill: (skill in _GENERIC, derive_seed("pitfall", task.id, skill)))
    chosen: list[Mistake] = []
    for skill in order:
        if len(chosen) == MOST_PITFALLS or (skill in _GENERIC and chosen):
            continue
        if all(_fails(actions, (*others, (skill, found[skill])), household) for others in _subsets(chosen)):
            chosen.append((skill, found[skill]))
    return chosen


def _subsets(chosen: Sequence[Mistake]) -> Iterator[tuple[Mistake, ...]]:
    return (subset for size in range(1, len(chosen) + 1) for subset in combinations(chosen, size))


def _fails(actions: Sequence[Action], made: Sequence[Mistake], household: Household) -> bool:
    together = {index: instead for _, edits in made for index, instead in edits.items()}
    return not reaches_goal(household, edited(actions, together))
