"""What the tests of this plugin share: the imported pack, where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rbsuite_toolsandbox import Pack

PACKS = os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).resolve().parents[4] / "shared" / "packs"
ROOT = Path(PACKS) / "toolsandbox"


@pytest.fixture(scope="session")
def root() -> Path:
    """Upstream's data with its records."""
    if not (ROOT / "records").is_dir():
        pytest.skip(f"no toolsandbox pack with records in {ROOT}")
    return ROOT


@pytest.fixture(scope="session")
def pack(root: Path) -> Pack:
    return Pack(root)
