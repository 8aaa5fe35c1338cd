"""A finished experiment can be read, compared and exported where none of its plugins is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path

from rbsuite.plugins import DISABLE_VARIABLE, GROUP

INSTALLED = sorted(entry.name for entry in entry_points(group=GROUP))
PROGRAM = """
import json, sys
from click.testing import CliRunner
from rbsuite.cli import command
shown = []
for arguments in json.loads(sys.argv[1]):
    result = CliRunner().invoke(command, arguments)
    shown.append(result.stdout if result.exception is None else repr(result.exception))
print(json.dumps(shown))
"""


def rbsuite(*commands: Sequence[str], without: Sequence[str] = ()) -> list[str]:
    """What commands print in a process of their own, in which some plugins are not installed."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(commands)],
        env={**os.environ, DISABLE_VARIABLE: ",".join(without)},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return list(json.loads(done.stdout))


def test_everything_is_shown_as_with_them(tmp_path: Path) -> None:
    # One has measures and domains that are reported separately, the other answers of a private benchmark.
    habitat, gpqa = (str(tmp_path / env) for env in ("eb-habitat", "gpqa"))
    options = ("--orders", "1", "--quiet")
    rbsuite(
        ("eval", "--env", "eb-habitat", "--memory", "none,dynamic-cheatsheet", "--out", habitat, *options),
        ("eval", "--env", "gpqa", "--memory", "placebo,reasoningbank", "--out", gpqa, *options),
    )
    rescore = ("rescore", gpqa, "--reader", "rbsuite")
    commands = [
        *(("compare", place, *form) for place in (habitat, gpqa) for form in ((), ("--json",))),
        *(("eval", "--from", place, *form) for place in (habitat, gpqa) for form in ((), ("--json",))),
        *(("memory", "list", place) for place in (habitat, gpqa)),
        ("memory", "show", habitat, "cheatsheet"),
        *(("compare", place, "--flips") for place in (habitat, gpqa)),
        *(("memory", "helped", place) for place in (habitat, gpqa)),
        ("diff", habitat, gpqa),
        ("memory", "search", gpqa, "Which of these is the heavier?"),
        *(("memory", "export", place) for place in (habitat, gpqa)),
    ]
    shown = rbsuite(*commands)
    assert "is reported separately" in shown[0]
    assert "[left out: " in shown[commands.index(("memory", "export", gpqa))]
    for missing in rbsuite(("eval", "--env", "gpqa"), rescore, without=INSTALLED):
        assert "gpqa" in missing
        assert "UnknownNameError" in missing
    assert rbsuite(*commands, without=INSTALLED) == shown
