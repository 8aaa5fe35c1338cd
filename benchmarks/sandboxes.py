"""Speed of bubblewrap as a sandbox, and of the grading of a swe-mini instance.

    python benchmarks/sandboxes.py [--times N]

Prints times with their limits: what a command costs on top of the same command without a sandbox, a fork of a work directory of 50 MB in
500 files, and the grading of a patch. Reported are the least wall time of several runs, since others may use the machine, and the CPU time
of this process and its children.
"""

# ruff: noqa: D103 (each function measures what its name says)

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from rbsuite.sandboxes.base import CommandLimits, Sandbox, Setup
from rbsuite.sandboxes.bwrap import Bwrap, BwrapSandbox
from rbsuite.sandboxes.directories import DirectorySandbox
from rbsuite.sandboxes.local import LocalSandbox
from rbsuite_swe.mini.catalogue import catalogue
from rbsuite_swe.mini.environment import SweMini
from rbsuite_swe.mini.grader import MiniGrader

FILES, BYTES = 500, 100_000
Times = tuple[float, float]


async def timed(times: int, work: Callable[[], Awaitable[object]]) -> Times:
    """The least wall time and the mean CPU time, in milliseconds."""
    walls, cpus = [], []
    for _ in range(times):
        wall, cpu = time.perf_counter(), os.times()
        await work()
        after = os.times()
        walls.append(time.perf_counter() - wall)
        cpus.append(sum(after[:4]) - sum(cpu[:4]))
    return 1000 * min(walls), 1000 * statistics.mean(cpus)


class Plain(LocalSandbox):
    """A plain directory: nothing around commands except their limits."""

    way = "open"


async def command(kind: type[DirectorySandbox], times: int) -> Times:
    sandbox = await kind.begin(Setup())
    try:
        return await timed(times, lambda: sandbox.exec(["true"]))
    finally:
        await sandbox.close()


async def fork(times: int) -> Times:
    sandbox = await Bwrap().start(Setup(limits=CommandLimits(disk=1 << 30)))
    made: list[Sandbox] = []

    async def once() -> None:
        made.append(await sandbox.fork())

    try:
        fill = (
            f"for i in $(seq {FILES}); do mkdir -p d$((i % 20)); head -c {BYTES} /dev/urandom > d$((i % 20))/$i; done"
        )
        assert not (await sandbox.exec(fill)).code
        return await timed(times, once)
    finally:
        for one in (sandbox, *made):
            await one.close()


async def grading(times: int) -> Times:
    environment = SweMini()
    mini = next(iter(catalogue().values()))
    try:
        setup = await environment._setup(mini)
        return await timed(times, lambda: MiniGrader(Bwrap()).grade(mini, setup, mini.instance.patch))
    finally:
        await environment.aclose()


async def measure(times: int) -> None:
    plain = await command(Plain, times)
    over = {
        kind: [a - b for a, b in zip(await command(kind, times), plain, strict=True)]
        for kind in (BwrapSandbox, LocalSandbox)
    }
    lines = {
        "command in bubblewrap over none": (over[BwrapSandbox], 80.0),
        "command in local over none": (over[LocalSandbox], 80.0),
        f"fork of {FILES * BYTES // 10**6} MB in {FILES} files": (await fork(max(5, times // 4)), 100.0),
        "grading of a swe-mini instance": (await grading(max(5, times // 4)), 3000.0),
    }
    print(f"{'':<34} {'wall ms':>8} {'CPU ms':>8} {'limit ms':>9}")
    for name, ((wall, cpu), limit) in lines.items():
        print(f"{name:<34} {wall:8.1f} {cpu:8.1f} {limit:9.0f}{'  OVER LIMIT' if wall > limit else ''}")
    print(f"load of the machine: {Path('/proc/loadavg').read_text().split()[0]}")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--times", type=int, default=40)
    asyncio.run(measure(options.parse_args().times))
