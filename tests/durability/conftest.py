from __future__ import annotations

from pathlib import Path

import pytest

from processes import DEMANDING, Evaluation


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the processes of these tests keep compiled modules."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="session")
def evaluation(cache: Path) -> Evaluation:
    """Eight runs of six tasks that run ahead, half of them with three rollouts a task."""
    pytest.importorskip("rbsuite_tau_bench", reason="the processes run the sample of rbsuite-tau-bench")
    return Evaluation((*DEMANDING, "--limit", "6"), cache)


@pytest.fixture(scope="session")
def undisturbed(evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The experiment of :func:`evaluation`, run once from start to end."""
    directory = tmp_path_factory.mktemp("undisturbed") / "experiment"
    done = evaluation.run(directory)
    assert done.returncode == 0, done.stderr
    return directory
