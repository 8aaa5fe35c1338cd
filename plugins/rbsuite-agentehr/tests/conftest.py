"""The synthetic hospital is written once for all tests, into a data directory of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from rbsuite_agentehr.environment import AgentEhr
from rbsuite_agentehr.hospital.writing import hospital_directory


@pytest.fixture(scope="session", autouse=True)
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RBSUITE_DATA", str(tmp_path_factory.mktemp("data")))
        yield hospital_directory()


@pytest.fixture
def environment() -> Iterator[AgentEhr]:
    made = AgentEhr()
    made.tasks("sample")
    yield made
    asyncio.run(made.aclose())
