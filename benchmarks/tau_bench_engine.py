"""Speed and size of the native tau-bench worlds, and of upstream's environments for comparison.

    python benchmarks/tau_bench_engine.py [--pack DIR] [--upstream CHECKOUT]

Needs an imported pack: ``--pack``, else ``$RBSUITE_TEST_PACKS/tau-bench``, else ``../shared/packs/tau-bench`` next to the repository. With
``--upstream`` the same is measured for a tau-bench checkout, in its own process, and ratios are printed (upstream / ours: above 1, ours is
better). Times depend on the machine and its load; ratios less so.

A fresh world is measured by CPU time, its size by tracemalloc with many alive; calls by wall time, over the gold actions of all
splits, each task on a fresh world; hashes and comparisons by CPU time.
"""

# ruff: noqa: D102 (Engine says what the methods of both sides do)

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
import tracemalloc
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

DOMAINS = ("retail", "airline")
SEARCHES = [("JFK", "SEA"), ("LGA", "SEA"), ("SFO", "JFK"), ("ATL", "BOS"), ("ORD", "MIA"), ("DEN", "PHL")]
SEARCH_DATES = [f"2024-05-{day}" for day in range(16, 26)]


@dataclass(frozen=True)
class Metric:
    """One line of the table: what is measured, its unit and its limit, if one is set."""

    name: str
    unit: str
    limit: float | None = None


METRICS = (
    Metric("fresh world, CPU", "ms", 0.05),
    Metric("fresh world, size", "KB", 8.0),
    Metric("tool call, gold actions, median", "us"),
    Metric("tool call, gold actions, 95th percentile", "us"),
    Metric("one-stop search, first time, median", "us"),
    Metric("one-stop search, again, median", "us"),
    Metric("state hash, first, CPU", "ms"),
    Metric("state hash, later, CPU", "ms"),
    Metric("end states compared, CPU", "ms", 1.0),
)


class Engine(Protocol):
    """What both sides offer to the measurements; ``world`` is whatever they call a world."""

    alive: int
    """How many worlds to hold at a time when their size is measured."""

    def fresh(self, domain: str) -> Any:
        """A world on the shipped database."""

    def forget(self, domain: str) -> None:
        """Drop everything cached, so that the next world starts cold."""

    def call(self, world: Any, name: str, arguments: dict[str, Any]) -> object:
        """Call a tool."""

    def state_hash(self, world: Any) -> str:
        """The hash of a world's state."""

    def compare(self, ours: Any, theirs: Any) -> bool:
        """Whether two worlds are in equal states, by the cheapest means the engine has."""


class Native:
    """This project's worlds."""

    alive = 1_000

    def __init__(self, pack: Path) -> None:
        self._path = pack
        self._module = importlib.import_module("rbsuite_tau_bench")
        self._pack = self._module.Pack(pack)

    def fresh(self, domain: str) -> Any:
        return self._module.World(domain, self._pack)

    def forget(self, domain: str) -> None:
        self._pack = self._module.Pack(self._path)
        self._pack.database(domain)

    def call(self, world: Any, name: str, arguments: dict[str, Any]) -> object:
        return world.call(name, arguments)

    def state_hash(self, world: Any) -> str:
        return str(world.state_hash())

    def compare(self, ours: Any, theirs: Any) -> bool:
        return bool(ours.changes() == theirs.changes())


class Upstream:
    """Upstream's environments; its tools are called directly, which leaves out what ``Env.step`` adds."""

    alive = 10

    def __init__(self, checkout: Path) -> None:
        stub = types.ModuleType("litellm")
        vars(stub).update(completion=None, provider_list=[])
        sys.modules["litellm"] = stub
        sys.path.insert(0, str(checkout))

    def fresh(self, domain: str) -> Any:
        module = importlib.import_module(f"tau_bench.envs.{domain}.env")
        environment = getattr(module, f"Mock{domain.title()}DomainEnv")
        return environment(user_strategy="human", user_model="none", task_index=0)

    def forget(self, domain: str) -> None:
        """Nothing is cached."""

    def call(self, world: Any, name: str, arguments: dict[str, Any]) -> object:
        try:
            return world.tools_map[name].invoke(data=world.data, **arguments)
        except Exception as error:
            return error

    def state_hash(self, world: Any) -> str:
        return str(world.get_data_hash())

    def compare(self, ours: Any, theirs: Any) -> bool:
        return bool(ours.get_data_hash() == theirs.get_data_hash())


