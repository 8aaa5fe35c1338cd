"""The scalings and selectors of the core."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import Option, ScalingSpec, SelectorSpec
from rbsuite.transcript import BUDGET

K = Option("k", "int", 3, "rollouts per task", minimum=1, maximum=1000, always=True)


@hookimpl
def rbsuite_scalings() -> Sequence[ScalingSpec]:
    """One rollout, several concurrent ones, or several one after the other."""
    return [
        ScalingSpec("single", "one rollout per task", "rbsuite.scaling.single:Single"),
        ScalingSpec(
            "parallel",
            "k rollouts from the same bank version; a selector chooses",
            "rbsuite.scaling.matts:Parallel",
            (K,),
            at_once="k",
        ),
        ScalingSpec("sequential", "k - 1 rounds of checking and refining", "rbsuite.scaling.matts:Sequential", (K,)),
    ]


@hookimpl
def rbsuite_selectors() -> Sequence[SelectorSpec]:
    """A model's choice, chance, the ground truth, the vote, the mean."""
    return [
        SelectorSpec(
            "best-of-n",
            "a model sees all rollouts and names the best",
            "rbsuite.scaling.selectors:BestOfN",
            (Option("budget", "int", 2 * BUDGET, "tokens of all transcripts it sees; 0: no limit", minimum=0),),
        ),
        SelectorSpec("random", "any rollout (pass@1)", "rbsuite.scaling.selectors:RandomSelector"),
        SelectorSpec(
            "oracle",
            "one that succeeded, if any (pass@k)",
            "rbsuite.scaling.selectors:OracleSelector",
            ground_truth=True,
        ),
        SelectorSpec("majority", "the answer that most rollouts give", "rbsuite.scaling.selectors:MajoritySelector"),
        SelectorSpec(
            "mean",
            "none is chosen: the mean score of all rollouts counts (avg@k)",
            "rbsuite.scaling.selectors:MeanSelector",
            averages=True,
        ),
    ]
