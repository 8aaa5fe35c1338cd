"""Judges that go by the environment's own score, and the one that never judges."""

from __future__ import annotations

from rbsuite.judges.base import JudgeRequest, JudgeServices
from rbsuite.verdict import Verdict

SUCCESS_SCORE = 1.0 - 1e-6
"""A score counts as success from here on; tau-bench's own tolerance (tau_bench/run.py, display_metrics)."""


def is_success(score: float | None) -> bool:
    """Whether a ground-truth score is a success."""
    return score is not None and score >= SUCCESS_SCORE


class GroundTruthJudge:
    """``ground-truth``: says what the environment's score says."""

    async def judge(self, request: JudgeRequest, services: JudgeServices) -> Verdict:
        """Success if the score is 1."""
        if request.score is None:
            return Verdict("unknown", None, "the environment gave no score", "ground-truth")
        return Verdict("success" if is_success(request.score) else "failure", request.score, "", "ground-truth")


class NoisyJudge:
    """``noisy:ACCURACY``: the ground truth, flipped at random (ReasoningBank v2's study of judge accuracy).

    Args:
        accuracy: probability that the verdict is right.
    """

    def __init__(self, accuracy: float) -> None:
        self._accuracy = accuracy

    async def judge(self, request: JudgeRequest, services: JudgeServices) -> Verdict:
        """The ground truth with probability ``accuracy``, else its opposite."""
        source = f"noisy:{self._accuracy:g}"
        if request.score is None:
            return Verdict("unknown", None, "the environment gave no score", source)
        right = services.rng.random() < self._accuracy
        return Verdict("success" if is_success(request.score) == right else "failure", None, "", source)


class NoJudge:
    """``none``: every verdict is ``unknown``, so nothing is learned."""

    async def judge(self, request: JudgeRequest, services: JudgeServices) -> Verdict:
        """Always ``unknown``."""
        return Verdict("unknown", None, "no judge", "none")
