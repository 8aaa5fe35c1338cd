"""What the files of the repository must not hold."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
FOLDERS = ("rbsuite", "plugins", "prompts", "docs", "tests")
TEXT = {".py", ".md", ".toml", ".j2", ".json", ".jsonl", ".txt", ".cfg", ".ini", ".yml", ".yaml"}
SKIPPED = {"__pycache__", ".venv", ".tox", "node_modules", ".hypothesis", "build", "dist"}

# Written in pieces, so that this file does not hold what it looks for.
PATHS = tuple("/" + name + "/" for name in ("work", "root", "home/" + "user", "Us" + "ers", "tmp/py"))
HOSTS = tuple(
    ".".join(pieces)
    for pieces in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("index", "crates", "io"),
        ("proxy", "golang", "org"),
    )
)
CALLS = {"ev" + "al", "ex" + "ec"}
MODULES = {"pick" + "le", "cPick" + "le", "di" + "ll", "cloudpick" + "le", "mar" + "shal", "she" + "lve", "job" + "lib"}


def files(*suffixes: str) -> list[Path]:
    return sorted(
        path
        for folder in FOLDERS
        for path in (REPOSITORY / folder).rglob("*")
        if path.is_file()
        and path.suffix in (suffixes or TEXT)
        and not SKIPPED & set(path.parts)
        and not any(part.endswith(".egg-info") for part in path.parts)
    )


def name_of(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def test_there_is_something_to_look_at() -> None:
    assert len(files()) > 50
    assert {path.suffix for path in files()} >= {".py", ".j2"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_path_of_a_machine_and_no_registry(folder: str) -> None:
    found = []
    for path in files():
        if name_of(path).startswith(f"{folder}/"):
            text = path.read_text(encoding="utf-8")
            found += [f"{name_of(path)}: {word}" for word in (*PATHS, *HOSTS) if word in text]
    assert found == []


def test_text_is_utf8_with_unix_line_ends() -> None:
    for path in files():
        data = path.read_bytes()
        data.decode("utf-8")
        assert b"\r\n" not in data, name_of(path)


GUARDED = (
    "plugins/rbsuite-eb-habitat/rbsuite_eb_habitat/unpickle.py imports pickle",
    "rbsuite/data/unpickle.py imports pickle",
    "rbsuite/frozen.py calls exec",
)
"""The readers of pickles, which resolve no name that a pickle holds; their tests try hostile ones. And the maker of constructors, which
writes what it runs, from the names of a class's fields."""


def test_nothing_foreign_is_ever_run() -> None:
    """No code from text and no object from a file, outside the tests."""
    found = []
    for path in files(".py"):
        if "tests" in path.relative_to(REPOSITORY).parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
                found.append(f"{name_of(path)} calls {node.func.id}")
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [f"{name_of(path)} imports {name}" for name in names if name.partition(".")[0] in MODULES]
    assert [one for one in found if one not in GUARDED] == []
