from __future__ import annotations

from pathlib import Path

import pytest

from processes import Evaluation

OPTIONS = (
    "--env", "tau-bench", "--model", "sim/learner:latency=0.002", "--memory", "none,reasoningbank",
    "--scaling", "single,parallel:3", "--speculate", "8", "--orders", "2", "--quiet", "--json",
)  # fmt: skip


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the processes of these tests keep compiled modules."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="session")
def evaluation(cache: Path) -> Evaluation:
    """Eight runs of six tasks that run ahead, half of them with three rollouts a task."""
    pytest.importorskip("rbsuite_tau_bench", reason="the processes run the sample of rbsuite-tau-bench")
    return Evaluation((*OPTIONS, "--limit", "6"), cache)


@pytest.fixture(scope="session")
def undisturbed(evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The experiment of :func:`evaluation`, run once from start to end."""
    directory = tmp_path_factory.mktemp("undisturbed") / "experiment"
    done = evaluation.run(directory)
    assert done.returncode == 0, done.stderr
    return directory
