"""File names for runs, whose own names may contain what paths do not allow."""

from __future__ import annotations

import re

from rbsuite.record import RunInfo

_LENGTH = 80


def run_directory(number: int, run: RunInfo) -> str:
    """A name for a run's files: its number in the manifest makes it unique, its id tells what it is."""
    words = re.sub(r"[^A-Za-z0-9.]+", "-", run.id).strip("-.")[:_LENGTH]
    return f"{number:03d}-{words}"
