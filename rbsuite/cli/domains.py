"""Tables of figures by domain: success, and what else the environment keeps of a rollout, each with its interval."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rbsuite.cli.figures import finite, interval, percent
from rbsuite.cli.output import WIDTH, table
from rbsuite.statistics.parts import domain_results, measures_of
from rbsuite.statistics.summary import Summary, runs_by_condition

if TYPE_CHECKING:
    from rbsuite.record import Condition
    from rbsuite.statistics.intervals import Estimate
    from rbsuite.statistics.parts import DomainResult
    from rbsuite.store import ExperimentStore

APART = "*"
"""Marks a domain that stands apart."""
UNKNOWN_WARNING = (
    "its environment, which is not installed here, says that its figures do not mean what the others' mean."
)


def results_by_domain(stores: Sequence[ExperimentStore]) -> Mapping[Condition, Sequence[DomainResult]]:
    """The figures of each condition by domain; empty where the environment keeps none by domain."""
    found = {condition: domain_results(runs) for condition, runs in runs_by_condition(stores)[0].items()}
    return {condition: results for condition, results in found.items() if results}


def warnings_of(store: ExperimentStore) -> Mapping[str, str]:
    """Why each domain of an experiment that stands apart does so, as its environment says; a store does not hold it."""
    from rbsuite.errors import RbsuiteError
    from rbsuite.options import Reference
    from rbsuite.plugins import load_plugins

    names = store.manifest.facts.get("apart", ())
    try:
        spec = load_plugins().environment(Reference.parse(store.manifest.config["env"]).name) if names else None
    except RbsuiteError:
        spec = None
    known = {part.domain: part.warning for part in spec.apart} if spec is not None else {}
    return {name: known.get(name, UNKNOWN_WARNING) for name in names}


def domains_text(stores: Sequence[ExperimentStore], summary: Summary, names: Sequence[str]) -> str:
    """The table, those that stand apart last, with what is to be said of them; empty where there is none.

    Args:
        stores: the experiments.
        summary: their figures.
        names: what each of the summary's conditions is called.
    """
    found = results_by_domain(stores)
    if not found:
        return ""
    warnings = warnings_of(stores[0])
    measures = [f"{name.replace('_', ' ')} % [95 %]" for name in measures_of(stores[0])]
    rows: list[Sequence[str]] = [("domain", "tasks", "condition", "success % [95 %]", *measures, "failed")]
    columns = [
        [(name, one) for one in found.get(condition.condition, ())]
        for name, condition in zip(names, summary.conditions, strict=True)
    ]
    by_domain = sorted(zip(*columns, strict=True), key=lambda row: row[0][1].name in warnings)
    rows += [_row(one, name, one.name in warnings) for row in by_domain for name, one in row]
    left_out = "" if summary.all_apart else ", left out of the figures of the others"
    notes = [f"{APART} {domain} stands apart{left_out}: {warning}" for domain, warning in warnings.items()]
    notes.insert(0, "Intervals by domain are over its tasks, given the orders that were run.")
    return "\n".join([table(rows), *(textwrap.fill(note, WIDTH, subsequent_indent="  ") for note in notes)])


def domains_json(results: Sequence[DomainResult], summary: Summary) -> list[Mapping[str, Any]]:
    """The figures of one condition as plain data."""
    apart = {one.part.domain for one in summary.apart}
    return [
        {
            "domain": one.name,
            "size": one.size,
            "tasks": one.tasks,
            "apart": one.name in apart,
            "success": _estimate(one.success),
            **{name: _estimate(value) for name, value in one.measures.items()},
            "failed": one.failed,
        }
        for one in results
    ]


def _row(one: DomainResult, name: str, apart: bool) -> Sequence[str]:
    cells = [one.success, *one.measures.values()]
    tasks = f"{one.tasks}" if one.tasks == one.size else f"{one.tasks} of {one.size}"
    return (f"{one.name}{f' {APART}' if apart else ''}", tasks, name, *map(_cell, cells), str(one.failed))


def _cell(estimate: Estimate) -> str:
    return f"{percent(estimate.mean)} {interval(estimate)}"


def _estimate(value: Estimate) -> Mapping[str, Any]:
    return {"mean": finite(value.mean), "ci95": value.interval}
