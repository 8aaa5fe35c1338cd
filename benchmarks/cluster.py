"""How long an experiment would take on 1 to 64 nodes of a cluster (simulated).

    python benchmarks/cluster.py [--latency 1.0] [--cpus 8] [--concurrency 256] [--ahead 4.0]

The schedule is of 10 memories x 10 orders x 500 tasks: a run has the CPU of a node to its end, its tasks come one after the other, and how
many calls each makes is drawn from the store of a tau-bench experiment that is run for it, of three memories. ``--ahead`` is how many times
faster running ahead makes a run; calls that are thrown away are not counted. All calls together can be no faster than ``--concurrency`` at
once.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import tempfile
from pathlib import Path
from random import Random

from rbsuite.plugins import load_plugins
from rbsuite.run.config import Execution, make_config
from rbsuite.run.directory import open_experiment
from rbsuite.run.executors import run_experiment
from rbsuite.run.plan import make_plan
from rbsuite.seeds import derive_seed
from rbsuite.store import ExperimentStore
from rbsuite.trajectory import Usage

RUNS, TASKS = 100, 500
MEMORIES = ("none", "reasoningbank", "awm")


def calls_of_tasks() -> list[list[int]]:
    """How many calls each task took, by memory, in an experiment that is run for this."""
    plan = make_plan(make_config({"env": "tau-bench", "memory": MEMORIES, "orders": 2}), load_plugins())
    with tempfile.TemporaryDirectory() as root, open_experiment(plan, Path(root)) as store:
        asyncio.run(run_experiment(plan, store, Execution()))
        return [_calls(store, info.id) for info in store.manifest.runs]


def _calls(store: ExperimentStore, run: str) -> list[int]:
    found = []
    for row in store.results(run):
        whole = sum(row.whole.usage.values(), Usage()).calls if row.whole is not None else 0
        found.append(sum(row.usage.values(), Usage()).calls + whole)
    return found


def wall(lengths: list[float], slots: int) -> float:
    """Seconds until the last run ends where each takes the first place that is free."""
    free = [0.0] * slots
    for length in lengths:
        heapq.heappush(free, heapq.heappop(free) + length)
    return max(free)


def schedule(latency: float, cpus: int, concurrency: int, ahead: float) -> None:
    """Simulate and print the schedule on 1 to 64 nodes."""
    random, drawn = Random(derive_seed(0, "schedule")), calls_of_tasks()
    calls = [sum(random.choices(drawn[number % len(drawn)], k=TASKS)) for number in range(RUNS)]
    print(f"simulated: {RUNS} runs of {TASKS} tasks, {sum(calls)} calls of {latency:g} s, {cpus} runs a node")
    for faster in (1.0, ahead):
        lengths = [latency * number / faster for number in calls]
        least = {"the longest run": max(lengths), "--concurrency": latency * sum(calls) / concurrency}
        for nodes in (1, 2, 4, 8, 16, 32, 64):
            bounds = {"CPUs": wall(lengths, nodes * cpus), **least}
            most = max(bounds.values())
            by = next(name for name in ("the longest run", "--concurrency", "CPUs") if bounds[name] == most)
            print(f"{faster:g} x ahead, {nodes:2} nodes: {most / 3600:6.2f} h, bounded by {by}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="A schedule on 1 to 64 nodes (simulated).")
    parser.add_argument("--latency", type=float, default=1.0)
    parser.add_argument("--cpus", type=int, default=8)
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--ahead", type=float, default=4.0)
    arguments = parser.parse_args()
    schedule(arguments.latency, arguments.cpus, arguments.concurrency, arguments.ahead)


if __name__ == "__main__":
    main()
