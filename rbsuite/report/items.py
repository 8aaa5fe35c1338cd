"""Which memory items helped, as text and as plain data. For ``rbsuite memory helped`` and ``rbsuite attribute``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rbsuite.report.figures import finite, percent, point_bounds, points
from rbsuite.report.text import fold, one_line, table
from rbsuite.statistics.items import NOT_CAUSAL, ItemsHelped, Use

if TYPE_CHECKING:
    from rbsuite.statistics.intervals import Estimate

TITLE = 44
"""Number of characters of a title in a table."""


def helped_text(found: Sequence[ItemsHelped], shown: int, *, simulated: bool) -> str:
    """The tables.

    Args:
        found: how the items were used.
        shown: number of item rows per condition, those with the greatest and the least contrast; 0: all.
        simulated: whether the models are simulations.
    """
    mark = " (simulated)" if simulated else ""
    parts = []
    for one in found:
        head = f"{one.condition.label} - {one.baseline.label}{mark}: {len(one.items)} items were recalled, {len(one.clusters)} clusters"
        clusters: list[Sequence[str]] = [("cluster", "items", "banks", *_HEADS)]
        clusters += [
            (title(use.title), str(use.items), str(use.runs), *_cells(use.use)) for use in ends(one.clusters, shown)
        ]
        items: list[Sequence[str]] = [("item", "", "order", *_HEADS)]
        items += [
            (use.item.id, title(use.item.title), str(use.run.order), *_cells(use.use)) for use in ends(one.items, shown)
        ]
        parts.append("\n".join([head, table(clusters, 2, right_from=1), "", table(items, 2, right_from=2)]))
    parts.append(
        fold(
            "Score and baseline: percent on the tasks for which it was recalled. With and without: difference from the baseline in "
            f"points, of those tasks and of the others of the stream that came when the bank held it. {NOT_CAUSAL}"
        )
    )
    return "\n\n".join(parts)


_HEADS = ("tasks", "score", "baseline", "with it", "others", "without it", "contrast")


def ends(rows: Sequence[Any], shown: int) -> Sequence[Any]:
    """The first and the last rows, if there are more than are shown."""
    if not shown or len(rows) <= shown:
        return rows
    first = (shown + 1) // 2
    return [*rows[:first], *rows[len(rows) - (shown - first) :]]


def title(text: str) -> str:
    """A title as it appears in a table."""
    text = one_line(text)
    return text if len(text) <= TITLE else f"{text[: TITLE - 3]}..."


def _cells(use: Use) -> Sequence[str]:
    return (
        str(use.recalled),
        percent(use.score),
        percent(use.baseline),
        change(use.with_it),
        str(use.passed),
        change(use.without_it),
        change(use.contrast),
    )


def change(estimate: Estimate) -> str:
    """A difference in points with its interval."""
    return f"{points(estimate.mean)}{point_bounds(estimate.interval)}"


def helped_json(found: Sequence[ItemsHelped]) -> Sequence[Mapping[str, Any]]:
    """The same as plain data; differences are between -1 and 1."""
    return [
        {
            "condition": one.condition,
            "baseline": one.baseline,
            "note": NOT_CAUSAL,
            "clusters": [
                {"title": use.title, "items": use.items, "runs": use.runs, **_use_json(use.use)} for use in one.clusters
            ],
            "items": [
                {
                    "run": use.run.id,
                    "id": use.item.id,
                    "title": use.item.title,
                    "tasks": use.tasks,
                    **_use_json(use.use),
                }
                for use in one.items
            ],
        }
        for one in found
    ]


def _use_json(use: Use) -> Mapping[str, Any]:
    return {
        "recalled": use.recalled,
        "not_recalled": use.passed,
        "score": use.score,
        "baseline": use.baseline,
        "with_it": estimate_json(use.with_it),
        "without_it": estimate_json(use.without_it),
        "contrast": estimate_json(use.contrast),
    }


def estimate_json(estimate: Estimate) -> Mapping[str, Any]:
    """A mean with its interval; ``None`` if unknown."""
    return {"mean": finite(estimate.mean), "ci95": estimate.interval}
