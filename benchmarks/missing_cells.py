"""Does taking a cell out of an experiment make its interval narrower? By how much, in simulated experiments with missing cells.

    python benchmarks/missing_cells.py [--experiments 250] [--seed 1]

Each experiment gets two trials. In each, one cell is taken out; in three out of five, it is one in which the conditions differ, since those
determine the width. All results are simulated.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from calibration_grid import SHAPE
from rbsuite.statistics.differences import against_control
from rbsuite.statistics.intervals import t_quantile
from rbsuite.statistics.two_parts import Floats

ALLOWED = 0.95


def width(a: Floats, b: Floats) -> float:
    """The width of the interval before it is clipped to the possible range; 0 if there is none."""
    found = against_control(a, b, range(a.shape[-1]))
    return 2 * float(found.parts.reach()) if found.parts is not None else 2 * t_quantile(found.degrees) * found.error


def experiment(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Scores of a memory and a control, tasks by orders; some are missing."""
    n, orders = int(rng.choice([8, 15, 30, 60, 115])), int(rng.choice([3, 5]))
    missing, common = float(rng.choice([0, 0.01, 0.03, 0.05, 0.1])), rng.random() < 0.6
    hard, chances = rng.beta(*SHAPE, (n, 1)), rng.random((n, orders))
    gain = rng.choice([0, 0, 0.05, 0.1]) + rng.choice([0, 0.02, 0.08]) * rng.standard_normal((1, orders))
    a = (chances < np.clip(hard + gain, 0, 1)).astype(float)
    b = ((chances if common else rng.random((n, orders))) < hard).astype(float)
    for side in (a, b):
        side[rng.random(side.shape) < missing] = np.nan
    return a, b


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description="How much narrower an interval gets by taking a cell out, by simulation."
    )
    parser.add_argument("--experiments", type=int, default=250)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng, started = np.random.default_rng(arguments.seed), time.process_time()
    shares: list[float] = []
    for _ in range(arguments.experiments):
        a, b = experiment(rng)
        before = width(a, b)
        for _ in range(2):
            sides = a.copy(), b.copy()
            chosen = sides[int(rng.integers(2))]
            seen = ~np.isnan(chosen)
            differ = seen & (np.nan_to_num(a, nan=0.5) != np.nan_to_num(b, nan=0.5))
            places = np.argwhere(differ if differ.any() and rng.random() < 0.6 else seen)
            chosen[tuple(places[rng.integers(len(places))])] = np.nan
            shares.append(width(*sides) / before)
    found = np.sort(shares)
    narrower = int((found < ALLOWED - 1e-4).sum())
    spent = 1000 * (time.process_time() - started) / (3 * arguments.experiments)
    print(f"simulated: {len(found)} cells taken out, {narrower} of them narrow the interval by more than 5 %")
    print(
        f"narrowest: {', '.join(f'{share:.3f}' for share in found[:5])} of the width before; {spent:.0f} ms CPU an interval"
    )


if __name__ == "__main__":
    main()
