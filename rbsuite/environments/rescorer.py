"""Other conventions by which stored rollouts can be graded again, with no model and without the world they were in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rbsuite.trajectory import Grade, Trajectory


@dataclass(frozen=True, slots=True)
class Rescorer:
    """A convention. An environment's spec names a mapping of them, by the name that users write.

    Attributes:
        id: name and version, shown beside its figures.
        grade: the new grade of a stored rollout, from its trajectory and :attr:`rbsuite.trajectory.Grade.truth`; ``None``: there is
            nothing to grade. Raises :class:`rbsuite.errors.UsageError` if the convention is not available.
        details: keys of the truth that are shown if they change, besides score and measures.
    """

    id: str
    grade: Callable[[Trajectory], Grade | None]
    details: tuple[str, ...] = ()
