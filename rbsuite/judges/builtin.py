"""The judges of the core."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import JudgeSpec, Option
from rbsuite.transcript import BUDGET


@hookimpl
def rbsuite_judges() -> Sequence[JudgeSpec]:
    """Self, ground truth, noisy ground truth, none."""
    return [
        JudgeSpec(
            "self",
            "the model judges the trajectory alone, at temperature 0",
            "rbsuite.judges.self_judge:SelfJudge",
            (Option("budget", "int", BUDGET, "tokens of the transcript it sees; 0: no limit", minimum=0),),
        ),
        JudgeSpec(
            "ground-truth", "the environment's own score", "rbsuite.judges.truth:GroundTruthJudge", ground_truth=True
        ),
        JudgeSpec(
            "noisy",
            "the environment's own score, wrong at a set rate",
            "rbsuite.judges.truth:NoisyJudge",
            (
                Option(
                    "accuracy",
                    "float",
                    0.8,
                    "probability that the verdict is right",
                    minimum=0.0,
                    maximum=1.0,
                    always=True,
                ),
            ),
            ground_truth=True,
        ),
        JudgeSpec("none", "no verdicts, so nothing is learned", "rbsuite.judges.truth:NoJudge"),
    ]
