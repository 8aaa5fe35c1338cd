"""How narrow could the interval of a difference be? Bounds for the experiments in which it should be narrower than in version 0.1.

    python benchmarks/calibration_bound.py

- ``known``: 1.96 standard errors on each side, as if the variances of the estimate were known.
- ``least``: the least mean width of any interval that knows everything except how much orders differ, has to estimate that from the orders'
  own mean square, and covers at least a given share whatever it is. Errors are normal; the widths without an order effect and with one of
  this kind's size are minimized together. The interval is the best function of the mean square: at each value it maximises weighted
  coverage under all order effects, minus the width. The weights are raised where coverage is too low.

All results are simulated. See ``benchmarks/calibration_grid.py`` for the experiments.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy.special import ndtr
from scipy.stats import chi2

from calibration_grid import Kind, draw, reported, version_0_1
from rbsuite.statistics.spread import Side, spread
from rbsuite.statistics.two_parts import Floats

ROUNDS = 3000


def least_widths(tasks: float, chance: float, between_orders: Floats, orders: int, coverage: float) -> Floats:
    """The least mean width under each order effect.

    Args:
        tasks: variance of the mean without an order effect.
        chance: the part of the variance of the mean between orders that is chance.
        between_orders: variances that order effects add to the mean; the mean of the widths under these is minimized.
        orders: how many there are.
        coverage: share to be covered at least, under any order effect.
    """
    squares = chance * np.geomspace(1e-3, 1e5, 700)
    effects = np.concatenate([[0.0], chance * np.geomspace(0.05, 3000, 45)])
    edges = np.concatenate([[0.0], np.sqrt(squares[1:] * squares[:-1]), [np.inf]])

    def shares(variances: Floats) -> Floats:
        scaled = edges[None, :] * (orders - 1) / (chance + variances[:, None])
        return np.asarray(np.diff(chi2.cdf(scaled, orders - 1), axis=1), dtype=float)

    under, aimed = shares(effects), shares(between_orders)
    errors = np.sqrt(tasks + effects)
    halves = np.concatenate([[0.0], np.sqrt(tasks) * np.geomspace(0.02, 4000, 600)])
    covers = 2 * ndtr(halves[None, :] / errors[:, None]) - 1
    price = aimed.mean(0) + 1e-4 * under.mean(0)
    weights, step, chosen = np.log(errors) + 1, 10.0, halves
    for number in range(ROUNDS):
        worth = (under * np.exp(weights)[:, None]).T @ covers - price[:, None] * halves[None, :]
        chosen = halves[worth.argmax(axis=1)]
        covered = (under * (2 * ndtr(chosen[None, :] / errors[:, None]) - 1)).sum(axis=1)
        weights = np.maximum(-30.0, weights + step * (coverage - covered))
        step *= 0.999 if number > ROUNDS / 2 else 1.0
    return np.asarray(2 * (aimed * chosen).sum(axis=1), dtype=float)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Bounds on the width of the interval of a difference, by simulation.")
    parser.add_argument("--experiments", type=int, default=4000)
    parser.add_argument("--tasks", type=int, default=115)
    parser.add_argument("--orders", type=int, default=3)
    arguments = parser.parse_args()
    print("simulated; mean widths in points (share of that of version 0.1), at a coverage of at least 92.5, 93.5, 95 %")
    for common in (False, True):
        for effect in (0.0, 0.05, 0.1):
            kinds = [Kind(arguments.tasks, arguments.orders, deviation, effect, common) for deviation in (0.0, 0.18)]
            made = [draw(kind, arguments.experiments, 0) for kind in kinds]
            old, now = (np.array([2 * method(a, b).half.mean() for a, b in made]) for method in (version_0_1, reported))
            parts = [spread(Side.of(a), Side.of(b), range(arguments.orders)) for a, b in made]
            true = np.array([found.mean.var() for found in parts])
            chance = float(parts[0].residual.mean()) / (arguments.tasks * arguments.orders)
            added = np.array([0.0, max(0.0, float(true[1] - true[0]))])
            least = [
                least_widths(float(true[0]), chance, added, arguments.orders, share) for share in (0.925, 0.935, 0.95)
            ]
            for place, kind in enumerate(kinds):
                shown = {"known": 3.92 * np.sqrt(true), "now": now} | dict(
                    zip(("92.5", "93.5", "95"), least, strict=True)
                )
                cells = "  ".join(
                    f"{name} {100 * w[place]:.1f} ({w[place] / old[place]:.2f})" for name, w in shown.items()
                )
                print(f"{kind.label:<45} 0.1 {100 * old[place]:.1f}  {cells}", flush=True)


if __name__ == "__main__":
    main()
