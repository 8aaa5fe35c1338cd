"""The memory service that docs/memories.md shows in full, as a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import rbsuite
from rbsuite.testing import check_memory, require_kept

PAGE = Path(__file__).parents[2] / "docs" / "memories.md"


@pytest.fixture
def url(pages: ModuleType, tmp_path: Path) -> Iterator[str]:
    [file] = [path for path in pages.write_files(PAGE, tmp_path) if path.name == "memory_service.py"]
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 40
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(file), str(port)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(500):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def test_the_service_keeps_the_contract_and_helps(url: str, tmp_path: Path) -> None:
    require_kept(check_memory(f"http:url={url}"))
    memory = ["none", f"http:url={url}"]
    with rbsuite.evaluate("tau-bench", memory=memory, limit=10, orders=2, out=tmp_path / "out") as experiment:
        off, on = experiment.summary().conditions
        assert on.success.mean > off.success.mean
        assert on.recalled > 0.5
        assert on.failures == 0
