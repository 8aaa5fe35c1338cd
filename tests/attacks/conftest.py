"""How many tries an attack makes, from which seed, and what it counted, told at the end of the session."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

import pytest

from processes import DEMANDING, Evaluation
from rbsuite.seeds import rng


@pytest.fixture(scope="session")
def scale() -> int:
    """By how much the attacks are larger than by default."""
    return int(os.environ.get("RBSUITE_ATTACKS", "1"))


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """What a test draws from: the same each time for the same seed."""
    return rng("attacks", request.node.name, int(os.environ.get("RBSUITE_ATTACKS_SEED", "0")))


@pytest.fixture
def counts(record_property: pytest.RecordProperty) -> Counter[str]:
    """What a test counts; it is printed at the end of the session, also where the test fails."""
    found: Counter[str] = Counter()
    record_property("counts", found)
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows = [
        (report.nodeid.rpartition("::")[2], outcome, dict(report.user_properties)["counts"])
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if report.when == "call" and "counts" in dict(report.user_properties)
    ]
    if rows:
        terminalreporter.section("attacks")
    for name, outcome, found in rows:
        told = ", ".join(f"{number} {what}" for what, number in found.items())
        terminalreporter.write_line(f"{name} ({outcome}): {told}")


@pytest.fixture(scope="session")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """Eight runs of six tasks that run ahead."""
    pytest.importorskip("rbsuite_tau_bench", reason="the processes run the sample of rbsuite-tau-bench")
    return Evaluation((*DEMANDING, "--limit", "6"), tmp_path_factory.mktemp("compiled"))


@pytest.fixture(scope="session")
def undisturbed(evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The experiment of :func:`evaluation`, run once from start to end."""
    directory = tmp_path_factory.mktemp("undisturbed") / "experiment"
    done = evaluation.run(directory)
    assert done.returncode == 0, done.stderr
    return directory
