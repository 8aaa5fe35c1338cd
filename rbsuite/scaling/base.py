"""The contracts of scaling: how many rollouts a task gets, and which of them counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from rbsuite.frozen import dataclass
from rbsuite.models.services import FittingServices, SeededServices
from rbsuite.record import RolloutRecord
from rbsuite.trajectory import Trajectory

Refine = Literal["continue", "retry"]


@dataclass(frozen=True, slots=True)
class Group:
    """The rollouts of one task, and the index of the one that counts, or :data:`rbsuite.record.ALL`. Memory learns from judged ones."""

    rollouts: tuple[RolloutRecord, ...]
    selected: int


class TaskRollouts(Protocol):
    """What a scaling may do with a task. All of its rollouts start from the same recall and the same opening, with seeds of their own."""

    @property
    def refine(self) -> Refine:
        """How the environment lets an agent improve on a rollout: continue the same trajectory, or start over."""

    async def rollout(
        self, index: int, *, earlier: Sequence[RolloutRecord] = (), checks: int = 0, judged: bool = True
    ) -> RolloutRecord:
        """Run a rollout.

        Args:
            index: its index within the task, from 0; its seed comes from it.
            earlier: rollouts whose transcripts it is shown, without verdict or score.
            checks: how often the agent is asked to check its answer before it counts, if ``refine`` is ``continue``.
            judged: whether it is judged, and so learned from.
        """

    async def select(self, rollouts: Sequence[RolloutRecord]) -> int:
        """Index of the rollout that the experiment's selector chooses; :data:`rbsuite.record.ALL` if it lets all count."""


class Scaling(Protocol):
    """Spends rollouts on a task."""

    async def run(self, task: TaskRollouts) -> Group:
        """Run the rollouts and say which counts."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a selector is given.

    Attributes:
        query: what the agent was asked.
        trajectories: without ground truth.
        scores: the environment's own scores, for selectors whose spec says ``ground_truth``; else empty.
    """

    query: str
    trajectories: tuple[Trajectory, ...]
    scores: tuple[float | None, ...] = ()


class SelectorServices(SeededServices, FittingServices, Protocol):
    """What a selector may use. The cost counts as ``select``; chance is seeded for the task."""


class Selector(Protocol):
    """Says which of several rollouts counts."""

    async def select(self, choice: Choice, services: SelectorServices) -> int:
        """Index of the chosen one; :data:`rbsuite.record.ALL` if all count, which needs a spec that says ``averages``."""
