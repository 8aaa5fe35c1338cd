"""The memories of the core."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import MemorySpec, Option

K = Option("k", "int", 1, "experiences recalled for a task", minimum=1, maximum=100)


def _temperature(default: float) -> Option:
    return Option("temperature", "float", default, "temperature of the extracting model", minimum=0.0, maximum=2.0)


@hookimpl
def rbsuite_memories() -> Sequence[MemorySpec]:
    """None, ReasoningBank, and the two baselines it is compared with."""
    return [
        MemorySpec("none", "no memory: the control", "rbsuite.memories.none:NoMemory"),
        MemorySpec(
            "reasoningbank",
            "titled strategies from self-judged successes and failures",
            "rbsuite.memories.reasoningbank:ReasoningBank",
            (
                K,
                Option("items", "int", 3, "items kept of a trajectory, at most", minimum=1, maximum=20),
                _temperature(1.0),
                Option("failures", "bool", True, "whether failures are learnt from"),
            ),
        ),
        MemorySpec(
            "synapse",
            "raw successful trajectories as exemplars",
            "rbsuite.memories.synapse:TrajectoryMemory",
            (
                K,
                Option("characters", "int", 600, "length above which a stored observation is cut; 0: never", minimum=0),
            ),
        ),
        MemorySpec(
            "awm",
            "a workflow of every success",
            "rbsuite.memories.awm:WorkflowMemory",
            (K, _temperature(0.7)),
        ),
    ]
