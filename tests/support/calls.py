"""Model calls of a task outside of a run."""

from __future__ import annotations

from rbsuite.models.client import TaskCalls
from rbsuite.models.gate import Gate, Line
from rbsuite.models.limits import Limits
from rbsuite.models.meter import Counts, Meter


def calls_at(line: Line | None = None, position: int = 0, meter: Meter | None = None) -> TaskCalls:
    """The calls of a task at a place of a stream; without a line at a gate of their own, without a meter counted nowhere else."""
    return TaskCalls(line or Gate(1).line(), position, meter or Meter(Limits(), Counts.for_processes(0)))
