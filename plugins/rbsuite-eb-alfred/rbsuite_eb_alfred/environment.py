"""EB-ALFRED as an environment, on the symbolic backend: a state machine in place of the simulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from rbsuite.environments.solution import Skill, Solution
from rbsuite.task import Task, TaskSet
from rbsuite_eb_alfred.actions import MOST_ACTIONS
from rbsuite_eb_alfred.resources import Resources, load_tasks
from rbsuite_eb_alfred.world import AlfredWorld
from rbsuite_embodied.environment import FEEDBACK, EmbodiedEnvironment

NAME = "eb-alfred[symbolic]"
PROMPTS = Path(__file__).with_name("prompts")


class EbAlfred(EmbodiedEnvironment):
    """Household tasks by named actions in a state machine.

    Args:
        tasks: the task set; default: the sample.
        obs_mode: see :class:`rbsuite_embodied.environment.EmbodiedEnvironment`.
    """

    most_actions: ClassVar[int] = MOST_ACTIONS
    template: ClassVar[str] = "eb-alfred/world.j2"
    prompt_directory: ClassVar[Path | None] = PROMPTS

    def __init__(self, tasks: TaskSet | None = None, *, obs_mode: str = FEEDBACK) -> None:
        super().__init__(tasks, obs_mode=obs_mode)
        assert isinstance(self.tasks.resources, Resources)
        self._resources = self.tasks.resources

    @classmethod
    def load(cls, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """See :meth:`rbsuite.Environment.load`; the domains are upstream's six sets."""
        return load_tasks(NAME, split, domain, data)

    def open_world(self, task: Task) -> AlfredWorld:
        """A fresh world; what does not change is shared with all others."""
        return self._resources.world(task)

    def indices(self, names: Sequence[str]) -> Mapping[str, int]:
        """The index of each name of the current task's actions."""
        return self._resources.household(str(self.task.payload["trial"])).indices

    def solution(self, task: Task) -> Solution:
        """A plan of named actions that reaches the goal, and the mistakes that the task invites."""
        from rbsuite_eb_alfred.simulation import build_solution

        return self._resources.solution(task, lambda: build_solution(task, type(self)(self.tasks)))

    def skills(self) -> Sequence[Skill]:
        """The skills that tasks call for."""
        from rbsuite_eb_alfred.skills import SKILLS

        return SKILLS
