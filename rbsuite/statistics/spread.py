"""The error of a mean over tasks crossed with orders, on which the reported intervals are based.

A row is a task, a column an order, a cell a score. Tasks of one order share a bank, so the cells of a column are not independent; a task is
equally hard in every order, so the cells of a row are not independent either. The variance of the mean over tasks and orders *like these*
has two parts:

- between tasks: the variance of the tasks' means, over the number of tasks. For a difference, the variance of the tasks' differences.
- between orders: from the two-way analysis of variance (unbalanced where cells are missing; Searle, Casella & McCulloch 1992, chapters 4
  and 5) of the cells of the memory, *minus what they share with the cells of a control*. A control that recalls nothing has no order
  effect, so its cells show which part of a memory's cells is the chance common to a task and seed. How much is subtracted is given by the
  slope of the doubly centred memory cells on the doubly centred control cells.

The interval uses a separate quantile for each part (:mod:`rbsuite.statistics.two_parts`), with no preliminary test of whether orders
differ. ``docs/statistics.md`` reports what was measured.

Everything works on a stack of experiments at once: arrays have any number of leading axes, then tasks, then orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from rbsuite.statistics.intervals import ORDERS_NEEDED
from rbsuite.statistics.two_parts import Floats, TwoParts

Flags: TypeAlias = npt.NDArray[np.bool_]

EXCESS = 1.2
"""How many times its chance is subtracted from the part between orders if that chance is negligible beside the part between tasks."""
LESS = 0.8
"""How many times less is subtracted if that chance is all of the part between tasks."""
FEW_DIFFER = 0.5
"""How many times the least variance is subtracted too: if hardly any cell differs, orders seem to. All three were chosen by calibration
(:data:`rbsuite.statistics.two_parts.FEW` is the fourth)."""
_ROUNDS = 6
"""Number of rounds in which row and column effects are fitted if cells are missing."""


@dataclass(frozen=True, slots=True)
class Side:
    """The cells of a condition.

    Attributes:
        values: scores; any value where there is none.
        seen: which cells exist, of the same shape.
        times: how many tasks, all with the same cells, each row stands for; ``None``: one each.
    """

    values: Floats
    seen: Flags
    times: Floats | None = None

    @classmethod
    def of(cls, cells: Floats) -> Side:
        """The cells of an array in which missing ones are NaN."""
        seen = ~np.isnan(cells)
        return cls(np.where(seen, cells, 0.0), seen)


@dataclass(frozen=True, slots=True)
class Spread:
    """Means and their errors, one per experiment.

    Attributes:
        mean: the mean over tasks of the tasks' means (or of their differences).
        error: standard error, such that the interval is ``mean +- t(degrees) * error``; NaN for fewer than two tasks.
        degrees: degrees of freedom.
        parts: the parts of the squared error, between tasks and between orders.
        orders: variance of the order effect, not below 0; 0 if orders do not count.
        ratio: mean square between orders over the residual; NaN if orders do not count.
        residual: the residual mean square of the cells from which ``orders`` is computed.
        residual_degrees: the degrees of freedom of ``residual``.
    """

    mean: Floats
    error: Floats
    degrees: Floats
    parts: TwoParts
    orders: Floats
    ratio: Floats
    residual: Floats
    residual_degrees: Floats


def spread(
    a: Side,
    b: Side | None = None,
    partners: Sequence[int] = (),
    *,
    ordered: bool = True,
    prior: float = 0.0,
) -> Spread:
    """The mean of a condition, or of its difference from a control that has no order effect, with its error.

    Args:
        a: the condition.
        b: the control, on the same tasks; it may have been run more or less often. ``None``: ``a`` contains the values themselves.
        partners: for each column of ``a``, the column of ``b`` that had the same random draws, -1 for none.
        ordered: whether orders may matter to ``a``. With fewer than :data:`ORDERS_NEEDED` columns this cannot be seen, and the error is
            conditional on the orders.
        prior: how many tasks' worth of the largest variance of a 0/1 score is mixed into the variance between tasks. Used for shares, whose
            tasks may agree by chance; 0 for differences, whose error :func:`least` keeps from vanishing.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = np.asarray(a.seen.any(-1) if b is None else a.seen.any(-1) & b.seen.any(-1))
        means = _row_means(a) if b is None else _row_means(a) - _row_means(b)
        tasks = rows if a.times is None else rows * a.times
        n = tasks.sum(-1).astype(float)
        mean = (means * tasks).sum(-1) / n
        between = (((means - mean[..., None]) ** 2) * tasks).sum(-1) / (n - 1) / n
        if prior:
            between = ((n - 1) * between + prior * np.maximum(0.0, mean * (1 - mean)) / n) / (n - 1 + prior)
        else:
            runs = a.values.shape[-1] if b is None else min(a.values.shape[-1], b.values.shape[-1])
            between = np.maximum(between, least(n, runs))
        if not ordered or a.values.shape[-1] < ORDERS_NEEDED:
            zero = np.zeros_like(mean)
            nothing = np.full_like(mean, np.nan)
            parts = TwoParts(between, zero, n - 1, zero + 1)
            return Spread(mean, np.sqrt(between), n - 1, parts, zero, nothing, nothing, nothing)
        return _over_orders(a, b, partners, rows, mean, between)


