"""Tables of figures by domain: success, and what else the environment keeps of a rollout, each with its interval."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rbsuite.cli.output import WIDTH, table
from rbsuite.statistics.parts import domain_figures, measures_of
from rbsuite.statistics.summary import ApartSummary, Summary, runs_by_condition

if TYPE_CHECKING:
    from rbsuite.record import Condition
    from rbsuite.statistics.intervals import Estimate
    from rbsuite.statistics.parts import DomainFigures
    from rbsuite.store import ExperimentStore

APART = "*"
"""Marks a domain that stands apart."""


def figures_by_domain(stores: Sequence[ExperimentStore]) -> Mapping[Condition, Sequence[DomainFigures]]:
    """The figures of each condition by domain; empty where the environment keeps none beside success."""
    found = {condition: domain_figures(runs) for condition, runs in runs_by_condition(stores)[0].items()}
    return {condition: figures for condition, figures in found.items() if figures}


def domains_text(stores: Sequence[ExperimentStore], summary: Summary, names: Sequence[str]) -> str:
    """The table, with what is to be said of the domains that stand apart; empty where there is none.

    Args:
        stores: the experiments.
        summary: their figures.
        names: what each of the summary's conditions is called.
    """
    found = figures_by_domain(stores)
    if not found:
        return ""
    measures = measures_of(stores[0])
    apart = {one.part.domain: one for one in summary.apart}
    heads = ("domain", "tasks", "condition", "success % [95 %]", *(f"{name.replace('_', ' ')} %" for name in measures))
    rows: list[Sequence[str]] = [heads]
    shown = [(name, found.get(one.condition, ())) for name, one in zip(names, summary.conditions, strict=True)]
    domains = dict.fromkeys(figures.name for _, ones in shown for figures in ones)
    for domain in sorted(domains, key=lambda name: (name in apart, name)):
        for name, ones in shown:
            rows += [_row(one, name, measures, domain in apart) for one in ones if one.name == domain]
    notes = (textwrap.fill(f"{APART} {_note(one)}", WIDTH, subsequent_indent="  ") for one in summary.apart)
    return "\n".join([table(rows), *notes])


def domains_json(figures: Sequence[DomainFigures], summary: Summary) -> list[Mapping[str, Any]]:
    """The figures of one condition as plain data."""
    apart = {one.part.domain for one in summary.apart}
    return [
        {
            "domain": one.name,
            "tasks": one.tasks,
            "apart": one.name in apart,
            "success": _estimate(one.success),
            **{name: _estimate(value) for name, value in one.measures.items()},
        }
        for one in figures
    ]


def _note(one: ApartSummary) -> str:
    left_out = ", left out of the figures of the others" if one.conditions else ""
    return f"{one.part.domain} stands apart{left_out}: {one.part.warning}"


def _row(one: DomainFigures, name: str, measures: Mapping[str, str], apart: bool) -> Sequence[str]:
    cells = [one.success, *(one.measures[measure] for measure in measures)]
    return (f"{one.name}{f' {APART}' if apart else ''}", str(one.tasks), name, *map(_cell, cells))


def _cell(estimate: Estimate) -> str:
    from rbsuite.cli.results import interval, percent

    return f"{percent(estimate.mean)} {interval(estimate)}"


def _estimate(value: Estimate) -> Mapping[str, Any]:
    return {"mean": value.mean, "ci95": value.interval}
