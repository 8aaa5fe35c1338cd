"""The charts of a page, drawn by pygal as SVG: no script, no style of their own, so that the page's style sheet alone colours them."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any
from xml.etree import ElementTree

from rbsuite.errors import UsageError
from rbsuite.inert import inert
from rbsuite.leaderboard.boards import SUCCESS
from rbsuite.leaderboard.submission import Gain
from rbsuite.leaderboard.table import Table, cost_of

_SPACE = "{http://www.w3.org/2000/svg}"


def cost_chart(table: Table) -> str:
    """Headline against cost: a point a row with its 95 % interval, and the Pareto front. Empty without rows.

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
    unit = "dollars a task" if table.cost == "dollars" else "tokens a task"
    headline = "success" if table.place.board.headline == SUCCESS else table.place.board.headline.replace("_", " ")
    chart = _chart("XY", 760, 380, x_title=unit, y_title=f"{headline} %")
    bars: list[Any] = []
    for cost, _, _, row in points:
        bounds = row.row.headline
        if bounds.low is not None and bounds.high is not None:
            bars += [(cost, 100 * bounds.low), (cost, 100 * bounds.high), None]
    chart.add("95 % intervals", bars, show_dots=False, allow_interruptions=True)
    chart.add("Pareto front", sorted((cost, value) for cost, value, _, row in points if row.front), show_dots=False)
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
        chart.add(kind, dots, stroke=False)
    return _svg(chart, "chart cost", f"{headline} against {unit}, a point a row; the line is the Pareto front")


def learning_chart(gain: Gain) -> str:
    """Mean score along the stream, of the condition and of its baseline. Empty without windows.

    Raises:
        UsageError: pygal is not installed.
    """
    curve = gain.curve
    if len(curve) < 2:
        return ""
    chart = _chart("Line", 380, 190, x_title="place in the stream", y_title="mean %", range=(0, 100))
    chart.x_labels = [point.name for point in curve]
    chart.add("condition", [_percent(point.condition.mean) for point in curve])
    chart.add("baseline", [_percent(point.baseline.mean) for point in curve])
    return _svg(chart, "chart curve", "mean score along the stream: the memory, and dashed its baseline")


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value


def _chart(kind: str, width: int, height: int, **options: Any) -> Any:
    return getattr(_pygal(), kind)(
        js=[],
        css=[],
        no_prefix=True,
        disable_xml_declaration=True,
        show_legend=False,
        width=width,
        height=height,
        dots_size=5,
        max_scale=8,
        margin=8,
        margin_right=28,
        **options,
    )


@cache
def _pygal() -> Any:
    before = list(sys.meta_path)
    try:
        import pygal
    except ImportError as error:
        raise UsageError("the page's charts need pygal.", "Run: pip install 'rbsuite[leaderboard]'") from error
    # It hooks into every later import of the process, for plugins with maps, in a way that Python 3.11 warns of.
    sys.meta_path[:] = [one for one in sys.meta_path if one in before or not type(one).__module__.startswith("pygal")]
    return pygal


def _svg(chart: Any, classes: str, title: str) -> str:
    """The chart as part of a page: without pygal's script, style, dates and hidden texts, each point with a title to be read out."""
    root = chart.render_tree()
    _clean(root)
    root.attrib.pop("id", None)
    root.attrib.pop("xmlns", None)
    root.attrib |= {"class": classes, "role": "img", "aria-label": title}
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SPACE) if isinstance(element.tag, str) else element.tag
        element.attrib.pop("style", None)
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)


def _clean(parent: Any) -> None:
    for child in list(parent):
        name = child.tag.removeprefix(_SPACE) if isinstance(child.tag, str) else ""
        classes = child.get("class", "").split()
        if name in ("", "defs", "title") or "tooltip-overlay" in classes or "text-overlay" in classes:
            parent.remove(child)
        elif name == "desc":
            if "label" in classes:
                circle = next(one for one in parent if one.tag.endswith("circle"))
                ElementTree.SubElement(circle, "title").text = inert(child.text or "")
            parent.remove(child)
        else:
            _clean(child)
