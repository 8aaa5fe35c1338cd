"""What this plugin declares. Importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rbsuite.hookspecs import hookimpl


@hookimpl
def rbsuite_prompt_dirs() -> Sequence[Path]:
    """What agents are told before a question."""
    return [Path(__file__).with_name("prompts")]