def measure(engine: Engine, pack: Path, domain: str) -> list[float]:
    """The values of the METRICS, in order."""
    engine.forget(domain)
    first = engine.fresh(domain)
    fresh = min(cpu_ms(lambda: [engine.fresh(domain) for _ in range(engine.alive)]) for _ in range(3)) / engine.alive
    calls = call_times(engine, pack, domain)
    searches = search_times(engine, domain) if domain == "airline" else [float("nan")] * 2
    engine.forget(domain)
    ours, theirs = changed(engine, pack, domain), changed(engine, pack, domain)
    first_hash = cpu_ms(lambda: engine.state_hash(ours))
    hashed = statistics.median(cpu_ms(lambda: engine.state_hash(ours)) for _ in range(10))
    compared = statistics.median(cpu_ms(lambda: engine.compare(ours, theirs)) for _ in range(10))
    del first
    percentile = statistics.quantiles(calls, n=20)[-1]
    size = size_kb(engine, domain)
    return [fresh, size, statistics.median(calls), percentile, *searches, first_hash, hashed, compared]


def cpu_ms(work: Callable[[], object]) -> float:
    """CPU milliseconds of one run."""
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1e3


def wall_us(work: Callable[[], object]) -> float:
    """Wall microseconds of one run."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e6


def size_kb(engine: Engine, domain: str) -> float:
    """KB that each further world takes."""
    kept = [engine.fresh(domain)]
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept += [engine.fresh(domain) for _ in range(engine.alive)]
    size = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return size / engine.alive / 1024


def gold(pack: Path, domain: str) -> Iterator[list[dict[str, Any]]]:
    """The gold actions of every task of every split."""
    for file in sorted(pack.glob(f"{domain}_*_tasks.json")):
        for task in json.loads(file.read_text()):
            yield task["actions"]


def call_times(engine: Engine, pack: Path, domain: str) -> list[float]:
    """Microseconds of every gold action, each task on a fresh world."""
    times = []
    for actions in gold(pack, domain):
        world = engine.fresh(domain)
        for action in actions:
            times.append(wall_us(lambda: engine.call(world, action["name"], action["kwargs"])))  # noqa: B023
    return times


def search_times(engine: Engine, domain: str) -> list[float]:
    """Median microseconds of a one-stop search, the first time each is made and again."""
    world = engine.fresh(domain)
    medians = []
    for _ in range(2):
        times = []
        for origin, destination in SEARCHES:
            for date in SEARCH_DATES:
                arguments = {"origin": origin, "destination": destination, "date": date}
                times.append(wall_us(lambda: engine.call(world, "search_onestop_flight", arguments)))  # noqa: B023
        medians.append(statistics.median(times))
    return medians


def changed(engine: Engine, pack: Path, domain: str) -> Any:
    """A world after the longest gold list of the domain."""
    world = engine.fresh(domain)
    for action in max(gold(pack, domain), key=len):
        engine.call(world, action["name"], action["kwargs"])
    return world


def upstream_values(checkout: Path, pack: Path) -> dict[str, list[float]]:
    """Upstream's values per domain, measured in its own process."""
    command = [sys.executable, str(Path(__file__).resolve()), "--pack", str(pack), "--measure-upstream", str(checkout)]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    values: dict[str, list[float]] = json.loads(result.stdout)
    return values


def table(ours: dict[str, list[float]], theirs: dict[str, list[float]] | None) -> Iterator[str]:
    """The lines of the result."""
    yield f"{'':8} {'':41} {'native':>10} {'limit':>7}" + (f" {'upstream':>12} {'ratio':>9}" if theirs else "")
    for domain in DOMAINS:
        for place, metric in enumerate(METRICS):
            value = ours[domain][place]
            if value != value:
                continue
            limit = f"{metric.limit:g}" if metric.limit else ""
            line = f"{domain:8} {metric.name + ' (' + metric.unit + ')':41} {value:10.4g} {limit:>7}"
            if theirs:
                other = theirs[domain][place]
                line += f" {other:12.4g} {other / value:8.1f}x"
            yield line + ("  OVER LIMIT" if metric.limit and value > metric.limit else "")


def default_pack() -> Path:
    """Where the tests look for the pack."""
    packs = os.environ.get("RBSUITE_TEST_PACKS")
    root = Path(packs) if packs else Path(__file__).resolve().parents[2] / "shared" / "packs"
    return root / "tau-bench"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--pack", type=Path, default=default_pack(), help="directory of the imported data")
    parser.add_argument("--upstream", type=Path, help="directory of a tau-bench checkout to measure alongside")
    parser.add_argument("--measure-upstream", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.pack.is_dir():
        parser.error(f"no pack in {str(options.pack)!r}; name one with --pack")
    if options.measure_upstream:
        engine = Upstream(options.measure_upstream)
        sys.stdout.write(json.dumps({domain: measure(engine, options.pack, domain) for domain in DOMAINS}))
        return
    native = Native(options.pack)
    ours = {domain: measure(native, options.pack, domain) for domain in DOMAINS}
    theirs = upstream_values(options.upstream.resolve(), options.pack.resolve()) if options.upstream else None
    print("\n".join(table(ours, theirs)))


if __name__ == "__main__":
    main()
