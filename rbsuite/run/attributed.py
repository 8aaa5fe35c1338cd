"""The results of leaving items out: the paired difference for each item and cluster, with an interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rbsuite.run.attribution import Journal, LeftOut, Trial
from rbsuite.statistics.exact import holm
from rbsuite.statistics.intervals import Estimate, p_value
from rbsuite.statistics.items import mean_of_tasks


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of an item, or a cluster of items, on the tasks for which it was recalled.

    Attributes:
        left_out: what was left out.
        change: score with it minus score without it, averaged over tasks, with its interval over tasks; above 0 means that it helped.
        p, p_holm: two-sided p value, unadjusted and adjusted for all items, or all clusters; ``None`` if unknown.
        pairs: how many pairs (a task of a run, with it and without it) are compared.
        better, worse: how many of these scored higher with it, and how many lower.
        replaced: how many recalled something else without it.
        missing: trials that have not been run yet.
        broken: pairs that are left out because a rollout broke, with it or without it.
    """

    left_out: LeftOut
    change: Estimate
    p: float | None
    p_holm: float | None
    pairs: int
    better: int
    worse: int
    replaced: int
    missing: int
    broken: int


def effects(found: Sequence[LeftOut], journal: Journal, *, again: bool = False) -> Sequence[Effect]:
    """The effects known so far, most helpful first, items before clusters.

    Args:
        found: what was left out.
        journal: what was run.
        again: whether tasks are compared with their results when run again with nothing left out, instead of with the stored ones.
    """
    made = [_effect(one, journal, again) for one in found]
    result = []
    for kind in ("item", "cluster"):
        mine = [one for one in made if one.left_out.kind == kind]
        adjusted = holm([one.p for one in mine])
        ranked = [replace(one, p_holm=p) for one, p in zip(mine, adjusted, strict=True)]
        result += sorted(ranked, key=_order)
    return result


def _order(one: Effect) -> tuple[bool, float, float, str]:
    unknown = math.isnan(one.change.mean)
    return unknown, 0.0 if unknown else -one.change.mean, 1.0 if one.p is None else one.p, one.left_out.title


def _effect(one: LeftOut, journal: Journal, again: bool) -> Effect:
    changes: dict[str, dict[str, float]] = {}
    missing = broken = replaced = 0
    for trial, stored in zip(one.trials, one.stored, strict=True):
        without = journal.get(trial)
        with_it = _score(journal, trial.control) if again else stored
        if journal.broke(trial) or (again and journal.broke(trial.control)) or (not again and stored is None):
            broken += 1
        elif without is None or with_it is None:
            missing += 1
        else:
            changes.setdefault(trial.run, {})[trial.task] = with_it - without.score
            replaced += bool(without.recalled)
    values = [value for run in changes.values() for value in run.values()]
    change = mean_of_tasks(list(changes.values()))
    return Effect(
        left_out=one,
        change=change,
        p=p_value(change),
        p_holm=None,
        pairs=len(values),
        better=sum(value > 0 for value in values),
        worse=sum(value < 0 for value in values),
        replaced=replaced,
        missing=missing,
        broken=broken,
    )


def _score(journal: Journal, trial: Trial) -> float | None:
    found = journal.get(trial)
    return None if found is None else found.score
