"""The charts of a board's page."""

from __future__ import annotations

from typing import Any

from rbsuite.leaderboard.boards import SUCCESS
from rbsuite.leaderboard.submission import Gain
from rbsuite.leaderboard.table import BoardTable, cost_of
from rbsuite.pages.charts import chart, svg


def cost_chart(table: BoardTable) -> str:
    """Headline against cost: a point with its 95 % interval for each row, and the Pareto front. Empty without rows.

    Raises:
        UsageError: pygal is not installed.
    """
    points = [
        (cost, 100 * row.row.headline.mean, number, row)
        for number, row in enumerate(table.rows)
        if (cost := cost_of(row.row, table.cost)) is not None and row.row.headline.mean is not None
    ]
    if not points:
        return ""
    unit = "dollars per task" if table.cost == "dollars" else "tokens per task"
    headline = "success" if table.place.board.headline == SUCCESS else table.place.board.headline.replace("_", " ")
    drawn = chart("XY", 760, 380, x_title=unit, y_title=f"{headline} %")
    bars: list[Any] = []
    for cost, _, _, row in points:
        bounds = row.row.headline
        if bounds.low is not None and bounds.high is not None:
            bars += [(cost, 100 * bounds.low), (cost, 100 * bounds.high), None]
    drawn.add("95 % intervals", bars, show_dots=False, allow_interruptions=True)
    drawn.add("Pareto front", sorted((cost, value) for cost, value, _, row in points if row.front), show_dots=False)
    for kind, baseline in (("memory", False), ("baseline", True)):
        dots = [
            {
                "value": (cost, value),
                "label": f"{row.name}: {value:.1f} %, {cost:.4g} {unit}",
                "node": {"class": f"point {kind}", "data-row": f"{number}"},
            }
            for cost, value, number, row in points
            if row.row.baseline == baseline
        ]
        drawn.add(kind, dots, stroke=False)
    return svg(drawn, "chart cost", f"{headline} against {unit}, one point per row; the line is the Pareto front")


def learning_chart(gain: Gain) -> str:
    """Mean score of the condition and of its baseline along the stream. Empty without windows.

    Raises:
        UsageError: pygal is not installed.
    """
    curve = gain.curve
    if len(curve) < 2:
        return ""
    drawn = chart("Line", 380, 190, x_title="place in the stream", y_title="mean %", range=(0, 100))
    drawn.x_labels = [point.name for point in curve]
    drawn.add("condition", [_percent(point.condition.mean) for point in curve])
    drawn.add("baseline", [_percent(point.baseline.mean) for point in curve])
    return svg(drawn, "chart curve", "mean score along the stream: the memory, and dashed its baseline")


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value
