"""Memory does not grow with an experiment, except by what a bank holds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from processes import PATIENCE

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "memory_use.py"

GROWTH_MB = 6.0
"""What the second half of 2,000 rollouts may add: a bank of 1,000 items and what the allocator keeps."""

PEAK_MB = 300
"""What any experiment may take."""


@pytest.mark.parametrize("speculate", [pytest.param("off", marks=pytest.mark.slow), "8"])
def test_second_half_adds_next_to_nothing(speculate: str) -> None:
    done = subprocess.run(
        [sys.executable, str(BENCHMARK), "--tasks", "1000", "--speculate", speculate, "--json"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    use = json.loads(done.stdout)
    assert use["rollouts"] == 2000
    assert use["peak_mb"] - use["middle_mb"] < GROWTH_MB
    assert use["peak_mb"] < PEAK_MB
