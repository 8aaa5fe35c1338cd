"""The stand-in for EmbodiedBench, ready to be asked."""

from __future__ import annotations

import gc
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rbsuite_embodied.bridge.client import SERVER, Bridge
from rbsuite_embodied.bridge.settings import HOME, PYTHON, TIMEOUT, Settings

HERE = Path(__file__).parent
ENVIRONMENTS = {"eb-alfred": "alfred", "eb-habitat": "habitat"}
PATIENCE = 30.0


@dataclass
class Stub:
    """The stand-in, and what it leaves behind."""

    monkeypatch: pytest.MonkeyPatch
    tmp_path: Path

    def settings(self, timeout: float = 60.0) -> Settings:
        return Settings(sys.executable, str(HERE / "stub"), timeout)

    def bridge(self, environment: str = "eb-alfred", timeout: float = 60.0, server: Path = SERVER) -> Bridge:
        self.replay(environment)
        return self.connect(environment, self.settings(timeout), server)

    def connect(self, environment: str, settings: Settings, server: Path = SERVER) -> Bridge:
        """A bridge on which the other side has said who it is."""
        bridge = Bridge(environment, settings, server)
        bridge.greet()
        return bridge

    def replay(self, environment: str) -> None:
        path = HERE / "recordings" / f"{ENVIRONMENTS[environment]}.json"
        self.monkeypatch.setenv("EB_STUB_RECORDING", str(path))

    def replay_steps(self, *steps: dict[str, Any]) -> None:
        """One episode of these steps, whatever is done."""
        records = [{"action": "*", "progress": 0, "visible": [], **step} for step in steps]
        episode = {"instruction": "Do something.", "visible": [], "names": [], "steps": records}
        path = self.tmp_path / "recording.json"
        path.write_text(json.dumps({"base": [episode]}))
        self.monkeypatch.setenv("EB_STUB_RECORDING", str(path))

    def break_at(self, at: str, do: str, nth: int = 1) -> None:
        self.monkeypatch.setenv("EB_STUB_FAULT", json.dumps({"at": at, "do": do, "nth": nth}))

    def mend(self) -> None:
        self.monkeypatch.delenv("EB_STUB_FAULT")

    @property
    def children(self) -> list[int]:
        path = self.tmp_path / "children"
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    @property
    def log(self) -> list[str]:
        path = self.tmp_path / "log"
        return path.read_text().splitlines() if path.exists() else []

    def scratch(self) -> list[Path]:
        """The scratch directories that are still there."""
        return list((self.tmp_path / "scratch").iterdir())

    def gone(self, pid: int) -> bool:
        """Whether a process ends soon; one that nobody has reaped has ended."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
            if not found.stdout.strip() or found.stdout.strip().startswith("Z"):
                return True
            time.sleep(0.02)
        return False


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stub]:
    """The stand-in. Afterwards none of its processes may be left, and no scratch directory."""
    if shutil.which("ps") is None or shutil.which("sleep") is None:
        pytest.skip("ps and sleep are needed to see what becomes of processes")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setenv("EB_STUB_CHILDREN", str(tmp_path / "children"))
    monkeypatch.setenv("EB_STUB_LOG", str(tmp_path / "log"))
    monkeypatch.setenv(PYTHON, sys.executable)
    monkeypatch.setenv(HOME, str(HERE / "stub"))
    monkeypatch.setenv(TIMEOUT, "60")
    found = Stub(monkeypatch, tmp_path)
    yield found
    gc.collect()  # a process ends when its bridge is collected
    assert [pid for pid in found.children if not found.gone(pid)] == []
    assert found.scratch() == []
