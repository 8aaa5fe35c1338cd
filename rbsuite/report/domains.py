"""The table of figures by domain, with the domains that are reported separately."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rbsuite.report.figures import bounded, finite, point_bounds, points
from rbsuite.report.text import WIDTH, table
from rbsuite.statistics.curves import breakdown

if TYPE_CHECKING:
    from rbsuite.record import Condition
    from rbsuite.statistics.intervals import Estimate
    from rbsuite.statistics.summary import Summary

APART = "*"
"""Marks a domain that is reported separately."""


def domains_text(summary: Summary, names: Sequence[str], width: int = WIDTH) -> str:
    """The table, with the domains that are reported separately last, and notes on them; empty if there is nothing to show by domain.

    Args:
        summary: the figures.
        names: the name of each of the summary's conditions.
        width: the width to which the notes below the table are folded.
    """
    warnings, measures = summary.about.apart, [name.replace("_", " ") for name in summary.about.measures]
    found = {name: summary.domains[one.condition] for name, one in zip(names, summary.conditions, strict=True)}
    if not any(found.values()):
        return ""
    changes = dict(zip(names, (_differences(summary, one.condition) for one in summary.conditions), strict=True))
    columns = [f"{name} % [95 %]" for name in ("success", *measures)]
    columns += [*(["difference [95 %]"] if summary.comparisons else []), "failed"]
    by_domain = sorted(zip(*found.values(), strict=True), key=lambda row: row[0].name in warnings)
    rows: list[Sequence[str]] = [("domain", "condition", "tasks", *columns)]
    for row in by_domain:
        for name, one in zip(names, row, strict=True):
            cells = [bounded(value) for value in (one.success, *one.measures.values())]
            if summary.comparisons:
                change = changes[name].get(one.name)
                cells.append("" if change is None else f"{points(change.mean)}{point_bounds(change.interval)}")
            tasks = f"{one.tasks}" if one.tasks == one.size else f"{one.tasks} of {one.size}"
            rows.append(
                (f"{one.name}{f' {APART}' if one.name in warnings else ''}", name, tasks, *cells, f"{one.failed}")
            )
    notes = ["By the rollout that counts; intervals are over the tasks of a domain, given the orders that were run."]
    left_out = "" if summary.all_apart else " and left out of the figures of the others"
    notes += [f"{APART} {domain} is reported separately{left_out}: {why}" for domain, why in warnings.items()]
    return "\n".join(
        [table(rows, right_from=2), *(textwrap.fill(note, width, subsequent_indent="  ") for note in notes)]
    )


def domains_json(summary: Summary, condition: Condition) -> list[Mapping[str, Any]]:
    """The figures of one condition as plain data."""
    return [
        {
            "domain": one.name,
            "size": one.size,
            "tasks": one.tasks,
            "apart": one.name in summary.about.apart,
            "success": _estimate(one.success),
            **{name: _estimate(value) for name, value in one.measures.items()},
            "failed": one.failed,
        }
        for one in summary.domains[condition]
    ]


def _differences(summary: Summary, condition: Condition) -> Mapping[str, Estimate]:
    """For each domain, the difference between a condition and the baseline that it is first compared with."""
    for number, one in enumerate(summary.comparisons):
        if one.a == condition:
            others = {part.name: part.change for part in breakdown(one.paired, summary.about.domain)}
            apart = {part.part.domain: part.comparisons[number].difference for part in summary.apart}
            return {**others, **apart}
    return {}


def _estimate(value: Estimate) -> Mapping[str, Any]:
    return {"mean": finite(value.mean), "ci95": value.interval}
