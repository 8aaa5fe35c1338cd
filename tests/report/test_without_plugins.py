"""A finished experiment can be read, compared and exported where none of its plugins is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from rbsuite.plugins import DISABLE_VARIABLE, GROUP

SHEET = ("--run", "dynamic-cheatsheet/single/order-0")


def rbsuite(*arguments: object, without: Sequence[str] = ()) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "from rbsuite.cli import main\nmain()", *map(str, arguments)],
        env={**os.environ, DISABLE_VARIABLE: ",".join(without)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def experiments(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Path]:
    """One with measures and domains that are reported separately, one with answers of a private benchmark."""
    home = tmp_path_factory.mktemp("experiments")
    for env, memory in (("eb-habitat", "none,dynamic-cheatsheet"), ("gpqa", "placebo,reasoningbank")):
        rbsuite("eval", "--env", env, "--memory", memory, "--orders", 1, "--out", home / env, "--quiet")
    return [home / "eb-habitat", home / "gpqa"]


def test_everything_is_shown_as_with_them(experiments: Sequence[Path]) -> None:
    installed = [entry.name for entry in entry_points(group=GROUP)]
    assert {"eb-habitat", "gpqa"} <= set(installed)
    habitat, gpqa = experiments
    commands: list[tuple[object, ...]] = [
        *((what, *source) for source in [(habitat,), (gpqa,)] for what in ("compare",)),
        *(("eval", "--from", one, "--json") for one in experiments),
        ("eval", "--from", habitat),
        ("compare", habitat, "--json"),
        ("memory", "list", gpqa),
        ("memory", "show", habitat, "cheatsheet", *SHEET),
        ("memory", "export", gpqa),
        ("rescore", gpqa, "--reader", "rbsuite"),
    ]
    shown = {arguments: rbsuite(*arguments) for arguments in commands}
    assert "is reported separately" in shown["compare", habitat]
    assert "[left out: " in shown["memory", "export", gpqa]
    for arguments, text in shown.items():
        assert rbsuite(*arguments, without=installed) == text, arguments
