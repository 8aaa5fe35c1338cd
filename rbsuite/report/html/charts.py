"""The charts of a report. A point has the same text as in the table below the chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rbsuite.pages.charts import chart, svg
from rbsuite.report.html.cells import PageCell, Reading, estimate

COLOURS = 8
"""Number of colours, each with its own dash pattern; after them, series start over."""

LABEL = 14
"""Size of the labels beside a chart, which is drawn small on a phone."""

Point = tuple[float, Any, str]
"""The position on the x axis, an estimate from the document (or a number), and the text of the point."""


@dataclass(frozen=True, slots=True)
class Series:
    """A series: its name, the class that colours it, its points, and whether a line joins them (they follow each other)."""

    name: str
    colour: int
    points: Sequence[Point]
    joined: bool = True

    @property
    def key(self) -> tuple[str, str]:
        """Name and class, for the legend."""
        return self.name, f"c{self.colour % COLOURS}"


def bands(
    lines: Sequence[Series], title: str, x_title: str, y_title: str, *, scale: float = 100, **options: Any
) -> str:
    """Lines with their 95 % intervals as bands.

    Args:
        lines: the series; points with unknown values are left out.
        title: what the chart shows.
        x_title: the title of the horizontal axis; ``y_title``: of the vertical one.
        scale: the factor by which values are multiplied: shares are shown in percent.
        options: pygal options, e.g. ``range``.
    """
    drawn = chart("XY", 460, 260, x_title=x_title, y_title=y_title, dots_size=4, **options)
    classes, above = [], []  # lines go above all bands, which would change their colours
    for line in lines:
        name = f"c{line.colour % COLOURS}"
        known = [(x, _mean(value), _bounds(value), text) for x, value, text in line.points]
        around = [(x, bounds) for x, mean, bounds, _ in known if bounds is not None and mean is not None]
        if len(around) > 1:
            edge = [(x, scale * low) for x, (low, _) in around]
            drawn.add(
                line.name, [*edge, *((x, scale * high) for x, (_, high) in reversed(around)), edge[0]], show_dots=False
            )
            classes.append(f"band {name}")
        dots = [{"value": (x, scale * mean), "label": text} for x, mean, _, text in known if mean is not None]
        above.append((line, dots, f"line {name}"))
    for line, dots, name in above:
        drawn.add(line.name, dots, stroke=line.joined)
        classes.append(name)
    return svg(drawn, "chart bands", title, classes)


def forest(rows: Sequence[tuple[str, Any, str, int]], title: str, x_title: str) -> str:
    """Differences with their intervals, one below the other, and a line where nothing differs.

    Args:
        rows: name, estimate, text and colour of each.
        title: what the chart shows.
        x_title: the title of the horizontal axis.
    """
    drawn = chart(
        "XY",
        620,
        80 + 26 * len(rows),
        label_size=LABEL,
        x_title=x_title,
        y_labels=[
            {"value": len(rows) - place, "label": name if len(name) <= 42 else f"{name[:39]}..."}
            for place, (name, *_) in enumerate(rows)
        ],
        range=(0.4, len(rows) + 0.6),
        dots_size=6,
        show_y_guides=False,
    )
    drawn.add("", [(0, 0.4), (0, len(rows) + 0.6)], show_dots=False)
    classes, ends = ["zero"], [0.0]
    for place, (name, value, text, colour) in enumerate(rows):
        mean, bounds = _mean(value), _bounds(value)
        if mean is None:
            continue
        height = len(rows) - place
        ends += (100 * end for end in bounds or (mean, mean))
        if bounds is not None:
            drawn.add(name, [(100 * bounds[0], height), (100 * bounds[1], height)], show_dots=False)
            classes.append(f"reach c{colour % COLOURS}")
        drawn.add(name, [{"value": (100 * mean, height), "label": text}], stroke=False)
        classes.append(f"line c{colour % COLOURS}")
    room = 0.04 * (max(ends) - min(ends))
    # pygal takes the ends of the horizontal axis from points only.
    drawn.add("", [(min(ends) - room, 0.4), (max(ends) + room, 0.4)], stroke=False, show_dots=False)
    return svg(drawn, "chart forest", title, classes)


def stacked(names: Sequence[str], parts: Sequence[tuple[str, Sequence[PageCell]]], title: str, x_title: str) -> str:
    """Sums of parts, one bar each.

    Args:
        names: the names of the bars.
        parts: name of each part, and its cells by bar.
        title: what the chart shows.
        x_title: the title of the value axis.
    """
    drawn = chart("HorizontalStackedBar", 620, 90 + 34 * len(names), label_size=LABEL, x_title=x_title)
    drawn.x_labels = [name if len(name) <= 42 else f"{name[:39]}..." for name in reversed(names)]
    for name, cells in parts:
        bars = [{"value": cell.value or 0.0, "label": f"{name}: {cell.text}"} for cell in reversed(cells)]
        drawn.add(name, bars)
    return svg(drawn, "chart stacked", title, [f"part s{number}" for number in range(len(parts))])


def line_of(read: Reading, name: str, colour: int, points: Sequence[tuple[float, str, str]]) -> Series:
    """A series, from the places of its figures in the document.

    Args:
        read: the document.
        name: the name of the series.
        colour: the number of its colour.
        points: the position on the x axis, the pointer and the form of each.
    """
    return Series(
        name, colour, [(x, read.at(source), f"{name}: {read(source, form).text}") for x, source, form in points]
    )


def _mean(value: Any) -> float | None:
    found = estimate(value).mean if isinstance(value, dict) else value
    return None if found is None or found != found else float(found)


def _bounds(value: Any) -> tuple[float, float] | None:
    return estimate(value).interval if isinstance(value, dict) else None
