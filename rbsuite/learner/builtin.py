"""The in-process models of the core. All are simulations, and results with them say so."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import ModelSpec, Option


def _probability(name: str, default: float, help: str) -> Option:
    return Option(name, "float", default, help, minimum=0.0, maximum=1.0)


@hookimpl
def rbsuite_models() -> Sequence[ModelSpec]:
    """The simulated learner, and the oracle and controls that bound it."""
    return [
        ModelSpec(
            "sim/learner",
            "simulated: makes a skill's mistake unless the skill's lesson stands in its prompt",
            "rbsuite.learner.simulated:SimulatedLearner",
            (
                _probability("known", 0.3, "chance that it knows a skill by itself"),
                _probability("vary", 0.12, "chance that a rollout draws anew whether it knows a skill"),
                _probability("follow", 0.95, "chance that it applies a skill whose lesson it reads"),
                _probability("notice", 0.08, "chance that it notices a mistake when it first checks"),
                _probability("slip", 0.05, "chance that it loses the thread of a rollout"),
                _probability("judge_accuracy", 0.85, "chance that as judge it says what it sees"),
                _probability("malformed", 0.05, "chance that as extractor it breaks the form"),
                _probability("useless", 0.1, "chance that as extractor it writes a commonplace"),
                Option("latency", "float", 0.0, "seconds that a call takes", minimum=0.0, maximum=60.0),
            ),
            simulated=True,
        ),
        ModelSpec(
            "sim/oracle",
            "simulated: carries out the reference solution",
            "rbsuite.learner.simulated:SimulatedOracle",
            simulated=True,
        ),
        ModelSpec("sim/noop", "simulated: does nothing", "rbsuite.learner.controls:SimulatedNoop", simulated=True),
        ModelSpec(
            "sim/random", "simulated: calls tools at random", "rbsuite.learner.controls:SimulatedRandom", simulated=True
        ),
    ]
