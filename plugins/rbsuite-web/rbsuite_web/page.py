"""A page as text, and the references by which its elements are named.

The text is this project's own form of what assistive technology is told. A line is a text of the page, or an element with its role, its
name in quotes, its state and, if an agent can use it, its reference in brackets::

    heading "Your cart"
    row
      Blue mug | 4.50
      spinbutton "Quantity" value "1" [kq3fx]
      button "Remove" [b7dmz]
    combobox "Country" value "Norway" options "Denmark" | "Norway" [wz2np]

**A reference depends on role, name and the count of earlier elements with both the same**, and on nothing else: the same button has the
same reference before and after a click, in every episode and on every page. :func:`reference` computes it without a browser, so that
solutions can be written down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selenium.webdriver.remote.webelement import WebElement

    from rbsuite_web.browser import Browser

_LETTERS = "bcdfghjkmnpqrstvwxz23456789"
_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class View:
    """How a page is put into words.

    Attributes:
        every: whether every leaf of the page gets a reference, and is shown with its position, size and colours; for pages that are not
            made of ordinary elements. Otherwise only what can be used.
        limit: characters of a page that are shown at a time.
        without: a CSS selector of what is left out; empty: nothing is.
    """

    every: bool = False
    limit: int = 16_000
    without: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page as read.

    Attributes:
        url: its address.
        title: its title.
        lines: its text.
    """

    url: str
    title: str
    lines: tuple[str, ...]

    def parts(self, limit: int) -> list[str]:
        """The text in pieces of at most this many characters, cut between lines; a longer line is a piece of its own."""
        pieces: list[list[str]] = [[]]
        size = 0
        for line in self.lines:
            if pieces[-1] and size + len(line) + 1 > limit:
                pieces.append([])
                size = 0
            pieces[-1].append(line)
            size += len(line) + 1
        return ["\n".join(piece) for piece in pieces]


@dataclass(frozen=True, slots=True)
class Element:
    """An element with a reference, for reference solutions.

    Attributes:
        ref: its reference.
        tag: HTML tag, in lower case.
        text: all of its text, with single blanks.
        value: value of a field.
        attributes: HTML attributes.
        box: left, top, width and height in the window, in pixels.
    """

    ref: str
    tag: str
    text: str
    value: str
    attributes: Mapping[str, str]
    box: tuple[int, int, int, int]


def read(browser: Browser, view: View) -> Page:
    """What the page shows now.

    Raises:
        EnvironmentFailure: the browser fails.
    """
    seen = browser.script(_script(), view.every, view.without, None, None)
    return Page(str(seen["url"]), str(seen["title"]), tuple(map(str, seen["lines"])))


def find(browser: Browser, ref: str, view: View) -> tuple[WebElement, tuple[int, int] | None] | None:
    """The element that a reference names on the current page, if there is one, and where in the window a plain click hits it.

    The point is ``None`` if more is needed, such as scrolling, or if something covers the element.

    Raises:
        EnvironmentFailure: the browser fails.
    """
    found = browser.script(_script(), view.every, view.without, ref, None)
    if found is None:
        return None
    element, spot = found
    return element, (int(spot[0]), int(spot[1])) if spot else None


def elements(browser: Browser, selector: str, view: View) -> list[Element]:
    """The elements with a reference that match a CSS selector, in page order.

    Raises:
        EnvironmentFailure: the browser fails.
    """
    rows = browser.script(_script(), view.every, view.without, None, selector)
    return [
        Element(row["ref"], row["tag"], row["text"], row["value"], row["attributes"], tuple(row["box"])) for row in rows
    ]


def reference(role: str, name: str = "", nth: int = 0) -> str:
    """The reference of an element.

    Args:
        role: as it is shown.
        name: as it is shown, without the quotes.
        nth: how many elements with the same role and name come before it.
    """
    if len(name) > _LONGEST_NAME:
        name = name[: _LONGEST_NAME - 1] + "…"
    units = f"{role}\0{name}\0{nth}".encode("utf-16-le")
    number = 0x811C9DC5
    for at in range(0, len(units), 2):
        number = (number ^ int.from_bytes(units[at : at + 2], "little")) * 0x01000193 % (1 << 32)
    made = ""
    for _ in range(5):
        number, letter = divmod(number, 27)
        made += _LETTERS[letter]
    return made


@cache
def _script() -> str:
    return Path(__file__).with_name("page.js").read_text(encoding="utf-8")
