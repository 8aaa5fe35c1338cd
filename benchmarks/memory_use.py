"""Peak memory of one long experiment: the whole pipeline with its store, two streams of 10,000 tasks, without memory and with
reasoningbank.

    python benchmarks/memory_use.py [--tasks 10000] [--memory none --memory reasoningbank] [--env ten-calls|tau-bench] [--json]

With ``ten-calls`` the environment and the model do next to nothing (see ``harness.py``), so what is measured is rbsuite; with ``tau-bench``
its sample is repeated over and over, with new ids. A bank grows with its stream and is kept in memory; everything else must not grow.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import cycle, islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from harness import Plugin, TenCalls
from rbsuite.environments.base import Environment
from rbsuite.hookspecs import hookimpl
from rbsuite.plugins import load_plugins
from rbsuite.run.config import Execution, make_config
from rbsuite.run.directory import open_experiment
from rbsuite.run.executors import run_experiment
from rbsuite.run.plan import Plan, make_plan
from rbsuite.task import TaskSet

BAR_MB = 300
"""What 20,000 rollouts may take."""


@dataclass(frozen=True, slots=True)
class Use:
    """What an experiment took.

    Attributes:
        rollouts: how many were run.
        seconds: CPU time of the process.
        start_mb: resident memory when the first task was committed.
        middle_mb: when half of the tasks had been.
        peak_mb: peak resident memory.
        store_mb: size of the store.
    """

    rollouts: int
    seconds: float
    start_mb: float
    middle_mb: float
    peak_mb: float
    store_mb: float


class Watch:
    """Notes the resident memory at the first commit and halfway.

    Args:
        total: tasks that will be committed.
    """

    def __init__(self, total: int) -> None:
        self.start = self.middle = 0.0
        self._half = total // 2
        self._done = 0

    @hookimpl
    def rbsuite_task_committed(self) -> None:
        """Count a task."""
        self._done += 1
        if self._done == 1:
            self.start = peak()
        if self._done == self._half:
            self.middle = peak()


def peak() -> float:
    """Peak resident memory, in MB.

    Uses the kernel's own peak for this program if there is one: what getrusage reports starts at the size of the process that started this
    one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        marks = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return int(marks["VmHWM"].split()[0]) / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1024 * 1024 if sys.platform == "darwin" else 1024)


def repeated(count: int) -> Environment:
    """The sample of tau-bench, repeated until there are that many tasks."""
    from rbsuite_tau_bench.environment import TauBench

    class Repeated(TauBench):
        """See :func:`repeated`."""

        def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
            """As many tasks as were asked for."""
            sample = super().tasks(split, domain=domain, data=data)
            tasks = (replace(task, id=f"{task.id}/{n}") for n, task in enumerate(islice(cycle(sample), count)))
            return replace(sample, tasks=tuple(tasks))

    return Repeated()


def prepare(environment: str, tasks: int, memories: Sequence[str], watch: Watch) -> Plan:
    """The experiment to run."""
    TenCalls.count = tasks
    config = {"env": environment, "memory": tuple(memories), "orders": 1}
    if environment == "ten-calls":
        config["model"] = "sim/oracle"
    plan = make_plan(make_config(config), load_plugins([("ten-calls", Plugin()), ("watch", watch)]))
    if environment == "ten-calls":
        return plan
    world = repeated(tasks)
    return replace(plan, environment=world, tasks=world.tasks(plan.config.split))


def measure(
    memories: Sequence[str], tasks: int, directory: Path, *, environment: str = "ten-calls", speculate: str = "off"
) -> Use:
    """Run an experiment of one order.

    Args:
        memories: the memories, one run each.
        tasks: length of the stream.
        directory: where its store goes.
        environment: ``ten-calls`` or ``tau-bench``.
        speculate: how far the runs run ahead.
    """
    total = tasks * len(memories)
    watch = Watch(total)
    plan = prepare(environment, tasks, memories, watch)
    with open_experiment(plan, directory) as store:
        asyncio.run(run_experiment(plan, store, Execution(speculate=speculate)))
    return Use(
        total,
        time.process_time(),
        watch.start,
        watch.middle,
        peak(),
        (directory / "experiment.sqlite").stat().st_size / 2**20,
    )


def main() -> int:
    """Measure, print, and say whether the limit holds."""
    parser = argparse.ArgumentParser(description="Peak memory of one long experiment.")
    parser.add_argument("--tasks", type=int, default=10_000, help="length of each stream")
    parser.add_argument("--memory", action="append", help="memory to run; may be repeated")
    parser.add_argument("--env", choices=("ten-calls", "tau-bench"), default="ten-calls")
    parser.add_argument("--speculate", default="off", help="off, auto or a number of tasks")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON document")
    arguments = parser.parse_args()
    memories = arguments.memory or ["none", "reasoningbank"]
    with tempfile.TemporaryDirectory() as root:
        use = measure(
            memories,
            arguments.tasks,
            Path(root) / "experiment",
            environment=arguments.env,
            speculate=arguments.speculate,
        )
    if arguments.as_json:
        print(json.dumps(asdict(use)))
    else:
        print(
            f"{use.rollouts} rollouts ({', '.join(memories)}): peak {use.peak_mb:.0f} MB (bar {BAR_MB}), "
            f"{use.middle_mb:.0f} MB halfway, {use.start_mb:.0f} MB at the first task; store {use.store_mb:.0f} MB, {use.seconds:.0f} s CPU"
        )
    return int(use.peak_mb > BAR_MB)


if __name__ == "__main__":
    sys.exit(main())
