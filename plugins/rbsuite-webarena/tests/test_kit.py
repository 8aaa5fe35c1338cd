"""The plugin as a whole: the kit's rules, the sample, what is left behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import rbsuite
from rbsuite.cli import run
from rbsuite.testing import check_plugin, require_kept


@pytest.mark.slow
def test_the_rules_of_the_kit_are_kept(browser: None, capsys: pytest.CaptureFixture[str]) -> None:
    found = check_plugin("webarena")
    require_kept(found)
    silent = {
        "templates",
        "isolated",
        "fork",
        "truth-hidden",
        "truth-after-failure",
    }  # nothing of the checks is in a task
    assert {one.rule for one in found if one.outcome == "not tried"} == silent
    assert run(["verify", "--env", "webarena"]) == 0
    assert "15 of 15 reference solutions score 1" in capsys.readouterr().out


def test_nothing_is_left_running(browser: None, tmp_path: Path) -> None:
    rbsuite.evaluate("webarena", limit=1, orders=1, memory=["none"], model="sim/oracle", out=tmp_path / "x").close()
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    assert not [pid for pid in children if "chrom" in Path(f"/proc/{pid}/cmdline").read_text()]
