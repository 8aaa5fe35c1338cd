"""Coverage, width and power of the reported interval of a difference over a grid of simulated experiments, compared with that of version
0.1.

Agents are like a real one: scores are 0 or 1, a task's success is Beta(0.54, 0.354) (pass^1 to pass^4 of .60, .49, .43 and .38), memory
adds an effect on the logit scale that grows along the stream (``1 - exp(-position / 0.2)``) and differs between tasks (sd 0.5), and each
order adds an effect of its own (sd 0.18, 0.36 and 0.72 on the logit scale: about 2, 4 and 7-8 points). The two conditions draw their
chances independently or share them. ``A/A``: memory that does nothing.

All results are simulated. Run ``python benchmarks/calibration_grid.py --help``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.stats import f

from rbsuite.statistics.looks import levels
from rbsuite.statistics.spread import Side, additive, spread
from rbsuite.statistics.two_parts import Floats, quantile

SHAPE = (0.54, 0.354)
SPREAD = 0.5
GROWTH = 0.2
ORDER_DEVIATIONS = (0.0, 0.18, 0.36, 0.72)
POINTS = {0.0: "0", 0.18: "2", 0.36: "4", 0.72: "7-8"}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of experiment.

    Attributes:
        tasks, orders: its size.
        order_deviation: sd of the order effect, on the logit scale.
        effect: true difference.
        common: whether the conditions share their chances.
        control: runs of the control; 0: as many as orders.
        missing: share of cells that are missing on each side.
        nothing: whether memory does nothing at all (A/A).
    """

    tasks: int
    orders: int
    order_deviation: float = 0.0
    effect: float = 0.0
    common: bool = False
    control: int = 0
    missing: float = 0.0
    nothing: bool = False

    @property
    def label(self) -> str:
        """As text."""
        what = "A/A" if self.nothing else f"sd {POINTS[self.order_deviation]}, effect {100 * self.effect:.0f}"
        runs = f"{self.orders}" + (f"+{self.control}" if self.control else "")
        extra = f", {self.missing:.0%} missing" if self.missing else ""
        return f"n {self.tasks}, R {runs}, {what}, {'common' if self.common else 'independent'}{extra}"


@dataclass(frozen=True, slots=True)
class Means:
    """Means and errors of a stack of experiments, with the half widths of their intervals."""

    mean: Floats
    half: Floats


Method = Callable[[Floats, Floats], Means]


def logistic(values: Floats) -> Floats:
    """From the logit scale to shares."""
    return np.asarray(1 / (1 + np.exp(-values)), dtype=float)


def logit(shares: Floats) -> Floats:
    """From shares to the logit scale."""
    inside = np.clip(shares, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(inside / (1 - inside)), dtype=float)


@lru_cache
def gain(effect: float, order_deviation: float) -> float:
    """The mean gain on the logit scale that makes the difference this large, over tasks, places and orders."""
    rng, many = np.random.default_rng(1), 200_000
    shares = rng.beta(*SHAPE, many)
    base, own = logit(shares), SPREAD * rng.standard_normal(many)
    growth, order = 1 - np.exp(-rng.random(many) / GROWTH), order_deviation * rng.standard_normal(many)
    low, high = -3.0, 6.0
    for _ in range(40):
        middle = (low + high) / 2
        found = float((logistic(base + (middle + own) * growth + order) - shares).mean())
        low, high = (middle, high) if found < effect else (low, middle)
    return (low + high) / 2


def draw(kind: Kind, experiments: int, seed: int) -> tuple[Floats, Floats]:
    """Scores of memory and control: experiments, tasks, runs; not a number where a cell is missing."""
    rng = np.random.default_rng([seed, kind.tasks, kind.orders, kind.control, int(100 * kind.order_deviation)])
    n, orders, runs = kind.tasks, kind.orders, kind.control or kind.orders
    shares = rng.beta(*SHAPE, (experiments, n, 1))
    places = np.argsort(rng.random((experiments, orders, n)), axis=2).transpose(0, 2, 1) / max(1, n - 1)
    chances = shares
    if not kind.nothing:
        gains = gain(kind.effect, kind.order_deviation) + SPREAD * rng.standard_normal((experiments, n, 1))
        order = kind.order_deviation * rng.standard_normal((experiments, 1, orders))
        chances = logistic(logit(shares) + gains * (1 - np.exp(-places / GROWTH)) + order)
    mine, theirs = rng.random((experiments, n, orders)), rng.random((experiments, n, runs))
    if kind.common:
        theirs[..., : min(orders, runs)] = mine[..., : min(orders, runs)]
    a, b = (mine < chances).astype(float), (theirs < shares).astype(float)
    if kind.missing:
        a = np.where(rng.random(a.shape) < kind.missing, np.nan, a)
        b = np.where(rng.random(b.shape) < kind.missing, np.nan, b)
    return a, b


def reported(a: Floats, b: Floats) -> Means:
    """The interval as reported (without what it adds for missing cells)."""
    partners = [column if column < b.shape[-1] else -1 for column in range(a.shape[-1])]
    found = spread(Side.of(a), Side.of(b), partners)
    return Means(found.mean, found.parts.reach())


