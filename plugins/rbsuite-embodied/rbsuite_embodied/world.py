"""The contract of a world: what is behind the named actions, whether our own state machine or a simulator elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, Self

from rbsuite.trajectory import Image


@dataclass(frozen=True, slots=True)
class Achieved:
    """How far a task has progressed.

    Attributes:
        success: whether its goal holds.
        progress: share of its goal conditions (or subgoals) that are met, in [0, 1].
    """

    success: bool
    progress: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action led to.

    Attributes:
        feedback: what the world says about it, word for word as in upstream.
        valid: whether the action was carried out.
        done: whether the world has ended the episode for a reason of its own.
    """

    feedback: str
    valid: bool
    done: bool = False


class World(Protocol):
    """One episode's world. It knows no limits: those belong to the environment."""

    @property
    def names(self) -> tuple[str, ...]:
        """The named actions of the episode; an action is an index into them."""

    @property
    def indices(self) -> Mapping[str, int]:
        """The index of each name."""

    @property
    def achieved(self) -> Achieved:
        """How far the task has progressed."""

    @property
    def images(self) -> tuple[Image, ...]:
        """What the robot's camera shows now; empty if the world has no camera, or images were not requested."""

    def do(self, index: int) -> Outcome:
        """Carry out a named action.

        Args:
            index: from 0 to ``len(names) - 1``.

        Raises:
            EnvironmentFailure: the world itself failed.
        """

    def visible(self) -> tuple[str, ...]:
        """What is in view now, by the names that actions use, in a fixed order."""

    def refuse(self) -> None:
        """Record a reply that named no action: it counts as an invalid one, and nothing else happens."""

    def fork(self) -> Self:
        """An independent copy in the same state.

        Raises:
            NotImplementedError: the world cannot be copied.
        """

    def close(self) -> None:
        """Release what the world holds."""
