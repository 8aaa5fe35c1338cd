"""Reference solutions of EB-ALFRED's tasks, for the oracle, ``rbsuite verify`` and the simulated learner."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rbsuite.environments.solution import Pitfall, Solution
from rbsuite.seeds import derive_seed
from rbsuite.task import Task
from rbsuite.trajectory import Action
from rbsuite_eb_alfred import skills
from rbsuite_eb_alfred.pitfalls import Edits, Script, as_action, mistakes
from rbsuite_eb_alfred.resources import Resources
from rbsuite_eb_alfred.solver import solve
from rbsuite_eb_alfred.world import AlfredWorld
from rbsuite_embodied.environment import MAX_INVALID, MAX_STEPS

if TYPE_CHECKING:
    from rbsuite_eb_alfred.environment import EbAlfred

MOST_PITFALLS = 3
ENOUGH_PITFALLS = 2
"""Where there are so many, general ones are not added."""

_GENERAL = (skills.FIND_FIRST, skills.GO_TO_PLACE)
"""Skills that nearly every task calls for; they come after those that a task is about."""


def build_solution(task: Task, environment: EbAlfred) -> Solution:
    """The task's plan, with pitfalls that were seen to fail.

    Args:
        task: the task.
        environment: an environment over the task's set; its episode, if it has one, is left alone.

    Returns:
        the solution; one without actions where no plan is known.
    """
    world = environment.open_world(task)
    resources = environment.tasks.resources
    assert isinstance(resources, Resources)
    steps = solve(world, resources.pack.trials[str(task.payload["trial"])])
    if steps is None:
        return Solution(())
    actions = tuple(as_action(step.index, step.name) for step in steps)
    found = _failing(actions, mistakes(Script(steps, world.household)), world)
    return Solution(actions, tuple(_choose(task, actions, found, world)))


def edited(actions: Sequence[Action], edits: Edits) -> Iterator[Action]:
    """The actions with some of them replaced."""
    for index, action in enumerate(actions):
        yield from edits.get(index, (action,))


def succeeds(actions: Iterable[Action], world: AlfredWorld) -> bool:
    """Whether the actions reach the goal within an episode's limits.

    Args:
        actions: choices of named actions.
        world: the world at the start; it is left as it is.
    """
    world, invalid = world.fork(), 0
    for action in itertools.islice(actions, MAX_STEPS):
        assert action.index is not None
        invalid += not world.do(action.index).valid
        if world.achieved.success:
            return True
        if invalid >= MAX_INVALID:
            return False
    return False


def _failing(
    actions: Sequence[Action], candidates: Iterable[tuple[str, Edits]], world: AlfredWorld
) -> Mapping[str, Edits]:
    """For each skill the first candidate that makes the task fail."""
    found: dict[str, Edits] = {}
    for skill, edits in candidates:
        if skill not in found and not succeeds(edited(actions, edits), world):
            found[skill] = edits
    return found


def _choose(task: Task, actions: Sequence[Action], found: Mapping[str, Edits], world: AlfredWorld) -> Iterator[Pitfall]:
    """At most three, by a hash of the task, so that no skill crowds out another; no two of them may make up for each other."""
    chosen: list[str] = []
    for skill in sorted(found, key=lambda skill: (skill in _GENERAL, derive_seed("pitfall", task.id, skill))):
        room = len(chosen) < (ENOUGH_PITFALLS if skill in _GENERAL else MOST_PITFALLS)
        if room and not any(
            succeeds(edited(actions, _together(found, (*others, skill))), world) for others in _subsets(chosen)
        ):
            chosen.append(skill)
    return (Pitfall(skill, found[skill]) for skill in chosen)


def _together(found: Mapping[str, Edits], chosen: Iterable[str]) -> Edits:
    """The edits of several skills; where two replace the same step the later skill's stands, as with the simulated learner."""
    return {position: done for skill in chosen for position, done in found[skill].items()}


def _subsets(members: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return itertools.chain.from_iterable(itertools.combinations(members, count) for count in range(1, len(members) + 1))
