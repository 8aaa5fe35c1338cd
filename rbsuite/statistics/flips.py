"""The tasks that a condition won and lost against the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rbsuite.statistics.intervals import average
from rbsuite.statistics.pairing import Paired


@dataclass(frozen=True, slots=True)
class Flip:
    """A task that two conditions scored differently.

    Attributes:
        task: its id.
        a, b: mean score of the condition and of the baseline over the compared runs.
        cells: number of compared cells (the task in an order).
        won, lost: number of cells in which the condition scored higher, and lower.
    """

    task: str
    a: float
    b: float
    cells: int
    won: int
    lost: int

    @property
    def difference(self) -> float:
        """Condition minus baseline."""
        return self.a - self.b


def flips(paired: Paired) -> Sequence[Flip]:
    """The tasks with a difference, from the greatest gain to the greatest loss; ties by task id."""
    found = []
    for task, cells in paired.cells().items():
        one = Flip(
            task,
            average([a for a, _ in cells]),
            average([b for _, b in cells]),
            len(cells),
            sum(a > b for a, b in cells),
            sum(a < b for a, b in cells),
        )
        if abs(one.difference) > 1e-9:
            found.append(one)
    return sorted(found, key=lambda one: (-one.difference, one.task))
