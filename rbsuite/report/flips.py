"""The tasks that a memory won and lost, as text and as plain data. For ``rbsuite compare --flips``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rbsuite.report.figures import percent, points
from rbsuite.report.results import SIMULATED
from rbsuite.report.text import one_line, table
from rbsuite.statistics.flips import Flip, flips

if TYPE_CHECKING:
    from rbsuite.report.comparison import Compared
    from rbsuite.statistics.comparisons import Comparison


def compared_flips(compared: Compared) -> Sequence[tuple[Comparison, Sequence[Flip]]]:
    """The flips of every comparison, including those over tasks that are reported separately."""
    summary = compared.summary
    found = [*summary.comparisons, *(one for part in summary.shown_apart for one in part.comparisons)]
    return [(one, flips(one.paired)) for one in found]


def render(compared: Compared) -> str:
    """The lists."""
    parts = [_one(one, found, compared) for one, found in compared_flips(compared)]
    parts.append(f"One of them: rbsuite show {compared.stores[0].directory} TASK")
    if compared.simulated:
        parts.append(SIMULATED)
    return "\n\n".join(parts)


def _one(one: Comparison, found: Sequence[Flip], compared: Compared) -> str:
    mark = " (simulated)" if compared.simulated else ""
    won, lost = [flip for flip in found if flip.difference > 0], [flip for flip in found if flip.difference < 0]
    same = one.n_tasks - len(found)
    head = f"{one.a.label} - {one.b.label}{mark}: {len(won)} tasks won, {len(lost)} lost, {same} the same"
    rows = [("", "task", "group", "A %", "B %", "difference", "orders won", "lost")]
    for sign, flips_of in (("+", won), ("-", lost)):
        rows += [
            (
                sign,
                one_line(flip.task),
                one_line(compared.summary.about.group.get(flip.task, "")),
                percent(flip.a),
                percent(flip.b),
                points(flip.difference),
                f"{flip.won} of {flip.cells}",
                str(flip.lost),
            )
            for flip in (flips_of if sign == "+" else reversed(flips_of))
        ]
    return f"{head}\n{table(rows, 2, right_from=3)}" if found else head


def flips_json(compared: Compared) -> Sequence[Mapping[str, Any]]:
    """The lists as plain data."""
    return [
        {
            "a": one.a.label,
            "b": one.b.label,
            "tasks": one.n_tasks,
            "flips": [
                {
                    "task": flip.task,
                    "group": compared.summary.about.group.get(flip.task, ""),
                    "a": flip.a,
                    "b": flip.b,
                    "difference": flip.difference,
                    "cells": flip.cells,
                    "won": flip.won,
                    "lost": flip.lost,
                }
                for flip in found
            ],
        }
        for one, found in compared_flips(compared)
    ]
