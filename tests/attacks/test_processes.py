"""Kills and signals at random moments of an evaluation: the same command leads to the digest of an undisturbed one."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from killing import disturbed, measured
from processes import PATIENCE, Committed, Evaluation, committed, digest

pytestmark = pytest.mark.slow

SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
"""What is sent, and the exit code that says so."""


@pytest.mark.usefixtures("undisturbed")  # modules are compiled by then
def test_kills(evaluation: Evaluation, tmp_path: Path, chance: random.Random, counts: Counter[str], scale: int) -> None:
    longer, kills = evaluation.having("--limit", "24"), 12 * scale
    pace = measured(longer, tmp_path / "measured")
    tally = disturbed(longer, tmp_path, kills, pace, digest(tmp_path / "measured"), chance.getrandbits(32))
    counts.update(
        {"kills": tally.kills, "logs torn by them": tally.torn, "evaluations brought to their end": tally.rounds}
    )
    # One that is lost or done again has ended it with an error.
    counts["committed tasks found as they were"] = sum(tally.moments)
    assert tally.kills == kills
    assert len(set(tally.moments)) > kills // 3, "the processes were killed before they had done anything"


def test_signals(
    evaluation: Evaluation,
    undisturbed: Path,
    tmp_path: Path,
    chance: random.Random,
    counts: Counter[str],
    scale: int,
) -> None:
    pace = measured(evaluation, tmp_path / "measured")
    expected, number = digest(undisturbed), 0
    counts.update({"processes": 0, "stopped": 0, "done before": 0, "committed tasks lost": 0})
    while counts["processes"] < 12 * scale:
        home, done = tmp_path / str(number), False
        kept: Committed = {}
        number += 1
        while not done and counts["processes"] < 12 * scale:
            done = _signalled(evaluation, home, chance, pace.start + pace.work)
            counts["processes"] += 1
            counts["done before" if done else "stopped"] += 1
            now = committed(home)
            counts["committed tasks lost"] += len(kept.items() - now.items())
            kept = now
        last = evaluation.run(home)
        assert last.returncode == 0, last.stderr
        assert digest(home) == expected
    assert counts["committed tasks lost"] == 0
    assert counts["stopped"] > 0


def _signalled(evaluation: Evaluation, home: Path, chance: random.Random, seconds: float) -> bool:
    """Send some signals to an evaluation at a random moment; gives whether it got done in spite of them."""
    sent = [chance.choice(list(SIGNALS)) for _ in range(chance.randint(1, 4))]
    with evaluation.start(home) as process:
        time.sleep(chance.uniform(0, seconds))
        for one in sent:
            process.send_signal(one)
            time.sleep(chance.uniform(0, 0.01))
        _, err = process.communicate(timeout=PATIENCE)
    code = process.returncode
    # While the interpreter starts, nobody hears signals yet, and Python itself ends with the traceback of a KeyboardInterrupt.
    unheard = {-one for one in sent} | ({1} if "KeyboardInterrupt" in err else set())
    assert code in {0, *(SIGNALS[one] for one in sent), *unheard}, err
    if code > 1:
        (line,) = err.splitlines()
        assert line.startswith("rbsuite: error: ")
    return code == 0
