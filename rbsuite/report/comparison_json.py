"""The document that ``rbsuite compare --json`` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rbsuite.report.comparison import Compared, details
from rbsuite.report.domains import domains_json
from rbsuite.report.figures import finite
from rbsuite.report.looking import look_json, looked_at, looks_json
from rbsuite.report.plain import apart_json, comparison_json, condition_json, rollouts_json
from rbsuite.report.results import is_control, is_external
from rbsuite.statistics.memory_use import cost_split
from rbsuite.store import ExperimentStore, experiment_digest

if TYPE_CHECKING:
    from rbsuite.statistics.comparisons import Comparison
    from rbsuite.statistics.conditions import ConditionSummary
    from rbsuite.statistics.curves import Slice
    from rbsuite.statistics.intervals import Estimate
    from rbsuite.statistics.memory_use import MemoryUse
    from rbsuite.trajectory import Usage


def document(compared: Compared) -> Mapping[str, Any]:
    """Everything that the command shows, as plain data; shares and differences are between -1 and 1."""
    config = compared.stores[0].manifest.config
    summary = compared.summary
    return {
        "experiments": [_experiment(store) for store in compared.stores],
        "env": config["env"],
        "split": config["split"],
        "task_set": compared.stores[0].manifest.facts["task_set"]["hash"],
        "simulated": compared.simulated,
        "environment": {**summary.about.told},
        "conditions": [
            {
                **_condition(one, summary.memory[one.condition]),
                "control": is_control(one.condition, summary),
                "external": is_external(one.condition, summary),
                "all_rollouts": rollouts_json(summary, one.condition),
                "domains": domains_json(summary, one.condition),
            }
            for one in summary.conditions
        ],
        "comparisons": [_comparison(one, compared) for one in summary.comparisons],
        "apart": apart_json(summary),
        "notes": list(compared.notes),
    }


def _experiment(store: ExperimentStore) -> Mapping[str, Any]:
    config = store.manifest.config
    return {
        "path": str(store.directory),
        "digest": experiment_digest(store),
        "seed": config["seed"],
        "orders": config["orders"],
        "looks": looks_json(store),
        "rbsuite": store.manifest.facts["rbsuite"],
    }


def _condition(one: ConditionSummary, memory: MemoryUse) -> Mapping[str, Any]:
    acting, remembering, rest = cost_split(one.usage)
    return {
        **condition_json(one),
        "agent": one.condition.agent,
        "passes": [
            {"k": k, "pass@k": _estimate(passed[0]), "pass^k": _estimate(passed[1])}
            for k in range(1, one.rollouts_a_task + 1)
            if (passed := one.passes(k)) is not None
        ],
        "memory_use": {
            "recalled_share": memory.recalls / memory.tasks if memory.tasks else None,
            "items_recalled_a_task": memory.items_a_task,
            "injected_characters": memory.characters,
            "injected_tokens_a_task_estimated": memory.tokens_a_task,
            "items_added": memory.added,
            "items_deleted": memory.deleted,
            "documents_written": memory.documents,
            "items_kept_a_run": memory.items_kept,
            "growth": [{"tasks": tasks, "items_a_run": items} for tasks, items in memory.growth],
        },
        "cost_of": {
            "acting": _usage(acting, one.committed),
            "memory": {**_usage(remembering, one.committed), "seconds": one.memory_seconds},
            "judging_and_selecting": _usage(rest, one.committed),
        },
        "verdicts": [_verdicts(one, solved) for solved in (True, False)],
    }


def _usage(usage: Usage, tasks: int) -> Mapping[str, Any]:
    return {
        "calls": usage.calls,
        "tokens": usage.tokens,
        "tokens_per_task": usage.tokens / max(1, tasks),
        "dollars": usage.cost,
    }


def _verdicts(one: ConditionSummary, solved: bool) -> Mapping[str, Any]:
    (success, failure, unknown), right = one.verdicts(solved)
    return {
        "solved": solved,
        "success": success,
        "failure": failure,
        "unknown": unknown,
        "right": {"mean": finite(right.mean), "ci95": right.interval},
    }


def _comparison(comparison: Comparison, compared: Compared) -> Mapping[str, Any]:
    found = details(comparison, compared.summary.about)
    return {
        **comparison_json(comparison),
        "look": look_json(looked_at(comparison, compared.summary, compared.stores)),
        "a_condition": comparison.a,
        "b_condition": comparison.b,
        "other_intervals": found["intervals"],
        "mcnemar": found["mcnemar"],
        "orders_spread": found["orders"],
        "learning_curve": _slices(found["curve"]),
        "cumulative_curve": _slices(found["cumulative"]),
        "second_half_gain": _estimate(found["half_gain"]),
        "final_bank_gain_on_early_tasks": _estimate(found["final_bank_gain"]),
        "domains": _slices(found["domains"]),
        "groups": _slices(found["groups"]),
    }


def _estimate(estimate: Estimate | None) -> Mapping[str, Any] | None:
    return None if estimate is None else {"mean": estimate.mean, "ci95": estimate.interval}


def _slices(slices: Sequence[Slice]) -> list[Mapping[str, Any]]:
    return [
        {
            "name": one.name,
            "cells": one.n,
            "a": _estimate(one.a),
            "b": _estimate(one.b),
            "difference": _estimate(one.change),
        }
        for one in slices
    ]
