"""Who reads how a task is run goes down through ``rbsuite/run`` and never back up: neither imports nor calls point the other way."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import FrameType

import rbsuite.run
from experiments import measure
from toy import ToyPlugin

HOME = Path(rbsuite.run.__file__).parent
DOWN = [
    "executors",
    "worker",
    "stream",
    "task_run",
    "rollout",
    "recalls",
    "roles",
    "parts",
    "reads",
    "sink",
    "observers",
]
"""What runs a task, from the top; the other modules prepare a run, or look after one."""


def imports(module: str) -> set[str]:
    tree = ast.parse((HOME / f"{module}.py").read_text(encoding="utf-8"))
    found = (node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return {name.rpartition(".")[2] for name in found if name.startswith("rbsuite.run.")}


def test_imports_go_down() -> None:
    every = {path.stem for path in HOME.glob("*.py")}
    assert set(DOWN) <= every
    assert [
        (one, other) for one in DOWN for other in imports(one) & set(DOWN) if DOWN.index(other) <= DOWN.index(one)
    ] == []
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail
        for other in imports(module) - done:
            visit(other, (*trail, module))
        done.add(module)

    for module in sorted(every):
        visit(module, ())


def test_calls_go_down(tmp_path: Path) -> None:
    calls: set[tuple[str, str]] = set()

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_back is not None and frame.f_code.co_name != "<module>":
            caller, callee = (Path(one.f_code.co_filename) for one in (frame.f_back, frame))
            if callee.parent == HOME == caller.parent:
                calls.add((caller.stem, callee.stem))

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        with measure(tmp_path, ToyPlugin(), memory=("reasoningbank",), scaling=("single", "parallel:2"), limit=2):
            pass
    finally:
        sys.setprofile(before)
    walked = {(one, other) for one, other in calls if one in DOWN and other in DOWN and one != other}
    assert ("stream", "task_run") in walked
    assert ("task_run", "rollout") in walked
    assert {(one, other) for one, other in walked if DOWN.index(other) < DOWN.index(one)} == set()
