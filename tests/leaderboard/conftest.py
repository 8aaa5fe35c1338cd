"""A board for toy experiments, and the worked example: a board of simulated runs, built from scratch by commands alone."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from boards import EXAMPLE, HOSTILE, LEADERBOARDS, Command, Example, Said, write_board
from experiments import measure
from rbsuite.cli import run

MEMORIES = ("none", "reasoningbank")


@pytest.fixture
def rbsuite(capsys: pytest.CaptureFixture[str]) -> Command:
    def call(*arguments: object) -> Said:
        capsys.readouterr()
        code = run([str(one) for one in arguments])
        return Said(code, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Toy experiments: one, the same with another seed, and others that no board takes."""
    home = tmp_path_factory.mktemp("toys")
    several: dict[str, dict[str, object]] = {
        "first": {},
        "second": {"seed": 5},
        "warm": {"seed": 6, "temperature": (0.7,)},
        "noisy": {"seed": 8, "judge": ("noisy:0.9",)},
        "mixed": {"model": ("sim/learner", "sim/learner:known=0.9")},
        "told": {"judge": ("ground-truth",)},
        "fewer": {"limit": 3},
        "frozen": {"freeze": True},
    }
    for name, options in several.items():
        measure(home / name, memory=MEMORIES, **{"orders": 3, **options}).close()
    return home


@pytest.fixture
def root(toys: Path, tmp_path: Path) -> Path:
    """A directory with a board for the toy's tasks."""
    write_board(toys, tmp_path / "leaderboards", "toys")
    return tmp_path / "leaderboards"


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """Three memories, two systems, two people with different seeds; nothing but commands."""
    home = tmp_path_factory.mktemp("example")
    root = home / "leaderboards"
    shutil.copytree(LEADERBOARDS / EXAMPLE, root / EXAMPLE, ignore=shutil.ignore_patterns("submissions"))
    shutil.copy(LEADERBOARDS / "reference.toml", root)
    shared = ("--env", "tau-bench", "--domain", "retail", "--memory", "none,reasoningbank,awm", "--quiet")
    done(["eval", *shared, "--out", f"{home / 'a'}"])
    done(["eval", *shared, "--out", f"{home / 'b'}", "--model", "sim/learner:known=0.7", "--seed", "7"])
    to = ("--board", EXAMPLE, "--root", f"{root}", "--date", "2026-11-01")
    links = ("--url", "https://example.org/s", "--report-url", "https://example.org/report.html")
    done(["leaderboard", "add", f"{home / 'a'}", *to, "--system", "Plain learner", "--org", "Example Lab", *links])
    done(["leaderboard", "add", f"{home / 'b'}", *to, "--system", HOSTILE, "--org", "=1+1|`x`", "--name", "hostile"])
    done(["leaderboard", "build", "--root", f"{root}", "--out", f"{home / 'pages'}", "--receipts", f"{home / 'r'}"])
    return Example(root, home / "pages")


def done(arguments: Sequence[str]) -> None:
    assert run(arguments) == 0, arguments
