"""Upstream's scenarios: ceilings, floors, and the tools as they are shown."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from rbsuite.run.verify import verify
from rbsuite_toolsandbox import Pack
from rbsuite_toolsandbox.environment import ToolSandbox
from rbsuite_toolsandbox.offering import offered
from rbsuite_toolsandbox.scenario import AUGMENTATIONS

UNREACHABLE = "find_temperature_f_with_location_and_time_diff_low_battery_mode_multiple_user_turn"


def test_all_base_references_but_one_score_1(root: Path) -> None:
    environment = ToolSandbox()
    report = asyncio.run(verify(environment, environment.tasks("base", data=str(root)), 30))
    assert (report.tasks, report.solved, list(report.unsolved)) == (129, 128, [UNREACHABLE])
    assert report.floor_solved == report.domains["minefields"].tasks == 26


def test_augmented_scenarios_can_be_solved_with_what_their_agents_see(root: Path) -> None:
    environment = ToolSandbox()
    tasks = environment.tasks("augmented", data=str(root))
    assert len(tasks) == 903
    some = type(tasks)(tasks.environment, tasks.split, tasks.tasks[::17])
    report = asyncio.run(verify(environment, some, 30))
    assert [name for name in report.unsolved if not name.startswith(UNREACHABLE)] == []


@pytest.mark.parametrize("augmentation", ["NONE", *AUGMENTATIONS])
def test_tools_are_shown_as_upstream_shows_them(root: Path, pack: Pack, augmentation: str) -> None:
    shown = json.loads((root / "tools.json").read_text("utf-8"))["schemas"][augmentation]
    hidden = () if augmentation == "NONE" else (augmentation,)
    ours = [offered(name, schema, hidden) for name, schema in pack.schemas.items()]
    for tool, upstream in zip(ours, shown, strict=True):
        function = upstream["function"]
        if tool.name == "user_tools_0":  # the user's tool keeps its name
            continue
        assert (tool.name, tool.description, tool.parameters) == (
            function["name"],
            function["description"],
            function["parameters"],
        )
