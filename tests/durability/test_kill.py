"""``kill -9`` at random moments, then the same command: the result of an undisturbed run, and nothing committed is paid again."""

from __future__ import annotations

from pathlib import Path

import pytest

from killing import disturbed, measured
from processes import Evaluation, digest

KILLS = 6
"""How many; ``tests/attacks`` has as many as one likes."""


@pytest.mark.usefixtures("undisturbed")  # modules are compiled by then, which takes longer than all else
def test_killed_at_random_moments(evaluation: Evaluation, tmp_path: Path) -> None:
    pace = measured(evaluation, tmp_path / "measured")
    tally = disturbed(evaluation, tmp_path, KILLS, pace, digest(tmp_path / "measured"))
    print(pace, tally)
    assert tally.kills == KILLS
    assert len(set(tally.moments)) > KILLS // 3, "the processes were killed before they had done anything"
