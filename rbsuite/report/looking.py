"""Whether a comparison's p value can be taken at face value: which declared look it is, and what about it was not declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rbsuite.report.figures import point_bounds, points
from rbsuite.report.plain import is_conditional
from rbsuite.store.looks import declared_looks, stage

if TYPE_CHECKING:
    from rbsuite.statistics.comparisons import Comparison
    from rbsuite.statistics.intervals import Estimate
    from rbsuite.statistics.summary import Summary
    from rbsuite.store import ExperimentStore


@dataclass(frozen=True, slots=True)
class Looked:
    """What a reader must know about a look at a comparison.

    Attributes:
        looks: the numbers of orders after which to look, as the experiment declared them; empty if it declared none.
        orders: how many orders there are.
        number: which look it is, from 1; ``None`` if it is none: the experiment is still running, or its orders were not declared.
        level: the largest p value (Holm's if there are several comparisons) that counts as a finding.
        spent: how much of the 5 % this look and those before it have spent.
        interval: the interval that covers one minus the level.
        finding: whether the p value is that small.
        conditional: whether that holds only for these orders, since they are too few to know how orders differ.
        undeclared: number of orders added after the declared ones were finished.
        pooled: number of experiments whose orders are pooled, to a total that none of them declared; 1: a single experiment.
        several: whether there are several comparisons.
        declared: the difference over the declared orders alone, if others were added.
    """

    looks: tuple[int, ...]
    orders: int
    number: int | None = None
    level: float | None = None
    spent: float | None = None
    interval: tuple[float, float] | None = None
    finding: bool | None = None
    conditional: bool = False
    undeclared: int = 0
    pooled: int = 1
    several: bool = False
    declared: Estimate | None = None

    @property
    def title(self) -> str:
        """The label before :func:`look_text`."""
        return "UNDECLARED" if self.undeclared or self.pooled > 1 else "look"


def looked_at(comparison: Comparison, summary: Summary, stores: Sequence[ExperimentStore]) -> Looked | None:
    """How a comparison is looked at; ``None`` if there is nothing to say: one look, at the end, at what was declared.

    Args:
        comparison: the comparison, with its adjusted p value.
        summary: the summary that contains its conditions.
        stores: the experiments of the summary.
    """
    from rbsuite.statistics.looks import at_level, look_at
    from rbsuite.statistics.pairing import difference, pair

    sides = [one for one in summary.conditions if one.condition in (comparison.a, comparison.b)]
    manifest = stores[next(one for one in sides if one.condition == comparison.a).sources[0]].manifest
    looks = declared_looks(manifest)
    undeclared, pooled = max(one.undeclared for one in sides), max(len(set(one.sources)) for one in sides)
    if undeclared or pooled > 1:
        paired = comparison.paired
        a, b = ([run for run in side if run.info.declared] for side in (paired.a, paired.b))
        alone = difference(pair(a, b, paired.exchangeable)) if undeclared else None
        return Looked(looks, comparison.orders, undeclared=undeclared, pooled=pooled, declared=alone)
    if not looks:
        return Looked((manifest.config["orders"],), comparison.orders) if comparison.paired.unfinished else None
    found = look_at(looks, comparison.orders)
    if found is None or comparison.paired.unfinished or comparison.p_holm is None:
        return Looked(looks, comparison.orders)
    return Looked(
        looks,
        comparison.orders,
        found.number,
        found.level,
        found.spent,
        at_level(comparison.difference, found.level).interval,
        comparison.p_holm <= found.level,
        is_conditional(comparison),
        several=len(summary.comparisons) > 1,
    )


def look_json(looked: Looked | None) -> Mapping[str, Any] | None:
    """The same as plain data."""
    if looked is None:
        return None
    return {
        "looks": list(looked.looks),
        "number": looked.number,
        "level": looked.level,
        "spent": looked.spent,
        "interval": looked.interval,
        "finding": looked.finding,
        "undeclared_orders": looked.undeclared,
        "experiments": looked.pooled,
        "declared_alone": None
        if looked.declared is None
        else {"difference": looked.declared.mean, "ci95": looked.declared.interval},
    }


def looks_json(store: ExperimentStore) -> Mapping[str, Any] | None:
    """How far an experiment with declared looks is, and how many orders were added to it; ``None`` if neither applies."""
    at, added = stage(store), added_orders(store)
    if not at.looks and not added:
        return None
    done = at.looks or (store.manifest.config["orders"],)
    return {
        "declared": list(done),
        "number": at.number or None,
        "orders": at.orders or done[-1],
        "finished": at.finished,
        "undeclared_orders": added,
    }


def added_orders(store: ExperimentStore) -> int:
    """How many orders were added to an experiment after those that it declared were finished."""
    return len({run.order for run in store.manifest.runs if not run.declared})


def look_text(looked: Looked) -> str:
    """The same in words."""
    if looked.undeclared:
        only, orders = looked.declared, "1 order was" if looked.undeclared == 1 else f"{looked.undeclared} orders were"
        return (
            f"{orders} added after the declared ones had finished: "
            "interval and p value do not allow for that choice. The declared orders alone: "
            + ("-" if only is None else f"{points(only.mean)}{point_bounds(only.interval)}")
        )
    if looked.pooled > 1:
        return (
            f"orders of {looked.pooled} experiments pooled, a number that none of them declared: interval and p value do not allow for "
            "that choice"
        )
    if looked.number is None or looked.level is None or looked.spent is None:
        return (
            f"declared after {_listed(looked.looks)} orders, which are not all finished: nothing may be concluded yet"
        )
    p = "Holm's p" if looked.several else "p"
    alone = " for these orders alone" if looked.conditional else ""
    return (
        f"{looked.number} of {len(looked.looks)} ({looked.orders} of {looked.looks[-1]} orders): "
        f"{100 * looked.spent:.1f} of 5 % spent, a finding at {p} <= {looked.level:.4f}; "
        f"{100 * (1 - looked.level):.1f} % interval{point_bounds(looked.interval)}: "
        f"{'a finding' if looked.finding else 'no finding'}{alone}"
    )


def orders_text(store: ExperimentStore) -> str:
    """How many orders an experiment has: how many of the declared ones are looked at, and how many were added."""
    declared, at = store.manifest.config["orders"], stage(store)
    text = f"{declared} order{'' if declared == 1 else 's'}"
    if at.looks and at.orders < declared:
        text = f"{at.orders} of {text}"
    added = added_orders(store)
    return text + (f" and {added} undeclared" if added else "")


def going_on(store: ExperimentStore) -> str:
    """What to say about the remaining looks; empty if there are none."""
    at = stage(store)
    if not at.finished or at.number == len(at.looks):
        return ""
    then = at.looks[at.number]
    return (
        f"Look {at.number} of {len(at.looks)}, after {_listed(at.looks)} orders. "
        f"To continue to {then} orders: rbsuite eval --from {store.directory} --to-look next"
    )


def _listed(looks: Sequence[int]) -> str:
    return ", ".join(map(str, looks[:-1])) + (" and " if len(looks) > 1 else "") + str(looks[-1])
