"""The server runs in a Python that is not rbsuite's."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rbsuite_embodied.bridge.client import SERVER

SOURCE = SERVER.read_text(encoding="utf-8")
TREE = ast.parse(SOURCE, feature_version=(3, 8))
LATER = {"removeprefix", "removesuffix", "bit_count", "is_relative_to", "hardlink_to", "with_stem", "readlink", "walk"}
"""Methods that Python 3.8 lacks."""


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield node.module or ""


def test_syntax_is_that_of_python_3_8() -> None:
    assert any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in TREE.body)
    # Syntax that the parser lets pass whatever the version, and that would be evaluated.
    for node in ast.walk(TREE):
        assert not isinstance(node, ast.Match | ast.TryStar), f"line {node.lineno}"
        if isinstance(node, ast.With):
            assert len(node.items) == 1, f"line {node.lineno}"


def test_nothing_but_the_standard_library_is_imported() -> None:
    assert {name.partition(".")[0] for name in imported(TREE)} <= sys.stdlib_module_names


def test_no_later_methods_and_no_unions_at_run_time() -> None:
    for node in ast.walk(TREE):
        if isinstance(node, ast.Attribute):
            assert node.attr not in LATER, f"line {node.lineno}"
        if isinstance(node, ast.Call):
            assert "strict" not in {keyword.arg for keyword in node.keywords}, f"line {node.lineno}"
            for argument in node.args:
                assert not (isinstance(argument, ast.BinOp) and isinstance(argument.op, ast.BitOr)), (
                    f"line {node.lineno}"
                )


@pytest.mark.parametrize("version", ["3.8", "3.9"])
def test_it_answers_in_an_older_python(version: str, tmp_path: Path) -> None:
    python = shutil.which(f"python{version}")
    if python is None or subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip(f"there is no Python {version} here")
    requests = '{"id": 1, "cmd": "hello", "protocol": 1, "environment": "eb-alfred"}\n{"id": 2, "cmd": "close"}\n'
    command = [python, "-u", str(SERVER)]
    done = subprocess.run(
        command, input=requests, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False
    )
    assert done.stderr == ""
    assert f'"python": "{version}.' in done.stdout
    assert len(done.stdout.splitlines()) == 2
