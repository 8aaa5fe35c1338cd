"""What long streams cost: running ahead against one task at a time, the size of the store, and `rbsuite compare` over it.

    python benchmarks/long_streams.py [--data PACK] [--memory NAME ...] [--limit N] [--rounds N]

The questions are MMLU-Pro's test split: a pack named by ``--data``, else the one in ``shared/packs`` next to the repository, else the
imported one. Each experiment has one order of ``none`` and of the memory. Running ahead (``--speculate auto``) and running one task after
the other (``off``) alternate in one process, the simulated learner in process, so that a busy machine slows both equally.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from question_answering import packs
from rbsuite.cli import run as rbsuite
from rbsuite.plugins import load_plugins
from rbsuite.run.config import Execution, make_config
from rbsuite.run.directory import open_experiment
from rbsuite.run.executors import run_experiment
from rbsuite.run.plan import Plan, make_plan

MOST_AHEAD = 1.2
"""CPU of running ahead, relative to that of not doing so."""
MOST_MB = 80
"""Size of a store of 20,000 tasks."""
MOST_SECONDS = 3.0
"""CPU of comparing 20,000 rollouts."""
TASKS = 20_000


def measure(plan: Plan, speculate: str) -> tuple[float, float, float]:
    """Run an experiment.

    Returns:
        CPU seconds of the run; size of the store in MB; CPU seconds of ``rbsuite compare``.
    """
    with tempfile.TemporaryDirectory() as root:
        home = Path(root) / "experiment"
        with open_experiment(plan, home) as store:
            started = time.process_time()
            asyncio.run(run_experiment(plan, store, Execution(speculate=speculate)))
            ran = time.process_time() - started
        size = (home / "experiment.sqlite").stat().st_size / 2**20
        started = time.process_time()
        with contextlib.redirect_stdout(io.StringIO()):
            code = rbsuite(["compare", str(home)])
        if code:
            raise SystemExit(code)
        return ran, size, time.process_time() - started


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and fail if a limit is exceeded."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", default=packs(), help="an MMLU-Pro pack")
    parser.add_argument("--memory", action="append", help="memory to run; may be repeated [default: reasoningbank]")
    parser.add_argument("--limit", type=int, default=5_600, help="length of each stream")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each kind; the least CPU counts")
    given = parser.parse_args(arguments)
    within = True
    for memory in given.memory or ["reasoningbank"]:
        options = {"env": "mmlu-pro", "split": "test", "data": given.data, "memory": ("none", memory), "orders": 1}
        plan = make_plan(make_config({**options, "limit": given.limit}), load_plugins())
        rounds = [(measure(plan, "off"), measure(plan, "auto")) for _ in range(given.rounds)]
        off, ahead = (min(one[kind][0] for one in rounds) for kind in (0, 1))
        compared = min(found[2] for one in rounds for found in one)
        rollouts = 2 * len(plan.tasks)
        size = rounds[0][0][1] * TASKS / rollouts
        quick = compared <= MOST_SECONDS * max(1.0, rollouts / TASKS)
        within = within and ahead <= MOST_AHEAD * off and size <= MOST_MB and quick
        print(f"none, {memory}: {rollouts:,} rollouts of {len(plan.tasks):,} questions each, {given.rounds} rounds")
        print(f"  off {off:.1f} s CPU, auto {ahead:.1f} s: {ahead / off:.2f} times (limit {MOST_AHEAD:g})")
        print(f"  store {rounds[0][0][1]:.0f} MB; of 20,000 tasks {size:.0f} MB (limit {MOST_MB})")
        print(f"  compare {compared:.1f} s CPU (limit {MOST_SECONDS:g} up to 20,000 rollouts)")
    return 0 if within else 1


if __name__ == "__main__":
    raise SystemExit(main())
