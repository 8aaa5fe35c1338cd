"""How long an experiment would take on 1 to 64 nodes of a cluster (simulated), and what Ray adds to a task on this machine (measured).

    python benchmarks/cluster.py [--latency 1.0] [--cpus 8] [--concurrency 256] [--ahead 4.0]
    python benchmarks/cluster.py --overhead 9 [--ray-address HOST:PORT]

The schedule covers 10 memories x 10 orders x 500 tasks: a run occupies a CPU of a node until it ends, its tasks come one after the other,
and the number of calls each makes is drawn from the store of a tau-bench experiment with three memories, run for this purpose. ``--ahead``
is how many times faster running ahead makes a run; discarded calls are not counted. At most ``--concurrency`` calls run at the same time.

``--overhead`` runs one stream of tau-bench tasks this many times, alternating between the executors local and ray: with a model in the
worker's process, and with one behind a server, where the worker asks the actor that keeps the limits before each call. What is compared is
the time per task between the first and the last commit; the time to the first is reported separately.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from rbsuite.hookspecs import hookimpl
from rbsuite.plugins import load_plugins
from rbsuite.record import RunInfo
from rbsuite.run.config import Execution, make_config
from rbsuite.run.directory import open_experiment
from rbsuite.run.executors import run_experiment
from rbsuite.run.plan import make_plan
from rbsuite.run.ray_nodes import connect
from rbsuite.seeds import derive_seed
from rbsuite.store import ExperimentStore
from rbsuite.trajectory import Usage

RUNS, TASKS = 100, 500
MEMORIES = ("none", "reasoningbank", "awm")


def calls_of_tasks() -> list[list[int]]:
    """How many calls each task took, by memory, in an experiment run for this purpose."""
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
    """Seconds until the last run ends if each takes the first free slot."""
    free = [0.0] * slots
    for length in lengths:
        heapq.heappush(free, heapq.heappop(free) + length)
    return max(free)


def schedule(latency: float, cpus: int, concurrency: int, ahead: float) -> None:
    """Simulate and print the schedule on 1 to 64 nodes."""
    random, drawn = Random(derive_seed(0, "schedule")), calls_of_tasks()
    calls = [sum(random.choices(drawn[number % len(drawn)], k=TASKS)) for number in range(RUNS)]
    print(f"simulated: {RUNS} runs of {TASKS} tasks, {sum(calls)} calls of {latency:g} s, {cpus} runs per node")
    for faster in (1.0, ahead):
        lengths = [latency * number / faster for number in calls]
        least = {"the longest run": max(lengths), "--concurrency": latency * sum(calls) / concurrency}
        for nodes in (1, 2, 4, 8, 16, 32, 64):
            bounds = {"CPUs": wall(lengths, nodes * cpus), **least}
            most = max(bounds.values())
            by = next(name for name in ("the longest run", "--concurrency", "CPUs") if bounds[name] == most)
            print(f"{faster:g} x ahead, {nodes:2} nodes: {most / 3600:6.2f} h, bounded by {by}")


class Commits:
    """An observer that notes when tasks are committed."""

    def __init__(self) -> None:
        self.times: list[float] = []

    @hookimpl
    def rbsuite_task_committed(self, run: RunInfo) -> None:
        """Note the time."""
        self.times.append(time.perf_counter())


def stream(model: str, execution: Execution) -> tuple[float, float, float]:
    """Run one stream; returns the seconds to its first commit, the seconds per further task, and the calls per task."""
    commits = Commits()
    config = make_config({"env": "tau-bench", "memory": ("none",), "orders": 1, "model": model})
    plan = make_plan(config, load_plugins([("commits", commits)]), execution)
    with tempfile.TemporaryDirectory() as root, open_experiment(plan, Path(root)) as store:
        start = time.perf_counter()
        asyncio.run(run_experiment(plan, store, execution))
        calls = _calls(store, store.manifest.runs[0].id)
    first, last = commits.times[0], commits.times[-1]
    return first - start, (last - first) / (len(commits.times) - 1), statistics.mean(calls)


def overhead(rounds: int, address: str) -> None:
    """Measure and print what Ray adds to a task."""
    ray, own = connect(address)
    try:
        with served() as url:
            for model in ("sim/learner", f"sim/learner:server={url}"):
                rounds_of = []
                for number in range(rounds + 1):
                    local = stream(model, Execution())
                    spread = stream(model, Execution(executor="ray", ray_address=address))
                    if not number:
                        continue  # the first round only warms up: it reads and compiles
                    rounds_of.append((local[1], spread[1]))
                    print(
                        f"{model}: {local[2]:.1f} calls per task; local {1000 * local[1]:.2f} ms per task, ray"
                        f" {1000 * spread[1]:.2f} ms; first commit after {local[0]:.2f} s, {spread[0]:.2f} s"
                    )
                paired = statistics.median(there - here for here, there in rounds_of)
                fastest = min(there for _, there in rounds_of) - min(here for here, _ in rounds_of)
                print(
                    f"{model}: ray adds {1000 * paired:.2f} ms per task (median of {rounds} pairs),"
                    f" {1000 * fastest:.2f} ms between the fastest of each"
                )
    finally:
        if own:
            ray.shutdown()


@contextmanager
def served() -> Iterator[str]:
    """A sim/learner server in its own process; yields its URL."""
    program = "from rbsuite.cli import main\nmain()"
    argv = [sys.executable, "-c", program, "serve-model", "--model", "sim/learner"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="A schedule on 1 to 64 nodes (simulated); what Ray adds to a task.")
    parser.add_argument("--latency", type=float, default=1.0)
    parser.add_argument("--cpus", type=int, default=8)
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--ahead", type=float, default=4.0)
    parser.add_argument("--overhead", type=int, default=0, metavar="ROUNDS")
    parser.add_argument("--ray-address", default="")
    arguments = parser.parse_args()
    if arguments.overhead:
        overhead(arguments.overhead, arguments.ray_address)
        return
    schedule(arguments.latency, arguments.cpus, arguments.concurrency, arguments.ahead)


if __name__ == "__main__":
    main()
