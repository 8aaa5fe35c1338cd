"""The contract of a judge."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from typing import Protocol

from rbsuite.frozen import dataclass
from rbsuite.models.services import FittingServices, SeededServices
from rbsuite.trajectory import Trajectory
from rbsuite.verdict import Verdict


@dataclass(frozen=True, slots=True)
class JudgeRequest:
    """What a judge is given.

    Attributes:
        query: what the agent was asked.
        trajectory: without ground truth.
        score: the environment's own score, for judges whose spec says ``ground_truth``; else ``None``.
        measures: the environment's further figures, for the same judges only.
    """

    query: str
    trajectory: Trajectory
    score: float | None = None
    measures: Mapping[str, float] = field(default_factory=dict)


class JudgeServices(SeededServices, FittingServices, Protocol):
    """What a judge may use. The cost counts as ``judge``; chance is seeded for the rollout."""


class Judge(Protocol):
    """Gives verdicts. One that cannot decide says ``unknown``."""

    async def judge(self, request: JudgeRequest, services: JudgeServices) -> Verdict:
        """The verdict on one trajectory."""


@dataclass(frozen=True, slots=True)
class FunctionJudge:
    """A judge that is an ``async`` function of a request and services. A spec may name such a function in place of a factory.

    Attributes:
        function: takes what :meth:`Judge.judge` takes, and the declared options as keyword arguments.
    """

    function: Callable[[JudgeRequest, JudgeServices], Awaitable[Verdict]]

    async def judge(self, request: JudgeRequest, services: JudgeServices) -> Verdict:
        """What the function says."""
        return await self.function(request, services)