def least(n: Floats | float, runs: Floats | float) -> Floats:
    """The least variance of a mean difference: if no pair differs, as if both of two extra tasks did in one run (Bonett & Price 2012)."""
    return np.asarray(2 / ((n + 2) * runs) ** 2, dtype=float)


def _row_means(side: Side) -> Floats:
    return np.asarray((side.values * side.seen).sum(-1) / np.maximum(1, side.seen.sum(-1)), dtype=float)


def _over_orders(
    a: Side, b: Side | None, partners: Sequence[int], rows: Flags, mean: Floats, between: Floats
) -> Spread:
    seen, times = a.seen & rows[..., None], 1.0 if a.times is None else a.times[:, None]
    values = a.values if b is None else a.values - _shared(a, b, partners, rows)
    cells, residual = additive(values, seen, a.times)
    counts = (seen * times).sum(-2)
    n, total, orders = (rows[..., None] * times).sum((-1, -2)), counts.sum(-1), a.values.shape[-1]
    left = np.maximum(1.0, total - n - orders + 1)
    noise = (residual**2 * times).sum((-1, -2)) / left
    among = (counts * cells**2).sum(-1) / (orders - 1)
    tasks_an_order = (total - (counts**2).sum(-1) / total) / (orders - 1)
    weights = (seen * times / np.maximum(1, seen.sum(-1))[..., None]).sum(-2) / n[..., None]
    unit = (weights**2).sum(-1) / tasks_an_order
    high, low = among * unit, noise * unit
    parts = TwoParts(between, beyond_chance(high, low, between, n, orders), n - 1, np.full_like(mean, orders - 1))
    own = np.maximum(0.0, among - noise) / tasks_an_order
    return Spread(mean, parts.error, parts.degrees, parts, own, among / noise, noise, left)


def beyond_chance(
    high: Floats, low: Floats | float, between: Floats | float, n: Floats | float, orders: Floats | float
) -> Floats:
    """The part of a squared error that is between orders, minus chance; not below 0.

    Args:
        high: the variance of the mean from how the orders differ, including chance.
        low: the variance from chance alone.
        between: the variance from how tasks differ, including chance.
        n: number of tasks.
        orders: number of orders.
    """
    chance = (EXCESS - LESS * low / between) * low + FEW_DIFFER * least(n, orders)
    return np.asarray(np.maximum(0.0, high - chance), dtype=float)


def _shared(a: Side, b: Side, partners: Sequence[int], rows: Flags) -> Floats:
    """What the cells of a condition share with those of the control in the same stream; 0 if there is no such stream."""
    columns = [place for place, partner in enumerate(partners) if partner >= 0]
    found = np.zeros_like(a.values)
    if not columns:
        return found
    others = [partners[place] for place in columns]
    both = a.seen[..., columns] & b.seen[..., others] & rows[..., None]
    _, mine = additive(a.values[..., columns], both, a.times)
    _, theirs = additive(b.values[..., others], both, a.times)
    weighed = theirs if a.times is None else theirs * a.times[:, None]
    squares = (theirs * weighed).sum((-1, -2))
    slope = np.where(squares > 0, (mine * weighed).sum((-1, -2)) / np.where(squares > 0, squares, 1.0), 0.0)
    deviations = np.where(both, b.values[..., others] - _row_means(b)[..., None], 0.0)
    found[..., columns] = slope[..., None, None] * deviations
    return found


def additive(values: Floats, seen: Flags, times: Floats | None = None) -> tuple[Floats, Floats]:
    """The effects of the columns in an additive model of rows and columns, with mean 0 over the cells, and the residuals of the model.

    Args:
        values: cells; 0 or any other value where there is none.
        seen: which cells exist.
        times: how often each row counts; ``None``: once.
    """
    weights = np.ones((1, 1)) if times is None else times[:, None]
    counts = (seen * weights).sum(-2)
    in_row, in_column = np.maximum(1, seen.sum(-1))[..., None], np.maximum(1, counts)
    left = values * seen
    effects = np.zeros(values.shape[:-2] + values.shape[-1:])
    for _ in range(1 if seen.all() else _ROUNDS):
        left = (left - left.sum(-1, keepdims=True) / in_row) * seen
        step = (left * weights).sum(-2) / in_column
        effects = effects + step
        left = (left - step[..., None, :]) * seen
    middle = (effects * counts).sum(-1, keepdims=True) / np.maximum(1, counts.sum(-1, keepdims=True))
    return effects - middle, left
