"""The engine that all tests of sandboxes share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fake_engine import FakeEngine


@pytest.fixture
def fake_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[list[str]]]:
    """Puts it on the path as podman and docker; gives the calls so far."""
    engine = FakeEngine(tmp_path / "engine")
    monkeypatch.setenv("PATH", engine.path)
    return engine.calls
