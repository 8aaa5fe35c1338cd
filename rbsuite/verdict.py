"""Verdicts: what a judge says about a trajectory."""

from __future__ import annotations

from typing import Literal

from rbsuite.frozen import dataclass

Label = Literal["success", "failure", "unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judge's verdict on one trajectory.

    Attributes:
        label: ``unknown`` when the judge could not decide or failed; nothing is learned from it.
        score: the judge's own score in [0, 1], or ``None``.
        rationale: why, in the judge's words; goes to every memory alike.
        source: id of the judge, e.g. ``"self"`` or ``"noisy:0.8"``.
    """

    label: Label
    score: float | None = None
    rationale: str = ""
    source: str = ""
