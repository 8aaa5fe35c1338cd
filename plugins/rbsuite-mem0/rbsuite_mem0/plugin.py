"""What this plugin declares. Importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rbsuite import MemorySpec, Option, hookimpl


@hookimpl
def rbsuite_memories() -> Sequence[MemorySpec]:
    """mem0."""
    return [
        MemorySpec(
            "mem0",
            "mem0: facts that it extracts from what was said, found by similarity",
            "rbsuite_mem0.memory:Mem0",
            (
                Option("k", "int", 20, "most facts recalled for a task", minimum=1, maximum=100),
                Option("threshold", "float", 0.1, "least similarity of a recalled fact", minimum=0.0, maximum=1.0),
                Option("temperature", "float", 0.1, "temperature of the memory's model", minimum=0.0, maximum=2.0),
                Option("guided", "bool", True, "whether its model is told to look for what helps with other tasks"),
                Option("budget", "int", 12_000, "tokens of a transcript that its model sees; 0: no limit", minimum=0),
                Option("characters", "int", 1000, "most characters in a fact", minimum=100, maximum=100_000),
            ),
        )
    ]


@hookimpl
def rbsuite_prompt_dirs() -> Sequence[Path]:
    """What mem0 is told about a task, and what is added to its model's prompt."""
    return [Path(__file__).with_name("prompts")]
