"""EB-Habitat as an environment, with a state machine of ours in place of the simulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from rbsuite.environments.solution import Skill, Solution
from rbsuite.task import Task, TaskSet
from rbsuite_eb_habitat.actions import ACTION_NAMES, INDICES
from rbsuite_eb_habitat.resources import Resources, load_tasks
from rbsuite_eb_habitat.world import HabitatWorld
from rbsuite_embodied.environment import FEEDBACK, VISIBLE, EmbodiedEnvironment

NAME = "eb-habitat[symbolic]"
PROMPTS = Path(__file__).with_name("prompts")


class EbHabitat(EmbodiedEnvironment):
    """Rearrangement in an apartment: navigate, pick up, place, open, close, by 70 named actions.

    Args:
        tasks: the task set; default: the sample.
        obs_mode: see :class:`rbsuite_embodied.environment.EmbodiedEnvironment`.
    """

    most_actions: ClassVar[int] = len(ACTION_NAMES)
    template: ClassVar[str] = "eb-habitat/world.j2"
    prompt_directory: ClassVar[Path | None] = PROMPTS

    def __init__(self, tasks: TaskSet | None = None, *, obs_mode: str = FEEDBACK) -> None:
        super().__init__(tasks, obs_mode=obs_mode)
        assert isinstance(self.tasks.resources, Resources)
        self._resources = self.tasks.resources

    @classmethod
    def load(cls, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """See :meth:`rbsuite.Environment.load`; the sets come in the order of :data:`rbsuite_eb_habitat.vocab.SETS`."""
        return load_tasks(NAME, split, domain, data)

    def open_world(self, task: Task) -> HabitatWorld:
        """The household of the task at its start."""
        return HabitatWorld(self._resources.household(task))

    def prompt_variables(self, task: Task) -> Mapping[str, Any]:
        """Whether the agent is told what is in view."""
        return {"visible": self._obs_mode == VISIBLE}

    def facts(self) -> Mapping[str, Any]:
        """The sha256 of upstream's files behind the sets, where the pack says."""
        return {"pickles": dict(self._resources.pickles)} if self._resources.pickles else {}

    def indices(self, names: Sequence[str]) -> Mapping[str, int]:
        """The index of each of the 70 names."""
        return INDICES

    def solution(self, task: Task) -> Solution | None:
        """A plan that reaches the goal, and the mistakes that the task invites."""
        from rbsuite_eb_habitat.simulation import build_solution

        resources = self._resources
        return resources.solution(task, lambda: build_solution(task, resources))

    def skills(self) -> Sequence[Skill]:
        """What an agent must know in this apartment."""
        from rbsuite_eb_habitat.skills import SKILLS

        return SKILLS
