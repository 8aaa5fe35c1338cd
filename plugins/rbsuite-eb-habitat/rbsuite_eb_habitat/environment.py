"""EB-Habitat as an environment, with our own state machine in place of the simulator."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from rbsuite.environments.solution import Lesson, Solution
from rbsuite.task import Task, TaskSet, once
from rbsuite_eb_habitat.resources import Resources, load_tasks
from rbsuite_eb_habitat.world import HabitatWorld
from rbsuite_embodied.environment import FEEDBACK, EmbodiedEnvironment

NAME = "eb-habitat[symbolic]"
PROMPTS = Path(__file__).with_name("prompts")


class EbHabitat(EmbodiedEnvironment):
    """Rearrangement in an apartment: navigate, pick up, place, open, close, by 70 named actions.

    Args:
        obs_mode: see :class:`rbsuite_embodied.environment.EmbodiedEnvironment`.

    Attributes:
        resources: what :meth:`tasks` has read; not set before that.
    """

    template: ClassVar[str] = "eb-habitat/world.j2"
    prompt_directory: ClassVar[Path | None] = PROMPTS
    resources: Resources

    def __init__(self, *, obs_mode: str = FEEDBACK) -> None:
        super().__init__(obs_mode=obs_mode)
        self._solutions: dict[str, Solution | None] = {}

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """See :meth:`rbsuite.Environment.tasks`; the sets come in the order of :data:`rbsuite_eb_habitat.vocab.SETS`."""
        tasks, self.resources = load_tasks(NAME, split, domain, data)
        self._solutions = {}
        return tasks

    def open_world(self, task: Task) -> HabitatWorld:
        """The household of the task at its start."""
        return HabitatWorld(self.resources.household(task))

    def facts(self) -> Mapping[str, Any]:
        """The sha256 of upstream's files behind the sets, if the pack says."""
        return {"pickles": dict(self.resources.pickles)} if self.resources.pickles else {}

    def solution(self, task: Task) -> Solution | None:
        """A plan that reaches the goal; ``None`` if none was found."""
        return once(self._solutions, task.id, lambda: self._solve(task))

    def lessons(self) -> Mapping[str, Lesson]:
        """What to know about this apartment, by the action that goes wrong."""
        from rbsuite_eb_habitat.lessons import LESSONS

        return LESSONS

    def _solve(self, task: Task) -> Solution | None:
        from rbsuite_eb_habitat.planning import find_plan

        plan = find_plan(self.resources.episode(task), self.resources.household(task))
        return None if plan is None else Solution(plan)
