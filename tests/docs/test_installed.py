"""What the guides install can be installed, and the notebook's cells run in Jupyter's kernel: from an index, in minutes (``-m slow``)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
CELLS = """
import json, sys
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

notebook = new_notebook(cells=[new_code_cell(text) for text in json.load(sys.stdin)])
NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
json.dump([[dict(output) for output in cell.outputs] for cell in notebook.cells], sys.stdout)
"""

pytestmark = pytest.mark.slow


def commands(pages: ModuleType, name: str) -> str:
    found = [
        block.text for block in pages.blocks(ROOT / "docs" / name) if block.argument == "tests/docs/test_installed.py"
    ]
    (text,) = found
    return text


@pytest.fixture
def fresh(tmp_path: Path) -> dict[str, str]:
    """The variables of a new environment that finds this project's own distributions in a directory, and others in the index."""
    for home in (ROOT, ROOT / "plugins" / "rbsuite-questions", ROOT / "plugins" / "rbsuite-aime"):
        build = [
            sys.executable,
            "-m",
            "build",
            "--wheel",
            "--no-isolation",
            "--outdir",
            str(tmp_path / "wheels"),
            str(home),
        ]
        subprocess.run(build, check=True, capture_output=True)
    venv.create(tmp_path / "venv", with_pip=True)
    path = f"{tmp_path / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PIP_FIND_LINKS": str(tmp_path / "wheels"), "HOME": str(tmp_path)}


def test_the_tools_that_publish_are_installed(pages: ModuleType, fresh: dict[str, str]) -> None:
    subprocess.run(["sh", "-e", "-c", commands(pages, "write-a-plugin.md")], env=fresh, check=True, capture_output=True)
    done = subprocess.run(["twine", "--version"], env=fresh, check=True, capture_output=True, text=True)
    assert done.stdout.startswith("twine version")


def test_the_cells_of_the_notebook_run_in_a_kernel(pages: ModuleType, fresh: dict[str, str], tmp_path: Path) -> None:
    subprocess.run(["sh", "-e", "-c", commands(pages, "notebook.md")], env=fresh, check=True, capture_output=True)
    cells = [block.text for block in pages.blocks(ROOT / "docs" / "notebook.md") if block.language == "python"]
    python = str(tmp_path / "venv" / "bin" / "python")
    done = subprocess.run(
        [python, "-c", CELLS],
        input=json.dumps(cells),
        cwd=tmp_path,
        env=fresh,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    progress, result = json.loads(done.stdout)[0]
    assert progress["data"]["text/html"].startswith('<progress value="48" max="48">')
    assert result["data"]["text/plain"] == "<Experiment demo: 48 of 48 tasks, simulated>"
