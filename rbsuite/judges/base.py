"""The contract of a judge."""

from __future__ import annotations

from typing import Protocol

from rbsuite.frozen import dataclass
from rbsuite.models.services import SeededServices
from rbsuite.trajectory import Trajectory
from rbsuite.verdict import Verdict


@dataclass(frozen=True, slots=True)
class JudgeRequest:
    """What a judge is given.

    Attributes:
        query: what the agent was asked.
        trajectory: without ground truth.
        score: the environment's own score, for judges whose spec says ``ground_truth``; else ``None``.
    """

    query: str
    trajectory: Trajectory
    score: float | None = None


class JudgeServices(SeededServices, Protocol):
    """What a judge may use. The cost counts as ``judge``; chance is seeded for the rollout."""


class Judge(Protocol):
    """Gives verdicts. One that cannot decide says ``unknown``."""

    async def judge(self, request: JudgeRequest, services: JudgeServices) -> Verdict:
        """The verdict on one trajectory."""