def over_tasks(a: Floats, b: Floats) -> Means:
    """The interval over tasks alone."""
    found = spread(Side.of(a), Side.of(b), ordered=False)
    return Means(found.mean, quantile(found.degrees) * found.error)


def version_0_1(a: Floats, b: Floats) -> Means:
    """The interval of version 0.1: of paired differences, after an F test of whether orders differ; over tasks where cells are missing."""
    cells = a - b
    n, orders = cells.shape[-2:]
    if np.isnan(cells).any():
        return over_tasks(a, b)
    effects, left = additive(cells, np.ones_like(cells, dtype=bool))
    degrees = (n - 1) * (orders - 1)
    residual = (left**2).sum((-1, -2)) / degrees
    tasks, among = orders * cells.mean(-1).var(-1, ddof=1), n * (effects**2).sum(-1) / (orders - 1)
    differ = among > f.ppf(min(0.75, 1 - 1.2 / orders), orders - 1, degrees) * residual
    total = np.where(differ, np.maximum(tasks, tasks + among - residual), tasks)
    with np.errstate(divide="ignore", invalid="ignore"):
        mixed = total**2 / (tasks**2 / (n - 1) + among**2 / (orders - 1) + residual**2 / degrees)
    mixed = np.clip(np.nan_to_num(mixed, nan=n - 1), *sorted((orders - 1, n - 1)))
    freedom = np.where(differ, mixed, n - 1)
    return Means(cells.mean((-1, -2)), quantile(freedom) * np.sqrt(total / (n * orders)))


METHODS: Mapping[str, Method] = {"0.1": version_0_1, "now": reported, "tasks": over_tasks}


@dataclass(frozen=True, slots=True)
class Result:
    """The results of a method on one kind of experiment: shares of experiments, and the mean width."""

    coverage: float
    width: float
    rejected: float


def measure(kind: Kind, experiments: int, seed: int = 0, methods: Mapping[str, Method] = METHODS) -> dict[str, Result]:
    """Draw experiments of a kind and apply each method to them."""
    a, b = draw(kind, experiments, seed)
    found = {}
    for name, method in methods.items():
        if name == "0.1" and a.shape != b.shape:
            continue
        made = method(a, b)
        held, missed = np.abs(made.mean - kind.effect) <= made.half, np.abs(made.mean) > made.half
        found[name] = Result(float(held.mean()), float(2 * made.half.mean()), float(missed.mean()))
    return found


def looked(kind: Kind, looks: Sequence[int], experiments: int, seed: int = 0) -> tuple[float, float, float]:
    """Shares of experiments that reject at an interim look: at declared levels, at 5 % each, and at 5 % after each order from the third."""
    a, b = draw(kind, experiments, seed)
    rejected = np.zeros((3, experiments), dtype=bool)
    for orders in range(3, kind.orders + 1):
        found = spread(Side.of(a[..., :orders]), Side.of(b[..., :orders]), range(orders))
        usual = np.abs(found.mean) > found.parts.reach()
        rejected[2] |= usual
        if orders in looks:
            rejected[1] |= usual
            rejected[0] |= np.abs(found.mean) > found.parts.reach(levels(tuple(looks))[list(looks).index(orders)])
    return tuple(float(share) for share in rejected.mean(axis=1))  # type: ignore[return-value]


def grid() -> Iterator[Kind]:
    """All kinds of experiments."""
    for tasks in (30, 50, 115, 500):
        for orders in (3, 5):
            for common in (False, True):
                yield Kind(tasks, orders, common=common, nothing=True)
                for deviation in ORDER_DEVIATIONS:
                    for effect in (0.0, 0.05, 0.1):
                        yield Kind(tasks, orders, deviation, effect, common)
    for missing in (0.01, 0.03, 0.1):
        for deviation in ORDER_DEVIATIONS:
            yield Kind(115, 3, deviation, 0.05, missing=missing)
    for orders, control in ((3, 3), (4, 2), (5, 3), (5, 10)):
        yield Kind(115, orders, 0.18, 0.05, control=control)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Coverage, width and power of the reported interval, by simulation.")
    parser.add_argument("--experiments", type=int, default=1000)
    parser.add_argument("--tasks", type=int, default=0, help="only kinds with this many tasks")
    arguments = parser.parse_args()
    print("simulated; covers % / mean width in points / rejected %")
    for kind in grid():
        if arguments.tasks in (0, kind.tasks):
            found = measure(kind, arguments.experiments)
            cells = "  ".join(
                f"{name} {100 * one.coverage:5.1f} /{100 * one.width:5.1f} /{100 * one.rejected:4.0f}"
                for name, one in found.items()
            )
            print(f"{kind.label:<52} {cells}", flush=True)
    for deviation in ORDER_DEVIATIONS:
        kind = Kind(115, 10, deviation, nothing=not deviation)
        shares = looked(kind, (3, 5, 10), arguments.experiments)
        print(
            f"looks 3,5,10: {kind.label:<40} declared {100 * shares[0]:.1f} %, each at 5 % {100 * shares[1]:.1f} %, ",
            end="",
        )
        print(f"after every order {100 * shares[2]:.1f} %", flush=True)


if __name__ == "__main__":
    main()
