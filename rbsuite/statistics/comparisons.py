"""Conditions against each other: which comparisons an experiment declares, and the result of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from rbsuite.record import Condition
from rbsuite.statistics.conditions import ConditionSummary
from rbsuite.statistics.failures import FailureBounds, broken_cells, failure_bounds
from rbsuite.statistics.intervals import UNKNOWN, Estimate, average, p_value
from rbsuite.statistics.pairing import Paired, StreamScores, difference, pair
from rbsuite.statistics.power import detectable_by
from rbsuite.statistics.reading import WARM


@dataclass(frozen=True, slots=True)
class Comparison:
    """A condition against the baseline, on the same tasks in the same streams.

    Attributes:
        a: the condition.
        b: the baseline.
        difference: mean over tasks of the difference of the task's means, a minus b, with the reported interval.
        p_value: two-sided, from the same error and degrees of freedom as the interval; ``None`` if they are unknown.
        p_holm: the p value adjusted for the number of declared comparisons.
        n_tasks: number of tasks compared.
        orders: number of orders behind each task's mean; with one, the interval is conditional on that order.
        same_scaling: whether both use the same scaling; otherwise the difference mixes memory and budget.
        detectable: the smallest true difference that would be found with 80 % power; ``None`` if the error is unknown.
        paired: the scores themselves.
        failures: what broken rollouts could change; ``None`` if there are none.
        of_means: the difference if the mean score of all rollouts of a task counts instead of the selected rollout's score; ``None`` if
            tasks have one rollout, have several that build on each other, or already have that mean as their score.
    """

    a: Condition
    b: Condition
    difference: Estimate
    p_value: float | None
    p_holm: float | None
    n_tasks: int
    orders: int
    same_scaling: bool
    detectable: float | None
    paired: Paired
    failures: FailureBounds | None
    of_means: Estimate | None = None


def declared(
    conditions: Sequence[ConditionSummary], baseline: str, factors: Sequence[str] = ()
) -> list[tuple[ConditionSummary, ConditionSummary]]:
    """The comparisons that the choice of conditions declares, fixed before any result is seen.

    Each condition with another memory is compared with the baseline memory at the same levels of everything else; if there is no such
    condition, under the first scaling, judge or embedder of the baseline with that model, agent, temperature and prompts. A memory that
    started with the bank of another experiment is also compared with itself started empty (transfer). In addition, each level of a declared
    factor is compared with the first level, everything else being equal. If all conditions have the same memory and no factor is declared,
    each is compared with the first.

    Args:
        conditions: the conditions, the baseline first.
        baseline: the memory to compare with.
        factors: the factors besides memory and scaling for which an experiment declares several levels.
    """
    base = [one for one in conditions if one.condition.memory == baseline]
    if len(base) == len(conditions):
        alone = [(other, conditions[0]) for other in conditions[1:]]
        return _levels(conditions, ("scaling", *factors)) if factors else alone
    pairs = []
    for one in conditions:
        made = one.condition
        fitting = [b for b in base if _setting(b.condition) == _setting(made)]
        if made.memory == baseline or not fitting:
            continue
        alike = [
            (
                b.condition.scaling == made.scaling,
                b.condition.judge == made.judge,
                b.condition.embedder == made.embedder,
            )
            for b in fitting
        ]
        pairs.append((one, fitting[alike.index(max(alike))]))
    return pairs + _transfers(conditions, baseline) + _levels(conditions, factors)


def _levels(
    conditions: Sequence[ConditionSummary], factors: Sequence[str]
) -> list[tuple[ConditionSummary, ConditionSummary]]:
    """Each condition with the one that differs from it only in one factor and has the first level of that factor."""
    by_condition = {one.condition: one for one in conditions}
    first = conditions[0].condition
    pairs = []
    for name in factors:
        for one in conditions:
            other = by_condition.get(replace(one.condition, **{name: getattr(first, name)}))
            if other is not None and other is not one:
                pairs.append((one, other))
    return pairs


def _setting(condition: Condition) -> tuple[str, ...]:
    return condition.model, condition.agent, condition.temperature, condition.prompts


def _transfers(
    conditions: Sequence[ConditionSummary], baseline: str
) -> list[tuple[ConditionSummary, ConditionSummary]]:
    """Each memory that started with another experiment's bank, with the same memory started empty, unless that is the baseline."""
    begun_empty = {one.condition: one for one in conditions if one.condition.memory != baseline}
    pairs = []
    for one in conditions:
        memory, warm, _ = one.condition.memory.partition(WARM)
        cold = begun_empty.get(replace(one.condition, memory=memory))
        if warm and cold is not None:
            pairs.append((one, cold))
    return pairs


def compare(a: ConditionSummary, b: ConditionSummary, at_once: Collection[str] = ()) -> Comparison:
    """The paired difference of two conditions over what both have completed; its p value is not adjusted.

    Args:
        a: the condition.
        b: the baseline.
        at_once: the scalings that run a task's rollouts side by side.
    """
    paired = pair(a.streams, b.streams, (a.exchangeable, b.exchangeable))
    estimate = difference(paired) or UNKNOWN
    p = p_value(estimate)
    return Comparison(
        a=a.condition,
        b=b.condition,
        difference=estimate,
        p_value=p,
        p_holm=p,
        n_tasks=len(paired.tasks),
        orders=paired.orders,
        same_scaling=a.condition.scaling == b.condition.scaling,
        detectable=detectable_by(estimate),
        paired=paired,
        failures=failure_bounds(paired, broken_cells(a.streams, a.broken), broken_cells(b.streams, b.broken)),
        of_means=_of_means(a, b, at_once),
    )


def _of_means(a: ConditionSummary, b: ConditionSummary, at_once: Collection[str]) -> Estimate | None:
    """The difference of the mean scores of all rollouts, if that says more than the selected ones do."""
    several = [one for one in (a, b) if one.rollouts_a_task > 1]
    if all(one.averaged for one in several) or any(one.condition.scaling not in at_once for one in several):
        return None

    def means(streams: Sequence[StreamScores]) -> list[StreamScores]:
        return [replace(one, scores={task: average(one.rollouts[task]) for task in one.scores}) for one in streams]

    return difference(pair(means(a.streams), means(b.streams), (a.exchangeable, b.exchangeable)))
