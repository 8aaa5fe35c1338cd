"""The core's in-process models. All are simulations, and results with them say so."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import ModelSpec, Option


def _probability(name: str, default: float, help: str) -> Option:
    return Option(name, "float", default, help, minimum=0.0, maximum=1.0)


LEARNER_OPTIONS = (
    _probability("known", 0.3, "probability that it knows a skill without a lesson"),
    _probability("vary", 0.12, "probability that a rollout draws again whether it knows a skill"),
    _probability("follow", 0.95, "probability that it applies a skill whose lesson it reads"),
    _probability("notice", 0.08, "probability that it notices a mistake when it first checks"),
    _probability("slip", 0.05, "probability that it loses the thread of a rollout"),
    _probability("judge_accuracy", 0.85, "probability that as judge it says what it sees"),
    _probability("malformed", 0.05, "probability that as extractor it breaks the format"),
    _probability("useless", 0.1, "probability that as extractor it writes a commonplace"),
    Option("latency", "float", 0.0, "seconds per call", minimum=0.0, maximum=60.0),
)
"""What sets the learner's abilities, and the time it takes."""

SERVER = Option("server", "str", "", "base URL of a server that answers in its place (rbsuite serve-model)")


@hookimpl
def rbsuite_models() -> Sequence[ModelSpec]:
    """The simulated learner, and the oracle and controls that bound it."""
    return [
        ModelSpec(
            "sim/learner",
            "simulated: makes the mistake of a skill unless the skill's lesson is in its prompt",
            "rbsuite.learner.served:learner",
            (*LEARNER_OPTIONS, SERVER),
            simulated=True,
        ),
        ModelSpec(
            "sim/oracle",
            "simulated: carries out the reference solution",
            "rbsuite.learner.served:oracle",
            (SERVER,),
            simulated=True,
        ),
        ModelSpec("sim/noop", "simulated: does nothing", "rbsuite.learner.served:noop", (SERVER,), simulated=True),
        ModelSpec(
            "sim/random",
            "simulated: calls tools at random",
            "rbsuite.learner.served:at_random",
            (SERVER,),
            simulated=True,
        ),
    ]
