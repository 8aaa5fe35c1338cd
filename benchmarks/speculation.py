"""How much faster an exact stream is when it runs ahead, and what that costs.

    python benchmarks/speculation.py [--data PACK] [--split test --domain retail] [--memory reasoningbank] [--windows off,1,4,16,auto]

The model is sim/learner with a latency of 100 ms a call, on a virtual clock: the times are those of the schedule, not of the machine.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from rbsuite.plugins import load_plugins
from rbsuite.run.config import Execution, make_config
from rbsuite.run.directory import open_experiment
from rbsuite.run.executors import run_experiment
from rbsuite.run.plan import make_plan
from rbsuite.store import ExperimentStore, experiment_digest
from rbsuite.testing.clock import run_virtual
from rbsuite.trajectory import Usage

LATENCY = 0.1
CONCURRENCY = 512


def main() -> None:
    """Measure and print."""
    packs = Path(
        os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).resolve().parents[1].parent / "shared" / "packs"
    )
    parser = argparse.ArgumentParser(description="Speed and cost of running ahead.")
    parser.add_argument("--data", default=str(packs / "tau-bench"))
    parser.add_argument("--split", default="test")
    parser.add_argument("--domain", default="retail")
    parser.add_argument("--memory", default="reasoningbank")
    parser.add_argument("--windows", default="off,1,4,16,32,auto")
    arguments = parser.parse_args()
    data = "" if arguments.split == "sample" else arguments.data
    config = make_config(
        {
            "env": "tau-bench",
            "split": arguments.split,
            "domain": arguments.domain,
            "data": data,
            "memory": (arguments.memory,),
            "orders": 1,
            "model": f"sim/learner:latency={LATENCY}",
        }
    )
    plan = make_plan(config, load_plugins())
    slowest = 0.0
    print(
        f"{arguments.split} {arguments.domain}: {len(plan.tasks)} tasks, {arguments.memory}, {LATENCY:g} s per call (simulated)"
    )
    for window in arguments.windows.split(","):
        with tempfile.TemporaryDirectory() as root, open_experiment(plan, Path(root)) as store:
            _, seconds = run_virtual(run_experiment(plan, store, Execution(CONCURRENCY, window)))
            slowest = slowest or seconds
            print(
                f"{window:>5}: {seconds:7.1f} s, {slowest / seconds:5.2f} x, {cost(store)}, {experiment_digest(store)[:12]}"
            )


def cost(store: ExperimentStore) -> str:
    """Rollouts started per task, and wasted calls per call that counted."""
    tasks = discarded = wasted = counted = 0
    for row in store.results(store.manifest.runs[0].id):
        tasks += 1
        counted += sum(row.usage.values(), Usage()).calls
        if row.whole is not None:
            discarded += row.whole.notes.get("discarded_rollouts", 0)
            wasted += row.whole.notes.get("wasted_calls", 0)
            counted += sum(row.whole.usage.values(), Usage()).calls
    return f"{1 + discarded / tasks:.2f} rollouts per task, {100 * wasted / counted:5.1f} % more calls"


if __name__ == "__main__":
    main()
