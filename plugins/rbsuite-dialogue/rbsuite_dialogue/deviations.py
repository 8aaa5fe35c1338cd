"""How the worlds of tau-bench and tau2-bench both depart from upstream: names and descriptions."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

BOUNDED_CALCULATOR = "bounded-calculator"
REFUSED_ARGUMENTS = "refused-arguments"

DEVIATIONS: Mapping[str, str] = MappingProxyType(
    {
        BOUNDED_CALCULATOR: "an expression beyond the calculator's limits gave an error; upstream evaluates it or hangs",
        REFUSED_ARGUMENTS: "arguments that are not JSON, too deep or too large gave an error; upstream accepts some of them",
    }
)
"""What both may note in the truth of a result."""
