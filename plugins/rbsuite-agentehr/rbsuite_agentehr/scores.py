"""AgentEHR's scores: sets of names compared without regard to case, and the combined scores of several runs of a task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import comb

from rbsuite.reading.values import values_in

THRESHOLD = 0.2
"""At or above this a prediction counts as a success, in AgentEHR's own ReasoningBank agent."""
WEIGHTS = (0.4, 0.2, 0.4)
"""Weights of F1, precision and recall in the value compared with the threshold."""
ERRORS = ("Error", "SQL Execution Error")
"""How the observation of a failed tool call starts."""


@dataclass(frozen=True, slots=True)
class SetScore:
    """How well a set of names matches the right one. All in [0, 1]."""

    precision: float
    recall: float
    f1: float

    @property
    def combined(self) -> float:
        """The value compared with the threshold."""
        return combine(self.f1, self.precision, self.recall)


def combine(f1: float, precision: float, recall: float) -> float:
    """``0.4 F1 + 0.2 P + 0.4 R``."""
    return WEIGHTS[0] * f1 + WEIGHTS[1] * precision + WEIGHTS[2] * recall


def set_score(predicted: Iterable[str], label: Iterable[str]) -> SetScore:
    """Precision, recall and F1 of case-folded sets; all 0 if either is empty."""
    mine, right = {one.strip().casefold() for one in predicted}, {one.strip().casefold() for one in label}
    hit = len(mine & right)
    if not hit:
        return SetScore(0.0, 0.0, 0.0)
    return SetScore(hit / len(mine), hit / len(right), 2 * hit / (len(mine) + len(right)))


def names_in(text: str) -> list[str] | None:
    """The last list of strings in a reply, parsed as data; ``None`` if there is none."""
    lists = [value for value in values_in(text).found if isinstance(value, list)]
    texts = [value for value in lists if all(isinstance(one, str) for one in value)]
    return texts[-1] if texts else None


@dataclass(frozen=True, slots=True)
class AtK:
    """Several runs of one task.

    Attributes:
        average: avg@k, the mean over the runs.
        most: max@k, the best of them.
        best: best@j for j from 1 to k: the mean of the maximum over all sets of j of the runs.
    """

    average: float
    most: float
    best: tuple[float, ...]


def at_k(scores: Sequence[float]) -> AtK:
    """The combined scores of k runs.

    Raises:
        ValueError: there are none.
    """
    if not scores:
        raise ValueError("no runs")
    ranked, n = sorted(scores), len(scores)
    best = tuple(
        sum(comb(place - 1, j - 1) * score for place, score in enumerate(ranked, 1)) / comb(n, j)
        for j in range(1, n + 1)
    )
    return AtK(sum(scores) / n, ranked[-1], best)
