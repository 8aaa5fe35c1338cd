"""The contract of a judge."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rbsuite.models.base import Completion
from rbsuite.trajectory import Message, Trajectory
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


class JudgeServices(Protocol):
    """What a judge may use."""

    def render(self, template: str, **variables: Any) -> str:
        """Render a prompt template."""

    async def complete(self, messages: Sequence[Message], *, temperature: float | None = None) -> Completion:
        """Ask the judge's model; the cost counts as ``judge``."""

    @property
    def rng(self) -> random.Random:
        """A generator seeded for this rollout."""


class Judge(Protocol):
    """Gives verdicts. One that cannot decide says ``unknown``."""

    async def judge(self, request: JudgeRequest, services: JudgeServices) -> Verdict:
        """The verdict on one trajectory."""
