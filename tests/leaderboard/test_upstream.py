"""An export before tau2-bench's own model and schema of submissions.

Runs only where ``RBSUITE_TAU2_BENCH_CHECKOUT`` names a checkout of tau2-bench; ``RBSUITE_TAU2_BENCH_PYTHON`` is a Python with what upstream
imports (default: the checkout's ``.venv``).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest

from boards import EXAMPLE, Command, Example

CHECKOUT = os.environ.get("RBSUITE_TAU2_BENCH_CHECKOUT", "")
PYTHON = os.environ.get("RBSUITE_TAU2_BENCH_PYTHON") or f"{CHECKOUT}/.venv/bin/python"
SUBMISSIONS = Path(CHECKOUT) / "web" / "leaderboard" / "public" / "submissions"
READ = """
import sys
from tau2.scripts.leaderboard.submission import Submission
read = Submission.model_validate_json(sys.stdin.read())
print(read.model_dump_json())
"""


@pytest.mark.skipif(not CHECKOUT, reason="RBSUITE_TAU2_BENCH_CHECKOUT names no checkout")
@pytest.mark.parametrize(
    "said", [(), ("--evaluated", "2026-10-30", "--model-released", "2026-01-02", "--email", "a@b.c")]
)
def test_tau2_benchs_own_model_takes_an_export(
    rbsuite: Command, example: Example, tmp_path: Path, said: tuple[str, ...]
) -> None:
    root = tmp_path / "boards"
    shutil.copytree(example.root / EXAMPLE, root / EXAMPLE, ignore=shutil.ignore_patterns("submissions"))
    added = ("--board", EXAMPLE, "--root", root, "--system", "S", "--org", "O", "--date", "2026-11-01")
    name = f"exported-{len(said)}"
    link = ("--url", "https://example.org/s", "--name", name)
    assert rbsuite("leaderboard", "add", example.root.parent / "a", *added, *link, *said).code == 0
    text = rbsuite("leaderboard", "export", EXAMPLE, name, "--root", root).out
    environment = {**os.environ, "PYTHONPATH": str(Path(CHECKOUT).resolve() / "src")}
    done = subprocess.run(
        [PYTHON, "-c", READ], input=text, capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    given, read = json.loads(text), json.loads(done.stdout.splitlines()[-1])
    assert read["results"]["retail"] == {**given["results"]["retail"], "retrieval_config": None}
    assert set(given) <= set(read)
    assert read["methodology"]["verification"] == given["methodology"]["verification"]
    if (SUBMISSIONS / "schema.json").is_file():
        jsonschema.validate(given, json.loads((SUBMISSIONS / "schema.json").read_text(encoding="utf-8")))
