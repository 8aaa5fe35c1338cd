"""The contracts of scaling: how many rollouts a task gets, and which of them counts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rbsuite.record import RolloutRecord

MakeRollout = Callable[[int], Awaitable[RolloutRecord]]
"""Runs (and judges) the rollout of the given index."""


@dataclass(frozen=True, slots=True)
class Group:
    """The rollouts of one task, and the index of the one that counts."""

    rollouts: tuple[RolloutRecord, ...]
    selected: int


class Selector(Protocol):
    """Chooses one rollout of several."""

    async def select(self, rollouts: Sequence[RolloutRecord]) -> int:
        """Index of the chosen one."""


class Scaling(Protocol):
    """Spends rollouts on a task."""

    async def run(self, make_rollout: MakeRollout) -> Group:
        """Run the rollouts and choose."""
