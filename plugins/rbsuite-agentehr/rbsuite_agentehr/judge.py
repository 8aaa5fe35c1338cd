"""``gold-threshold``: feedback from ground truth, as AgentEHR's own ReasoningBank agent gets it."""

from __future__ import annotations

from rbsuite.judges.base import JudgeRequest, JudgeServices
from rbsuite.verdict import Verdict
from rbsuite_agentehr.scores import combine

NAME = "gold-threshold"


class GoldThresholdJudge:
    """Reports success if ``0.4 F1 + 0.2 P + 0.4 R`` against the right names reaches a threshold: it knows the answer.

    Args:
        threshold: in [0, 1].
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold

    async def judge(self, request: JudgeRequest, services: JudgeServices) -> Verdict:
        """Success at or above the threshold; ``unknown`` if the environment does not record the three figures."""
        measures = request.measures
        if request.score is None or not {"f1", "precision", "recall"} <= measures.keys():
            return Verdict("unknown", None, "the environment gave no F1, precision and recall", NAME)
        value = combine(measures["f1"], measures["precision"], measures["recall"])
        return Verdict("success" if value >= self._threshold else "failure", min(value, 1.0), "", NAME)
