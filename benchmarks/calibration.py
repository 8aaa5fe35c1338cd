"""Are the intervals right? Experiments with a known truth, and how often the reported interval covers it.

    python benchmarks/calibration.py                     all scenarios, 400 experiments each
    python benchmarks/calibration.py --experiments 60    fewer
    python benchmarks/calibration.py --only learner      only scenarios whose names begin with this

Two kinds of experiments. ``drawn/...`` are made by a generator in milliseconds: tasks of unequal difficulty, skills that are learned along
the stream, banks that turn out better or worse by chance. ``learner/...`` are the real pipeline with the simulated learner on one of
several task sets. The truth is the mean difference over many additional experiments, none of which is used to measure coverage.
``.../same`` compares memory off with itself under other seeds: every rejection there is a false one. ``learner/other mixes`` shows what the
interval is *not* for: there every experiment has a different mix of tasks, and the truth is the mean over mixes.

Coverage is printed with its own standard error; the intervals shown next to the reported one are measured too.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from rbsuite.environments.base import EpisodeServices, SyncEnvironment, SyncEpisode
from rbsuite.environments.solution import Lesson, Mistake, Solution
from rbsuite.hookspecs import hookimpl
from rbsuite.plugins import load_plugins
from rbsuite.run.config import Execution, make_config
from rbsuite.run.directory import open_experiment
from rbsuite.run.executors import run_experiment
from rbsuite.run.plan import make_plan
from rbsuite.seeds import derive_seed, rng
from rbsuite.specs import EnvironmentSpec, Split
from rbsuite.statistics.differences import against_control
from rbsuite.statistics.exact import holm
from rbsuite.statistics.intervals import Estimate, average, mean_estimate, p_value
from rbsuite.statistics.resampling import bca_interval, crossed_interval
from rbsuite.statistics.summary import summarise
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, EndReason, Grade, Message, Observation

Scores = list[list[float]]
"""One row per task, one column per order."""

Matrix = tuple[Scores, Scores]
"""The scores of a condition, and those of memory off on the same streams."""

Simulate = Callable[[int], Sequence[Matrix]]
"""The scores of each declared comparison of the experiment with this seed."""

Interval = tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Scenario:
    """Experiments of one kind.

    Attributes:
        name: its name.
        simulate: makes an experiment.
        truth: returns the true differences of the comparisons of the experiment with a given seed.
    """

    name: str
    simulate: Simulate
    truth: Callable[[int], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Tally:
    """The outcome of a scenario.

    Attributes:
        name: the scenario.
        experiments: how many there were.
        truth: the true difference of the first comparison, averaged over the experiments.
        covered: share of experiments whose interval contained the truth, by kind of interval, with its mean width.
        rejected: share of experiments in which a declared comparison was rejected after Holm's correction.
    """

    name: str
    experiments: int
    truth: float
    covered: Mapping[str, tuple[float, float]]
    rejected: float

    def error(self, share: float) -> float:
        """Standard error of a share."""
        return math.sqrt(share * (1 - share) / self.experiments)


# Generated experiments


@dataclass(frozen=True, slots=True)
class World:
    """How experiments are generated.

    Attributes:
        tasks, orders: size of an experiment.
        gain: what a learned skill adds to the probability of success, averaged over tasks; its spread between tasks is half as large.
        skills: how many there are; each task needs one.
        learning: probability that a task's skill is learned from it.
        luck: standard deviation between streams of what a learned skill is worth (how good the bank turned out).
        memories: memories that are compared with memory off.
    """

    tasks: int = 60
    orders: int = 3
    gain: float = 0.25
    skills: int = 15
    learning: float = 0.3
    luck: float = 0.2
    memories: int = 1


def draw(world: World, seed: int) -> list[Matrix]:
    """The scores of an experiment, one matrix per memory."""
    chance = rng("calibration", seed)
    tasks = [_draw_task(world, chance) for _ in range(world.tasks)]
    columns: list[Scores] = [[] for _ in range(world.memories)]
    control: Scores = []
    for _ in range(world.orders):
        order = chance.sample(range(world.tasks), world.tasks)
        off = {index: float(chance.random() < tasks[index][0]) for index in order}
        control.append([off[index] for index in range(world.tasks)])
        for memory in columns:
            on = _run_stream(world, tasks, order, chance)
            memory.append([on[index] for index in range(world.tasks)])
    return [(_turned(memory), _turned(control)) for memory in columns]


def _turned(columns: Scores) -> Scores:
    return [list(row) for row in zip(*columns, strict=True)]


def _draw_task(world: World, chance: random.Random) -> tuple[float, float, int]:
    """Probability of success without memory, what its skill adds, which skill it is."""
    return chance.betavariate(1.0, 2.0), world.gain * chance.uniform(0.5, 1.5), chance.randrange(world.skills)


def _run_stream(
    world: World, tasks: Sequence[tuple[float, float, int]], order: Sequence[int], chance: random.Random
) -> dict[int, float]:
    learnt: set[int] = set()
    worth = max(0.0, chance.gauss(1.0, world.luck))
    scores = {}
    for index in order:
        base, gain, skill = tasks[index]
        scores[index] = float(chance.random() < base + (gain * worth if skill in learnt else 0.0))
        if chance.random() < world.learning:
            learnt.add(skill)
    return scores


def drawn(name: str, world: World) -> Scenario:
    """A scenario of generated experiments."""
    return Scenario(f"drawn/{name}", lambda seed: draw(world, seed), lambda seed: _drawn_truth(world))


@lru_cache
def _drawn_truth(world: World, experiments: int = 4000) -> Sequence[float]:
    if world.gain == 0:
        return [0.0] * world.memories
    means = [[_mean(matrix) for matrix in draw(world, 10**6 + seed)] for seed in range(experiments)]
    return [average(column) for column in zip(*means, strict=True)]


# Experiments with the simulated learner

NOUNS = ("apples", "bridges", "clouds", "drums", "engines", "feathers", "gates", "hills", "islands", "jars")
LESSONS = {
    f"album/{noun}": Lesson(
        f"Count {noun} twice",
        f"Always count the {noun} a second time before you answer.",
        f"I counted the {noun} once and that will do.",
    )
    for noun in NOUNS
}


class Album(SyncEnvironment):
    """Asks how many there are. Every seed, given as the data, is a different draw of tasks: some have no trap, some one, some two."""

    count: ClassVar[int] = 30

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """Draw the tasks."""
        chance = rng("album", data)
        return TaskSet(
            "album", split, tuple(self._draw(number, chance) for number in range(self.count)), {"seed": data}
        )

    @staticmethod
    def _draw(number: int, chance: random.Random) -> Task:
        nouns = chance.choices(NOUNS, range(len(NOUNS), 0, -1), k=2)
        traps = nouns[: chance.choice((0, 1, 1, 2))]
        question = f"How many {nouns[0]} and {nouns[1]} are there in picture {number} of the album of {nouns[0]}?"
        return Task(
            str(number), nouns[0], "album", question, {"answer": f"There are {7 * number + 1}.", "traps": traps}
        )

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> Question:
        """The question."""
        return Question(task)

    def solution(self, task: Task) -> Solution:
        """The answer."""
        return Solution((Action(text=str(task.payload["answer"])),))

    def mistakes(self, task: Task) -> Sequence[Mistake]:
        """Each trap spoils the answer."""
        wrong = {0: (Action(text="There are none."),)}
        return [Mistake(f"album/{noun}", wrong) for noun in dict.fromkeys(task.payload["traps"])]

    def lessons(self) -> Mapping[str, Lesson]:
        """One per noun."""
        return LESSONS


class Question(SyncEpisode):
    """One answer."""

    def __init__(self, task: Task) -> None:
        self._answer, self._right = str(task.payload["answer"]), False
        self.observation = Observation(task.query, messages=(Message("system", "Answer the question."),))

    def act(self, action: Action) -> Observation:
        """The end."""
        self._right = self._answer in action.text
        return Observation("Thank you.", turn="over")

    def grade(self, end: EndReason) -> Grade:
        """Whether the answer contains the right one."""
        return Grade(float(self._right))


class Plugin:
    """Declares the environment."""

    @hookimpl
    def rbsuite_environments(self) -> Sequence[EnvironmentSpec]:
        """The environment of this benchmark."""
        splits = (Split("all", "all"),)
        return [EnvironmentSpec("album", "counts", f"{__name__}:Album", splits=splits, agent="text", max_steps=2)]


SETS = 6
"""Task sets that the experiments of a scenario are spread across."""

TAU_BENCH = -1
"""Stands for the tasks of the tau-bench sample."""

TRUTH_ORDERS = 300
"""Orders from which the truth of a task set is estimated."""


def run_learner(memories: Sequence[str], orders: int, mix: int, seed: int) -> list[list[list[float]]]:
    """Scores of each memory in a fresh experiment of the real pipeline: one row per task, one column per order.

    Args:
        memories: the conditions.
        orders: how many.
        mix: which task set of the album, or :data:`TAU_BENCH`.
        seed: of orders and chances.
    """
    place = {"env": "tau-bench", "split": "sample"} if mix == TAU_BENCH else {"env": "album", "data": f"{mix}"}
    options = {"orders": orders, "memory": tuple(memories), "seed": derive_seed("learner", seed) % 10**9}
    config = make_config(place, options)
    plan = make_plan(config, load_plugins([("album", Plugin())]))
    with tempfile.TemporaryDirectory() as directory, open_experiment(plan, Path(directory)) as store:
        asyncio.run(run_experiment(plan, store, Execution(1)))
        summary = summarise(store)
    ids = sorted(summary.conditions[0].scores)
    return [[[stream.scores[task] for stream in one.streams] for task in ids] for one in summary.conditions]


def learner(name: str, orders: int) -> Scenario:
    """ReasoningBank against memory off on fixed task sets; every experiment draws its orders and chances."""
    return Scenario(
        f"learner/{name}",
        lambda seed: [_learner_difference(orders, seed % SETS, seed)],
        lambda seed: [_learner_truth(seed % SETS)],
    )


def learner_on_tau_bench(orders: int) -> Scenario:
    """Like :func:`learner`, on the tasks of the tau-bench sample."""
    return Scenario(
        f"learner/tau-bench sample, {orders} orders",
        lambda seed: [_learner_difference(orders, TAU_BENCH, seed)],
        lambda seed: [_learner_truth(TAU_BENCH)],
    )


def learner_mixes(orders: int = 3) -> Scenario:
    """Like :func:`learner`, but every experiment has a different mix of tasks."""
    return Scenario(
        "learner/other mixes",
        lambda seed: [_learner_difference(orders, 1000 + seed, seed)],
        lambda seed: [_mixes_truth()],
    )


def _learner_difference(orders: int, mix: int, seed: int) -> Matrix:
    off, on = run_learner(("none", "reasoningbank"), orders, mix, seed)
    return on, off


@lru_cache
def _learner_truth(mix: int) -> float:
    return _mean(_learner_difference(TRUTH_ORDERS, mix, 10**6 + mix))


@lru_cache
def _mixes_truth() -> float:
    return average([_mean(_learner_difference(3, 10**5 + mix, 10**6 + mix)) for mix in range(TRUTH_ORDERS)])


def learner_same(orders: int = 3) -> Scenario:
    """Memory off against memory off under other seeds, on the same tasks."""

    def simulate(seed: int) -> list[Matrix]:
        [both] = run_learner(("none",), 2 * orders, seed % SETS, seed)
        return [([row[:orders] for row in both], [row[orders:] for row in both])]

    return Scenario("learner/same", simulate, lambda seed: [0.0])


def _mean(matrix: Matrix) -> float:
    return average([average(row) for row in differences(matrix)])


def differences(matrix: Matrix) -> Scores:
    """The paired differences."""
    return [[x - y for x, y in zip(*rows, strict=True)] for rows in zip(*matrix, strict=True)]


def estimate(matrix: Matrix) -> Estimate:
    """The difference with the reported interval."""
    on, off = (np.array(side) for side in matrix)
    return against_control(on, off, range(off.shape[1]))


# Measuring


def intervals(matrix: Matrix, resamples: int) -> Iterator[tuple[str, Interval]]:
    """The reported interval and those shown next to it."""
    cells = differences(matrix)
    means = [average(row) for row in cells]
    yield "reported", estimate(matrix).interval
    yield "t tasks", mean_estimate(means).interval
    if resamples:
        yield "BCa tasks", bca_interval(means, resamples)
    if len(cells[0]) > 1:
        yield "t orders", mean_estimate([average(column) for column in zip(*cells, strict=True)]).interval
    if resamples and len(cells[0]) > 2:
        yield "bootstrap", crossed_interval(cells, resamples)


def measure(scenario: Scenario, experiments: int, resamples: int = 999) -> Tally:
    """Run a scenario.

    Args:
        scenario: what is run.
        experiments: how many times; the seeds are 0, 1, 2 and so on.
        resamples: number of resamples for the bootstrap intervals; with 0 these are left out.
    """
    truths = [scenario.truth(seed)[0] for seed in range(experiments)]
    hits: dict[str, int] = {}
    widths: dict[str, float] = {}
    rejected = 0
    for seed in range(experiments):
        matrices = scenario.simulate(seed)
        for kind, interval in intervals(matrices[0], resamples):
            low, high = interval if interval is not None else (-math.inf, math.inf)
            hits[kind] = hits.get(kind, 0) + (low <= truths[seed] <= high)
            widths[kind] = widths.get(kind, 0.0) + (high - low)
        rejected += _rejects([estimate(matrix) for matrix in matrices])
    covered = {kind: (hits[kind] / experiments, widths[kind] / experiments) for kind in hits}
    return Tally(scenario.name, experiments, average(truths), covered, rejected / experiments)


def _rejects(estimates: Sequence[Estimate]) -> bool:
    return any(p is not None and p <= 0.05 for p in holm([p_value(estimate) for estimate in estimates]))


def scenarios() -> list[Scenario]:
    """All of them."""
    null = World(gain=0.0)
    return [
        drawn("60 tasks, 3 orders", World()),
        drawn("60 tasks, 5 orders", World(orders=5)),
        drawn("60 tasks, 10 orders", World(orders=10)),
        drawn("25 tasks, 3 orders", World(tasks=25, skills=6)),
        drawn("150 tasks, 3 orders", World(tasks=150, skills=30)),
        drawn("few skills", World(skills=3, learning=0.1)),
        drawn("lucky banks", World(luck=0.6)),
        drawn("steady banks", World(luck=0.0, learning=1.0)),
        drawn("same", null),
        drawn("same, 1 order", World(gain=0.0, orders=1)),
        drawn("same, 4 memories", World(gain=0.0, memories=4)),
        learner("3 orders", 3),
        learner("5 orders", 5),
        learner_same(),
        learner_on_tau_bench(3),
        learner_mixes(),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Coverage of the reported intervals, by simulation.")
    parser.add_argument("--experiments", type=int, default=400)
    parser.add_argument("--resamples", type=int, default=999)
    parser.add_argument("--only", default="", help="only scenarios whose names begin with this")
    arguments = parser.parse_args()
    for scenario in scenarios():
        if not scenario.name.startswith(arguments.only):
            continue
        tally = measure(scenario, arguments.experiments, arguments.resamples)
        print(f"{tally.name}: true difference {100 * tally.truth:+.2f} points, {tally.experiments} experiments")
        for kind, (share, width) in tally.covered.items():
            error = 100 * tally.error(share)
            print(f"  {kind:<12} covers {100 * share:5.1f} % (se {error:.1f}), mean width {100 * width:.1f} points")
        print(f"  rejected in {100 * tally.rejected:.1f} % (se {100 * tally.error(tally.rejected):.1f})", flush=True)


if __name__ == "__main__":
    main()
