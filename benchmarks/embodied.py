"""Speed and size of EB-ALFRED's and EB-Habitat's environments on the symbolic backends, as ratios to the bars set for them.

    python benchmarks/embodied.py [--data DIR] [--only NAME] [--passes N]

Without ``--data`` the bundled samples are measured; else upstream's 300 tasks each, imported into DIR or into folders of it. Times are CPU.
A ratio above 1 is better than the bar. Observations are the feedback alone (``obs_mode=feedback``). A step is a whole one of the
environment: action, feedback, goal, limits. ``mixed`` takes the reference plan of every task and as many random actions on a fresh episode.
"""

from __future__ import annotations

import argparse
import gc
import random
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module

from rbsuite.environments.base import Environment
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action

ALIVE = 1_000
SEED = 0
RESET_MS = 5.0
SIZE_KB = 64.0


@dataclass(frozen=True)
class Bar:
    """A figure, its unit, and what it should reach, where that is set: at least, if more is better, else at most."""

    figure: str
    unit: str
    bar: float | None = None
    more_is_better: bool = False

    def ratio(self, value: float, bar: float) -> float:
        """How many times better than the bar a value is; below 1 it is missed."""
        return value / bar if self.more_is_better else bar / value


@dataclass(frozen=True)
class Subject:
    """An environment to measure, and the steps per second it should make."""

    name: str
    factory: str
    steps: float

    def load(self, data: str) -> tuple[type[Environment], TaskSet]:
        """The class and its task set: the sample, or upstream's tasks."""
        module, _, attribute = self.factory.partition(":")
        cls: type[Environment] = getattr(import_module(module), attribute)
        return cls, cls.load("test" if data else "sample", data=data)


SUBJECTS = (
    Subject("eb-alfred", "rbsuite_eb_alfred.environment:EbAlfred", 5_000.0),
    Subject("eb-habitat", "rbsuite_eb_habitat.environment:EbHabitat", 20_000.0),
)


class Meter:
    """Measures one environment's class over a task set.

    Args:
        cls: the class.
        tasks: the tasks.
        data: where they were loaded from.
        passes: how often they are gone through; the best pass counts.
    """

    def __init__(self, cls: type[Environment], tasks: TaskSet, data: str, passes: int) -> None:
        self._cls = cls
        self._data = data
        self._tasks = tasks
        self._passes = passes
        self._environment = cls(tasks)

    def first_resets(self) -> tuple[float, float]:
        """Milliseconds of the first reset of all, and of the slowest after it on fresh data: some make what a scene's episodes share."""
        passes = [self._fresh_resets() for _ in range(self._passes)]
        return passes[0][0], max((min(times) for times in list(zip(*passes, strict=True))[1:]), default=0.0)

    def reset(self) -> float:
        """Milliseconds of a further reset, mean over the tasks."""
        return min(self._reset_all() for _ in range(self._passes)) / len(self._tasks)

    def reference(self) -> float:
        """Steps per second along the reference plans."""
        return self._rate([(task, self._plan(task)) for task in self._tasks])

    def guessed(self) -> float:
        """Steps per second of random actions."""
        return self._rate(self._guesses())

    def mixed(self) -> float:
        """Steps per second of both."""
        return self._rate([(task, self._plan(task)) for task in self._tasks] + self._guesses())

    def size(self) -> float:
        """KB that each further environment takes, a thousand of them alive in an episode each."""
        kept = [self._alive(number) for number in range(len(self._tasks))]
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        kept += [self._alive(number) for number in range(ALIVE)]
        size = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        return size / ALIVE / 1024

    def _fresh_resets(self) -> list[float]:
        environment = self._cls(self._cls.load(self._tasks.split, data=self._data))
        times = []
        for task in environment.tasks:
            started = time.process_time()
            environment.reset(options={"task": task.id})
            times.append(1e3 * (time.process_time() - started))
        return times

    def _alive(self, number: int) -> Environment:
        environment = self._cls(self._tasks)
        task = self._tasks.tasks[number % len(self._tasks)]
        environment.reset(options={"task": task.id})
        for action in self._plan(task)[:3]:
            environment.step(action)
        return environment

    def _plan(self, task: Task) -> Sequence[Action]:
        solution = self._environment.solution(task)
        return () if solution is None else solution.actions

    def _guesses(self) -> list[tuple[Task, Sequence[Action]]]:
        guesses: list[tuple[Task, Sequence[Action]]] = []
        for number, task in enumerate(self._tasks):
            draw = random.Random(SEED + number)
            observation, _ = self._environment.reset(options={"task": task.id})
            count = len(observation.choices)
            guesses.append((task, [Action("choice", index=draw.randrange(count)) for _ in self._plan(task)]))
        return guesses

    def _rate(self, work: Sequence[tuple[Task, Sequence[Action]]]) -> float:
        return max(self._one_rate(work) for _ in range(self._passes))

    def _one_rate(self, work: Sequence[tuple[Task, Sequence[Action]]]) -> float:
        environment = self._environment
        steps, seconds = 0, 0.0
        for task, actions in work:
            environment.reset(options={"task": task.id})
            started = time.process_time()
            for action in actions:
                steps += 1
                _, _, terminated, truncated, _ = environment.step(action)
                if terminated or truncated:
                    break
            seconds += time.process_time() - started
        return steps / seconds

    def _reset_all(self) -> float:
        started = time.process_time()
        for task in self._tasks:
            self._environment.reset(options={"task": task.id})
        return 1e3 * (time.process_time() - started)


def measure(subject: Subject, data: str, passes: int) -> Iterator[str]:
    """The lines of one environment."""
    cls, tasks = subject.load(data)
    meter = Meter(cls, tasks, data, passes)
    first, slowest = meter.first_resets()
    figures = (
        (Bar("reset, the very first", "ms"), first),
        (Bar("reset, slowest later one", "ms", RESET_MS), slowest),
        (Bar("reset, again", "ms", RESET_MS), meter.reset()),
        (Bar("reference plans", "steps/s", subject.steps, more_is_better=True), meter.reference()),
        (Bar("random actions", "steps/s", subject.steps, more_is_better=True), meter.guessed()),
        (Bar("mixed", "steps/s", subject.steps, more_is_better=True), meter.mixed()),
        (Bar("size, 1,000 alive", "KB", SIZE_KB), meter.size()),
    )
    for bar, value in figures:
        line = f"{subject.name:10} {bar.figure:24} {_written(value):>10} {bar.unit:8}"
        if bar.bar is not None:
            ratio = bar.ratio(value, bar.bar)
            line += f" bar {bar.bar:8,.0f}  ratio {ratio:7.1f}" + ("" if ratio >= 1 else "  MISSED")
        yield line.rstrip()


def _written(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Speed and size of the embodied environments.")
    parser.add_argument("--data", default="", help="directory that holds the imported data; default: the samples")
    parser.add_argument("--only", choices=[subject.name for subject in SUBJECTS], help="measure one of them")
    parser.add_argument("--passes", type=int, default=3, help="how often each measurement is made; the best counts")
    options = parser.parse_args()
    for subject in SUBJECTS:
        if options.only in (None, subject.name):
            for line in measure(subject, options.data, options.passes):
                print(line, flush=True)


if __name__ == "__main__":
    main()
