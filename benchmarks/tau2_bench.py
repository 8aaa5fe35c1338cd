"""Cost of tau2-bench's environments: a fresh one, its size, a tool call, the reward; and upstream's for comparison.

    python benchmarks/tau2_bench.py [--pack DIR] [--upstream CHECKOUT [--python PYTHON]]

Needs an imported pack: ``--pack``, else ``$RBSUITE_TEST_PACKS/tau2-bench``, else ``../shared/packs/tau2-bench`` next to the repository.
With ``--upstream`` a tau2-bench checkout is measured too, in its own process, by a Python that has its dependencies. Times depend on the
machine and its load. CPU time, except for tool calls: wall time, over the reference actions of all tasks of split base.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rbsuite.environments.base import PlainServices
from rbsuite.environments.users import STOP
from rbsuite.trajectory import Action
from rbsuite_tau2_bench import Pack, World
from rbsuite_tau2_bench.differential.compare import reset_request, start_upstream
from rbsuite_tau2_bench.environment import Tau2Bench

DOMAINS = ("retail", "airline", "telecom", "mock")
ALIVE = 1_000
LIMITS = {"fresh ms": 0.3, "size KB": 64.0, "call us, median": 50.0, "reward ms": 5.0}


def cpu_ms(work: Callable[[], object]) -> float:
    """CPU milliseconds of one run."""
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1e3


def measure(path: Path, domain: str) -> dict[str, float]:
    """The figures of a domain, by name."""
    environment = Tau2Bench()
    tasks = environment.tasks("base", domain=domain, data=str(path)).tasks
    services = PlainServices(environment)

    def opened(place: int) -> Any:
        return environment.begin(tasks[place % len(tasks)], seed=0, services=services)

    for place in range(len(tasks)):
        opened(place)
    fresh = min(cpu_ms(lambda: [opened(place) for place in range(ALIVE)]) for _ in range(3)) / ALIVE
    gc.collect()
    tracemalloc.start()
    kept = [opened(place) for place in range(ALIVE)]
    size = tracemalloc.get_traced_memory()[0] / ALIVE / 1024
    tracemalloc.stop()
    del kept
    pack, calls, rewards = Pack(path), [], []
    for place, task in enumerate(tasks):
        scenario = pack.task(domain, task.id.split("/", 2)[2])
        world = World(domain, pack, scenario.id)
        episode = opened(place)
        episode.observation = episode.act(Action("Hello."))
        for action in scenario.actions or ():
            start = time.perf_counter()
            world.call(action.name, action.arguments, action.requestor)
            calls.append((time.perf_counter() - start) * 1e6)
            if action.requestor == "assistant":
                episode.observation = episode.act(Action.call(action.name, action.arguments))
        for words in ("Done.", STOP):
            episode.observation = episode.act(Action(words))
        episode.grade("finished")
        rewards.append(cpu_ms(lambda: episode.grade("finished")))  # noqa: B023
    return {
        "fresh ms": fresh,
        "size KB": size,
        "call us, median": statistics.median(calls),
        "reward ms": statistics.median(rewards),
    }


def main() -> None:
    """Measure and print."""
    default = Path(os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).parents[2] / "shared" / "packs")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, default=default / "tau2-bench")
    parser.add_argument("--upstream", type=Path)
    parser.add_argument("--python", default="")
    given = parser.parse_args()
    print(f"{'':10}" + "".join(f"{name:>18}" for name in LIMITS))
    for domain in DOMAINS:
        found = measure(given.pack, domain)
        shown = [f"{value:.3f}{' OVER LIMIT' if value > LIMITS[name] else ''}" for name, value in found.items()]
        print(f"{domain:10}" + "".join(f"{text:>18}" for text in shown))
    print(f"{'limit':10}" + "".join(f"{limit:>18}" for limit in LIMITS.values()))
    if given.upstream is not None:
        python = given.python or str(given.upstream / ".venv" / "bin" / "python")
        with start_upstream(given.upstream.resolve(), python) as upstream:
            for domain in DOMAINS:
                request = reset_request(Pack(given.pack), domain, None)
                theirs = upstream.ask(measure=request)
                print(f"upstream {domain}: fresh {theirs['fresh_ms']:.1f} ms, hash {theirs['hash_ms']:.1f} ms")


if __name__ == "__main__":
    main()
