"""Cost of tau-bench environments: a fresh one that is reset, its size with many alive, and the reward; upstream's beside them.

    python benchmarks/tau_bench_environment.py [--pack DIR] [--upstream CHECKOUT]

Pack and checkout are found as by ``tau_bench_engine.py``. Times are CPU; ratios are upstream / ours, both measured in this run.
"""

# ruff: noqa: D102 (Side says what the methods of both sides do)

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from tau_bench_engine import DOMAINS, Metric, Upstream, cpu_ms, default_pack, size_kb

TASKS = 20
METRICS = (
    Metric("fresh environment and reset", "ms", 0.3),
    Metric("size, many alive", "KB", 64.0),
    Metric("reward, first time for a task", "ms", 5.0),
    Metric("reward, again", "ms", 5.0),
)


class Side(Protocol):
    """What is measured on both sides."""

    alive: int

    def fresh(self, domain: str) -> Any:
        """An environment in its first episode."""

    def solved(self, domain: str, task: int) -> Any:
        """An environment whose reference actions are done, and which has only to be graded."""

    def grade(self, environment: Any) -> float:
        """Compute the reward."""


class Native:
    """The environments of this project."""

    alive = 1_000

    def __init__(self, pack: Path) -> None:
        from rbsuite_tau_bench.environment import TauBench

        self._class = TauBench
        self._tasks = {domain: TauBench.load("test", domain=domain, data=str(pack)) for domain in DOMAINS}

    def fresh(self, domain: str) -> Any:
        environment = self._class(self._tasks[domain])
        environment.reset(options={"task": f"{domain}/test/0"})
        return environment

    def solved(self, domain: str, task: int) -> Any:
        from rbsuite.trajectory import Action

        environment = self.fresh(domain)
        environment.reset(options={"task": f"{domain}/test/{task}"})
        environment.step(Action(text="Hello."))
        for action in self._tasks[domain].tasks[task].payload["actions"]:
            if action["name"] != "transfer_to_human_agents":
                environment.step(Action("tool", name=action["name"], arguments=action["kwargs"]))
        environment.step(Action(text=" ".join(self._tasks[domain].tasks[task].payload["outputs"])))
        return environment

    def grade(self, environment: Any) -> float:
        from rbsuite.trajectory import Action

        return float(environment.step(Action(text="###STOP###"))[1])


class UpstreamSide(Upstream):
    """Upstream's environments, by their own ``reset`` and ``calculate_reward``."""

    def fresh(self, domain: str) -> Any:
        environment = super().fresh(domain)
        environment.user.reset = lambda instruction=None: "Hello."
        environment.reset(task_index=0)
        return environment

    def solved(self, domain: str, task: int) -> Any:
        environment = self.fresh(domain)
        environment.reset(task_index=task)
        from tau_bench.types import Action  # type: ignore[import-not-found]

        for action in environment.task.actions:
            if action.name not in environment.terminate_tools:
                environment.step(Action(name=action.name, kwargs=action.kwargs))
        if environment.task.outputs:
            said = {"content": " ".join(environment.task.outputs)}
            environment.actions.append(Action(name="respond", kwargs=said))
        return environment

    def grade(self, environment: Any) -> float:
        return float(environment.calculate_reward().reward)


def measure(side: Side, domain: str) -> list[float]:
    """The values of the METRICS, in their order."""
    side.fresh(domain)
    fresh = min(cpu_ms(lambda: [side.fresh(domain) for _ in range(side.alive)]) for _ in range(3)) / side.alive
    rewards: list[float] = []
    costs: tuple[list[float], list[float]] = ([], [])
    for task in range(TASKS):
        for times in costs:
            environment = side.solved(domain, task)
            times.append(cpu_ms(lambda: rewards.append(side.grade(environment))))  # noqa: B023
    assert set(rewards) == {1.0}, f"a reference solution was not rewarded: {rewards}"
    first, again = (statistics.median(times) for times in costs)
    return [fresh, size_kb(side, domain), first, again]  # type: ignore[arg-type]


def lines(ours: dict[str, list[float]], theirs: dict[str, list[float]] | None) -> Iterator[str]:
    """The lines of the result."""
    for domain in DOMAINS:
        for place, metric in enumerate(METRICS):
            value = ours[domain][place]
            line = f"{domain:8} {metric.name:30} {value:9.4g} {metric.unit} (limit {metric.limit:g})"
            if theirs:
                line += f"  upstream {theirs[domain][place]:9.4g}, ratio {theirs[domain][place] / value:9.1f}"
            yield line + ("  OVER LIMIT" if metric.limit is not None and value > metric.limit else "")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Cost of tau-bench environments.")
    parser.add_argument("--pack", type=Path, default=default_pack(), help="directory of the imported data")
    parser.add_argument("--upstream", type=Path, help="directory of a tau-bench checkout to measure beside")
    parser.add_argument("--measure-upstream", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure_upstream:
        side = UpstreamSide(options.measure_upstream)
        sys.stdout.write(json.dumps({domain: measure(side, domain) for domain in DOMAINS}))
        return
    if not options.pack.is_dir():
        parser.error(f"no pack in {str(options.pack)!r}; name one with --pack")
    native = Native(options.pack)
    ours = {domain: measure(native, domain) for domain in DOMAINS}
    theirs = None
    if options.upstream:
        command = [sys.executable, __file__, "--measure-upstream", str(options.upstream.resolve())]
        theirs = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print("\n".join(lines(ours, theirs)))


if __name__ == "__main__":
    main()
