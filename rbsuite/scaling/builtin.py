"""The scalings of the core."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import ScalingSpec


@hookimpl
def rbsuite_scalings() -> Sequence[ScalingSpec]:
    """One rollout a task."""
    return [ScalingSpec("single", "one rollout a task", "rbsuite.scaling.single:Single")]
