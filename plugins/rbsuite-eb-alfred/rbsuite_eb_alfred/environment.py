"""EB-ALFRED as an environment, on the symbolic backend: a state machine in place of the simulator."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from rbsuite.environments.solution import Lesson, Solution
from rbsuite.task import Task, TaskSet, once
from rbsuite.trajectory import Action
from rbsuite_eb_alfred.resources import Resources, load_tasks
from rbsuite_eb_alfred.world import AlfredWorld
from rbsuite_embodied.environment import FEEDBACK, EmbodiedEnvironment

NAME = "eb-alfred[symbolic]"
PROMPTS = Path(__file__).with_name("prompts")


class EbAlfred(EmbodiedEnvironment):
    """Household tasks by named actions in a state machine.

    Args:
        obs_mode: see :class:`rbsuite_embodied.environment.EmbodiedEnvironment`.

    Attributes:
        resources: what :meth:`tasks` has read; not set before that.
    """

    template: ClassVar[str] = "eb-alfred/world.j2"
    prompt_directory: ClassVar[Path | None] = PROMPTS
    resources: Resources

    def __init__(self, *, obs_mode: str = FEEDBACK) -> None:
        super().__init__(obs_mode=obs_mode)
        self._solutions: dict[str, Solution | None] = {}

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """See :meth:`rbsuite.Environment.tasks`; the domains are upstream's six sets."""
        tasks, self.resources = load_tasks(NAME, split, domain, data)
        self._solutions = {}
        return tasks

    def open_world(self, task: Task) -> AlfredWorld:
        """A fresh world; what does not change is shared with all others."""
        return self.resources.world(task)

    def solution(self, task: Task) -> Solution | None:
        """A plan of named actions that reaches the goal; ``None`` if no choice of instances yields one."""
        return once(self._solutions, task.id, lambda: self._solve(task))

    def lessons(self) -> Mapping[str, Lesson]:
        """What to know about microwaves, fridges, sinks and doors, by the action that goes wrong."""
        from rbsuite_eb_alfred.lessons import LESSONS

        return LESSONS

    def _solve(self, task: Task) -> Solution | None:
        from rbsuite_eb_alfred.solver import solve

        steps = solve(self.open_world(task), self.resources.pack.trials[str(task.payload["trial"])])
        return None if steps is None else Solution(tuple(Action.choose(step.index, step.name) for step in steps))
