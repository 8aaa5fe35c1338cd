"""Ctrl-C while a stream runs ahead: what is being written is finished, the exit code is 130, and the last line says how to go on."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from processes import PATIENCE, Evaluation, committed, digest, tasks_committed, wait_until
from rbsuite.seeds import rng


@pytest.mark.parametrize("signals", [1, 2, 5])
def test_interrupt(evaluation: Evaluation, undisturbed: Path, tmp_path: Path, signals: int) -> None:
    """Several signals at once are an impatient user: the second one interrupts the clearing up."""
    chance, home = rng("interrupt", signals), tmp_path / "experiment"
    with evaluation.start(home) as process:
        assert wait_until(lambda: tasks_committed(home) > 2, process)
        time.sleep(chance.uniform(0, 0.3))
        for _ in range(signals):
            process.send_signal(signal.SIGINT)
            time.sleep(chance.uniform(0, 0.002))
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines() == [
        f"rbsuite: error: stopped; what was committed is kept. Resume with: rbsuite eval --from {home}"
    ]
    kept = committed(home)
    assert 2 < len(kept) < 48
    done = evaluation.run(home)
    assert done.returncode == 0, done.stderr
    assert kept.items() <= committed(home).items()
    assert digest(home) == digest(undisturbed)


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.2])
def test_interrupt_before_anything_is_committed(evaluation: Evaluation, tmp_path: Path, delay: float) -> None:
    home = tmp_path / "experiment"
    with evaluation.start(home) as process:
        assert wait_until((home / "locks").exists, process, 0.001)
        time.sleep(delay)
        for _ in range(3):
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (130, "")
    (line,) = err.splitlines()
    assert line.startswith(("rbsuite: error: interrupted.", "rbsuite: error: stopped; what was committed is kept."))
    assert len(committed(home)) < 48, "the store is valid as far as there is one"
