"""What the simulated learner finds on an environment's tasks: pitfalls and skills, what the search costs, and the success rates that
follow.

    python benchmarks/pitfalls.py [--env tau-bench] [--split SPLIT] [--data PACK] [--limit N]

The success rates are computed from the counts: the chance that every pitfall of a task is avoided and the thread is kept.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from rbsuite.environments.base import Environment
from rbsuite.errors import UsageError
from rbsuite.learner.pitfalls import Lore, find
from rbsuite.learner.simulated import Traits
from rbsuite.plugins import load_plugins
from rbsuite.specs import load_object
from rbsuite.task import Task


async def lore_of(environment: Environment, tasks: Sequence[Task]) -> tuple[list[Lore], list[float]]:
    """What is found on each task that has a solution, and the CPU seconds it took."""
    found: list[Lore] = []
    seconds: list[float] = []
    for task in tasks:
        started = time.process_time()
        try:
            found.append(await find(task, environment))
        except UsageError:
            continue
        seconds.append(time.process_time() - started)
    await environment.aclose()
    return found, seconds


def rate(counts: Counter[int], chance: float) -> float:
    """The success rate in percent, given the chance to avoid each pitfall."""
    keeps_on = 1 - Traits().slip
    return 100 * keeps_on * sum(tasks * chance**count for count, tasks in counts.items()) / counts.total()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", default="tau-bench")
    parser.add_argument("--split", default="")
    parser.add_argument("--data", default="")
    parser.add_argument("--limit", type=int)
    arguments = parser.parse_args()
    spec = load_plugins().environment(arguments.env)
    environment: Environment = load_object(spec.factory, spec.name)()
    tasks = environment.tasks(arguments.split or spec.splits[0].name, data=arguments.data).tasks[: arguments.limit]
    found, seconds = asyncio.run(lore_of(environment, tasks))
    counts = Counter(len(lore.pitfalls) for lore in found)
    skills = Counter(pitfall.skill for lore in found for pitfall in lore.pitfalls)
    print(f"{spec.name}: {len(found)} tasks with a solution, {len(tasks) - len(found)} without")
    print(f"CPU per task: mean {1000 * fmean(seconds):.1f} ms, most {1000 * max(seconds):.1f} ms")
    print("tasks by number of pitfalls: " + ", ".join(f"{number}: {counts[number]}" for number in sorted(counts)))
    shared = sum(times > 1 for times in skills.values())
    print(f"skills: {len(skills)}, of which {shared} come up on several tasks")
    for skill, times in skills.most_common():
        print(f"  {times:4d} {skill}")
    known, follow = rate(counts, Traits().known), rate(counts, Traits().follow)
    print(f"success (computed): {known:.1f} % without lessons, {follow:.1f} % with all of them")


if __name__ == "__main__":
    main()
