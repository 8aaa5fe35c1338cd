"""Tables of a page. Each figure names its place in the document of ``rbsuite compare --json``, and is written as ``compare`` writes it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rbsuite.jsonable import Json
from rbsuite.report.figures import bounded, interval, p_text, percent, point_bounds, points
from rbsuite.report.text import one_line
from rbsuite.statistics.intervals import Estimate


@dataclass(frozen=True, slots=True)
class PageCell:
    """An entry of a table or a sentence.

    Attributes:
        text: the text that is shown.
        value: the number behind it, for sorting and for programs; ``None``: there is none.
        source: where the figure is in the document, as a JSON pointer; empty for a name.
        form: how it is written: one of :data:`FORMS`.
    """

    text: str
    value: float | None = None
    source: str = ""
    form: str = ""


@dataclass(frozen=True, slots=True)
class PageTable:
    """A table.

    Attributes:
        name: unique on the page; names its CSV file.
        title: its caption.
        columns: their headings, and whether they contain numbers.
        rows: the cells.
        about: what a reader must know.
    """

    name: str
    title: str
    columns: Sequence[tuple[str, bool]]
    rows: Sequence[Sequence[PageCell]]
    about: str = ""


@dataclass(frozen=True, slots=True)
class PageChart:
    """A chart.

    Attributes:
        name: unique on the page; names its SVG file.
        svg: the chart.
        caption: what it shows.
        keys: its series: the name and class of each.
        wide: whether it has a row of its own.
    """

    name: str
    svg: str
    caption: str
    keys: Sequence[tuple[str, str]] = ()
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page.

    Attributes:
        name: its anchor.
        title: its heading.
        about: its paragraphs.
        figures: its charts.
        tables: its tables; the first one is open.
        warning: text that is highlighted.
    """

    name: str
    title: str
    about: Sequence[str]
    figures: Sequence[PageChart]
    tables: Sequence[PageTable]
    warning: str = ""


def label(text: object) -> PageCell:
    """A cell that contains a name."""
    return PageCell(one_line(str(text)))


def estimate(value: Mapping[str, Any] | None) -> Estimate:
    """An estimate from the document's ``mean`` (or ``difference``) and ``ci95``."""
    if value is None:
        return Estimate(math.nan, None)
    mean, bounds = value.get("mean", value.get("difference")), value["ci95"]
    return Estimate(math.nan if mean is None else mean, None if bounds is None else (bounds[0], bounds[1]))


def _optional(write: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda value: "-" if value is None else write(value)


def _per_task(value: Mapping[str, Any]) -> str:
    return f"{value['tokens']:,.0f}"


FORMS: Mapping[str, Callable[[Any], str]] = {
    "percent": _optional(percent),
    "share": lambda value: bounded(estimate(value)),
    "bounds": lambda value: "-" if value is None else interval(Estimate(0.0, (value[0], value[1]))),
    "points": _optional(points),
    "change": lambda value: f"{points(estimate(value).mean)}{point_bounds(estimate(value).interval)}",
    "point bounds": lambda value: "-" if value is None else point_bounds((value[0], value[1])).strip(),
    "p": _optional(lambda value: p_text(value).removeprefix("= ")),
    "count": _optional(lambda value: f"{value:,.0f}"),
    "decimal": _optional(lambda value: f"{value:.1f}"),
    "deviation": _optional(lambda value: f"{100 * value:.1f}"),
    "dollars": lambda value: "unknown" if value is None else f"{value:.4f}",
}
"""How figures are written, by name: from the value in the document to the text."""


def key(name: str) -> str:
    """A name as a part of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


class Reading:
    """Reads figures from the document.

    Args:
        document: what ``rbsuite compare --json`` prints, and similar data.
    """

    def __init__(self, document: Json) -> None:
        self.document = document

    def __call__(self, source: str, form: str) -> PageCell:
        """The cell of a figure.

        Args:
            source: a JSON pointer, e.g. ``/comparisons/0/difference``.
            form: how to write it.
        """
        value = self.at(source)
        number = value
        if isinstance(value, Mapping):
            number = estimate(value).mean if "ci95" in value else None
        if isinstance(number, bool) or not isinstance(number, int | float) or math.isnan(number):
            number = None
        return PageCell(FORMS[form](value), number, source, form)

    def at(self, source: str) -> Any:
        """The value at a pointer."""
        value = self.document
        for word in source.split("/")[1:]:
            value = value[int(word)] if isinstance(value, list) else value[word.replace("~1", "/").replace("~0", "~")]
        return value
