"""Speed and size of EB-ALFRED's and EB-Habitat's environments on the symbolic backends, as ratios to the targets set for them.

    python benchmarks/embodied.py [--data DIR] [--only NAME] [--passes N]

Without ``--data`` the bundled samples are measured; with it, upstream's 300 tasks each, imported into DIR or its subfolders. Times are CPU.
A ratio above 1 is better than the target. Observations are the feedback alone (``obs_mode=feedback``). Episodes are opened and played as in
a rollout, on an event loop; a step includes everything: action, feedback, goal, limits. ``mixed`` plays the reference plan of every task,
then as many random actions on a fresh episode.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import time
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from importlib import import_module

from rbsuite.environments.base import Environment, Episode, PlainServices
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action

ALIVE = 1_000
SEED = 0
OPEN_MS = 5.0
SIZE_KB = 64.0


@dataclass(frozen=True)
class Bar:
    """A figure, its unit, and its target if one is set: a minimum if more is better, otherwise a maximum."""

    figure: str
    unit: str
    bar: float | None = None
    more_is_better: bool = False

    def ratio(self, value: float, bar: float) -> float:
        """How many times better than the target a value is; below 1 the target is missed."""
        return value / bar if self.more_is_better else bar / value


@dataclass(frozen=True)
class Subject:
    """An environment to measure, and the steps per second it should reach."""

    name: str
    factory: str
    steps: float

    def load(self, data: str) -> tuple[Environment, TaskSet]:
        """A new environment and its tasks: the sample, or upstream's."""
        module, _, attribute = self.factory.partition(":")
        environment: Environment = getattr(import_module(module), attribute)()
        return environment, environment.tasks("test" if data else "sample", data=data)


SUBJECTS = (
    Subject("eb-alfred", "rbsuite_eb_alfred.environment:EbAlfred", 5_000.0),
    Subject("eb-habitat", "rbsuite_eb_habitat.environment:EbHabitat", 20_000.0),
)


class Meter:
    """Measures one environment.

    Args:
        subject: the environment.
        data: where its tasks are loaded from.
        passes: how many passes are made over them; the best counts.
    """

    def __init__(self, subject: Subject, data: str, passes: int) -> None:
        self._subject = subject
        self._data = data
        self._passes = passes
        self._environment, self._tasks = subject.load(data)
        self._services = PlainServices(self._environment)

    async def first_opens(self) -> tuple[float, float]:
        """Milliseconds of the very first episode, and of the slowest later one on fresh data: some build what a scene's episodes share."""
        passes = [await self._fresh_opens() for _ in range(self._passes)]
        return passes[0][0], max((min(times) for times in list(zip(*passes, strict=True))[1:]), default=0.0)

    async def open(self) -> float:
        """Milliseconds per further episode, averaged over the tasks."""
        return min([await self._open_all() for _ in range(self._passes)]) / len(self._tasks)

    async def reference(self) -> float:
        """Steps per second along the reference plans."""
        return await self._rate([(task, self._plan(task)) for task in self._tasks])

    async def guessed(self) -> float:
        """Steps per second of random actions."""
        return await self._rate(await self._guesses())

    async def mixed(self) -> float:
        """Steps per second of both combined."""
        return await self._rate([(task, self._plan(task)) for task in self._tasks] + await self._guesses())

    async def size(self) -> float:
        """KB that each further episode takes, with a thousand of them alive."""
        kept = [await self._alive(number) for number in range(len(self._tasks))]
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        kept += [await self._alive(number) for number in range(ALIVE)]
        size = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        return size / ALIVE / 1024

    async def _fresh_opens(self) -> list[float]:
        environment, tasks = self._subject.load(self._data)
        times = []
        for task in tasks:
            started = time.process_time()
            await environment.open(task, seed=SEED, services=self._services)
            times.append(1e3 * (time.process_time() - started))
        return times

    async def _open(self, task: Task) -> Episode:
        return await self._environment.open(task, seed=SEED, services=self._services)

    async def _alive(self, number: int) -> Episode:
        task = self._tasks.tasks[number % len(self._tasks)]
        episode = await self._open(task)
        for action in self._plan(task)[:3]:
            episode.observation = await episode.act(action)
        return episode

    def _plan(self, task: Task) -> Sequence[Action]:
        solution = self._environment.solution(task)
        return () if solution is None else solution.actions

    async def _guesses(self) -> list[tuple[Task, Sequence[Action]]]:
        guesses: list[tuple[Task, Sequence[Action]]] = []
        for number, task in enumerate(self._tasks):
            draw = random.Random(SEED + number)
            count = len((await self._open(task)).observation.choices)
            guesses.append((task, [Action.choose(draw.randrange(count)) for _ in self._plan(task)]))
        return guesses

    async def _rate(self, work: Sequence[tuple[Task, Sequence[Action]]]) -> float:
        return max([await self._one_rate(work) for _ in range(self._passes)])

    async def _one_rate(self, work: Sequence[tuple[Task, Sequence[Action]]]) -> float:
        steps, seconds = 0, 0.0
        for task, actions in work:
            episode = await self._open(task)
            started = time.process_time()
            for action in actions:
                steps += 1
                episode.observation = await episode.act(action)
                if episode.observation.turn == "over":
                    break
            seconds += time.process_time() - started
        return steps / seconds

    async def _open_all(self) -> float:
        started = time.process_time()
        for task in self._tasks:
            await self._open(task)
        return 1e3 * (time.process_time() - started)


async def measure(subject: Subject, data: str, passes: int) -> AsyncIterator[str]:
    """The report lines of one environment."""
    meter = Meter(subject, data, passes)
    first, slowest = await meter.first_opens()
    figures = (
        (Bar("episode, the very first", "ms"), first),
        (Bar("episode, slowest later one", "ms", OPEN_MS), slowest),
        (Bar("episode, again", "ms", OPEN_MS), await meter.open()),
        (Bar("reference plans", "steps/s", subject.steps, more_is_better=True), await meter.reference()),
        (Bar("random actions", "steps/s", subject.steps, more_is_better=True), await meter.guessed()),
        (Bar("mixed", "steps/s", subject.steps, more_is_better=True), await meter.mixed()),
        (Bar("size, 1,000 alive", "KB", SIZE_KB), await meter.size()),
    )
    for bar, value in figures:
        line = f"{subject.name:10} {bar.figure:27} {_written(value):>10} {bar.unit:8}"
        if bar.bar is not None:
            ratio = bar.ratio(value, bar.bar)
            line += f" bar {bar.bar:8,.0f}  ratio {ratio:7.1f}" + ("" if ratio >= 1 else "  MISSED")
        yield line.rstrip()


def _written(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}"


async def run(only: str | None, data: str, passes: int) -> None:
    """Measure and print.

    Args:
        only: name of the one environment to measure; ``None``: all.
        data: directory of the imported data; ``""``: the samples.
        passes: how many times each measurement is made.
    """
    for subject in SUBJECTS:
        if only in (None, subject.name):
            async for line in measure(subject, data, passes):
                print(line, flush=True)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description="Speed and size of the embodied environments.")
    parser.add_argument("--data", default="", help="directory that holds the imported data; default: the samples")
    parser.add_argument("--only", choices=[subject.name for subject in SUBJECTS], help="measure only this one")
    parser.add_argument(
        "--passes", type=int, default=3, help="how many times each measurement is made; the best counts"
    )
    options = parser.parse_args()
    asyncio.run(run(options.only, options.data, options.passes))


if __name__ == "__main__":
    main()
