"""The figures of experiments as plain data, for the JSON documents; shares and differences are between -1 and 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rbsuite.record import FACTORS
from rbsuite.report.figures import finite
from rbsuite.statistics.intervals import ORDERS_NEEDED, p_value

if TYPE_CHECKING:
    from rbsuite.record import Condition
    from rbsuite.statistics.comparisons import Comparison
    from rbsuite.statistics.conditions import ConditionSummary
    from rbsuite.statistics.intervals import Estimate
    from rbsuite.statistics.summary import Summary


def condition_json(condition: ConditionSummary) -> Mapping[str, Any]:
    """A condition's figures as plain data."""
    tasks = max(1, condition.committed)
    return {
        "condition": condition.condition.label,
        **{factor: getattr(condition.condition, factor) for factor in FACTORS},
        "n_tasks": condition.n_tasks,
        "orders": condition.orders,
        "undeclared_orders": condition.undeclared,
        "committed": condition.committed,
        "mean": finite(condition.success.mean),
        "ci95": condition.success.interval,
        "measures": {name: _estimate(value) for name, value in condition.measures.items()},
        "pass^1": None if (passed := condition.passes(1)) is None else passed[1].mean,
        "exchangeable": condition.exchangeable,
        "passes_over_orders": [
            {"k": k, **_estimate(over)}
            for k in range(1, condition.orders + 1)
            if (over := condition.passes_over_orders(k)) is not None
        ],
        "rollouts_a_task": condition.rollouts_a_task,
        "score_is": "mean of rollouts" if condition.averaged else "selected rollout",
        "rollouts": condition.rollouts,
        "steps": finite(condition.steps),
        "steps_solved": finite(condition.solved_steps),
        "tokens_per_task": condition.total.tokens / tasks,
        "calls_per_task": condition.total.calls / tasks,
        "cost": condition.total.cost,
        "usage": {
            purpose: {
                "calls": usage.calls,
                "input_tokens": usage.input_tokens,
                "output_tokens": usage.output_tokens,
                "cost": usage.cost,
            }
            for purpose, usage in condition.usage.items()
        },
        "memory_seconds": condition.memory_seconds,
        "failures": condition.failures,
        "unread": condition.unread,
        "invalid": condition.invalid,
        "ends": condition.ends,
        "end_reasons": {
            end: [{"reason": one.text, "count": one.count, "first_task": one.task} for one in found]
            for end, found in condition.reasons.items()
        },
        "judge_accuracy": condition.judge_accuracy,
        "judge_ci95": condition.judge.interval,
        "judged": [
            {"verdict": label, "solved": solved, "count": count} for (label, solved), count in condition.judged.items()
        ],
        "recalled_share": finite(condition.recalled),
        "notes": condition.notes,
    }


def comparison_json(comparison: Comparison) -> Mapping[str, Any]:
    """A comparison's figures as plain data."""
    return {
        "a": comparison.a.label,
        "b": comparison.b.label,
        "difference": finite(comparison.difference.mean),
        "ci95": comparison.difference.interval,
        "p_value": comparison.p_value,
        "p_holm": comparison.p_holm,
        "standard_error": comparison.difference.error,
        "degrees_of_freedom": comparison.difference.degrees,
        "detectable": comparison.detectable,
        "n_tasks": comparison.n_tasks,
        "orders": comparison.orders,
        "runs": [len(comparison.paired.a), len(comparison.paired.b)],
        "exchangeable": list(comparison.paired.exchangeable),
        "conditional_on_order": is_conditional(comparison),
        "failures": failures_json(comparison),
        "same_scaling": comparison.same_scaling,
        "mean_of_rollouts": None
        if comparison.of_means is None
        else {
            "difference": finite(comparison.of_means.mean),
            "ci95": comparison.of_means.interval,
            "p_value": p_value(comparison.of_means),
            "standard_error": comparison.of_means.error,
        },
        "finished": comparison.paired.unfinished == 0,
    }


def is_conditional(comparison: Comparison) -> bool:
    """Whether the interval holds only for the orders that were run: with so few it is unknown how orders differ."""
    return comparison.paired.ordered and comparison.orders < ORDERS_NEEDED


def failures_json(comparison: Comparison) -> Mapping[str, Any] | None:
    """What broken rollouts could change, as plain data; ``None`` if there are none."""
    found = comparison.failures
    if found is None:
        return None
    return {
        "a": found.a,
        "b": found.b,
        "excluded": None if found.excluded is None else _estimate(found.excluded),
        "against": _estimate(found.against),
        "in_favour": _estimate(found.in_favour),
        "matters": found.matters,
    }


def rollouts_json(summary: Summary, condition: Condition) -> Mapping[str, Any]:
    """Figures over all rollouts of a condition, and the mean of its domains, as plain data."""
    found = summary.rollouts[condition]
    figures = {} if found is None else {"avg": found.average, "maj": found.voted, "pass": found.passed}
    return {
        "k": None if found is None else found.k,
        **{f"{name}@k": _estimate(value) for name, value in figures.items() if value is not None},
        "mean_of_domains": summary.mean_of_domains(condition),
    }


def apart_json(summary: Summary) -> list[Mapping[str, Any]]:
    """The figures of the domains that are reported separately, as plain data."""
    return [
        {
            "domain": one.part.domain,
            "warning": summary.about.apart[one.part.domain],
            "tasks": len(one.part.tasks),
            "conditions": [condition_json(condition) for condition in one.conditions],
            "comparisons": [comparison_json(comparison) for comparison in one.comparisons],
        }
        for one in summary.apart
    ]


def _estimate(value: Estimate) -> Mapping[str, Any]:
    return {"mean": finite(value.mean), "ci95": value.interval}
