from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest


def pack_file(pack: str, name: str) -> Path:
    """A file of an upstream pack; the test is skipped where the pack is absent."""
    packs = Path(os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).resolve().parents[5] / "shared" / "packs")
    path = packs / pack / name
    if not path.exists():
        pytest.skip(f"the pack {pack!r} is absent (set RBSUITE_TEST_PACKS)")
    return path


@pytest.fixture(scope="session")
def verdicts() -> list[dict[str, Any]]:
    """Pairs of output and right answer with the verdicts of the harnesses' own code."""
    found: list[dict[str, Any]] = json.loads(pack_file("harness-verdicts", "verdicts.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="session")
def real_outputs() -> list[dict[str, Any]]:
    """Real outputs on MMLU-Pro with what each harness extracts."""
    text = pack_file("mmlu-pro", "outputs_sample.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]
