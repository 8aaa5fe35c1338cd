"""The scenarios of this project."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

from rbsuite.run.verify import verify
from rbsuite_toolsandbox import Pack
from rbsuite_toolsandbox.environment import ToolSandbox
from rbsuite_toolsandbox.resources import sample_directory
from rbsuite_toolsandbox.scenario import CATEGORIES


def test_every_reference_scores_1_and_doing_nothing_does_so_only_without_milestones() -> None:
    environment = ToolSandbox()
    tasks = environment.tasks("sample")
    report = asyncio.run(verify(environment, tasks, 30))
    assert report.solved == report.tasks == len(tasks) >= 30
    assert {name: (part.tasks, part.floor_solved) for name, part in report.domains.items()} == {
        "milestones": (40, 0),
        "minefields": (5, 5),
    }
    tags = Counter(tag for task in tasks for tag in task.payload["categories"])
    assert min(tags[category] for category in CATEGORIES) >= 5
    assert not tasks.twins


def test_no_text_of_the_sample_is_upstreams(root: Path) -> None:
    def texts(pack: Pack) -> set[str]:
        said = {entry["content"] for data in pack.base.values() for entry in data["starting_messages"]}
        described = {schema["description"] for schema in pack.schemas.values()}
        arguments = {
            argument["description"]
            for schema in pack.schemas.values()
            for argument in schema["parameters"]["properties"].values()
        }
        return {text for text in said | described | arguments if text}

    assert not texts(Pack(sample_directory())) & texts(Pack(root))
    people = json.loads((root / "states.json").read_text("utf-8"))["states"].values()
    names = {row["name"] for world in people for row in world["CONTACT"] if row["name"]}
    assert not [name for name in names if name in (sample_directory() / "states.json").read_text("utf-8")]
