"""``kill -9`` of evaluations at random moments, each followed by the same command."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from processes import FILE, PATIENCE, Committed, Evaluation, committed, digest, tasks_committed, torn, wait_until
from rbsuite.seeds import rng
from rbsuite.store import ExperimentStore


@dataclass(frozen=True)
class Pace:
    """How long a process takes: seconds until the store is there, seconds of work, tasks committed."""

    start: float
    work: float
    tasks: int


def measured(evaluation: Evaluation, directory: Path) -> Pace:
    """Run an evaluation undisturbed, and say how long it takes."""
    began = time.monotonic()
    with evaluation.start(directory) as process:
        assert wait_until((directory / FILE).exists, process)
        there = time.monotonic()
        with ExperimentStore.open(directory, readonly=True) as store:
            tasks = sum(len(info.tasks) for info in store.manifest.runs)
        assert wait_until(lambda: tasks_committed(directory) == tasks, process)
        done = time.monotonic()
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    return Pace(there - began, done - there, tasks)


@dataclass
class Tally:
    """What became of the processes."""

    kills: int = 0
    torn: int = 0
    starts: int = 0
    rounds: int = 0
    moments: list[int] = field(default_factory=list)


def kill_at_a_time(process: subprocess.Popen[str], chance: random.Random, pace: Pace, kills: int) -> bool:
    """Kill at any time of a process's life: while it starts too."""
    time.sleep(chance.uniform(0.7 * pace.start, pace.start + 3 * pace.work / kills))
    return killed(process)


def kill_at_a_commit(process: subprocess.Popen[str], directory: Path, more: int) -> bool:
    """Kill when the log is being written, after so many more tasks."""
    goal, log = tasks_committed(directory) + more, directory / f"{FILE}-wal"
    if wait_until(lambda: tasks_committed(directory) >= goal, process):
        before = written(log)
        wait_until(lambda: written(log) != before, process, 0)
    return killed(process)


def written(log: Path) -> tuple[int, int]:
    try:
        status = log.stat()
    except FileNotFoundError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def killed(process: subprocess.Popen[str]) -> bool:
    process.kill()
    _, err = process.communicate(timeout=PATIENCE)
    if process.returncode == 0:
        return False  # it was done before
    assert process.returncode == -signal.SIGKILL, err
    return True


def disturbed(evaluation: Evaluation, root: Path, kills: int, pace: Pace, expected: str, seed: int = 0) -> Tally:
    """Kill so many processes, starting experiments anew as often as one gets done in spite of it."""
    tally, chance = Tally(), rng("durability", kills, seed)
    while tally.kills < kills:
        directory = root / str(tally.rounds)
        kept: Committed = {}
        tally.rounds += 1
        done = False
        while tally.kills < kills and not done:
            process = evaluation.start(directory)
            tally.starts += 1
            if tally.kills % 2:
                done = not kill_at_a_time(process, chance, pace, kills)
            else:
                done = not kill_at_a_commit(process, directory, chance.randint(1, 2 * pace.tasks // kills))
            tally.kills += not done
            tally.torn += torn(directory)
            now = committed(directory)
            assert kept.items() <= now.items(), "what was committed has changed: it was done again"
            tally.moments.append(len(now))
            kept = now
        if not done:
            last = evaluation.run(directory)
            tally.starts += 1
            assert last.returncode == 0, last.stderr
            assert kept.items() <= committed(directory).items()
        assert digest(directory) == expected
    return tally
