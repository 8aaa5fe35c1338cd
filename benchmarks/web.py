"""Speed of the web environments in a real browser.

    uv run --group web python benchmarks/web.py [--tasks N]

Plays reference solutions and prints medians with their limits: for miniwob, the switch to another task (a fresh profile, its page, the
first reading of it) and a step (an action and the reading of the resulting page); for webshop-mini, the reset of the shop without the
browser, the start of an episode with it, and a step. Wall times, since most of the work is the browser's; other load on the machine makes
them longer.
"""

# ruff: noqa: D103 (each function measures what its name says)

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from pathlib import Path

from rbsuite import Task
from rbsuite.environments.base import PlainServices
from rbsuite_miniwob.environment import MiniWob
from rbsuite_web import doctor
from rbsuite_webshop_mini.environment import WebshopMini
from rbsuite_webshop_mini.server import ShopServer

Times = tuple[list[float], list[float]]


def played(environment: MiniWob | WebshopMini, tasks: list[Task]) -> Times:
    """Milliseconds of each start and of each step; the first task warms the browser up and is not counted."""
    beginnings: list[float] = []
    steps: list[float] = []
    for place, task in enumerate(tasks):
        solution = environment.solution(task)
        assert solution is not None
        started = time.perf_counter()
        episode = environment.begin(task, seed=0, services=PlainServices(environment))
        begun = time.perf_counter()
        taken = []
        for action in solution.actions:
            before = time.perf_counter()
            episode.act(action)
            taken.append(time.perf_counter() - before)
        episode.close()
        if place:
            beginnings.append(1000 * (begun - started))
            steps += [1000 * one for one in taken]
    return beginnings, steps


def resets(environment: WebshopMini, tasks: list[Task]) -> list[float]:
    taken = []
    for task in tasks:
        started = time.perf_counter()
        ShopServer(environment.shop(task)).close()
        taken.append(1000 * (time.perf_counter() - started))
    return taken


def measure(count: int) -> None:
    shown: dict[str, tuple[list[float], float]] = {}
    miniwob = MiniWob(browsers=1)
    try:
        by_name = {task.group: task for task in miniwob.tasks("reference").tasks}
        shown["miniwob: task switch"], shown["miniwob: step"] = zip(
            played(miniwob, list(by_name.values())[:count]), (300.0, 60.0), strict=True
        )
    finally:
        asyncio.run(miniwob.aclose())
    shop = WebshopMini(browsers=1)
    try:
        tasks = list(shop.tasks("sample").tasks)[:count]
        shown["webshop-mini: reset"] = (resets(shop, tasks), 150.0)
        begun, steps = played(shop, tasks)
        shown |= {"webshop-mini: start of an episode": (begun, 0.0), "webshop-mini: step": (steps, 0.0)}
    finally:
        asyncio.run(shop.aclose())
    print(f"{Path(doctor.chromium()).name}; load of the machine {Path('/proc/loadavg').read_text().split()[0]}")
    print(f"{'':<34} {'median ms':>9} {'least':>7} {'number':>7} {'limit':>6}")
    for name, (times, limit) in shown.items():
        median = statistics.median(times)
        over = "  OVER LIMIT" if limit and median > limit else ""
        told = f"{limit:6.0f}" if limit else "      "
        print(f"{name:<34} {median:9.1f} {min(times):7.1f} {len(times):7} {told}{over}")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--tasks", type=int, default=20)
    measure(options.parse_args().tasks)
