"""What ``import rbsuite`` gives: its names, their homes, their types, and what it costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import rbsuite
from speed import slowness

SURFACE = """
Action Agent AgentServices AgentSpec AgentStart BankView ChatAgent ChatModel Check Completion Embedder EmbedderSpec
EndReason Environment EnvironmentFailure EnvironmentSpec Episode EpisodeServices Execution Experience Experiment Grade
Image Judge JudgeRequest JudgeServices JudgeSpec Measure Memory MemoryItem MemoryOp MemorySpec Message ModelError
ModelRequest ModelSpec NO_CHOICE Observation Option Outcome ParseFailure Provenance RbsuiteError Recall RecallRequest
ScalingSpec SelectorSpec Solution Split SyncEmbedder SyncEnvironment SyncEpisode Task TaskSet TextAgent ToolCall
ToolEpisode ToolError ToolResult ToolSpec Trajectory Usage User UserSpec Verdict __version__ aevaluate attribute evaluate fence
from_gymnasium hookimpl load_plugins plan play_actions render_transcript rules_of tool
"""

CPU_SECONDS = 0.060


def test_the_names_are_these() -> None:
    assert rbsuite.__all__ == sorted(SURFACE.split())
    assert dir(rbsuite) == rbsuite.__all__
    for name in SURFACE.split():
        assert getattr(rbsuite, name) is not None


def test_the_types_of_all_names_are_known_to_checkers() -> None:
    assert files("rbsuite").joinpath("py.typed").is_file()
    tree = ast.parse(Path(str(rbsuite.__file__)).read_text(encoding="utf-8"))
    typed = {
        (alias.asname, node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if (node.module or "").startswith("rbsuite.")
    }
    assert typed == {(name, rbsuite._HOME[name]) for name in SURFACE.split() if name != "__version__"}


def test_importing_it_costs_next_to_nothing() -> None:
    code = (
        "import time; before = time.process_time(); import rbsuite; spent = time.process_time() - before;"
        "import sys; print(spent); sys.exit(any(name in sys.modules for name in ('numpy', 'jinja2', 'click', 'pluggy')))"
    )
    tries = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(3)]
    assert min(float(done.stdout) for done in tries) <= CPU_SECONDS * max(1.0, slowness())
