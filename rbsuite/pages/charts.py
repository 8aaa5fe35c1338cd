"""Charts drawn by pygal as SVG: no script, no style of their own, so that the page's style sheet alone colours them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from typing import Any
from xml.etree import ElementTree

from rbsuite.errors import UsageError
from rbsuite.inert import inert

_SPACE = "{http://www.w3.org/2000/svg}"


def chart(kind: str, width: int, height: int, *, label_size: int = 0, **options: Any) -> Any:
    """A pygal chart without its script and legend.

    Args:
        kind: name of pygal's class, e.g. ``XY``.
        width: width in pixels; ``height``: likewise.
        label_size: the size of labels to make room for; 0: pygal's default.
        options: further options of pygal.

    Raises:
        UsageError: pygal is not installed.
    """
    pygal = _pygal()
    if label_size:
        from pygal.style import Style

        options["style"] = Style(
            label_font_size=label_size, major_label_font_size=label_size, title_font_size=label_size
        )
    return getattr(pygal, kind)(
        js=[],
        css=[],
        no_prefix=True,
        disable_xml_declaration=True,
        show_legend=False,
        width=width,
        height=height,
        **{"dots_size": 5, "max_scale": 8, "margin": 8, "margin_right": 28, "truncate_label": -1, **options},
    )


@cache
def _pygal() -> Any:
    before = list(sys.meta_path)
    try:
        import pygal
    except ImportError as error:
        raise UsageError("the page's charts need pygal.", "Run: pip install 'rbsuite[report]'") from error
    # It hooks into every later import of the process, for plugins with maps, in a way that Python 3.11 warns about.
    sys.meta_path[:] = [one for one in sys.meta_path if one in before or not type(one).__module__.startswith("pygal")]
    return pygal


def svg(drawn: Any, classes: str, title: str, series: Sequence[str] = ()) -> str:
    """A chart as part of a page: without pygal's script, style, dates and hidden texts, each point with a title to be read out.

    Args:
        drawn: the chart.
        classes: classes of the element.
        title: what it shows, for those who cannot see it.
        series: further classes of each series, in order.
    """
    root = drawn.render_tree()
    _clean(root)
    root.attrib.pop("id", None)
    root.attrib.pop("xmlns", None)
    root.attrib |= {"class": classes, "role": "img", "aria-label": inert(title)}
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SPACE) if isinstance(element.tag, str) else element.tag
        element.attrib.pop("style", None)
        found = element.get("class", "").split()
        for word in found:
            place = word.removeprefix("serie-")
            if "series" in found and place.isdigit() and int(place) < len(series):
                element.attrib["class"] += f" {series[int(place)]}"
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)


def _clean(parent: Any) -> None:
    # Descriptions come last: the titles made from them stay.
    for child in sorted(parent, key=lambda one: str(one.tag).endswith("desc")):
        name = child.tag.removeprefix(_SPACE) if isinstance(child.tag, str) else ""
        classes = child.get("class", "").split()
        if name in ("", "defs", "title") or "tooltip-overlay" in classes or "text-overlay" in classes:
            parent.remove(child)
        elif name == "desc":
            if "label" in classes:
                shape = next((one for one in parent if one.tag.endswith(("circle", "rect"))), parent)
                ElementTree.SubElement(shape, "title").text = inert(child.text or "")
            parent.remove(child)
        else:
            _clean(child)
