"""A process that is killed at any moment leaves a prefix of the run, and going on gives the result of an undisturbed run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

from rbsuite.seeds import rng
from rbsuite.store import ExperimentStore, experiment_digest

SCRIPT = Path(__file__).with_name("committer.py")
TASKS = 400
KILLS = 10


def committer(directory: Path, pause: int) -> subprocess.Popen[str]:
    """Start the process, which commits at most so many tasks and then waits."""
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(directory), str(TASKS), str(pause)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def killed_after(directory: Path, lines: int, delay: float) -> list[int]:
    """Kill the process some time after it has said so many positions; gives all positions that it said."""
    with committer(directory, lines + 20) as process:
        assert process.stdout is not None
        said = [int(process.stdout.readline()) for _ in range(lines)]
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
        # The last line may be torn.
        said.extend(int(line) for line in process.stdout if line.endswith("\n"))
        assert process.wait(60) == -signal.SIGKILL
    return said


def test_kill_at_random_moments(tmp_path: Path, samples: ModuleType) -> None:
    chance, directory, acknowledged = rng("kill"), tmp_path / "killed", -1
    for _ in range(KILLS):
        said = killed_after(directory, chance.randint(1, 15), chance.uniform(0, 0.004))
        assert said == list(range(said[0], said[0] + len(said)))
        acknowledged = said[-1]
        with ExperimentStore.open(directory, readonly=True) as store:
            committed = store.committed(samples.RUN)
            assert committed >= acknowledged + 1
            assert store.verify_chain(samples.RUN) == store.state(samples.RUN)[1]
            assert [record.position for record in store.records(samples.RUN)] == list(range(committed))
    assert acknowledged < TASKS - 1, "the runs were over before they were killed"
    with committer(directory, TASKS) as process:
        process.communicate(timeout=120)
    assert process.returncode == 0
    with ExperimentStore.create(tmp_path / "undisturbed", samples.manifest(TASKS)) as calm:
        for record in samples.records(TASKS):
            calm.commit(samples.RUN, record)
        with ExperimentStore.open(directory) as store:
            assert store.run_finished(samples.RUN)
            assert experiment_digest(store) == experiment_digest(calm)


def test_kill_during_creation_leaves_all_or_nothing(tmp_path: Path, samples: ModuleType) -> None:
    chance = rng("create")
    for turn in range(4):
        directory = tmp_path / str(turn)
        with committer(directory, 1) as process:
            deadline = time.monotonic() + 60
            while not directory.exists() and time.monotonic() < deadline:
                time.sleep(0.0005)
            time.sleep(chance.uniform(0, 0.01))
            os.kill(process.pid, signal.SIGKILL)
        if not (directory / "experiment.sqlite").exists():
            ExperimentStore.create(directory, samples.manifest(TASKS)).close()
        with ExperimentStore.open(directory) as store:
            assert store.manifest == samples.manifest(TASKS)
