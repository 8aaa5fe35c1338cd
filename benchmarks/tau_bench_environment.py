"""Cost of tau-bench episodes: a fresh one, its size with many alive, and the grade; and upstream's environments for comparison.

    python benchmarks/tau_bench_environment.py [--pack DIR] [--upstream CHECKOUT]

Pack and checkout are found as in ``tau_bench_engine.py``. Times are CPU; ratios are upstream / ours, both measured in this run.
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
    Metric("fresh episode", "ms", 0.3),
    Metric("size, many alive", "KB", 64.0),
    Metric("grade, first time for a task", "ms", 5.0),
    Metric("grade, again", "ms", 5.0),
)


class Side(Protocol):
    """What is measured on both sides."""

    alive: int

    def fresh(self, domain: str) -> Any:
        """A fresh episode of the first task."""

    def solved(self, domain: str, task: int) -> Any:
        """An episode whose reference actions are done, so that it only has to be ended and graded."""

    def grade(self, episode: Any) -> float:
        """End the episode and compute its score."""


class Native:
    """This project's episodes."""

    alive = 1_000

    def __init__(self, pack: Path) -> None:
        from rbsuite.environments.base import PlainServices
        from rbsuite_tau_bench.environment import TauBench

        self._environment = TauBench()
        self._services = PlainServices(self._environment)
        self._tasks = self._environment.tasks("test", data=str(pack)).by_id

    def fresh(self, domain: str) -> Any:
        return self._begin(f"{domain}/test/0")

    def solved(self, domain: str, task: int) -> Any:
        from rbsuite.trajectory import Action

        episode = self._begin(f"{domain}/test/{task}")
        payload = self._tasks[f"{domain}/test/{task}"].payload
        kept = (action for action in payload["actions"] if action["name"] != "transfer_to_human_agents")
        calls = (Action.call(action["name"], action["kwargs"]) for action in kept)
        for action in (Action("Hello."), *calls, Action(" ".join(payload["outputs"]))):
            episode.observation = episode.act(action)
        return episode

    def grade(self, episode: Any) -> float:
        from rbsuite.trajectory import Action

        episode.observation = episode.act(Action("###STOP###"))
        return float(episode.grade("finished").score)

    def _begin(self, task: str) -> Any:
        return self._environment.begin(self._tasks[task], seed=0, services=self._services)


class UpstreamSide(Upstream):
    """Upstream's environments, through their own ``reset`` and ``calculate_reward``."""

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
    """The values of the METRICS, in order."""
    side.fresh(domain)
    fresh = min(cpu_ms(lambda: [side.fresh(domain) for _ in range(side.alive)]) for _ in range(3)) / side.alive
    rewards: list[float] = []
    costs: tuple[list[float], list[float]] = ([], [])
    for task in range(TASKS):
        for times in costs:
            episode = side.solved(domain, task)
            times.append(cpu_ms(lambda: rewards.append(side.grade(episode))))  # noqa: B023
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
    parser = argparse.ArgumentParser(description="Cost of tau-bench episodes.")
    parser.add_argument("--pack", type=Path, default=default_pack(), help="directory of the imported data")
    parser.add_argument("--upstream", type=Path, help="directory of a tau-bench checkout to measure alongside")
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
