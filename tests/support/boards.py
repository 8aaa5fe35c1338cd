"""Boards for tests: a board for toy experiments, and the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from rbsuite.store import ExperimentStore

LEADERBOARDS = Path(__file__).resolve().parents[2] / "leaderboards"
EXAMPLE = "tau-bench-simulated"
HOSTILE = '<script>document.title="owned"</script>"onmouseover="x'
"""A system's name that is markup, and ends an attribute."""


class Said(NamedTuple):
    """What a command came to: its exit code, what it printed, and what it complained of."""

    code: int
    out: str
    err: str


Command = Callable[..., Said]


class Example(NamedTuple):
    """The worked example: its board and its pages."""

    root: Path
    pages: Path


def write_board(toys: Path, root: Path, name: str, more: str = "simulated = true") -> None:
    """Write a board for the tasks of the first toy experiment."""
    with ExperimentStore.open(toys / "first", readonly=True) as store:
        task_set = store.manifest.facts["task_set"]
        split = store.manifest.config["split"]
    (root / name).mkdir(parents=True)
    (root / name / "board.toml").write_text(
        f'title = "Toys"\nenvironment = "toy"\nsplit = "{split}"\ntask_set = "{task_set["hash"]}"\n'
        f"tasks = {task_set['count']}\norders = 3\n{more}\n"
    )
