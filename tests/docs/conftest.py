"""The documentation's blocks, as ``docs/pages.py`` finds them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load(path: Path, name: str) -> ModuleType:
    """Run a Python file as a module of the given name."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


pages_module = load(ROOT / "docs" / "pages.py", "documentation_pages")


@pytest.fixture(scope="session")
def pages() -> ModuleType:
    """``docs/pages.py``."""
    return pages_module


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests that take a ``page`` on every page."""
    if "page" in metafunc.fixturenames:
        found = pages_module.pages()
        metafunc.parametrize("page", found, ids=[str(path.relative_to(ROOT)) for path in found])
